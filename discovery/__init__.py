"""From vectors and the neighbour graph to clusters, maps, evidence and the ``discover`` command."""
