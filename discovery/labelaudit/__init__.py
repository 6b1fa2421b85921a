"""The label audit of a study, its page and its gallery."""
