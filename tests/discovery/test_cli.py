import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.gallery import draw_levels, make_gallery, png, published, view_name, write
from support.terminal import error_of, run

from discovery.candidates.candidates import COLUMNS
from discovery.cli import as_typed, create_parser, main
from embed import EmbeddingOptions, Study, embed
from embed.csvfile import csv_text
from embed.storage import file_name
from embed.study.clusterings import latest_clusters


@pytest.fixture
def study(tmp_path, embedded):
    """A copy of the embedded gallery, to write to."""
    return shutil.copytree(embedded, tmp_path / "study")


def test_every_command_has_the_common_options():
    parser = create_parser()
    for command in ("ingest x", "status", "embed", "cluster x", "project", "explore", "search x", "novel", "guide x"):
        options = parser.parse_args(
            [*command.split(), "--study", "s", "--seed", "3", "--device", "cpu", "--json", "-v"]
        )
        assert (str(options.study), options.seed, options.device, options.json, options.verbose) == (
            "s",
            3,
            "cpu",
            True,
            1,
        )


def test_the_environment_names_the_study(monkeypatch):
    monkeypatch.setenv("DISCOVER_STUDY", "elsewhere")
    assert str(create_parser().parse_args(["status"]).study) == "elsewhere"


def test_the_line_that_repeats_a_command_names_the_study(monkeypatch):
    assert as_typed(["status"], Path("study")) == "discover status"
    monkeypatch.setenv("DISCOVER_STUDY", "my study")
    assert as_typed(["status"], Path("my study")) == "DISCOVER_STUDY='my study' discover status"
    assert as_typed(["status", "--study", "other"], Path("other")) == "discover status --study other"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["cluster"],
        ["cluster", "x", "--method", "kmeans"],
        ["search", "x", "-k", "0"],
        ["novel", "-n", "0"],
        ["guide"],
        ["name", "x", "Y"],
        ["name", "-1", "Y"],
        ["name", "1.x", "Y"],
        ["batch", "1.0.2"],
        ["status", "--seed", "-1"],
        [],
    ],
)
def test_bad_usage_is_one_line_and_exit_2(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_every_command_has_help_without_signs_of_formatting():
    (commands,) = (action.choices for action in create_parser()._actions if isinstance(action.choices, dict))
    assert len(commands) > 20
    for name, parser in commands.items():
        assert "%%" not in parser.format_help(), name
        assert "{" not in parser.description, name


def test_the_package_runs_as_the_command():
    how = [sys.executable, "-m", "discovery", "export", "--help"]
    out = subprocess.run(how, capture_output=True, text=True, timeout=60, check=True).stdout
    assert out.startswith("usage: discover export")


def test_the_installed_command():
    out = subprocess.run(
        [sys.executable, "-m", "discovery.cli", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for command in (
        "ingest",
        "fetch",
        "status",
        "embed",
        "explore",
        "batch",
        "cluster",
        "name",
        "update",
        "verify",
        "guide",
        "onset",
        "project",
        "scorecard",
        "export",
        "check",
        "doctor",
        "completion",
        "search",
        "novel",
        "generator",
        "generate",
        "detector",
    ):
        assert f"    {command}" in out


def test_the_whole_path_without_embedding_by_hand(capsys, tmp_path):
    """Images in, candidates out: vectors are made when they are needed."""
    make_gallery(tmp_path / "data", {"Blip": 6, "None_of_the_Above": 14})
    write(tmp_path / "data" / "Blip" / view_name("cut", 4.0), b"\x89PNG\r\n\x1a\n")
    folder = tmp_path / "study"
    code, out, _ = run(capsys, "ingest", tmp_path / "data", "--study", folder)
    assert code == 0
    assert "truncated PNG" in out
    code, out, _ = run(capsys, "cluster", "None_of_the_Above", "--study", folder, "--json")
    assert code == 0
    result = json.loads(out)
    assert result["glitches"] == 14
    assert sum(item["size"] for item in result["clusters"]) + result["noise"] == 14
    reports = folder / "reports" / "cluster-None_of_the_Above-hdbscan"
    assert sorted(path.name for path in reports.iterdir()) == [
        "certificates.csv",
        "clusters.csv",
        "contact-sheet.png",
        "distances.csv",
        "embedding.html",
        "members-0.png",
        "report.html",
    ]
    table = pd.read_csv(reports / "clusters.csv")
    assert tuple(table.columns) == (*COLUMNS, "branch")
    assert table["medoid"].sum() == len(result["clusters"])
    assert all(table["image"].map(lambda path: path.endswith("_spectrogram_4.0.png")))
    code, out, _ = run(capsys, "status", "--study", folder, "--json")
    assert json.loads(out)["given"] == {"Blip": 6, "None_of_the_Above": 14}
    with Study(folder) as study:
        assert len(latest_clusters(study)) == 14


@pytest.mark.parametrize("method", ["hdbscan", "spectral"])
def test_same_seed_same_bytes(capsys, study, tmp_path, method):
    made = []
    for name in ("one", "two"):
        assert (
            run(capsys, "cluster", "Blip", "--method", method, "--seed", 5, "--study", study, "--out", tmp_path / name)[
                0
            ]
            == 0
        )
        made.append(
            {path.name: path.read_bytes() for path in sorted((tmp_path / name).iterdir()) if path.name != "report.html"}
        )
    assert made[0] == made[1]
    assert run(capsys, "project", "--study", study, "--out", tmp_path / "p1", "--method", "umap")[0] == 0
    assert run(capsys, "project", "--study", study, "--out", tmp_path / "p2", "--method", "umap")[0] == 0
    assert (tmp_path / "p1" / "coordinates.csv").read_bytes() == (tmp_path / "p2" / "coordinates.csv").read_bytes()


def test_spectral_with_k(capsys, study, tmp_path):
    assert run(capsys, "cluster", "Blip", "--method", "spectral", "--k", 2, "--study", study, "--out", tmp_path)[0] == 0
    assert set(pd.read_csv(tmp_path / "clusters.csv")["cluster"]) == {0, 1}
    assert "--k 2 goes with --method spectral" in error_of(capsys, "cluster", "Blip", "--k", 2, "--study", study)
    assert "9" in error_of(capsys, "cluster", "Blip", "--method", "spectral", "--k", 9, "--study", study)


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("method", ["hdbscan", "spectral"])
def test_labels_with_hardly_any_members(capsys, tmp_path, size, method):
    make_gallery(tmp_path / "data", {"Blip": size, "Whistle": 4})
    run(capsys, "ingest", tmp_path / "data", "--study", tmp_path / "study")
    code, out, _ = run(capsys, "cluster", "Blip", "--method", method, "--study", tmp_path / "study", "--json")
    assert code == 0
    assert json.loads(out)["clusters"][0]["size"] == size
    assert "one cluster" in " ".join(json.loads(out)["notes"])


def test_a_label_with_no_members(capsys, study):
    err = error_of(capsys, "cluster", "Tomte", "--study", study)
    assert "no glitch is labelled 'Tomte'; there are: Blip (8), None_of_the_Above (8), Power_Line (8)" in err
    assert (
        "no glitch is predicted 'Blip'; no glitch has a prediction; `discover predict MODEL` makes some; 8 glitches have it as given label (leave out --predicted)"
        in error_of(capsys, "cluster", "Blip", "--predicted", "--study", study)
    )


def test_pictures_that_are_all_alike(capsys, tmp_path):
    """Constant vectors: twelve glitches with one and the same picture are one cluster."""
    picture = png(published(draw_levels(np.random.default_rng(0))))
    for number in range(12):
        write(tmp_path / "data" / "Blip" / view_name(f"same{number}", 4.0), picture)
    run(capsys, "ingest", tmp_path / "data", "--study", tmp_path / "study")
    for method in ("hdbscan", "spectral"):
        code, out, _ = run(capsys, "cluster", "Blip", "--method", method, "--study", tmp_path / "study", "--json")
        assert code == 0
        assert [item["size"] for item in json.loads(out)["clusters"]] == [12]


def test_a_network_that_gives_nan(study, tiny, monkeypatch):
    import torch

    from embed.errors import InputError
    from embed.network.runtime import TorchRuntime

    monkeypatch.setattr(TorchRuntime, "start", lambda _, pictures: torch.full((len(pictures), 256), torch.nan))
    with (
        Study(study) as opened,
        pytest.raises(
            InputError,
            match=r"no usable vector \(NaN or all zero\) for 24 glitches, first H1_a000000000; use other --weights",
        ),
    ):
        embed(opened, EmbeddingOptions(**tiny))


def test_a_label_with_markup_runs_nothing_and_stays_as_it_is(capsys, tmp_path):
    label = "<script>alert(1)<"
    make_gallery(tmp_path / "data", {label: 4})
    run(capsys, "ingest", tmp_path / "data", "--study", tmp_path / "study")
    code, _, _ = run(capsys, "cluster", label, "--study", tmp_path / "study", "--out", tmp_path / "out")
    assert code == 0
    for name in ("report.html", "embedding.html"):
        assert label not in (tmp_path / "out" / name).read_text("utf-8")
    assert set(pd.read_csv(tmp_path / "out" / "clusters.csv")["label"]) == {label}
    assert file_name(label) == "_script_alert_1__"
    assert file_name("../../etc") == "_.._etc"


def test_search_finds_the_nearest_by_brute_force(capsys, study):
    code, out, _ = run(capsys, "search", "a000000003", "-k", 5, "--study", study)
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    with Study(study) as opened:
        store, table = embed(opened), opened.glitches()
    vectors = store.vectors / np.linalg.norm(store.vectors, axis=1, keepdims=True)
    row = store.rows(table.index[table["id"] == "H1_a000000003"].to_numpy())[0]
    order = np.argsort(-(vectors @ vectors[row]), kind="stable")
    expected = [table.loc[store.glitches[place], "id"] for place in order if place != row][:5]
    assert [line["id"] for line in rows] == expected
    assert float(rows[0]["distance"]) == pytest.approx(np.linalg.norm(vectors[order[1]] - vectors[row]), abs=1e-5)
    assert "no glitch 'nobody' in the study" in error_of(capsys, "search", "nobody", "--study", study)


def test_search_of_a_glitch_that_was_left_out(capsys, study, tmp_path):
    write(tmp_path / "data" / "Blip" / view_name("half", 1.0), png(published(draw_levels(np.random.default_rng(0)))))
    run(capsys, "ingest", tmp_path / "data", "--study", study)
    code, _, err = run(capsys, "search", "half", "--study", study)
    assert code == 2
    assert (
        "glitch 'half' has no vector: no view 4.0 s" in err.splitlines()[-1]
    )  # a slow machine shows progress before it


def test_project_colours_by_any_column(capsys, study, tmp_path):
    code, out, _ = run(
        capsys, "project", "Blip", "Power_Line", "--method", "tsne", "--dims", 2, "--study", study, "--out", tmp_path
    )
    assert code == 0
    table = pd.read_csv(tmp_path / "coordinates.csv")
    assert len(table) == 16
    assert list(table.columns[-2:]) == ["x", "y"]
    assert "embedding.html" in out
    assert "no column 'colour' to colour by; there are: ifo, gps, label, predicted" in error_of(
        capsys, "project", "--color", "colour", "--study", study
    )


def test_plain_images_go_the_whole_way(capsys, tmp_path):
    rng = np.random.default_rng(0)
    for number in range(12):
        colour = np.array([250, 120, 40] if number % 2 else [30, 60, 220], np.uint8)
        picture = (colour * rng.uniform(0.7, 1, (64, 64, 1))).astype(np.uint8)
        write(tmp_path / "galaxies" / "Odd" / f"{number:03d}.png", png(picture))
    assert run(capsys, "ingest", tmp_path / "galaxies", "--study", tmp_path / "study")[0] == 0
    code, _, _ = run(
        capsys, "cluster", "Odd", "--method", "spectral", "--study", tmp_path / "study", "--out", tmp_path / "out"
    )
    assert code == 0
    table = pd.read_csv(tmp_path / "out" / "clusters.csv")
    assert table.groupby(np.arange(12) % 2)["cluster"].nunique().tolist() == [1, 1]
    code, out, _ = run(capsys, "project", "--method", "umap", "--dims", 2, "--study", tmp_path / "study")
    assert (code, out.partition(", ")[0]) == (0, "12 pictures")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.mkdir(), "could be used (0 skipped; it is empty)"),
        (
            lambda path: write(path / "Blip" / "H1_a_spectrogram_4.0.png", b"text"),
            "could be used (1 skipped; the first:",
        ),
        (lambda path: path.write_text("x"), "is neither a folder, a .csv, an HDF5 file (.h5, .hdf5) nor vectors"),
        (lambda _: None, "does not exist; give a folder of images, a CSV or an HDF5 training set"),
    ],
)
def test_nothing_to_ingest(capsys, tmp_path, make, message):
    make(tmp_path / "data")
    assert message in error_of(capsys, "ingest", tmp_path / "data", "--study", tmp_path / "study")
    if (tmp_path / "study").exists():
        with Study(tmp_path / "study") as study:
            assert study.runs()["outcome"].iloc[-1].startswith("failed")


