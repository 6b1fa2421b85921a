"""Verdicts on planted studies: new families, leftovers of known classes, episodes; and the sentences that give the reasons."""

import numpy as np
import pytest
from support.mixtures import mixture

from discovery.certificates.certificate import ALONE, MIXTURE, NEW, ONE_DAY, PART, Evidence, certify
from discovery.certificates.occurrence import occurrence
from discovery.clustering.clustering import cluster
from embed.vectors.similarity import normalise

CLASSES = 8
DAY = 86400.0
O1 = 1127000000.0


def study(new=True, seed=0):
    """Thirty glitches of two known classes and, if `new`, thirty of none, unlabelled; sixty known ones of each class."""
    vectors, truth = mixture([90] * CLASSES + [30], dims=12, seed=seed)
    unit = normalise(vectors)
    places = [np.flatnonzero(truth == number) for number in range(CLASSES + 1)]
    asked = np.concatenate([places[0][:30], places[1][:30], *([places[CLASSES]] if new else [])])
    known = {f"class {number}": rows[30:] for number, rows in enumerate(places[:CLASSES])}
    return unit, truth, asked, known


def certified(unit, asked, known, **more):
    background = np.concatenate(list(known.values())) if known else np.empty(0, np.int64)
    found = cluster(unit[asked], background=unit[background] if len(background) else None)
    return found, certify(found, Evidence(unit, asked, known, background, **more))


@pytest.mark.parametrize("seed", range(3))
def test_a_family_is_new_and_leftovers_are_parts(seed):
    unit, truth, asked, known = study(seed=seed)
    found, certificates = certified(unit, asked, known)
    assert found.clusters == 3
    for own in certificates:
        planted = np.bincount(truth[asked][found.labels == own.cluster]).argmax()
        assert own.verdict == (NEW if planted == CLASSES else PART)
        if planted < CLASSES:
            assert own.nearest[0][0] == f"class {planted}"
            assert own.probability < 0.2
        else:
            assert own.probability > 0.9
        assert own.stability > 0.9
        assert own.settings[0] >= 5
        assert own.size == (found.labels == own.cluster).sum()
        assert own.density > 3


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_new_among_leftovers(seed):
    unit, _, asked, known = study(new=False, seed=10 + seed)
    _, certificates = certified(unit, asked, known)
    assert {own.verdict for own in certificates} <= {PART, MIXTURE}


def test_without_known_classes_it_is_a_distinct_group():
    unit, _, asked, _ = study()
    _, certificates = certified(unit, asked, {})
    assert {own.verdict for own in certificates} == {ALONE}
    assert certificates[0].probability is certificates[0].separation is None
    assert certificates[0].row()["nearest_1"] == ""


def test_two_known_classes_give_no_probability_but_a_verdict():
    unit, truth, asked, known = study()
    few = {name: known[name] for name in ("class 0", "class 1")}
    found, certificates = certified(unit, asked, few)
    for own in certificates:
        planted = np.bincount(truth[asked][found.labels == own.cluster]).argmax()
        assert own.probability is None
        assert own.verdict == (NEW if planted == CLASSES else PART)


def test_an_episode_of_one_day_is_said_to_be_one():
    unit, truth, asked, known = study()
    gps = O1 + DAY * np.arange(len(asked))
    new = truth[asked] == CLASSES
    gps[new] = O1 + 7200 + 3600 * np.linspace(0, 5, new.sum())
    ifo = np.where(new, "L1", np.where(np.arange(len(asked)) % 2, "H1", "L1")).astype(object)
    found, certificates = certified(unit, asked, known, ifo=ifo, gps=gps)
    episode = next(own for own in certificates if new[found.labels == own.cluster].all())
    assert episode.verdict == ONE_DAY
    assert "100 % of the members are of 2015-09-23: one episode, perhaps not a lasting class." in episode.reasons
    assert "All members of known detector are of L1." in episode.reasons
    row = episode.row()
    assert (row["detectors"], row["runs"], row["days"]) == ("L1: 30", "O1: 30", 1)
    assert not any("episode" in reason for own in certificates if own is not episode for reason in own.reasons)


def test_the_reasons_give_the_figures():
    unit, truth, asked, known = study()
    found, certificates = certified(unit, asked, known)
    new = next(own for own in certificates if own.verdict == NEW)
    said = " ".join(new.reasons)
    assert f"Separation from known glitches: {new.separation:.1f} nats" in said
    assert f"in {100 * new.probability:.0f} % of the cases (90 % interval" in said
    assert new.nearest[2][0] in said
    assert "by 7 of 7 other settings" in said or "of 7 other settings" in said
    assert list(new.row()) == list(certificates[0].row())
    assert found.method == "hdbscan"
    assert truth.max() == CLASSES


def test_same_seed_same_certificate():
    unit, _, asked, known = study()
    assert certified(unit, asked, known)[1] == certified(unit, asked, known)[1]


def test_occurrence_by_hand():
    """Two of O1, one of O2, one of unknown time and detector; times before GPS count as unknown."""
    found = occurrence(
        np.array(["H1", "L1", "L1", "", "V1"], object),
        np.array([O1, O1 + 60, 1170000000.0, np.nan, -5.0]),
        np.arange(5),
    )
    assert found.detectors == [("L1", 2), ("H1", 1), ("V1", 1)]
    assert found.runs == [("O1", 2), ("O2", 1)]
    assert (found.times, found.days, found.busiest_day) == (3, 2, "2015-09-22")
    assert found.busiest_share == pytest.approx(2 / 3)
    nothing = occurrence(None, None, np.arange(2))
    assert (nothing.times, nothing.busiest_day, nothing.busiest_share, nothing.text("runs")) == (0, "", None, "")
