"""Whether everything that a study keeps is still as it was written, and what can be made again from what is whole."""
