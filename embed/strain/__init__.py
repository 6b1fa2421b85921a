"""Strain files, their records and triggers, and the scan that turns them into views."""
