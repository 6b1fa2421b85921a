"""Layouts and clusterings of vectors: mathematics on arrays."""
