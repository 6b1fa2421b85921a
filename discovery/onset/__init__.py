"""When a class began, ended and changed its rate."""
