"""Verdicts on planted studies: new families, leftovers of known classes, episodes; and the sentences that give the reasons."""

from types import SimpleNamespace

import numpy as np
import pytest
from support.mixtures import mixture

from discovery.certificates.certificate import ALONE, MIXTURE, NEW, ONE_DAY, PART, certify
from discovery.certificates.evidence import Evidence
from discovery.certificates.occurrence import occurrence
from discovery.certificates.parts import parts_of
from discovery.certificates.surroundings import noise_around
from discovery.clustering.clustering import cluster
from discovery.clustering.result import NOISE
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
    assert any(
        reason.startswith("100 % of the members are of L1, and 67 % of the whole label:") for reason in episode.reasons
    )
    row = episode.row()
    assert (row["commonest_detector"], row["commonest_share"], row["in_words"]) == ("L1", 1.0, ONE_DAY)
    assert (row["detectors"], row["runs"], row["days"]) == ("L1: 30", "O1: 30", 1)
    assert not any("episode" in reason for own in certificates if own is not episode for reason in own.reasons)


def in_one_detector(others):
    """The new family in L1 alone, every day one; of the leftovers `others` in a hundred are of H1."""
    unit, truth, asked, known = study()
    new = truth[asked] == CLASSES
    ifo = np.where(new | (np.arange(len(asked)) * 37 % 100 >= others), "L1", "H1").astype(object)
    found, certificates = certified(unit, asked, known, ifo=ifo, gps=O1 + DAY * np.arange(len(asked)))
    return next(own for own in certificates if new[found.labels == own.cluster].all())


def test_a_new_class_in_one_detector_alone_is_said_to_be_one_and_stays_as_likely():
    alone, everywhere = in_one_detector(60), in_one_detector(0)
    assert (alone.verdict, alone.in_words) == (NEW, "new class, in L1 alone")
    assert alone.probability == everywhere.probability
    assert alone.row()["in_words"] == "new class, in L1 alone"
    assert alone.row()["detector_chance"] == pytest.approx((54 / 90) ** 30, rel=0.01)
    said = next(reason for reason in alone.reasons if "are of L1" in reason)
    assert said.startswith("100 % of the members are of L1, and 60 % of the whole label: chance ")
    assert said.endswith("There are classes of one detector, so this is no reason for or against.")


def test_one_detector_is_not_said_where_the_other_hardly_observed():
    """Of the label's glitches 13 % are of H1, too few to say that it observed; with none there is nothing to compare with."""
    assert in_one_detector(20).in_words == in_one_detector(0).in_words == NEW
    assert in_one_detector(20).row()["detector_chance"] == pytest.approx((78 / 90) ** 30, rel=0.2)
    assert in_one_detector(0).row()["detector_chance"] is None


def test_one_detector_by_hand():
    def seen(hanford, livingston):
        ifo = np.array(["H1"] * hanford + ["L1"] * livingston + [""], object)
        return occurrence(ifo, None, np.arange(len(ifo)))

    whole = seen(50, 50)
    assert seen(0, 10).detector_chance(whole) == pytest.approx(0.5**10)
    assert seen(0, 10).one_detector(whole) == "in L1 alone"
    assert seen(0, 9).one_detector(whole) == ""  # 0.2 % of such groups are of one by chance
    assert seen(39, 1).one_detector(whole) == "nearly all in H1"
    assert seen(30, 5).one_detector(whole) == ""
    assert seen(0, 99).one_detector(seen(15, 99)) == ""
    assert seen(0, 0).commonest is seen(0, 0).detector_chance(whole) is None


