"""The contact sheet: who is shown, where, and in which colours."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from discovery.candidates.contactsheet import MAX_ROWS, contact_sheet
from discovery.candidates.representatives import cluster_rows, spread_sample
from discovery.pages.palette import NOISE_MARK
from discovery.pages.thumbnails import Thumbnails, chosen_view, picture
from embed.errors import InputError
from embed.views.viridis import colours_of_levels

CLUSTERS = [1, 0, 0, -1, 1, 0, -1, 0, 1, -1]
PROBABILITIES = [0.9, 0.5, 0.8, 0.0, 0.9, 1.0, 0.0, 0.8, 0.2, 0.0]


def table():
    return pd.DataFrame(
        {
            "id": [f"g{row}" for row in range(10)],
            "cluster": CLUSTERS,
            "probability": PROBABILITIES,
            "medoid": [row in {1, 8} for row in range(10)],
        }
    )


def thumbnails(count=10, views=2):
    """Each picture has one level throughout: 20 times its row, plus 1 in the second view."""
    levels = (
        np.arange(count, dtype=np.uint8)[:, None, None, None] * 20 + np.arange(views, dtype=np.uint8)[:, None, None]
    )
    return Thumbnails(
        np.broadcast_to(levels, (count, views, 28, 24)).copy(), (1.0, 4.0)[:views], np.ones((count, views), bool)
    )


def opened(data):
    return Image.open(io.BytesIO(data))


def test_the_medoid_then_a_spread_sample():
    first, second, noise = cluster_rows(table(), 8)
    assert first.members == (1, 2, 5, 7)  # medoid 1 though it has 0.5, then those of 0.8 and more
    assert second.members == (8, 0, 4)
    assert (first.medoid, second.medoid, noise.medoid) == (1, 8, None)
    assert first.probability == pytest.approx((0.5 + 0.8 + 1.0 + 0.8) / 4)


def test_noise_comes_last_is_marked_and_evenly_taken():
    noise = cluster_rows(table(), 8)[-1]
    assert noise.is_noise
    assert noise.group.mark is NOISE_MARK
    assert (noise.group.name, noise.group.count, noise.members) == ("noise", 3, (3, 6, 9))
    assert cluster_rows(table(), 2)[-1].members == (3, 6)


def test_without_probabilities_or_medoids_members_are_taken_evenly():
    bare = table()[["id", "cluster"]]
    first, *_ = cluster_rows(bare, 3)
    assert first.members == (1, 5, 7)
    assert first.medoid is None
    assert first.probability is None


def test_only_noise_is_a_row_too():
    (row,) = cluster_rows(table().assign(cluster=-1), 4)
    assert row.is_noise
    assert contact_sheet(table().assign(cluster=-1), thumbnails(), title="all noise")


def test_the_same_input_gives_the_same_bytes_and_no_date():
    data = contact_sheet(table(), thumbnails(), title="Two clusters")
    assert data == contact_sheet(table(), thumbnails(), title="Two clusters")
    assert opened(data).info == {}


def test_pictures_stand_in_their_place_in_viridis():
    """Every picture is flat, so its colour is found in its row of the sheet, left to right in the order of members."""
    sheet = np.asarray(opened(contact_sheet(table(), thumbnails(), title="t", duration=1.0)))
    height = sheet.shape[0]
    for place, members in enumerate([(1, 2, 5, 7), (8, 0, 4), (3, 6, 9)]):
        centre = 104 + place * 198 + 60  # heading, rows, the middle of a picture
        assert centre < height
        line = sheet[centre]
        at = [np.flatnonzero((line == colours_of_levels(np.uint8(20 * member))).all(axis=-1)) for member in members]
        assert all(len(columns) >= 160 for columns in at)
        assert [columns.min() for columns in at] == sorted(columns.min() for columns in at)


def test_the_duration_shown_is_the_commonest_or_the_one_asked_for():
    pictures = thumbnails()
    assert chosen_view(pictures, None) == 1
    pictures.present[0, 1] = False
    assert chosen_view(pictures, None) == 0
    assert chosen_view(pictures, 4.0) == 1
    with pytest.raises(InputError, match=r"no view of 2.0 s among the pictures, only \(1.0, 4.0\)"):
        chosen_view(pictures, 2.0)


def test_probabilities_are_not_rounded_to_certainty(monkeypatch):
    """And what is written beside a picture, or under one, has room there."""
    said = []
    draw = ImageDraw.ImageDraw.text

    def listen(self, at, text, fill, font, **more):
        said.append((text, font.getlength(text), font.size))
        return draw(self, at, text, fill, font, **more)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", listen)
    sure = table().assign(probability=[1, 0.999, 1, 0, 1, 1, 0, 0.998, 0.997, 0.0])
    contact_sheet(sure, thumbnails(), title="t")
    texts = [text for text, *_ in said]
    assert not any("1.00" in text for text in texts)
    assert texts.count("probability 1") == 4
    assert texts.count("probability over 0.995") == 1
    assert texts.count("medoid · prob. over 0.995") == 2
    assert texts.count("mean probability") == texts.count("over 0.995") == 2
    assert max(width for text, width, size in said if "prob" in text) <= 176
    contact_sheet(sure.drop(columns="probability"), thumbnails(), title="t")
    assert "medoid" in {text for text, *_ in said}


def test_a_glitch_without_the_view_leaves_its_place_empty():
    pictures = thumbnails()
    pictures.present[5, 1] = False
    assert picture(pictures, 5, 1) is None
    sheet = np.asarray(opened(contact_sheet(table(), pictures, title="t", duration=4.0)))
    assert not (sheet[104:] == colours_of_levels(np.uint8(101))).all(axis=-1).any()  # below the colour bar


def test_more_clusters_than_rows_are_counted_not_dropped_silently():
    count = 2 * (MAX_ROWS + 5)
    many = pd.DataFrame({"id": range(count), "cluster": np.arange(count) // 2})
    levels = np.zeros((count, 1, 4, 4), np.uint8)
    drawn = opened(contact_sheet(many, Thumbnails(levels, (4.0,), np.ones((count, 1), bool)), title="many", per_row=1))
    fewer = many[many["cluster"] < MAX_ROWS]
    pictures = Thumbnails(levels[: len(fewer)], (4.0,), np.ones((len(fewer), 1), bool))
    assert drawn.height == opened(contact_sheet(fewer, pictures, title="many", per_row=1)).height + 24


def test_long_hostile_text_does_not_widen_or_break_the_sheet():
    plain = opened(contact_sheet(table(), thumbnails(), title="t"))
    hostile = table().assign(id=[f"{row}</script>\u2028\x00" * 50 for row in range(10)])
    assert opened(contact_sheet(hostile, thumbnails(), title="x\n\x00" * 500)).size == plain.size


def test_plain_pictures_keep_their_colours():
    colours = np.broadcast_to(np.array([10, 200, 30], np.uint8), (10, 1, 8, 8, 3))
    sheet = np.asarray(opened(contact_sheet(table(), Thumbnails(colours, (0.0,), np.ones((10, 1), bool)), title="t")))
    assert (sheet == [10, 200, 30]).all(axis=-1).sum() == 10 * 168 * 140


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"table": table().drop(columns="cluster")}, "no column 'cluster' of integers"),
        ({"table": table().assign(cluster=0.5)}, "no column 'cluster' of integers"),
        ({"thumbnails": thumbnails(9)}, "9 glitches have pictures but the table has 10 rows"),
        ({"per_row": 0}, "a row of 0 pictures is empty"),
    ],
)
def test_bad_input_is_refused(change, message):
    given = {"table": table(), "thumbnails": thumbnails(), "per_row": 8} | change
    with pytest.raises(InputError, match=message):
        contact_sheet(given["table"], given["thumbnails"], title="t", per_row=given["per_row"])


def test_a_sample_is_balanced_over_detectors_and_spread_in_time():
    """Of 90 glitches of L1 and 10 of H1, half of the eight are of H1, and each detector's are spread over its times."""
    glitches = pd.DataFrame({"ifo": ["L1"] * 90 + ["H1"] * 10, "gps": [*range(1000, 1090), *range(2000, 2010)]})
    members = np.random.default_rng(0).permutation(100)
    chosen = spread_sample(glitches, members, 8)
    assert glitches["ifo"].iloc[chosen].tolist() == ["H1", "L1"] * 4
    assert glitches["gps"].iloc[chosen[1::2]].tolist() == [1011, 1033, 1056, 1078]
    assert glitches["gps"].iloc[chosen[::2]].tolist() == [2001, 2003, 2006, 2008]
    assert sorted(spread_sample(glitches, members, 200)) == list(range(100))
    assert spread_sample(glitches, members[:0], 3) == []


