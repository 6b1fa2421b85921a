"""The building blocks of every page: shell, axes, plots, columns, thumbnails."""