def test_a_table_without_rows(capsys, tmp_path):
    table = write(tmp_path / "table.csv", b"id,label\n")
    assert "could be used (0 skipped; it has no rows)" in error_of(
        capsys, "ingest", table, "--study", tmp_path / "study"
    )


def test_the_same_labels_again_are_told(capsys, tmp_path):
    for name in ("first.csv", "second.csv"):
        table = write(tmp_path / name, b"id,label\na,Blip\nb,Tomte\n")
        code, out, _ = run(capsys, "ingest", table, "--study", tmp_path / "study")
        assert code == 0
        assert ("2 glitches keep their labels: the record now names this source too" in out) == (name == "second.csv")


@pytest.mark.parametrize("name", ["pipe.csv", "pipe.h5"])
def test_a_pipe_is_no_table(capsys, tmp_path, name):
    os.mkfifo(tmp_path / name)
    message = f"{name} is a pipe, a socket or a device; give a file"
    assert message in error_of(capsys, "ingest", tmp_path / name, "--study", tmp_path / "study")
    assert message in error_of(capsys, "ingest", "--labels", tmp_path / name, "--study", tmp_path / "study")


def test_a_label_with_a_typo_is_reported(capsys, tmp_path):
    make_gallery(tmp_path / "data", {"Blip": 2, "Blips": 1})
    code, out, _ = run(capsys, "ingest", tmp_path / "data", "--study", tmp_path / "study", "--json")
    assert code == 0
    (warning,) = json.loads(out)["warnings"]
    assert warning.startswith("the new label 'Blips' (1 glitch) is spelled nearly like 'Blip'")
    code, out, _ = run(capsys, "ingest", tmp_path / "data", "--study", tmp_path / "again")
    assert code == 0
    assert f"Warning: {warning}" in out
    write(tmp_path / "labels.csv", b"id,label\nH1_a000000000,Whistl\n")
    code, out, _ = run(capsys, "ingest", "--labels", tmp_path / "labels.csv", "--study", tmp_path / "study", "--json")
    assert "'Whistl'" in json.loads(out)["warnings"][0]
    assert "no glitch is labelled 'blib'; did you mean 'Blip'?" in error_of(
        capsys, "cluster", "blib", "--study", tmp_path / "study"
    )


