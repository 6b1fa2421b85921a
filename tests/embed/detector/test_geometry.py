"""Where the detectors stand and how they respond, against lal and by hand."""

import lal
import numpy as np
import pytest

from embed.detector.geometry import SITES, antenna_response, arrival_delay


@pytest.mark.parametrize("ifo", ["H1", "L1"])
def test_antenna_patterns_and_delays_are_lals(ifo):
    site = lal.CachedDetectors[{"H1": lal.LALDetectorIndexLHODIFF, "L1": lal.LALDetectorIndexLLODIFF}[ifo]]
    rng = np.random.default_rng(1)
    time = lal.LIGOTimeGPS(1126259462)
    sidereal = lal.GreenwichMeanSiderealTime(time)
    for _ in range(50):
        latitude, longitude = float(np.arcsin(rng.uniform(-1, 1))), float(rng.uniform(-np.pi, np.pi))
        polarisation = float(rng.uniform(0, np.pi))
        ascension = longitude + sidereal
        expected = lal.ComputeDetAMResponse(site.response, ascension, latitude, polarisation, sidereal)
        assert antenna_response(ifo, latitude, longitude, polarisation) == pytest.approx(expected, abs=1e-6)
        delay = lal.TimeDelayFromEarthCenter(site.location, ascension, latitude, time)
        assert arrival_delay(ifo, latitude, longitude) == pytest.approx(delay, abs=1e-9)


@pytest.mark.parametrize("ifo", ["H1", "L1"])
def test_a_wave_from_the_zenith_is_felt_fully_and_one_along_an_arms_bisector_not_at_all(ifo):
    site = SITES[ifo]
    zenith = np.cross(site.x_arm, site.y_arm)
    zenith /= np.linalg.norm(zenith)
    assert np.dot(zenith, site.vertex) > 0.99 * np.linalg.norm(site.vertex)  # up, by the Earth's flattening
    responses = antenna_response(ifo, *_angles(zenith), 0.3)
    assert np.hypot(*responses) == pytest.approx(1.0, abs=1e-3)
    bisector = np.add(site.x_arm, site.y_arm)
    bisector /= np.linalg.norm(bisector)
    assert np.hypot(*antenna_response(ifo, *_angles(bisector), 0.3)) == pytest.approx(0.0, abs=1e-3)


def test_no_wave_takes_longer_than_ten_milliseconds_between_the_sites():
    baseline = np.subtract(SITES["H1"].vertex, SITES["L1"].vertex)
    along = _angles(baseline / np.linalg.norm(baseline))
    difference = arrival_delay("L1", *along) - arrival_delay("H1", *along)
    assert difference == pytest.approx(0.010013, abs=1e-6)  # 3002 km: LIGO's 10 ms


def _angles(direction):
    return float(np.arcsin(direction[2])), float(np.arctan2(direction[1], direction[0]))
