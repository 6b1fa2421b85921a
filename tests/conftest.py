"""The tests' fixtures: real data where it lies, a fixed clock, a tiny network, an embedded study."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from support.gallery import draw_levels, make_gallery, png, published, view_name, write
from support.models import LABELS, PARTS, make_model

from embed import Study, embed, ingest_folder
from embed.network.network import load_network
from embed.views.decoding import spectrogram_levels

REAL = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"


@pytest.fixture(scope="session")
def real_data():
    folder = REAL.resolve()
    if not (folder / "gravityspy").is_dir():
        pytest.skip("../shared/data is not here")
    return folder


@pytest.fixture(autouse=True)
def _fixed_clock(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.delenv("DISCOVER_STUDY", raising=False)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Backbone and weights of a very small network, for tests of everything around the network."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    save_file(timm.create_model("test_efficientnet", num_classes=0).state_dict(), path)
    return {"backbone": "timm:test_efficientnet", "weights": str(path), "runtime": "torch"}


@pytest.fixture(scope="session")
def gallery(tmp_path_factory):
    """24 glitches of three labels, 4.0 s views only."""
    folder = tmp_path_factory.mktemp("gallery")
    make_gallery(folder, {"Blip": 8, "Power_Line": 8, "None_of_the_Above": 8})
    return folder


@pytest.fixture(scope="session")
def embedded(tmp_path_factory, gallery):
    """A study of the gallery with its vectors; read only."""
    os.environ["SOURCE_DATE_EPOCH"] = "1700000000"
    with Study(tmp_path_factory.mktemp("embedded") / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, gallery)
        embed(study)
    return study.folder


@pytest.fixture(scope="session")
def modelled(tmp_path_factory, tiny):
    """A study of 72 glitches of three labels, six without one, and the models ``one`` and ``two`` of the same split."""
    folder = tmp_path_factory.mktemp("evaluate")
    make_gallery(folder / "data", dict.fromkeys(LABELS, 24))
    rng = np.random.default_rng(5)
    for number in range(6):
        write(folder / "free" / view_name(f"free{number}", 4.0), png(published(draw_levels(rng, number % 3))))
    with Study(folder / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, folder / "data")
            ingest_folder(study, folder / "free")
        ids = study.glitches().loc[lambda table: table["label"] != "", "id"]
        parts = {identifier: PARTS[place % 6] for place, identifier in enumerate(ids)}
        make_model(study, tiny, "one", parts=parts)
        make_model(study, tiny, "two", parts=parts, seed=9)
    return folder / "study"


@pytest.fixture(scope="session")
def unknown_glitches(real_data):
    """The 4 s views of None_of_the_Above as 1280-component vectors of the bundled network, and their true class."""
    glitches = real_data / "gravityspy"
    network = load_network()
    mean, std = (torch.tensor(v)[:, None, None] for v in (network.backbone.mean, network.backbone.std))
    with (glitches / "truth.csv").open() as file:
        classes = {row["id"]: row["truth"] for row in csv.DictReader(file)}
    images, truth = [], []
    for path in sorted((glitches / "None_of_the_Above").glob("*_spectrogram_4.0.png")):
        levels = torch.tensor(spectrogram_levels(path.read_bytes(), network.backbone.size))
        images.append(((levels / 255).expand(3, -1, -1) - mean) / std)
        truth.append(classes[path.name.split("_spectrogram_")[0]])
    with torch.inference_mode():
        vectors = [network.module(batch).numpy() for batch in torch.stack(images).split(30)]
    return np.concatenate(vectors), np.array(truth)
