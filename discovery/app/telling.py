"""How a command tells its progress to the server that started it, line by line among its other output."""

VARIABLE = "DISCOVER_PROGRESS"
"""With the value ``json`` in the environment, progress is told every second on standard error: a line of `MARK` and a JSON object."""

MARK = "\x1e"
"""Begins such a line (ASCII's record separator, as in RFC 7464)."""
