"""GPS to UTC against published events, hand-worked leap seconds and astropy."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discovery.pages.gpstime import LEAP_SECONDS, utc
from embed.errors import InputError


@pytest.mark.parametrize(
    ("gps", "date"),
    [
        (0, "1980-01-06 00:00:00 UTC"),
        (1126259462, "2015-09-14 09:50:45 UTC"),  # GW150914
        (1187008882, "2017-08-17 12:41:04 UTC"),  # GW170817
        (1167264016, "2016-12-31 23:59:59 UTC"),
        (1167264017, "2016-12-31 23:59:60 UTC"),  # the latest leap second
        (1167264018, "2017-01-01 00:00:00 UTC"),
        (46828799, "1981-06-30 23:59:59 UTC"),
        (46828800, "1981-06-30 23:59:60 UTC"),  # the first one after the GPS epoch
        (46828801, "1981-07-01 00:00:00 UTC"),
    ],
)
def test_known_instants(gps, date):
    assert utc(gps) == date


def test_fractions_are_cut_and_never_carry():
    assert utc(1126259462.999999, decimals=3) == "2015-09-14 09:50:45.999 UTC"
    assert utc(1126259462.999999) == "2015-09-14 09:50:45 UTC"


def test_there_are_eighteen_leap_seconds_in_order():
    assert len(LEAP_SECONDS) == 18
    assert list(LEAP_SECONDS) == sorted(LEAP_SECONDS)


@settings(deadline=None)  # the first call imports astropy
@given(st.integers(0, 1_500_000_000))
def test_agrees_with_astropy(gps):
    time = pytest.importorskip("astropy.time", reason="astropy, the oracle, is not installed")
    expected = time.Time(gps, format="gps", precision=0).utc.iso
    assert utc(gps) == f"{expected} UTC"


@pytest.mark.parametrize("gps", [-1.0, float("nan"), float("inf"), 1e12])
def test_what_is_no_time_is_refused(gps):
    with pytest.raises(InputError, match=r"GPS time .* cannot be written as a date"):
        utc(gps)
