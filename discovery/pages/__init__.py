"""What every page is built of: the frame, axes, plots, tables, thumbnails."""