def test_no_study(capsys, tmp_path):
    assert "no study in" in error_of(capsys, "status", "--study", tmp_path)


def test_a_study_one_folder_away_is_named(capsys, tmp_path, study):
    for slip in (tmp_path, study / "reports"):
        assert f"but there is one in {study}: write --study {study}\n" in error_of(capsys, "status", "--study", slip)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("clusters x", "no command 'clusters'; did you mean `discover cluster`?"),
        ("audit imprt x", "no command 'imprt'; did you mean `discover audit import`?"),
        ("nothing", "no command 'nothing'; there are: ingest, fetch, "),
        (
            "--study a cluster x",
            "--study stands before the command; write it at the end: `discover cluster x --study a`",
        ),
        ("-v --study=a status", "-v stands before the command; write it at the end: `discover status -v --study=a`"),
    ],
)
def test_a_mistyped_command_is_put_right(capsys, line, expected):
    with pytest.raises(SystemExit):
        main(line.split())
    assert expected in capsys.readouterr().err


def test_a_column_with_a_slip_is_named(capsys, tmp_path):
    write(tmp_path / "some.csv", b"id,lable,SNR,else\nH1_a000000000,Blip,9,x\n")
    code, out, _ = run(capsys, "ingest", tmp_path / "some.csv", "--study", tmp_path / "study", "--json")
    assert code == 0
    assert [line.partition(": ")[2] for line in json.loads(out)["warnings"]] == [
        "the column 'lable' is not read; is it 'label'?",
        "the column 'SNR' is not read; is it 'snr'?",
    ]


