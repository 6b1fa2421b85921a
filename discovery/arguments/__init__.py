"""The parser lines of the command line, a module a group of commands."""
