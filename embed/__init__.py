"""From images and strain to one vector a glitch, a FAISS index and a neighbour graph."""
