"""Suggestions for typos, and typos recognised among labels."""

import difflib
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embed.gravityspy import CLASSES
from embed.spelling import closest, edits, is_typo


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Sstars", "stars"),
        ("Blips", "Blip"),
        ("Bilp", "Blip"),
        ("koi-fish", "Koi_Fish"),
        ("Scaterd_Light", "Scattered_Light"),
        ("Whistel", "Whistle"),
        ("spiral", "Spiral"),
    ],
)
def test_typos(text, name):
    assert is_typo(text, name)
    assert is_typo(name, text)
    assert closest(text, [name, "Something_Else"]) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Blip", "Blip"),
        ("1080Lines", "1400Lines"),
        ("Cluster 1", "Cluster 2"),
        ("Type_A", "Type_B"),
        ("Sa", "Sb"),
        ("E", "S"),
        ("Blip", "Flip_Flop"),
        ("Helix", "Tomte"),
        ("70_Hz_Line", "60_Hz_Line"),
    ],
)
def test_no_typos(text, name):
    assert not is_typo(text, name)
    assert not is_typo(name, text)


def test_no_class_of_gravity_spy_is_a_typo_of_another():
    assert [pair for pair in combinations(CLASSES, 2) if is_typo(*pair)] == []


words = st.text("abAB12_ ", max_size=7)


@given(words, words)
def test_edits_are_a_distance_within_the_bounds_of_its_definition(one, other):
    count = edits(one, other)
    assert count == edits(other, one)
    assert (count == 0) == (one == other)
    assert abs(len(one) - len(other)) <= count <= max(len(one), len(other))


@given(st.text("abcd", min_size=2, max_size=8), st.data())
def test_one_slip_is_one_edit(text, data):
    place = data.draw(st.integers(0, len(text) - 2))
    kind = data.draw(st.sampled_from(["insert", "delete", "replace", "swap"]))
    head, tail = text[:place], text[place:]
    slip = {
        "insert": head + "x" + tail,
        "delete": head + tail[1:],
        "replace": head + "x" + tail[1:],
        "swap": head + tail[1] + tail[0] + tail[2:],
    }[kind]
    assert edits(text, slip) == (text != slip)


@given(words, st.lists(words.filter(bool), max_size=5))
def test_what_difflib_finds_close_is_suggested(text, names):
    if difflib.get_close_matches(text, names, 1, 0.7):
        assert closest(text, names) in names
    assert closest(text, []) is None
