"""A draft of a class's page in the field guide."""