def test_rows_that_are_no_clusters_keep_the_order_of_the_table():
    """As the odd glitches' sheet does: the oddest first, then what is most like it, whatever their detectors and times."""
    odd = pd.DataFrame({"id": list("abcd"), "cluster": [1] * 4, "ifo": ["L1", "H1", "L1", "H1"], "gps": [4.0, 3, 2, 1]})
    (row,) = cluster_rows(odd, 3, spread=False)
    assert row.members == (0, 1, 2)
    plain, headed = (
        contact_sheet(odd, four_pictures(), title="t", per_row=4, counts="c", headings=headings)
        for headings in (None, {1: ("cluster 1", "", "", "")})
    )
    order = [image_order(sheet) for sheet in (plain, headed)]
    assert order == [[3, 2, 1, 0], [0, 1, 2, 3]]


def four_pictures():
    levels = np.repeat(np.arange(1, 5, dtype=np.uint8) * 40, 20 * 24).reshape(4, 1, 20, 24)
    return Thumbnails(levels, (4.0,), np.ones((4, 1), bool))


def image_order(sheet):
    line = np.asarray(opened(sheet))[104 + 60]
    columns = [np.flatnonzero((line == colours_of_levels(np.uint8(40 * n))).all(axis=-1)).min() for n in range(1, 5)]
    return np.argsort(columns).tolist()


def test_long_names_and_counts_are_folded_not_cut(monkeypatch):
    said = []
    text = ImageDraw.ImageDraw.text

    def heard(draw, at, words, *others, **more):
        box = draw.textbbox(at, words, font=others[1], anchor=more.get("anchor"))
        said.append((words, box))
        return text(draw, at, words, *others, **more)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", heard)
    counts = "up to 8 of each, in turn from each detector and evenly over time"
    contact_sheet(table(), thumbnails(), title="x", counts=counts, headings={0: ("Low_Frequency_Burst", "3 new")})
    words = [one for one, _ in said]
    first = words.index("Low_")
    assert words[first : first + 3] == ["Low_", "Frequency_", "Burst"]
    assert not any("…" in one for one in words)
    assert " ".join(" ".join(words).split()).count(f"{counts} · each picture 4 s wide, 10 to 2048 Hz (log)") == 1
    overlapping = [
        (first, second)
        for place, (first, (left, top, right, bottom)) in enumerate(said)
        for second, other in said[place + 1 :]
        if left < other[2] and other[0] < right and top < other[3] and other[1] < bottom
    ]
    assert overlapping == []
