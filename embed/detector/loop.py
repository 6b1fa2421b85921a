"""The training loop: batches, checks on fresh examples, checkpoints, until all examples were shown or nothing improves."""
