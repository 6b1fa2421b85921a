"""Mistakes are reported before any engine is imported, with the library's own messages."""

import json
import os
import subprocess
import sys

import pytest
from support.gallery import make_gallery
from support.terminal import error_of

from discovery.candidates.checks import check_color
from discovery.checks.audit import check as check_audit
from discovery.checks.labels import check_labels
from discovery.cli import create_parser, main
from embed import Study, ingest_folder
from embed.detector.options import SourceOptions
from embed.errors import InputError, WeightsError
from embed.network.sources import read_card

ENGINES = ("torch", "torchvision", "timm", "faiss", "umap", "hdbscan", "openTSNE", "plotly", "sklearn", "pandas")
"""None of these may be imported to report a mistake."""

RUN_ALL = f"""
import contextlib, io, json, sys
from discovery.cli import main

for line in sys.stdin:
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors):
        try:
            code = main(json.loads(line))
        except SystemExit as stop:
            code = stop.code
    imported = [name for name in {ENGINES} if name in sys.modules]
    print(json.dumps([code, errors.getvalue(), imported]))
"""

COMMANDS = (
    "status",
    "embed",
    "cluster X",
    "novel",
    "project",
    "search x",
    "audit",
    "audit import x.csv",
    "audit undo",
    "train",
)
COMMANDS += ("generator train", "generator evaluate", "generator anomalies", "generate Blip -n 1 --out new")
COMMANDS += ("fetch --all --out new", "export --to csv --out new.csv")
COMMANDS += (
    "check",
    "explore",
    "evaluate",
    "predict",
    "name 0 X",
    "batch 0",
    "update",
    "verify",
    "onset",
    "scorecard",
    "guide Blip",
)

