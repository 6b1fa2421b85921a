"""Vectors from strain beside those from spectrograms: which place glitches of one class together, and what both do together.

A detector for one instrument was trained to tell signals, noise and glitches apart, not one class of glitch from another. What its final layer
reads is a vector of a glitch all the same. Here it is judged on the very strain that spectrograms are made of: simulated glitches, and
real ones, already whitened, from a file with a group for each class. For each vector it prints

- the share of glitches whose five nearest neighbours vote for their class, with its 95 % interval;
- the adjusted mutual information (AMI) of the default clusterings, seen without labels, with the classes, mean of the seeds.

Fused vectors are both, each of unit length, one after the other; the strain's is multiplied by a weight first.

    discover detector train --out one --ifos H1 --glitches --examples 30000 --batch 32 --precision bfloat16
    python examples/strain_vectors.py one
    python examples/strain_vectors.py one --real ../shared/data/strain/o3_glitches_whitened.hdf5
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch
from judge_backbone import RGB, Pictures, blind, neighbour_accuracy, vectors_of
from train_backbone import scaled_view

from embed.detector import Detector, load_detector
from embed.detector.demands import check_rate
from embed.detector.reach import decimated
from embed.gravityspy import DURATIONS
from embed.metrics.intervals import wilson
from embed.network.devices import choose_device
from embed.network.network import load_network
from embed.network.runtime import make_runtime
from embed.qtransform.picture import quantise
from embed.qtransform.transform import q_scan
from embed.simulator.injection import detector, lay, whitened_block
from embed.simulator.noise import SAMPLE_RATE
from embed.simulator.population import Population, stream
from embed.simulator.simulation import BATCH, PICTURE_SHAPE
from embed.vectors.similarity import normalise

CLASSES = (
    "Air_Compressor", "Blip", "Extremely_Loud", "Fast_Scattering", "Koi_Fish", "Low_Frequency_Burst",
    "Power_Line", "Scattered_Light", "Scratchy", "Tomte", "Violin_Mode", "Whistle",
)  # fmt: skip
WEIGHTS = (0.25, 0.5, 1.0)
"""Of the strain's vector in a fused one."""


@dataclass(frozen=True)
class Whitened:
    """Whitened strain float32 (N, T) with a glitch in the middle of each row, its sample rate in Hz, and the classes (N,)."""

    strain: np.ndarray
    sample_rate: int
    classes: np.ndarray


def main() -> None:
    """Make or read strain, make vectors of it, judge them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("detector", type=Path, help="the folder of a detector for one instrument")
    parser.add_argument("--each", type=int, default=40, help="simulated glitches of each class; 0: none (default: 40)")
    parser.add_argument("--classes", nargs="+", default=CLASSES, help="simulated classes (default: twelve)")
    parser.add_argument(
        "--real",
        type=Path,
        metavar="FILE",
        help="whitened glitches: HDF5, a group for each class, the glitch in the middle",
    )
    parser.add_argument("--weights", default="glitch", help="of the spectrograms' network (default: glitch)")
    parser.add_argument("--seeds", type=int, default=3, help="of the clusterings (default: 3)")
    parser.add_argument("--seed", type=int, default=5, help="of the simulation (default: 5)")
    options = parser.parse_args()
    network = load_detector(options.detector)
    if len(network.source.ifos) != 1:
        parser.error(f"{options.detector} reads {' and '.join(network.source.ifos)}; give a detector for one")
    rows = []
    if options.each:
        made = simulated(tuple(options.classes), options.each, options.seed)
        rows += judged("simulated", made, network, options)
    if options.real:
        rows += judged(options.real.stem, read_real(options.real), network, options)
    print(pd.DataFrame(rows).round(3).to_string(index=False))


def simulated(classes: tuple[str, ...], each: int, seed: int) -> Whitened:
    """Simulate glitches of one detector, as for pictures: with company and with noise that is not quite stationary."""
    population = Population(
        each * len(classes), seed, classes=classes, equal=True, ifos=("H1",), label_noise=0.0, normalisation="median"
    )
    where, strain, truth = detector("H1"), [], []
    for number in range(population.n):
        entry, rng = population.entry(number), stream(seed, number, 1)
        strain.append(whitened_block(lay(entry.family, where, rng)[0], where, rng))
        truth.append(entry.truth)
    return Whitened(np.stack(strain), SAMPLE_RATE, np.array(truth))


def read_real(path: Path) -> Whitened:
    """Read whitened segments."""
    with h5py.File(path) as file:
        rate = int(file.attrs["sample_rate_hz"])
        found = [(name, own[()]) for name, group in sorted(file.items()) for own in group.values()]
    return Whitened(np.stack([strain for _, strain in found]), rate, np.array([name for name, _ in found]))


def judged(name: str, glitches: Whitened, network: Detector, options: argparse.Namespace) -> list[dict[str, object]]:
    """Judge vectors of the same glitches by strain, by spectrogram, and fused."""
    strain, pictures = strain_vectors(glitches, network), picture_vectors(glitches, options.weights)
    vectors = {"spectrogram": pictures, "strain": strain}
    vectors |= {f"fused, strain x {weight:g}": np.hstack([weight * strain, pictures]) for weight in WEIGHTS}
    rows = []
    for kind, own in vectors.items():
        count = len(own)
        share = neighbour_accuracy(own, glitches.classes, np.arange(count))
        low, high = wilson(round(share * count), count)
        row: dict[str, object] = {"glitches": name, "n": count, "vector": kind, "5-NN": share}
        row["95 %"] = f"{low:.3f} to {high:.3f}"
        rows.append(row | blind(normalise(own), glitches.classes, options.seeds))
    return rows


def strain_vectors(glitches: Whitened, network: Detector) -> np.ndarray:
    """What the detector's final layer reads of the middle of each row, of unit length: float32 (N, d)."""
    source = network.source
    decimate = check_rate(glitches.sample_rate, source)
    segments = []
    for row in glitches.strain:
        values = decimated(row, decimate)
        first = (len(values) - source.samples) // 2
        segments.append(values[None, first : first + source.samples])
    return normalise(network.features(np.stack(segments)))


def picture_vectors(glitches: Whitened, weights: str) -> np.ndarray:
    """Vectors of the spectrograms of 1, 2 and 4 s, of unit length: float32 (N, D)."""
    levels = []
    for start in range(0, len(glitches.strain), BATCH):
        scan = q_scan(
            torch.from_numpy(glitches.strain[start : start + BATCH]),
            float(glitches.sample_rate),
            whitened=True,
            durations=DURATIONS[1:],
            shape=PICTURE_SHAPE,
        )
        levels += [[scaled_view(view) for view in views] for views in quantise(scan.energies).cpu().numpy()]
    network = load_network(weights=weights)
    runtime = make_runtime(network, choose_device())
    found = vectors_of(runtime, network.backbone, Pictures(np.array(levels), glitches.classes), RGB)
    runtime.close()
    return found


if __name__ == "__main__":
    main()
