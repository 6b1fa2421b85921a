"""Judging models from Python: what is read of the study, and how often."""

import shutil

import pandas as pd

from discovery.evaluation.evaluation import assess
from discovery.evaluation.options import EvaluationOptions
from embed import EmbeddingOptions, Study
from embed.network.model import load_model
from embed.network.sources import model_folder


def test_the_study_is_read_once(tmp_path, modelled, monkeypatch):
    folder = shutil.copytree(modelled, tmp_path / "study")
    tables, views = [], []
    glitches_of, views_of = Study.glitches, Study.views

    def read_glitches(study):
        tables.append(glitches_of(study))
        return tables[-1]

    def read_views(study, glitches=None):
        views.append(None if glitches is None else [int(glitch) for glitch in glitches])
        return views_of(study, glitches)

    monkeypatch.setattr(Study, "glitches", read_glitches)
    monkeypatch.setattr(Study, "views", read_views)
    with Study(folder) as study:
        model = load_model(model_folder(study.folder, "one"))
        options = EvaluationOptions(seed=3)
        result = assess(study, [model], options, settings=EmbeddingOptions(runtime="torch"), out=tmp_path / "out")
    assert len(tables) == 1
    wrong = pd.read_csv(tmp_path / "out" / "misclassified.csv")
    number = pd.Series(tables[0].index, index=tables[0]["id"])
    assert len(wrong) > 0
    assert views.count(number[wrong["id"]].tolist()) == 1  # pictures and paths come from the same reading
    assert wrong["image"].str.endswith("_spectrogram_4.0.png").all()
    assert set(result.files) == {path.name for path in (tmp_path / "out").iterdir()}
