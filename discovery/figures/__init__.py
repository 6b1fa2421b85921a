"""Figures for papers: maps, charts and pictures of what the commands find, as PNG, SVG and PDF."""
