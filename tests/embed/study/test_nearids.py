"""The id that was perhaps meant."""

import pytest

from embed import Study
from embed.errors import InputError
from embed.study import nearids

IDS = [
    ("L1", "pN8e5GCYMP"),
    ("H1", "uQiUCgOWOJ"),
    ("H1", "0STwWPPW82"),
    ("L1", "a%b_c!dEfG"),
    (None, "Folder/picture 12.png"),
]


@pytest.fixture
def study(tmp_path):
    with Study(tmp_path / "study", create=True) as opened:
        with opened.run("ingest"):
            for ifo, name in IDS:
                opened.add_glitch(name, ifo, 1.0e9)
        yield opened


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("L1_pN8e5GCYMQ", "L1_pN8e5GCYMP"),
        ("pN8e5GCYM", "pN8e5GCYMP"),  # without the detector, as it was typed
        ("H1_pN8e5GCYMP", "L1_pN8e5GCYMP"),  # the other detector
        ("H1_uQiUCgOWJO", "H1_uQiUCgOWOJ"),
        ("H1_UQIUCGOWOJ", "H1_uQiUCgOWOJ"),
        ("0STvWPPW82", "0STwWPPW82"),
        ("L1_a%b_c!dEfH", "L1_a%b_c!dEfG"),
        ("Folder/picture 13.png", "Folder/picture 12.png"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(study, typed, meant):
    with pytest.raises(InputError) as refused:
        study.known_glitch(typed)
    assert f"no glitch {typed!r} in the study" in str(refused.value)
    assert str(refused.value).endswith(f"did you mean {meant!r}?")


@pytest.mark.parametrize("typed", ["nobody", "", "x", "%", "L1_zzzzzzzzzz", "y" * 5000])
def test_what_is_like_nothing_is_answered_with_status(study, typed):
    with pytest.raises(InputError, match="`discover export --to csv` lists the ids") as refused:
        study.known_glitch(typed)
    assert len(str(refused.value)) < 600


def test_no_more_ids_than_stated_are_compared(study, monkeypatch):
    compared = []
    monkeypatch.setattr(nearids, "MOST", 1)
    monkeypatch.setattr(nearids, "closest", lambda _, names: compared.extend(names))
    nearids.nearest_id(study.connection, "____________")
    nearids.nearest_id(study.connection, "L1_pN8e5GCYMQ")
    assert compared == ["L1_pN8e5GCYMP"]
