"""Names for the arrays and callables that signatures share; shapes are given where each is used."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""float64: probabilities (N, K), scores (N,), times in GPS seconds (N,)."""
Vectors = NDArray[np.float32]
"""float32 (N, D): one vector a glitch, of unit length where similarities are taken."""
Similarities = NDArray[np.float32]
"""float32 (N, k): cosines of a glitch with its neighbours."""
Rows = NDArray[np.int64]
"""int64 (N,): row numbers of an array, or of glitches in a study."""
Codes = NDArray[np.int64]
"""int64 (N,): class numbers from 0 to K - 1."""
Flags = NDArray[np.bool_]
"""bool (N,): a yes or no for each row."""
Pixels = NDArray[np.uint8]
"""uint8: levels (H, W), colours (H, W, 3), views (4, H, W), records (R, pixels)."""
Progress = Callable[[int, int], None]
"""Called with how many are done and how many there are."""
Step = Callable[[str], None]
"""Called with the name of the step that begins."""