def test_a_certificate_names_the_favourite_the_typical_and_what_is_left_out():
    unit, truth, asked, known = study()
    found, certificates = certified(unit, asked, known)
    ids = [f"g{row}" for row in range(len(asked))]
    for own in certificates:
        row = own.row(ids)
        members = np.flatnonzero(found.labels == own.cluster)
        planted = np.bincount(truth[asked][members]).argmax()
        if planted < CLASSES:
            assert row["favourite"] == f"class {planted}"
            assert row["favourite_share"] > 0.9
        assert f"{100 * own.favourite[1]:.0f} % of the members are nearest to {own.favourite[0]}" in " ".join(
            own.reasons
        )
        assert row["medoid"] == f"g{found.medoids[own.cluster]}"
        typical = [int(name[1:]) for name in row["typical"].split("; ")]
        likeness = (unit[asked] @ unit[asked][members].sum(axis=0))[typical]
        assert len(set(typical)) == 4
        assert set(typical) < set(members.tolist())
        assert (np.diff(likeness) <= 1e-6).all()
        assert len(own.nearest) == CLASSES
        assert own.noise_around == noise_around(found.labels, members, found.graph)


def test_the_parts_of_a_cluster():
    """Two parts, of six and four; members 0 to 4 are nearest to b, the others to a. A cluster in which nothing is nested has no parts."""
    unit = normalise(np.random.default_rng(0).normal(size=(12, 5)))
    members, parts = np.arange(2, 12), [np.arange(2, 8), np.arange(8, 12)]
    nested = [
        SimpleNamespace(path=path, rows=rows) for path, rows in zip(("3", "3.0", "3.1"), (members, *parts), strict=True)
    ]
    where = SimpleNamespace(of_members=np.array(["b"] * 5 + ["a"] * 5))
    found = parts_of(nested, unit, members, where)
    assert [(own.path, own.size, own.favourite) for own in found] == [
        ("3", 10, ("a", 0.5)),
        ("3.0", 6, ("b", 5 / 6)),
        ("3.1", 4, ("a", 1.0)),
    ]
    for own, rows in zip(found, (members, *parts), strict=True):
        assert own.medoid == rows[(unit[rows] @ unit[rows].sum(axis=0)).argmax()]
    assert parts_of(nested, unit, members, None)[0].favourite is None
    assert parts_of(nested[:1], unit, members, where) == ()


def test_noise_around_by_hand():
    """Two neighbours each; row 3 is noise and row 4 of the background, which does not count."""
    graph = SimpleNamespace(neighbours=np.array([[1, 3], [0, 4], [3, 0], [0, 1], [0, 1]]))
    labels = np.array([0, 0, 0, NOISE])
    assert noise_around(labels, np.array([0, 1, 2]), graph) == pytest.approx(2 / 5)
    assert noise_around(labels, np.array([1]), graph) == 0
    assert noise_around(labels, np.array([0]), None) is None
    assert noise_around(labels[:3], np.array([0]), None) == 0


def test_the_reasons_give_the_figures():
    unit, truth, asked, known = study()
    found, certificates = certified(unit, asked, known)
    new = next(own for own in certificates if own.verdict == NEW)
    said = " ".join(new.reasons)
    assert f"Separation from known glitches: {new.separation:.1f} nats" in said
    assert f"{100 * new.probability:.0f} % were classes of their own (90 % interval" in said
    assert new.nearest[2][0] in said
    assert "by 7 of 7 other settings" in said or "of 7 other settings" in said
    assert f"Nearest known classes by density: {new.nearest[0][0]} ({new.nearest[0][1]:.1f} nats), " in said
    assert str(new.row()["reasons"]).split(" | ") == list(new.reasons)  # one line, whatever reads the table
    assert list(new.row()) == list(certificates[0].row())
    assert found.method == "hdbscan"
    assert truth.max() == CLASSES


def test_each_part_of_the_work_is_counted():
    unit, _, asked, known = study()
    background = np.concatenate(list(known.values()))
    found = cluster(unit[asked], background=unit[background])
    said = {}
    steps = []

    def step(name):
        steps.append(name)
        said[name] = []

    certify(
        found,
        Evidence(unit, asked, known, background),
        step=step,
        progress=lambda done, whole: said[steps[-1]].append((done, whole)),
    )
    assert said == {
        "certificates: stability": [(done, 10) for done in range(11)],
        "certificates: other method": [],
        "certificates: calibration": [(done, CLASSES) for done in range(CLASSES + 1)],
        "certificates: distances": [(done, 3) for done in range(4)],
    }


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
