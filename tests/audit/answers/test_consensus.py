"""How many votes decide: three at least, and two thirds of them alike; half is not enough."""

import pytest
from support.audited import make_reviewed

from audit.answers.consensus import consensus
from audit.answers.vocabulary import Vocabulary
from audit.answers.zooniverse import Vote, Votes


@pytest.fixture
def reviewed(tmp_path):
    study, audit = make_reviewed(tmp_path / "study", {"g": "Blip"})
    with study:
        yield study, audit


def decisions(reviewed, texts):
    study, audit = reviewed
    votes = Votes([Vote(audit.passport, "g", text, f"line {number}") for number, text in enumerate(texts, 2)])
    found = consensus(study, audit, votes, Vocabulary(["Blip", "Whistle"]))
    return [(one.outcome, one.label, one.confidence) for one in found.decisions], found.notes


@pytest.mark.parametrize(
    ("texts", "outcome", "label", "share"),
    [
        (["Blip"] * 2 + ["Whistle"], "right", "Blip", 2 / 3),
        (["Whistle"] * 4 + ["Blip"] * 2, "wrong", "Whistle", 2 / 3),
        (["Whistle"] * 2 + ["Tomte"] * 2 + ["Blip"], "wrong", "", 4 / 5),  # wrong, but not agreed which class it is
        (["Yes"] * 3 + ["Not sure"] * 9, "right", "Blip", 1.0),
    ],
)
def test_two_thirds_decide(reviewed, texts, outcome, label, share):
    assert decisions(reviewed, texts) == ([(outcome, label, pytest.approx(share))], [])


@pytest.mark.parametrize(
    "texts",
    [
        ["Blip"] * 2 + ["Whistle"] * 2,  # half
        ["Blip"] * 3 + ["Whistle", "Tomte"],  # three fifths
        ["Whistle"] * 3 + ["Blip"] * 2,
        ["Blip"] * 5 + ["Whistle"] * 3,
        ["Whistle"] * 2,  # alike, but only two
        ["Whistle"] * 2 + ["Not sure"] * 3,
    ],
)
def test_fewer_decide_nothing(reviewed, texts):
    found, notes = decisions(reviewed, texts)
    assert found == []
    assert notes == ["1 glitch is undecided: fewer than 3 votes, or fewer than two thirds agree"]
