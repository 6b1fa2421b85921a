"""Maps that grew are made again as they grew; what is gone is refused."""

import shutil

import pytest
from support.audited import copy_study, make_study, run_audit
from support.gallery import make_gallery
from support.terminal import error_of, run

from discovery.candidates.maps import draw_map
from discovery.candidates.options import MapOptions
from embed import Study, embed, ingest_folder
from embed.vectors.options import EmbeddingOptions


@pytest.fixture
def grown(embedded, tiny, tmp_path, monkeypatch):
    """Draw a map, and again with more glitches."""
    monkeypatch.setattr("discovery.candidates.options.LEAST_LANDMARKS", 8)

    def draw(**options):
        with Study(shutil.copytree(embedded, tmp_path / "study")) as study:
            draw_map(study, embed(study, EmbeddingOptions(**tiny)), options=MapOptions(**options))
            make_gallery(tmp_path / "more", {"Blip": 3}, seed=5, prefix="more")
            with study.run("ingest"):
                ingest_folder(study, tmp_path / "more")
            drawn = draw_map(study, embed(study, EmbeddingOptions(**tiny)), options=MapOptions(**options))
        assert drawn.layout.added == 3
        return tmp_path / "study"

    return draw


@pytest.mark.parametrize("options", [{"method": "tsne", "dims": 2}, {"method": "umap"}])
def test_a_map_that_grew_is_the_same(capsys, grown, options):
    store_of = grown(**options)
    (gone,) = [path for path in (store_of / "vectors").iterdir() if "efficientnet_lite0" in path.name]
    shutil.rmtree(gone)
    code, out, err = run(capsys, "verify", "--map", "--study", store_of)
    assert (code, "map drift 0; 3 of 3 files" in out) == (0, True), out + err


def test_a_map_of_landmarks_that_grew_says_that_it_may_differ(capsys, grown):
    code, out, _ = run(capsys, "verify", "--study", grown(dims=2, landmarks=16))
    assert code == 1
    assert "the map may have kept places of earlier ones (run 4), of which not all is known" in out


def test_vectors_that_are_gone(capsys, grown):
    folder = grown(dims=2)
    shutil.rmtree(folder / "vectors")
    assert "the vectors timm-test_efficientnet-" in error_of(capsys, "verify", "--study", folder).splitlines()[-1]
    (folder / "reports" / "map-tsne-2d" / "map.npz").unlink()
    assert "map-tsne-2d holds no map.npz; draw the map again with" in error_of(capsys, "verify", "--study", folder)


def test_probabilities_are_found_from_anywhere(capsys, tmp_path, monkeypatch):
    folder = copy_study(make_study(tmp_path / "made", count=60, wrong=6)[0], tmp_path / "study")
    run_audit(folder)
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "verify", "--study", folder)
    assert (code, "audit: same flags" in out) == (0, True), out + err
    (folder / "probabilities.csv").unlink()
    assert "probabilities.csv of run 2 are not there; put the table back" in error_of(
        capsys, "verify", "--study", folder
    )
