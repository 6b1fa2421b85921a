"""The local review app of `discover explore`: a study on 127.0.0.1, where a look becomes a decision."""
