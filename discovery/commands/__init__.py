"""What each command of ``discover`` does: read the options, call the library, print the results."""
