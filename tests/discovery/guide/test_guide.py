"""The draft of a field guide: who is shown, what is compared, what is said of time and labels, and what is left out."""

import io
import shutil

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from PIL import Image
from support.gallery import make_gallery
from support.terminal import run

from discovery.candidates.naming import name_cluster
from discovery.guide.contrasts import contrast, nearest_classes, ranges
from discovery.guide.guide import make_guide
from discovery.guide.page import plain
from discovery.guide.pictures import views_png
from discovery.guide.subject import find_subject
from discovery.pages.thumbnails import Thumbnails
from embed import EmbeddingOptions, Study, embed, ingest_folder
from embed.errors import InputError
from embed.study.clusterings import save_branches, save_clusters
from embed.study.records import Label
from embed.vectors.similarity import normalise

START = 1126500000.0
DAY = 86400.0


@pytest.fixture(scope="module")
def measured(tmp_path_factory, tiny):
    """Three labels with two views, each at a detector and a time of its own, SNR and frequency; Tomte without any of these."""
    folder = tmp_path_factory.mktemp("guide")
    make_gallery(folder / "data", {"Blip": 12, "Power_Line": 12, "Tomte": 5}, durations=(2.0, 4.0))
    with Study(folder / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, folder / "data")
            for place, (glitch, row) in enumerate(study.glitches().iterrows()):
                if row["label"] == "Tomte":
                    continue
                low = row["label"] == "Power_Line"
                facts = {"snr": 10.0 + place % 12, "peak_frequency": 60.0 if low else 100.0 + place}
                study.connection.execute(
                    "UPDATE glitches SET ifo = ? WHERE glitch = ?", ("HL"[place % 3 == 0] + "1", glitch)
                )
                study.add_glitch(row["gravityspy_id"], None, START + place * DAY, facts)
            study.connection.commit()
        embed(study, EmbeddingOptions(**tiny))
    return folder / "study"


@pytest.fixture
def study(measured, tmp_path):
    with Study(shutil.copytree(measured, tmp_path / "study")) as opened:
        yield opened


def test_a_class_with_all_that_is_known(study):
    store = embed(study)
    guide = make_guide(study, store, "Blip")
    draft, folder = guide.draft, study.folder / "reports" / "guide" / "Blip"
    assert (draft.title, draft.glitches) == ("Blip", 12)
    assert draft.unknown == ["duration"]
    assert [other.name for other in draft.beside][:1] in (["Power_Line"], ["Tomte"])
    assert {other.name for other in draft.beside} == {"Power_Line", "Tomte"}
    said = {other.name: other.contrast for other in draft.beside}
    assert said["Power_Line"].startswith("SNR about the same (median 15.5 against 15.5)")
    assert "peak frequency clearly higher (median 106 against 60 Hz)" in said["Power_Line"]
    assert said["Tomte"] == "No measure is known of both: compare the pictures."
    snr = np.quantile(np.arange(10.0, 22.0), (0.05, 0.5, 0.95))
    assert draft.measures[0] == ("SNR", *(f"{value:.3g}" for value in snr), "12")
    assert draft.occurrence[0] == "Detectors: H1: 8; L1: 4."
    assert draft.occurrence[1] == "Observing runs: O1: 12."
    assert draft.occurrence[2].startswith("Seen on 12 days")
    assert draft.occurrence[4].startswith("First seen 2015-09-17")
    assert draft.origins == [("Blip", "the folder of its picture", "ingest", "12")]
    files = {path.name for path in folder.iterdir()}
    assert files == {"guide.html", "guide.md", "typical.png", "variety.png", "figures.png"} | {
        other.picture for other in draft.beside
    }
    text, page = (folder / "guide.md").read_text(), (folder / "guide.html").read_text()
    for name in files - {"guide.html", "guide.md"}:
        assert f"]({name})" in text
    for part in ("## Do not confuse with", "### Power_Line", "| SNR |", "left out: duration", said["Power_Line"]):
        assert part in text
        assert part.strip("#| ") in page
    assert "http" not in page.replace("http-equiv", "")


def test_no_rate_is_told_where_the_live_time_is_guessed_from_a_sample(study):
    with study.run("test"):
        study.add_glitch("beside", "H1", START + 60.0)
        study.add_glitch("later", "H1", START + 40 * DAY)
    said = make_guide(study, embed(study), "Blip").draft.occurrence
    assert said[3].startswith("The live time, 0.00069 of 40 days, is guessed from 26 glitches")
    assert "live day" not in " ".join(said)


