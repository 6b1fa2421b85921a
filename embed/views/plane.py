"""A luminance plane of Gravity Spy's HDF5 training set."""

import h5py
import numpy as np
from numpy.typing import NDArray

from embed.errors import InputError
from embed.views.imagefile import MAX_PIXELS


def read_plane(file: h5py.File, leaf: str) -> NDArray[np.float32]:
    """Read one luminance plane.

    Parameters
    ----------
    file : h5py.File
    leaf : str
        Path of the data set in the file.

    Returns
    -------
    ndarray of float32, shape (height, width)
        Values 0 to 1.

    Raises
    ------
    InputError
        When it is missing, is no plane, or has values that are not in 0 to 1.
    """
    node = file.get(leaf)
    if not isinstance(node, h5py.Dataset) or node.dtype.kind not in "fiu":
        raise InputError("no data set of numbers")
    shape = tuple(size for size in node.shape or () if size != 1)
    if len(shape) != 2 or not 0 < shape[0] * shape[1] <= MAX_PIXELS:
        raise InputError(f"shape {node.shape} is not one plane of at most {MAX_PIXELS} pixels")
    plane = np.ascontiguousarray(node[()], dtype=np.float32).reshape(shape)
    if not np.isfinite(plane).all() or plane.min() < 0 or plane.max() > 1:
        raise InputError("values are not all between 0 and 1")
    return plane
