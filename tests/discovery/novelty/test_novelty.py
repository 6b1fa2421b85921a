"""`discover novel` on a study: odd pictures among two classes are listed first, with what they are like."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support.gallery import draw_levels, make_gallery, png, published, view_name, write

from discovery import find_novel
from discovery.cli import main
from embed import EmbeddingOptions, Study, embed, ingest_folder
from embed.errors import InputError


@pytest.fixture
def study(tmp_path):
    """Two classes of twelve, three pictures of stripes labelled None_of_the_Above and one without a label."""
    make_gallery(tmp_path / "data", {"Blip": 12, "Power_Line": 12})
    rng = np.random.default_rng(5)
    stripes = np.where(np.arange(479) % 60 < 30, 230, 5)[:, None].repeat(573, axis=1)
    for number in range(3):
        levels = np.clip(stripes + rng.integers(0, 20, stripes.shape), 0, 255).astype(np.uint8)
        write(tmp_path / "data" / "None_of_the_Above" / view_name(f"0odd{number}", 4.0), png(published(levels)))
    write(tmp_path / "data" / view_name("0free", 4.0), png(published(draw_levels(rng, 0))))
    with Study(tmp_path / "study", create=True) as study, study.run("ingest"):
        ingest_folder(study, tmp_path / "data")
    return tmp_path / "study"


def test_the_oddest_come_first_and_those_that_are_alike_are_counted(study, tiny):
    with Study(study) as opened:
        store = embed(opened, EmbeddingOptions(**tiny, views="4.0"))
        found = find_novel(opened, store, count=3)
        again = find_novel(opened, store, count=3, out=study / "again")
        asked = find_novel(opened, store, ["None_of_the_Above"])
        with pytest.raises(InputError, match="Nothing"):
            find_novel(opened, store, ["Nothing"])
    assert found.known == 24
    first = found.table.iloc[0]
    assert first["label"] == "None_of_the_Above"
    assert first["one_in"] == 25
    assert first["rank"] == 1
    assert set(asked.table["label"]) == {"None_of_the_Above"}
    assert len(asked.table) + asked.table["alike"].sum() == 3
    kept = pd.read_csv(found.files["novel.csv"])
    assert kept["id"].tolist() == found.table["id"].tolist()
    assert found.files["novel.csv"].read_bytes() == again.files["novel.csv"].read_bytes()
    assert found.files["novel.png"].read_bytes() == again.files["novel.png"].read_bytes()
    scores = pd.read_csv(found.files["novelty.csv"]).set_index("id")
    assert len(scores) == len(store.glitches) == 28
    listed = found.table.set_index("id")
    same = ["one_in", "distance", "nearest_class", "class_one_in"]
    assert scores.loc[listed.index, same].astype(str).equals(listed[same].astype(str))
    assert scores["one_in"].max() == scores["one_in"][listed.index[0]]
    assert (
        found.files["novelty.csv"].read_bytes() == asked.files["novelty.csv"].read_bytes()
    )  # of all, whatever is listed
    with Image.open(found.files["novel.png"]) as sheet:
        assert sheet.size[0] > 900
    assert "Odd glitches" in found._repr_html_()


def test_the_command_says_how_odd_they_are(study, tiny, capsys):
    vectors = ["--backbone", tiny["backbone"], "--weights", tiny["weights"], "--views", "4.0"]
    assert main(["novel", "-n", "2", "--study", str(study), *vectors]) == 0
    out = capsys.readouterr().out
    assert "compared with 24 known glitches" in out
    assert "1 in 25" in out
    assert "novel.png" in out
    assert main(["novel", "None_of_the_Above", "--json", "--study", str(study), *vectors]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["known"] == 24
    assert {row["label"] for row in answer["glitches"]} == {"None_of_the_Above"}
    assert main(["novel", "Blob", "--study", str(study), *vectors]) == 2
    assert "Blob" in capsys.readouterr().err
