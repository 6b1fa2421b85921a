"""The formats of an export; nothing heavy is imported, so that the command line can name them."""

FORMATS = {
    "csv": "one row a glitch",
    "parquet": "the same, with types, and the vectors with --vectors",
    "fiftyone": "a folder for fiftyone.Dataset.from_dir, type FiftyOneDataset",
    "embedding-atlas": "a Parquet file with a map and neighbours for embedding-atlas",
    "tensorboard": "a folder for TensorBoard's embedding projector",
    "cleanlab": "a folder with labels, held-out probabilities and ids",
}
"""Name -> what is written."""

FOLDERS = ("fiftyone", "tensorboard", "cleanlab")
"""Formats that are a folder; the others are one file."""

NEED_VECTORS = ("embedding-atlas", "tensorboard")
"""Formats that hold or need vectors."""
