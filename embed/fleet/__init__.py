"""A long work in parts: one part after the other in this process, or spread over a Ray cluster of many machines."""