NO_WEIGHTS = "no weights 'modl:quick': give "
MISTAKES = (
    ("name 0 Reverse_Chirp", "the study has no clustering; run `discover cluster LABEL` first"),
    ("explore --port 70000", "--port 70000: give a number from 0 to 65535"),
    ("guide 0", "the study has no clustering; run `discover cluster LABEL` first"),
    ("guide Blap", "no glitch is labelled 'Blap'; did you mean 'Blip'?"),
    ("guide Blip --label Koi_Fish", "--label Koi_Fish goes with the number of a cluster, not with 'Blip'"),
    ("guide Blip --weights modl:quick", NO_WEIGHTS),
    ("audit --rate 7", "a false discovery rate of 7.0: give a number between 0 and 1"),
    ("audit --splits 2", "2 splits are fewer than the 5 that test every glitch once"),
    ("cluster Blap", "no glitch is labelled 'Blap'; did you mean 'Blip'? There are: Blip (3), Koi_Fish (3)"),
    (
        "cluster Blip --predicted",
        "no glitch is predicted 'Blip'; no glitch has a prediction; `discover predict MODEL` makes some; 3 glitches have it as given label",
    ),
    ("cluster Blip --k 2", "--k 2 goes with --method spectral"),
    ("cluster Blip --method kmeans", "invalid choice: 'kmeans'"),
    ("cluster Blip --weights modl:quick", NO_WEIGHTS),
    ("novel Blap", "no glitch is labelled 'Blap'; did you mean 'Blip'?"),
    ("novel --weights modl:quick", NO_WEIGHTS),
    ("project Blap", "no glitch is labelled 'Blap'"),
    ("project --color colour", "no column 'colour' to colour by; there are: ifo, gps, label, predicted"),
    ("project --weights modl:quick", NO_WEIGHTS),
    ("project --figures jpg", "no figure format 'jpg': give some of png, svg, pdf, with commas between"),
    ("audit --figures png,pfd", "no figure format 'pfd'; did you mean 'pdf'? There are png, svg, pdf"),
    ("batch", "give either the number of a cluster in clusters.csv or --ids with a CSV of glitches"),
    (
        "batch 0 --ids missing.csv",
        "give either the number of a cluster in clusters.csv or --ids with a CSV of glitches",
    ),
    ("batch --ids missing.csv", "missing.csv cannot be read (No such file or directory)"),
    ("search nobody", "no glitch 'nobody' in the study"),
    ("search x -k 0", "'0' is not a number from 1"),
    ("embed --weights modl:quick", NO_WEIGHTS),
    ("embed --weights model:quick", "no model 'quick' in"),
    ("embed --weights model:a/b", "cannot be a model's name"),
    ("embed --weights missing.pth", "no weights 'missing.pth'"),
    ("embed --weights missing.pth --backbone timm:resnet18", "no weights 'missing.pth'"),
    ("embed --weights model:old --views 1.0", "--views 1.0 does not go with model 'old', which was trained with 4.0"),
    ("embed --weights model:old --backbone vgg16", "--backbone vgg16 does not go with model 'old'"),
    ("embed --weights model:torn", "model.json is damaged"),
    ("embed --backbone resnet", "no backbone 'resnet'; there are vgg16"),
    ("embed --backbone resnet50", "no weights are bundled for resnet50"),
    ("embed --backbone resnet50 --weights glitch", "no glitch weights ship for resnet50"),
    ("embed --views 3.0", "--views '3.0': give durations"),
    ("audit --weights modl:quick", NO_WEIGHTS),
    ("audit --probabilities missing.csv", "missing.csv cannot be read (No such file or directory)"),
    ("audit --probabilities missing.csv --refit backbone", "--refit trains on images, --probabilities needs none"),
    ("audit --refit backbone --weights model:quick", "no model 'quick' in"),
    ("audit --refit backbone --weights model:old --views 3.0", "--views '3.0': give durations"),
    ("audit --refit backbone --weights model:old --backbone resnet", "no backbone 'resnet'; there are vgg16"),
    ("audit --refit backbone --weights modl:quick", NO_WEIGHTS),
    ("audit import missing.csv", "missing.csv cannot be read (No such file or directory)"),
    ("audit undo", "has no import of answers to undo"),
    ("train --labels Blap", "no glitch is labelled 'Blap'"),
    ("train --weights modl:quick", NO_WEIGHTS),
    ("train --weights model:quick", "no model 'quick' in"),
    ("train --epochs 0", "epochs 0: give a number from 1 to 100"),
    ("train --name old", "there is a model 'old' already; give another --name"),
    ("train --name ../up", "cannot be a model's name"),
    ("train --name stopped", "the training of 'stopped' was stopped; give --resume"),
    ("train --resume --replace", "--resume continues a training, --replace starts it again"),
    ("train --truth truth.csv", "--truth has no effect without --recursive"),
    ("train --recursive 3 --truth missing.csv", "--truth missing.csv cannot be read"),
    ("train --recursive 3 --name early", "there is a model 'early-3' already"),
    ("train --add-class Blip", "--add-class extends a trained model"),
    ("train --add-class Blip --weights model:quick --name new", "no model 'quick' in"),
    ("train --add-class Blap --weights model:old --name new", "no glitch is labelled 'Blap'"),
    ("evaluate quick", "no model 'quick' in"),
    ("evaluate old --baseline --weights modl:quick", NO_WEIGHTS),
    ("predict quick", "no model 'quick' in"),
    ("predict", "the study has 3 models (early-3, old, torn); name one"),
    ("predict old --none-of-these 2", "--none-of-these 2.0: give a share of at least 0 and below 1"),
    ("predict old --top 0", "--top 0: give a number from 1"),
    ("predict old --label Blap", "no glitch is labelled 'Blap'"),
    ("predict old", "every glitch of the study has a given label already"),
    ("ingest", "nothing to ingest; give a PATH"),
    ("ingest missing", "missing does not exist"),
    ("ingest data.txt", "data.txt is neither a folder, a .csv, an HDF5 file (.h5, .hdf5) nor vectors (.npy, .parquet)"),
    ("ingest v.npy", "v.npy holds vectors without ids; give --ids CSV"),
    ("ingest v.npy --ids missing.csv", "v.npy does not exist"),
    ("ingest data --ids i.csv", "--ids goes with vectors in .npy; leave it out"),
    ("ingest data --name x", "--name goes with vectors (.npy, .parquet); leave it out"),
    ("ingest v.npy --ids i.csv --name a/b", "'a/b' cannot be a name of vectors"),
    ("cluster Blip --weights vectors:x", "no vectors 'x' in "),
    ("cluster Blip --weights vectors:x --views 4.0", "--views 4.0 does not go with vectors:x"),
    ("fetch --out new", "say which glitches: give one of ID..., --label LABEL and --all"),
    ("fetch x --all --out new", "say which glitches"),
    ("fetch --all --predicted --out new", "--predicted goes with --label"),
    ("fetch nobody --out new", "no glitch 'nobody' in the study"),
    ("fetch --label Blap --out new", "no glitch is labelled 'Blap'; did you mean 'Blip'?"),
    ("fetch --all --out data.txt", "--out data.txt is a file; name a folder"),
    ("fetch --all --out new", "none of the 6 chosen glitches has a stored address of its 0.5, 1, 2, 4 s picture"),
    ("fetch --all --out new --durations 3.0", "'3.0': give some of 0.5, 1.0, 2.0, 4.0"),
    ("fetch --all --out new --rate 0", "'0' is not a number above 0"),
    ("export --to csv --out data", "--out data is a folder; name a file for --to csv"),
    ("export --to fiftyone --out full", "full exists and is not an empty folder; name a new one"),
    ("export --to csv --out new.csv --vectors", "--vectors goes with --to parquet; leave it out"),
    ("export --to csv --out new.csv --method umap", "--method goes with --to embedding-atlas"),
    ("export --to csv --out new.csv --audit a", "--audit goes with --to cleanlab"),
    ("export --to parquet --out new.p --vectors --weights modl:quick", NO_WEIGHTS),
    ("scan", "no trigger given; give one of --triggers CSV"),
    ("scan --at 1126259462 --find", "--at and --find given"),
    ("scan --at 1126259462", "no strain; give files"),
    ("scan --at 1126259462 --open-data", "--open-data fetches around known times of one detector"),
    ("scan missing.hdf5 --at 1126259462", "missing.hdf5 cannot be read (No such file or directory)"),
    ("scan data.txt --at 1126259462", "data.txt is neither HDF5 nor GWF"),
    ("scan pipe --at 1126259462", "pipe is a pipe, a socket or a device; give a file"),
    ("scan --open-data --ifo H1 --triggers missing.csv", "missing.csv cannot be read"),
    ("scan --open-data --ifo H1 --at -5", "-5"),
    ("simulate --n 2 --out full", "full exists and is not an empty folder; name a new one"),
    ("simulate --n 2 --out new --classes Blap", "'Blap' cannot be simulated"),
    ("simulate --n 2 --out new --onset Blip", "--onset 'Blip' is not CLASS=GPS"),
    ("simulate --n 2 --out new --noise missing.hdf5", "missing.hdf5 cannot be read"),
    ("simulate --n 2 --out new --noise pipe", "pipe is a pipe, a socket or a device; give a file"),
    ("simulate --n 2 --out new --label-noise 2", "label noise 2.0"),
    ("generator train", "a generator reads views of 1, 2 and 4 s, and the study has none of 1.0 s, 2.0 s; ingest them"),
    ("generator train --classes Blap", "no glitch is labelled 'Blap'; did you mean 'Blip'?"),
    ("generator train --name ../up", "'../up' cannot be a generator's name"),
    ("generator train --name simulator", "--name simulator is the name of the simulator itself"),
    ("generator train --batch 30", "--batch 30 is no multiple of 4; give 28"),
    ("generator train --images 3", "--images 3 is less than one batch of 16"),
    ("generator train --lr 2", "--lr 2.0 is not between 0 and 1"),
    ("detector train --out new --ifos V1", "--ifos V1: give H1 or L1, or both"),
    ("detector train --out new --masses 50 5", "--masses 50 5: give two rising numbers from 3 to 200 solar masses"),
    ("detector train --out new --noise nowhere", "no file or folder nowhere of measured noise"),
    ("detector train --out new --lr 2", "--lr 2.0 is not between 0 and 1"),
    ("detector train --out full", "full exists and is not an empty folder; name a new one"),
    ("embed --backbone strain:new", "no detector in new: it has no detector.json; train one with"),
    (
        "embed --backbone strain:new --views 1.0",
        "--views 1.0 does not go with --backbone strain:new, which reads strain",
    ),
    ("cluster Blip --detector missing", "no detector in missing: it has no detector.json"),
    (
        "cluster Blip --detector one",
        "--detector one judges strain, and none of this study is known; give its files with",
    ),
    ("cluster Blip --strain a.hdf5", "--strain a.hdf5 goes with --detector; name the detector that is to read it"),
    ("generator evaluate --model quick", "no generator 'quick'; there are: made, simulator; train one with"),
    ("generator anomalies --model quick", "no generator 'quick'; there are: made, simulator"),
    ("generator anomalies --model simulator", "--model simulator: the simulator has no critic; give a generator"),
    ("generator evaluate --model made", "a generator reads views of 1, 2 and 4 s"),
    ("generate Blip -n 2 --out new --model mde", "no generator 'mde'; did you mean 'made'?"),
    ("generate Blap -n 2 --out new --model made", "the generator 'made' makes no 'Blap'; did you mean 'Blip'?"),
    ("generate Blap -n 2 --out new --model simulator", "the generator 'simulator' makes no 'Blap'"),
    ("generate Blip -n 2 --out full --model made", "full exists and is not an empty folder; name a new one"),
    ("detector evaluate missing", "no detector in missing: it has no detector.json"),
    ("detector evaluate missing --noise 9", "9 segments of noise: give 100 or more"),
    ("detector evaluate missing --livetime 0", "0 hours of time slides: give more than 0"),
    ("detector evaluate missing --minimal-match 2", "a minimal match of 2: give 0.5 to below 1"),
    ("detector scan missing a.hdf5", "no detector in missing: it has no detector.json"),
    ("detector evaluate pair --against one", "pair was trained with ifos ('H1', 'L1') and one with ('H1',)"),
    ("detector evaluate pair --against pair", "two detectors are named 'pair'; rename the folder of one"),
    ("detector scan one a.hdf5", "no background to state a false-alarm rate by: one detector cannot be slid"),
    ("detector scan pair a.hdf5 --background other.csv", "is the background of other weights (pair); evaluate this"),
    ("train --generator quick", "no generator 'quick'"),
    ("train --generator made --recursive 3", "--generator goes with neither --recursive nor --add-class"),
    ("train --generated-per-class 3", "--generated-per-class has no effect without --generator"),
)
CARD = {"backbone": "efficientnet_lite0", "classes": ["Blip", "Koi_Fish"], "views": "4.0", "trained_on": "labels"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A study without vectors, cards of models, and files that are no data."""
    folder = tmp_path_factory.mktemp("checks")
    make_gallery(folder / "data", {"Blip": 3, "Koi_Fish": 3})
    with Study(folder / "study", create=True) as study, study.run("ingest"):
        ingest_folder(study, folder / "data")
    for name in ("old", "early-3", "torn"):
        (folder / "study" / "models" / name).mkdir(parents=True)
        card = json.dumps(CARD) if name != "torn" else "{"
        (folder / "study" / "models" / name / "model.json").write_text(card)
    (folder / "study" / "models" / "stopped.training").mkdir()
    made = {"method": "progan", "architecture": {}, "resolution": 64, "counts": {}, "seed": 0, "trained_on": "labels"}
    (folder / "study" / "generators" / "made").mkdir(parents=True)
    (folder / "study" / "generators" / "made" / "generator.json").write_text(json.dumps(CARD | made))
    for name, ifos in (("pair", ("H1", "L1")), ("one", ("H1",))):
        source = SourceOptions(ifos=ifos)
        card = {"network": "gabbard", "classes": source.classes, "source": source.facts(), "waveform": "IMRPhenomD"}
        (folder / name).mkdir()
        (folder / name / "detector.json").write_text(json.dumps({**card, "weights_sha256": "ab" * 32}))
    (folder / "other.csv").write_text(
        "search,weights,how,livetime_s,statistic\npair,cdcdcdcdcdcdcdcd,time slides,9,1\n"
    )
    (folder / "data.txt").write_text("no data here")
    os.mkfifo(folder / "pipe")
    (folder / "full").mkdir()
    (folder / "full" / "file").touch()
    return folder


def refused(folder, lines):
    """Run each command line in one new process; yields the message of each after judging code, length and imports."""
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL],
        input="".join(json.dumps(line) + "\n" for line in lines),
        capture_output=True,
        text=True,
        cwd=folder,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path), "PATH": ""},
    )
    answers = [json.loads(answer) for answer in done.stdout.splitlines()]
    assert len(answers) == len(lines)
    for line, (code, message, imported) in zip(lines, answers, strict=True):
        assert (code, message.count("\n"), imported) == (2, 1, []), (line, message)
        yield message


def test_a_mistake_is_reported_before_an_engine_is_imported(folder):
    lines = [[*line.split(), "--study", "study"] for line, _ in MISTAKES]
    for message, (line, expected) in zip(refused(folder, lines), MISTAKES, strict=True):
        assert expected in message, line


def test_a_missing_study_is_reported_before_an_engine_is_imported(folder):
    lines = [[*line.split(), "--study", "elsewhere"] for line in COMMANDS]
    for message in refused(folder, lines):
        assert "no study in " in message


def test_a_mistake_changes_nothing(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with Study("study") as study:
        runs = study.count("runs")
    for line, _ in MISTAKES:
        if not any(usage in line for usage in ("kmeans", "-k 0", "--durations 3.0", "--rate 0", "--figures")):
            assert main([*line.split(), "--study", "study"]) == 2
    with Study("study") as study:
        assert study.count("runs") == runs
    assert not (folder / "new").exists()


def test_a_study_without_images(capsys, tmp_path):
    with Study(tmp_path, create=True) as study, study.run("ingest"):
        study.add_glitch("a", "H1", None)
    for command in ("embed", "project", "audit", "search a"):
        assert "holds no images yet" in error_of(capsys, *command.split(), "--study", tmp_path)


def test_a_study_without_glitches_has_nothing_to_predict(capsys, folder, tmp_path):
    with Study(tmp_path, create=True):
        pass
    (tmp_path / "models").symlink_to(folder / "study" / "models")
    assert "holds no glitches; add some" in error_of(capsys, "predict", "old", "--study", tmp_path)
    assert "holds no glitches; add some" in error_of(capsys, "predict", "old", "--all", "--study", tmp_path)


def test_a_card_without_its_classes(tmp_path):
    (tmp_path / "models" / "m").mkdir(parents=True)
    (tmp_path / "models" / "m" / "model.json").write_text('{"backbone": "vgg16", "views": "4.0"}')
    with pytest.raises(WeightsError, match="lacks classes, trained_on; train the model again"):
        read_card(tmp_path / "models" / "m")
    with pytest.raises(InputError, match=r"no model 'n' in .*; there are: m"):
        read_card(tmp_path / "models" / "n")


def test_help_and_packages_are_light():
    """The packages and the parsers import neither an engine nor numpy."""
    script = (
        "import sys, embed, audit, discovery, embed.simulator, discovery.cli; discovery.cli.create_parser().format_help();"
        f"print([name for name in {(*ENGINES, 'numpy', 'scipy', 'rich')} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("choice", ["--views 1.0", "--backbone vgg16", "--backbone timm:resnet18"])
def test_a_refit_from_a_model_may_have_another_network_and_other_views(folder, choice):
    """The refit starts from the weights that the model was trained from, not from the model."""
    line = f"audit --refit backbone --weights model:old {choice} --study {folder / 'study'}"
    check_audit(create_parser().parse_args(line.split()))


def test_a_refit_from_the_model_of_the_latest_vectors(folder, tmp_path):
    with Study(tmp_path, create=True) as study, study.run("ingest"):
        ingest_folder(study, folder / "data")
    (tmp_path / "models").symlink_to(folder / "study" / "models")
    with Study(tmp_path) as study, study.run("embed", {"weights": "model:old"}):
        pass
    line = f"audit --refit backbone --backbone resnet50 --study {tmp_path}"  # no weights of its own are packaged
    check_audit(create_parser().parse_args(line.split()))


def test_labels_are_read_once_and_metadata_only_where_they_are_needed(folder, monkeypatch):
    reads = []
    latest = Study.latest_labels
    monkeypatch.setattr(Study, "latest_labels", lambda self, **options: reads.append(1) or latest(self, **options))
    monkeypatch.setattr(Study, "metadata_columns", lambda _: reads.append("metadata") or ["snr"])
    with Study(folder / "study") as study:
        check_labels(study, ["Blip", "Koi_Fish", "Blip"])
        check_color(study, "label", ("ifo", "label"))
        assert reads == [1]
        check_color(study, "snr", ("ifo", "label"))
        assert reads == [1, "metadata"]
        with pytest.raises(InputError, match="no glitch is labelled 'Blap'"):
            check_labels(study, ["Blip", "Blap"])
