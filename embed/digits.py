"""Numbers for sentences and tables: so many digits that count, and never an exponent."""

import math
from decimal import Decimal


def significant(value: float, digits: int = 3) -> str:
    """Write a number with `digits` significant digits.

    Parameters
    ----------
    value : float
        Infinity is written ∞.
    digits : int
        At least 1.

    Returns
    -------
    str
        2317.8 with three digits is ``2,320``, and 0.00001234 is ``0.0000123``; zeros at the end are not written.
    """
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{Decimal(f'{value:.{digits}g}'):,f}"
