"""The catalogue: one row a glitch in SQLite, its views, its label events, its runs."""
