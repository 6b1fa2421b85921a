"""What speaks for and against a proposed class: how stable it is, how far from known classes, when and where it occurs."""
