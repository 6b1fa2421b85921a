"""Warnings about labels with a typo."""

import pytest
from support.gallery import make_gallery, write

from embed import Study, ingest_folder, ingest_labels
from embed.ingest.typos import typos


@pytest.mark.parametrize(
    ("before", "counts", "expected"),
    [
        ((), {"Sstars": 2, "stars": 10}, [("Sstars", "2 glitches", "stars", "(10 glitches)")]),
        (("stars",), {"Sstars": 2, "stars": 10, "": 9}, [("Sstars", "2 glitches", "stars", "(10 glitches)")]),
        (("Sstars",), {"Sstars": 2, "stars": 10}, []),
        ((), {"Sstars": 2, "Stars": 8}, [("Sstars", "2 glitches", "Stars", "(8 glitches)")]),
        ((), {"Sstars": 2, "Stars": 2}, [("Stars", "2 glitches", "Sstars", "(2 glitches)")]),
        (("Sstars",), {"Sstars": 2, "Stars": 2}, [("Stars", "2 glitches", "Sstars", "(2 glitches)")]),
        ((), {"Sstars": 11, "Stars": 40}, []),
        ((), {"Round": 6, "Bound": 9, "Star": 8, "Stair": 5}, []),
        (("Bound",), {"Round": 1, "Bound": 2}, []),
        (("Round",), {"Roond": 3, "Round": 9}, [("Roond", "3 glitches", "Round", "(9 glitches)")]),
        (("Star",), {"Sstar": 8, "Star": 9}, [("Sstar", "8 glitches", "Star", "(9 glitches)")]),
        (("Koala",), {"Kaola": 3, "Koala": 3}, [("Kaola", "3 glitches", "Koala", "(3 glitches)")]),
        (("Ring-Down",), {"ring_down": 9, "Ring-Down": 9}, [("ring_down", "9 glitches", "Ring-Down", "(9 glitches)")]),
        ((), {"Blipp": 30, "Blip": 30}, [("Blipp", "30 glitches", "Blip", "(a Gravity Spy class, 30 glitches)")]),
        ((), {"Koi_fish": 1}, [("Koi_fish", "1 glitch", "Koi_Fish", "(a Gravity Spy class, 0 glitches)")]),
        ((), {"Merger_Rings": 4, "Mergers_Ringss": 9}, []),
        ((), {"Whistel": 1}, [("Whistel", "1 glitch", "Whistle", "(a Gravity Spy class, 0 glitches)")]),
        ((), {"Blip": 1, "Blip_Low_Frequency": 100, "Low_Frequency_Blip": 50, "Low_Frequency_Burst": 9}, []),
        (("0", "1"), {"0": 1, "1": 100}, []),
        (
            (),
            {"Blob": 1, "Blobs": 9, "Bloba": 30},
            [
                ("Blob", "1 glitch", "Bloba", "(30 glitches)"),
                ("Blobs", "9 glitches", "Bloba", "(30 glitches)"),
            ],
        ),
    ],
)
def test_new_labels_near_to_others(before, counts, expected):
    found = typos(before, counts)
    assert len(found) == len(expected)
    for text, (label, count, near, of_near) in zip(found, expected, strict=True):
        assert text == (
            f"the new label {label!r} ({count}) is spelled nearly like {near!r} {of_near}; "
            "if it is a typo, correct it and ingest again"
        )


def test_numbers_are_no_names():
    (said,) = typos(("2",), {"-1": 2, "0": 60, "2": 9, "Blip": 7})
    assert (
        said == "the new labels are numbers: -1, 0; `discover name CLUSTER NAME` gives the glitches of a cluster a name"
    )


def test_folders_and_tables_warn_once(tmp_path):
    make_gallery(tmp_path / "data", {"Blip": 5, "Blips": 1})
    table = write(tmp_path / "labels.csv", b"id,label\nH1_a000000000,Scratchi\n")
    with Study(tmp_path / "study", create=True) as study, study.run("ingest"):
        (warning,) = ingest_folder(study, tmp_path / "data").warnings
        assert "'Blips' (1 glitch) is spelled nearly like 'Blip' (a Gravity Spy class, 5 glitches)" in warning
        assert ingest_folder(study, tmp_path / "data").warnings == []
        warning, changed = ingest_labels(study, table).warnings
        assert "Blip to Scratchi (1)" in changed
        assert "'Scratchi' (1 glitch) is spelled nearly like 'Scratchy' (a Gravity Spy class, 0 glitches)" in warning
