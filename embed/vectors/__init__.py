"""One vector a glitch, stores with passports, the FAISS index and the neighbour graph."""
