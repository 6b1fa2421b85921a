"""What a detector calls a signal: counted by hand, and said."""

import numpy as np
import pytest
from scipy.stats import hypergeom

from discovery.certificates.signals import Called, SignalCounts, count_signals

NOT = np.nan


def test_counts_by_hand():
    labels = np.array([0, 0, 0, 1, 1, -1, -1])
    called = np.array([1, 1, NOT, 0, NOT, 1, 0])
    known = {"Blip": np.array([0, 0, 1]), "Chirp": np.array([1, NOT]), "Whistle": np.array([0.0])}
    first, second = count_signals(labels, called, known, detector="bbh", false_alarm=0.01)
    assert (first.members, first.others) == ((2, 2), (1, 3))
    assert (second.members, second.others) == ((0, 1), (3, 4))
    assert first.chirps == second.chirps == (1, 1)
    assert first.known == second.known == (1, 4)
    assert first.row() == {
        "members_signals": 2, "members_judged": 2, "others_signals": 1, "others_judged": 3,
        "chirps_signals": 1, "chirps_judged": 1, "known_signals": 1, "known_judged": 4,
    }  # fmt: skip


def counts(members, others, chirps=(0, 0), known=(0, 0)):
    return SignalCounts("bbh", 0.01, *(Called(*own) for own in (members, others, chirps, known)))


def test_the_chance_is_a_hypergeometric_tail():
    found = counts((9, 12), (3, 40))
    assert found.chance == pytest.approx(hypergeom(52, 12, 12).sf(8))
    assert found.may_be_signals
    assert counts((3, 12), (20, 40)).chance > 0.9  # fewer than the others
    assert not counts((9, 30), (0, 100)).may_be_signals  # more than others, and yet few
    assert not counts((9, 12), (30, 40)).may_be_signals  # most, as of the others
    assert not counts((0, 0), (0, 0)).may_be_signals


def test_sentences():
    assert counts((9, 12), (3, 40), (19, 20), (1, 400)).sentence() == (
        "The detector bbh calls 9 of 12 members a signal (1 % of noise would be called one); beside them 3 of 40 of the label's other "
        "glitches, 19 of 20 of Chirp, 1 of 400 of other known classes. They may be signals: look at them as such before they get a name."
    )
    assert counts((0, 12), (0, 0)).sentence() == (
        "The detector bbh calls 0 of 12 members a signal (1 % of noise would be called one)."
    )
    assert "judged none of the members: their strain is not within reach" in counts((0, 0), (3, 40)).sentence()
