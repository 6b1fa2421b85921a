"""How good a generator is: the evaluation's files and its page."""
