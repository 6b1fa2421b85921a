"""What is new taken into a study by one command, and what changed on one page."""
