"""The measured precision: a person counts before volunteers whoever answered first, and who is unsure has not answered."""

import pytest
from support.audited import make_reviewed

from audit.answers.precision import measured_precision
from audit.review.ledger import Decision, add_decisions
from embed.metrics.intervals import wilson

PERSON_RIGHT = Decision(1, "", "person", "right", "Blip")
PERSON_WRONG = Decision(1, "", "person", "wrong", "Whistle")
PERSON_UNSURE = Decision(1, "", "person", "unsure", "")
VOLUNTEERS_RIGHT = Decision(1, "g", "volunteers", "right", "Blip", 0.8)
VOLUNTEERS_WRONG = Decision(1, "g", "volunteers", "wrong", "Whistle", 0.8)


@pytest.fixture
def reviewed(tmp_path):
    study, audit = make_reviewed(tmp_path / "study", {"g": "Blip", "h": "Tomte"})
    with study:
        yield study, audit


def measured(reviewed, *decisions):
    study, audit = reviewed
    for one in decisions:
        with study.run("audit import", {"file": "a.csv"}) as run, study.transaction():
            add_decisions(study, run, audit, [one], "a.csv")
    return measured_precision(study, audit)


@pytest.mark.parametrize("person_first", [True, False])
@pytest.mark.parametrize(
    ("person", "volunteers", "wrong"),
    [(PERSON_RIGHT, VOLUNTEERS_WRONG, 0), (PERSON_WRONG, VOLUNTEERS_RIGHT, 1), (PERSON_UNSURE, VOLUNTEERS_WRONG, 1)],
)
def test_the_person_counts_where_volunteers_disagree(reviewed, person, volunteers, wrong, person_first):
    found = measured(reviewed, *((person, volunteers) if person_first else (volunteers, person)))
    assert (found.answered, found.wrong, found.expected) == (1, wrong, 0.5)
    assert (found.low, found.high) == pytest.approx(tuple(map(float, wilson(wrong, 1))))


def test_nothing_is_answered_by_who_is_unsure(reviewed):
    assert measured(reviewed, PERSON_UNSURE).answered == 0