def test_views_stand_side_by_side_and_glitches_of_few_views_share_a_line():
    shown = [(f"g{row}", row) for row in range(4)]
    sizes = {}
    for count in (1, 2, 4):
        levels = np.zeros((4, count, 12, 14), np.uint8)
        levels[3, count - 1] = 255
        present = np.ones((4, count), bool)
        present[0, 0] = False
        durations = (0.5, 1.0, 2.0, 4.0)[:count]
        with Image.open(io.BytesIO(views_png(Thumbnails(levels, durations, present), shown))) as picture:
            sizes[count] = picture.size
            bright = np.argwhere((np.asarray(picture.convert("RGB")) == (253, 231, 36)).all(axis=2))
            assert bright.min(axis=0)[0] > (4 // (4 // count) - 1) * picture.height // count  # the last line
            assert bright.min(axis=0)[1] > picture.width * 0.7  # its last view
    line = 147 + 44
    assert [size[1] // line for size in (sizes[1], sizes[2], sizes[4])] == [1, 2, 4]
    assert sizes[4][0] == 44 + 4 * 184 + 12


def test_the_typical_are_those_most_like_all_and_the_varied_are_others(study, monkeypatch):
    from discovery.guide import guide as module

    store = embed(study)
    shown = []
    draw = module.views_png
    monkeypatch.setattr(
        module, "views_png", lambda pictures, lines: shown.append([name for name, _ in lines]) or draw(pictures, lines)
    )
    make_guide(study, store, "Blip")
    glitches = study.members("Blip")
    unit = normalise(np.asarray(store.vectors[store.rows(glitches)])).astype(float)
    order = np.argsort(-(unit @ unit.T).sum(axis=1))
    ids = study.glitches().loc[glitches, "id"].to_numpy()
    typical, varied, *beside = shown
    for lead, alike in beside:
        assert lead.startswith("medoid: ")
        assert alike.startswith("most like Blip: ")
        assert lead.split(": ")[1] != alike.split(": ")[1]
    assert typical == [f"medoid: {ids[order[0]]}", *ids[order[1:4]]]
    assert set(varied) <= set(ids[order[4:9]])  # the least typical quarter is not shown
    assert len(varied) == 4


def test_a_cluster_is_not_compared_with_itself_under_its_new_name(study):
    store = embed(study)
    glitches = study.members("Blip")
    with study.run("cluster", {"label": "Blip"}):
        save_clusters(study, study.runs().index[-1] + 1, glitches, np.array([0] * 8 + [-1] * 4), np.ones(12))
    before = make_guide(study, store, "0").draft
    assert (before.title, before.glitches) == ("Cluster 0 of Blip", 8)
    assert "Blip" not in {other.name for other in before.beside}
    name_cluster(study, 0, "Crown")
    after = make_guide(study, store, "0").draft
    assert "Crown" not in {other.name for other in after.beside}
    assert after.origins[0][:2] == ("Crown", "a person")
    assert make_guide(study, store, "Crown").draft.glitches == 8
    assert (study.folder / "reports" / "guide" / "Cluster_0_of_Blip" / "guide.html").exists()


def test_what_is_unknown_is_left_out_and_said(study):
    draft = make_guide(study, embed(study), "Tomte").draft
    assert draft.unknown == ["SNR", "peak frequency", "duration", "times"]
    assert draft.occurrence == ["Detectors: H1: 5."]
    folder = study.folder / "reports" / "guide" / "Tomte"
    assert not (folder / "figures.png").exists()
    for name in ("guide.md", "guide.html"):
        text = (folder / name).read_text()
        assert "Not known to the study, and left out: SNR, peak frequency, duration, times." in text
        assert "In numbers" not in text


def test_a_single_glitch_and_nothing_to_compare_with(tmp_path, tiny):
    make_gallery(tmp_path / "data", {"Blip": 1, "Tomte": 2})
    with Study(tmp_path / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, tmp_path / "data")
        draft = make_guide(study, embed(study, EmbeddingOptions(**tiny)), "Blip").draft
        assert set(draft.pictures) == {"typical.png"}
        assert draft.beside == []
        assert "a known class to compare with" in draft.unknown


def test_same_seed_same_bytes_and_old_pictures_go(study, tmp_path):
    store = embed(study)
    made = []
    for _ in range(2):
        files = make_guide(study, store, "Blip", out=tmp_path / "out", command="x").files
        made.append({name: path.read_bytes() for name, path in files.items()})
        (tmp_path / "out" / "beside-9-Old.png").touch()
    assert made[0] == made[1]
    make_guide(study, store, "Blip", out=tmp_path / "out")
    assert not (tmp_path / "out" / "beside-9-Old.png").exists()


def test_who_is_meant(study):
    with study.run("cluster", {"label": "Blip"}):
        save_clusters(study, study.runs().index[-1] + 1, study.members("Blip"), np.zeros(12, int), np.ones(12))
    assert find_subject(study, "Blip").glitches.tolist() == study.members("Blip").tolist()
    assert find_subject(study, "0", "Blip").title == "Cluster 0 of Blip"
    with study.run("label"), study.transaction():
        study.add_label(int(study.members("Tomte")[0]), Label("0", "person", "x"))
    assert find_subject(study, "0").title == "0"  # a label that is a number comes first
    assert find_subject(study, "0", "Blip").title == "Cluster 0 of Blip"
    with pytest.raises(InputError, match="--label Blip goes with the number of a cluster, not with 'Tomte'"):
        find_subject(study, "Tomte", "Blip")
    with pytest.raises(InputError, match="no glitch is labelled 'Blap'; did you mean 'Blip'"):
        find_subject(study, "Blap")
    with pytest.raises(InputError, match="has no cluster 3; it has 0 alone"):
        find_subject(study, "3")
    with pytest.raises(InputError, match="no glitch is labelled ''"):
        find_subject(study, "")


def test_measures_are_compared_by_pairs():
    rng = np.random.default_rng(0)
    own = pd.DataFrame({"snr": rng.lognormal(3, 0.5, 40), "duration": rng.random(40), "peak_frequency": [np.nan] * 40})
    other = pd.DataFrame(
        {"snr": rng.lognormal(3.6, 0.5, 60), "duration": rng.random(60), "peak_frequency": np.ones(60)}
    )
    share = (own["snr"].to_numpy()[:, None] > other["snr"].to_numpy()).mean()
    assert 0.1 < share < 0.3
    text = contrast(own, other)
    assert text.startswith("SNR mostly lower (median ")
    assert "duration about the same" in text
    assert "frequency" not in text
    assert scipy.stats.mannwhitneyu(own["snr"], other["snr"]).statistic / 2400 == pytest.approx(share)
    assert set(ranges(own)) == {"SNR", "duration (s)"}
    assert ranges(own.assign(snr=["3"] * 39 + ["x"]))["SNR"][0] == 39


def test_the_nearest_class_is_the_one_whose_glitches_are_near_however_few_another_has():
    """Five far glitches against fifty near ones: divergence, relative to density, would name the five first."""
    rng = np.random.default_rng(1)
    centres = np.eye(3, 24)
    own, near, far = (
        centre + spread * rng.normal(size=(count, 24))
        for centre, spread, count in zip(centres, (0.02, 0.02, 0.5), (30, 50, 5), strict=True)
    )
    near += 0.9 * (centres[0] - centres[1])
    unit = normalise(np.concatenate([own, near, far]))
    classes = {"Far": np.arange(80, 85), "Near": np.arange(30, 80), "Small": np.arange(80, 84)}
    assert nearest_classes(unit, np.arange(30), classes, count=3, seed=0) == ["Near", "Far"]
    assert nearest_classes(unit, np.arange(30), {"Small": np.arange(80, 84)}, count=3, seed=0) == []


def test_markdown_shows_labels_as_they_are():
    assert plain("a|b *c* <d> _e_ f_g") == r"a\|b \*c\* \<d\> \_e\_ f_g"


def test_the_command(capsys, study):
    study.close()
    code, out, _ = run(capsys, "guide", "Blip", "--figures", "png,pdf", "--study", study.folder)
    assert code == 0
    folder = study.folder / "reports" / "guide" / "Blip"
    names = {path.name for path in (folder / "figures").iterdir()}
    assert {"typical.png", "variety.png", "beside-2-Power_Line.pdf", "measures.pdf", "measures.png"} <= names
    assert (folder / "figures" / "typical.png").read_bytes() == (folder / "typical.png").read_bytes()
    assert b"/FontFile2" in (folder / "figures" / "measures.pdf").read_bytes()  # drawn, not a picture
    assert out.startswith("Blip: 12 glitches; most alike: ")
    assert "guide.html" in out
    code, out, _ = run(capsys, "guide", "Power_Line", "--study", study.folder, "--json")
    assert code == 0
    assert '"unknown": [\n    "duration"\n  ]' in out


def test_a_branch_is_a_subject(study):
    glitches = study.members("Blip")
    with study.run("cluster", {"label": "Blip"}) as number:
        save_clusters(study, number, glitches, np.zeros(len(glitches), int), np.ones(len(glitches)))
        save_branches(study, number, ((glitch, "0.1") for glitch in glitches[:5].tolist()))
    subject = find_subject(study, "0.1")
    assert (subject.title, subject.label, subject.folder) == ("Branch 0.1 of Blip", "Blip", "Branch_0.1_of_Blip")
    assert subject.glitches.tolist() == glitches[:5].tolist()
    assert find_subject(study, "0").title == "Cluster 0 of Blip"
    guide = make_guide(study, embed(study), "0.1")
    assert guide.draft.glitches == 5
    with pytest.raises(InputError, match=r"has no branch 0\.0; it has 0\.1$"):
        find_subject(study, "0.0")
