"""Backbones, their weights, and what runs them."""
