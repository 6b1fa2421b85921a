"""Numbers for sentences and tables: so many digits that count, and no computer's exponent."""

import math
from decimal import Decimal

_SMALL, _LARGE = 1e-6, 1e15
"""Outside, a number is written with a power of ten."""
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def counted(count: int, one: str, several: str) -> str:
    """Write a number with its noun.

    Examples
    --------
    >>> counted(1, "glitch", "glitches"), counted(1200, "glitch", "glitches")
    ('1 glitch', '1,200 glitches')
    """
    return f"{count:,} {one if count == 1 else several}"


def portion(value: float, decimals: int = 2) -> str:
    """Write a number from 0 to 1, such as a probability, without calling it 0 or 1 where it is not.

    Examples
    --------
    >>> portion(0.5), portion(0.9961), portion(1.0), portion(0.001)
    ('0.50', 'over 0.995', '1', 'below 0.005')
    """
    return _within(value, 1, decimals)


def percent(value: float, decimals: int = 0) -> str:
    """Write a number from 0 to 1 in per cent, without calling it 0 or 100 where it is not.

    Examples
    --------
    >>> percent(0.5), percent(0.9961), percent(1.0), percent(0.001)
    ('50 %', 'over 99.5 %', '100 %', 'below 0.5 %')
    """
    return f"{_within(100 * value, 100, decimals)} %"


def _within(value: float, whole: int, decimals: int) -> str:
    if math.isnan(value):
        return "\N{EN DASH}"
    if value in (0, whole):
        return f"{value:.0f}"
    text, half = f"{value:.{decimals}f}", 0.5 * 10.0**-decimals
    if float(text) == whole:
        return f"over {whole - half:.{decimals + 1}f}"
    return text if float(text) else f"below {half:.{decimals + 1}f}"


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
