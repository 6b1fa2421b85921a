"""Reports made again from what their runs were given, and compared with those that are there."""
