"""What a map knows of each glitch: runs, clusters, doubts, odd glitches, metadata."""

import shutil

import numpy as np
import pytest

from discovery.candidates.candidates import find_candidates
from discovery.candidates.mapcolumns import audit_passport, kept_glitches, map_columns, observing_runs
from discovery.candidates.options import ClusterOptions
from embed import Study
from embed.csvfile import write_csv
from embed.study.audits import insert_audit, prepare_audits
from embed.study.reports import add_report
from embed.vectors.store import chosen_store


@pytest.fixture
def study(embedded, tmp_path):
    with Study(shutil.copytree(embedded, tmp_path / "study")) as opened:
        yield opened


def test_runs_by_the_seconds_of_their_ends():
    times = np.array([1126399999.0, 1126400000.0, 1137249999.9, 1137250000.0, 1187008882.4, 1250000000.0, np.nan])
    assert observing_runs(times).tolist() == [None, "O1", "O1", None, "O2", "O3a", None]


def test_a_column_is_there_where_the_study_has_it(study):
    store = chosen_store(study.folder, None)
    glitches = store.glitches
    plain = map_columns(study, glitches)
    assert plain.index.tolist() == glitches.tolist()
    assert not {"p_wrong", "novelty", "cluster", "predicted"} & set(plain.columns)
    assert audit_passport(study) == ""
    assert not kept_glitches(study, plain).any()

    found = find_candidates(study, store, "Blip", ClusterOptions(method="spectral", k=2))
    ids = study.ids()
    odd = [ids[glitches[2]], ids[glitches[9]]]
    with study.run("novel") as run:
        folder = study.folder / "reports" / "novel"
        write_csv(folder / "novel.csv", ("rank", "id", "one_in"), [(1, odd[0], 2000), (2, odd[1], 40)])
        (folder / "novel.png").write_bytes(b"")
        add_report(study, run, folder / "novel.png", "Odd glitches", "2")
    with study.run("audit") as run:
        prepare_audits(study)
        verdicts = [(int(glitches[0]), 1, "Blip", "Whistle", 0.9), (int(glitches[1]), 2, "Blip", "Blip", None)]
        insert_audit(study, run, "audit-1", {}, verdicts=verdicts, subjects=[])
    whole = map_columns(study, glitches)
    assert audit_passport(study) == "audit-1"
    assert whole["p_wrong"].iloc[0] == 0.9
    assert whole["p_wrong"].iloc[1:].isna().all()
    assert whole["novelty"].dropna().to_dict() == {glitches[2]: 2000.0, glitches[9]: 40.0}
    assert whole.loc[found.glitches, "cluster"].tolist() == found.clustering.labels.tolist()
    assert whole["cluster"].notna().sum() == len(found.glitches)
    scores = [(ids[glitch], place + 1.0) for place, glitch in enumerate(glitches.tolist())]
    write_csv(folder / "novelty.csv", ("id", "one_in"), scores)  # of all, as it is written now
    whole = map_columns(study, glitches)
    assert whole["novelty"].tolist() == [value for _, value in scores]
    medoids = {int(found.glitches[row]) for row in found.clustering.medoids.values()}
    assert len(medoids) == 2
    kept = {int(glitch) for glitch in glitches[kept_glitches(study, whole)]}
    assert kept == medoids | {int(glitches[row]) for row in (0, 2, 9)}
