"""Training against a plain PyTorch loop on the same pictures, embedding and prediction against the network alone; printed by ``make bench``, on a GPU by ``make gpu``."""

import os
import time
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from support.gallery import make_gallery
from support.models import LABELS, PARTS, make_model
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from embed import EmbeddingOptions, Study, embed, ingest_folder
from embed.network.backbones import DEFAULT_BACKBONE
from embed.network.network import load_network
from embed.training.options import TrainingOptions
from embed.training.prediction import predict
from embed.training.trainer import train
from embed.views.decoding import PUBLISHED_BOX

pytestmark = pytest.mark.benchmark

REPEATS = 3
EPOCHS = 2
COUNTS = {"Blip": 32, "Koi_Fish": 32, "Power_Line": 32}
DEVICES = ("cpu", pytest.param("cuda", marks=pytest.mark.gpu))


class Pictures(Dataset):
    """PIL, torchvision's transforms: shift and zoom as ours in training."""

    def __init__(self, items, *, augmented):
        moved = [v2.RandomAffine(0, translate=(0.045, 0.045), scale=(0.95, 1.05))] if augmented else []
        self.items = items
        self.transform = v2.Compose(
            [
                v2.ToImage(),
                v2.Resize((224, 224), antialias=True),
                *moved,
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize([0.5] * 3, [0.5] * 3),
            ]
        )

    def __len__(self):
        return len(self.items)

    def __getitem__(self, place):
        path, target = self.items[place]
        with Image.open(path) as image:
            return self.transform(image.convert("RGB").crop(PUBLISHED_BOX)), target


def plain_loop(parts, device):
    """Plain PyTorch: a data loader with a worker a core, float32, AdamW, the validation part judged after each epoch and the test part at the end."""
    network = nn.Sequential(load_network().module, nn.Linear(1280, len(COUNTS))).to(device)
    workers = os.cpu_count()
    loaders = {
        part: DataLoader(Pictures(items, augmented=part == "train"), 32, shuffle=part == "train", num_workers=workers)
        for part, items in parts.items()
    }
    optimizer = torch.optim.AdamW(network.parameters(), 3e-4)

    def judge(part):
        network.eval()
        with torch.inference_mode():
            for pictures, _ in loaders[part]:
                network(pictures.to(device)).argmax(1).cpu()

    for _ in range(EPOCHS):
        network.train()
        for pictures, targets in loaders["train"]:
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(pictures.to(device)), targets.to(device)).backward()
            optimizer.step()
        judge("validation")
    judge("test")


def processor_time():
    """Seconds of this process and of its children that have ended: other programs on the machine do not count."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@pytest.mark.parametrize("device", DEVICES)
def test_embedding_beside_the_network_alone(tmp_path, device):
    """From decoded views in the cache to vectors on disk, against the network's forward rate on random numbers; graph and index are timed apart."""
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    count, size, repeats = (40_000, 256, 50) if device == "cuda" else (1000, 32, 10)
    folder = many_pictures(tmp_path, {"Blip": count})
    with Study(tmp_path / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, folder)
        embed(study, EmbeddingOptions(views="4.0", device=device, weights="glitch"))  # fills the cache
        start, began = time.perf_counter(), {}
        options = EmbeddingOptions(views="4.0", device=device, weights="bundled")
        embed(study, options, step=lambda name: began.setdefault(name, time.perf_counter()))
        ended = time.perf_counter()
    alone = forward_rate(device, size, repeats)
    vectors, whole = count / (began["graph"] - start), count / (ended - start)
    print(
        f"\nembedding on {device} of {count} pictures from the cache to vectors on disk: {vectors:.0f} images a second, "
        f"the network alone in torch {alone:.0f}: {vectors / alone:.0%}; with graph and index {whole:.0f}; seconds: "
        f"plan and network {began['write'] - start:.2f}, write {began['graph'] - began['write']:.2f}, "
        f"graph {began['index'] - began['graph']:.2f}, index and hashes {ended - began['index']:.2f}"
    )
    assert vectors >= 0.6 * alone


