"""Novelty: how odd single glitches are beside what is known."""
