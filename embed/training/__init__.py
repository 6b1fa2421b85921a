"""Fine-tuning: recipe, loop, checkpoints, recursive training, new classes."""