def test_csv_text():
    assert csv_text(("a", "b"), [(1.5, float("nan")), (np.float32(0.1), 'x,"y"')]) == 'a,b\n1.5,\n0.1,"x,""y"""\n'


def test_the_real_none_of_the_above(capsys, tmp_path, real_data):
    """The main job on 120 real glitches of two classes that Gravity Spy did not know in O1: both methods find the two."""
    from sklearn.metrics import adjusted_mutual_info_score

    folder = tmp_path / "study"
    assert run(capsys, "ingest", real_data / "gravityspy", "--study", folder)[0] == 0
    truth = pd.read_csv(real_data / "gravityspy" / "truth.csv").drop_duplicates("id").set_index("id")["truth"]
    for method in ("hdbscan", "spectral"):
        assert (
            run(
                capsys,
                "cluster",
                "None_of_the_Above",
                "--method",
                method,
                "--study",
                folder,
                "--out",
                tmp_path / method,
            )[0]
            == 0
        )
        table = pd.read_csv(tmp_path / method / "clusters.csv")
        assert len(table) == 120
        assert adjusted_mutual_info_score(truth[table["id"]], table["cluster"]) >= 0.85
        assert 2 <= table.loc[table["cluster"] >= 0, "cluster"].nunique() <= 4
        assert (table["cluster"] == -1).mean() <= 0.1