@pytest.mark.parametrize("device", DEVICES)
def test_prediction_beside_the_network_alone(tmp_path, device):
    """A glitch asked about for the first time, its views in the cache, and asked about again."""
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    count, size, repeats = (6000, 256, 50) if device == "cuda" else (300, 32, 10)
    folder = many_pictures(tmp_path, dict.fromkeys(LABELS, count // 3))
    with Study(tmp_path / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, folder)
        ids = study.glitches()["id"]
        spec = {"backbone": DEFAULT_BACKBONE, "weights": "bundled", "device": device}
        parts = {identifier: PARTS[place % 6] for place, identifier in enumerate(ids)}
        model = make_model(study, spec, "one", parts=parts)  # fills the cache of decoded views
        glitches, options = study.glitches().index.to_numpy(), EmbeddingOptions(device=device)
        seconds = []
        for _ in range(2):
            start = time.perf_counter()
            predict(study, model, glitches, options=options)
            seconds.append(time.perf_counter() - start)
    alone = forward_rate(device, size, repeats)
    first, again = (1e3 * taken / count for taken in seconds)
    print(
        f"\na prediction on {device} takes {first:.2f} ms a glitch, asked again {again:.3f} ms, the network alone {1e3 / alone:.2f} ms"
    )
    assert again < first


@pytest.mark.parametrize("device", DEVICES)
def test_training_beside_a_plain_loop(tmp_path, device):
    """Ours from images on disk to the model on disk: decoding, checkpoints and the richest augmentation are within its time."""
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    times, repeats = (
        (8, 2) if device == "cuda" else (1, REPEATS)
    )  # drawing more pictures takes longer than training on them
    make_gallery(tmp_path / "data", {name: count * times for name, count in COUNTS.items()})
    ours, theirs, processor = [], [], []
    for repeat in range(repeats):
        with Study(tmp_path / f"study{repeat}", create=True) as study:
            with study.run("ingest"):
                ingest_folder(study, tmp_path / "data")
            start, before = time.perf_counter(), processor_time()
            model = train(study, TrainingOptions(device=device, views="4.0"), changes={"epochs": EPOCHS}).model
            ours.append(time.perf_counter() - start)
            own = processor_time() - before
            table = study.glitches()
            paths = {view.glitch: view.source for view in study.views()}
        parts = {"train": [], "validation": [], "test": []}
        for glitch, row in table.iterrows():
            parts[model.parts[row["id"]]].append((paths[glitch], model.classes.index(row["label"])))
        start, before = time.perf_counter(), processor_time()
        plain_loop(parts, torch.device(device))
        theirs.append(time.perf_counter() - start)
        processor.append((processor_time() - before) / own)
        print(
            f"\ntraining on {device}, run {repeat + 1} of {repeats}: ours {ours[-1]:.1f} s, plain loop {theirs[-1]:.1f} s"
        )
    ratio = np.median([plain / own for plain, own in zip(theirs, ours, strict=True)])
    images = EPOCHS * len(parts["train"])
    print(
        f"\ntraining on {device}: ours {images / np.median(ours):.1f} training images a second, all else included; "
        f"plain loop {images / np.median(theirs):.1f}; ratio {ratio:.2f}, of processor time {np.median(processor):.2f}"
    )
    assert ratio >= 1.5


def test_later_epochs(tmp_path):
    """What an epoch costs once the views are decoded, beside the network's own steps on random numbers."""
    make_gallery(tmp_path / "data", COUNTS)
    times = []
    with Study(tmp_path / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, tmp_path / "data")
        changes = {"epochs": 3, "patience": 0}
        model = train(
            study,
            TrainingOptions(device="cpu", views="4.0"),
            changes=changes,
            progress=lambda what, done, _: times.append((time.perf_counter(), done)) if what == "train" else None,
        ).model
    steps = [
        (after[0] - before[0]) / (after[1] - before[1])
        for before, after in pairwise(times)
        if after[1] % model.card["counts"]["train"]
        != 32  # the first step of an epoch follows checkpoint and validation
    ]
    network = nn.Sequential(load_network().module, nn.Linear(1280, 3)).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), 3e-4)
    bare = []
    for _ in range(4):
        pictures = torch.randn(32, 3, 224, 224).contiguous(memory_format=torch.channels_last)
        start = time.perf_counter()
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(pictures), torch.zeros(32, dtype=torch.long)).backward()
        optimizer.step()
        bare.append((time.perf_counter() - start) / 32)
    share = np.median(bare) / np.median(steps)
    print(
        f"\na training image costs {np.median(steps) * 1e3:.0f} ms, the network's step alone {np.median(bare) * 1e3:.0f} ms: {share:.0%} of the time is the network's"
    )
    assert share > 0.6


def many_pictures(folder, counts):
    """A folder of 200 pictures a class, each linked to until there are as many as asked for."""
    make_gallery(folder / "data", dict.fromkeys(counts, 200))
    for label, count in counts.items():
        pictures = sorted((folder / "data" / label).glob("*.png"))
        place = folder / "many" / label
        place.mkdir(parents=True)
        for number in range(count):
            (place / f"H1_{label}{number:09d}_spectrogram_4.0.png").symlink_to(pictures[number % len(pictures)])
    return folder / "many"


def forward_rate(device, size, repeats):
    """Images a second of the network alone, in torch."""
    kind = torch.bfloat16 if device == "cuda" else torch.float32
    network = load_network().module.to(device, kind, memory_format=torch.channels_last)
    batch = torch.randn(size, 3, 224, 224).to(device, kind, memory_format=torch.channels_last)

    def wait():
        if device == "cuda":
            torch.cuda.synchronize()

    with torch.inference_mode():
        for _ in range(5):
            network(batch)
        wait()
        start = time.perf_counter()
        for _ in range(repeats):
            network(batch)
        wait()
    return repeats * size / (time.perf_counter() - start)
