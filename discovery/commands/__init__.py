"""What each command of ``discover`` does: read the options, call the library, say what came of it."""
