"""Numbers for sentences and tables: so many digits that count, and no computer's exponent."""

import math
from decimal import Decimal

_SMALL, _LARGE = 1e-6, 1e15
"""Outside, a number is written with a power of ten."""
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def significant(value: float, digits: int = 3) -> str:
    """Write a number with `digits` significant digits.

    Parameters
    ----------
    value : float
        Infinity is written ∞, and what is no number as a dash.
    digits : int
        At least 1.

    Returns
    -------
    str
        2317.8 with three digits is ``2,320``, 0.00001234 is ``0.0000123``, and 1.234e-23 is 1.23 times 10⁻²³, with the sign for times;
        zeros at the end are not written.
    """
    if math.isnan(value):
        return "\N{EN DASH}"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    rounded = Decimal(f"{value + 0.0:.{digits}g}")  # -0.0 becomes 0.0
    if not rounded or _SMALL <= abs(rounded) < _LARGE:
        return f"{rounded:,f}"
    power = rounded.adjusted()
    return f"{rounded.scaleb(-power).normalize():f} \N{MULTIPLICATION SIGN} 10{str(power).translate(_RAISED)}"
