"""The folder of a detector and its card; nothing here loads a network."""
