"""How well new classes would be found: each known class is hidden in turn."""
