"""GPS seconds to UTC, with the leap seconds written out so that no network and no ephemeris package is needed.

GPS time runs from 1980-01-06 00:00:00 UTC without leap seconds. UTC inserted the eighteen below; since the last, on
2016-12-31, GPS has been 18 s ahead of UTC. IERS Bulletin C announces a new one half a year ahead and the 27th CGPM
(2022, resolution 4) plans to end them by 2035; a newly announced one is one more entry here.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from datetime import datetime, timedelta
from itertools import count

from embed.errors import InputError

_EPOCH = datetime(1980, 1, 6)  # noqa: DTZ001 - arithmetic in UTC throughout; an aware datetime adds nothing
_AFTER_LEAP = (
    *((1981, 7), (1982, 7), (1983, 7), (1985, 7), (1988, 1), (1990, 1), (1991, 1), (1992, 7), (1993, 7)),
    *((1994, 7), (1996, 1), (1997, 7), (1999, 1), (2006, 1), (2009, 1), (2012, 7), (2015, 7), (2017, 1)),
)
"""Year and month whose first UTC midnight comes just after each leap second (IERS Bulletin C history)."""


def _leap_starts() -> tuple[int, ...]:
    """GPS second at which each leap second (23:59:60) begins: the midnight after it counted without itself."""
    midnights = (datetime(year, month, 1) - _EPOCH for year, month in _AFTER_LEAP)  # noqa: DTZ001 - see _EPOCH
    return tuple(midnight.days * 86400 + before for midnight, before in zip(midnights, count()))


LEAP_SECONDS = _leap_starts()
"""GPS seconds at which a leap second begins, ascending; a page does the same conversion in the browser with them."""

YEAR_9999 = 2.5e11
"""GPS seconds from which on no date can be written."""


def utc(gps: float, *, decimals: int = 0) -> str:
    """Write a GPS time as a UTC date.

    Parameters
    ----------
    gps : float
        GPS seconds, 0 or later. Digits beyond `decimals` are cut off, not rounded up.
    decimals : int
        Digits after the seconds' point, 0 to 6.

    Returns
    -------
    str
        ``YYYY-MM-DD HH:MM:SS[.ffffff] UTC``; a time inside a leap second has seconds ``60``.

    Raises
    ------
    InputError
        If ``gps`` is negative, not finite, or past the year 9999.

    Examples
    --------
    >>> utc(1126259462)
    '2015-09-14 09:50:45 UTC'
    """
    if not (math.isfinite(gps) and 0 <= gps < YEAR_9999):
        raise InputError(f"GPS time {gps!r} cannot be written as a date: give seconds since 1980-01-06, 0 or later")
    whole = math.floor(gps)
    leaps = bisect_right(LEAP_SECONDS, whole)
    inside = leaps > 0 and LEAP_SECONDS[leaps - 1] == whole
    moment = _EPOCH + timedelta(seconds=whole - leaps)
    seconds = 60 if inside else moment.second
    fraction = f".{int((gps - whole) * 10**decimals):0{decimals}d}" if decimals else ""
    return f"{moment:%Y-%m-%d %H:%M}:{seconds:02d}{fraction} UTC"
