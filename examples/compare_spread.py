"""How far simulated glitches are from a run's real ones in loudness, frequency, duration and bandwidth.

For each class of a table of real glitches (columns snr, peakFreq, duration, bandwidth and label, as Gravity Spy publishes Omicron's)
it simulates as many, measures them, and prints for each quantity both medians and the two-sample distance: the largest difference
between the two cumulative distributions (Kolmogorov and Smirnov), 0 where they are alike and 1 where they do not overlap.

SNR and peak frequency are the loudest tile's within 0.25 s, as Omicron's are. Duration and bandwidth are not Omicron's, which are the extent
of a whole cluster of tiles up to 8 kHz: here they are the extent of the bright pixels (normalised energy 6.4 and more) that touch
the brightest one of the 4 s view, 10 to 2048 Hz. Their distances say how the definitions differ as much as how the glitches do.

    python examples/compare_spread.py ../shared/data/gravityspy_o1_table.csv
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import label
from scipy.stats import ks_2samp

from embed.gravityspy import CLASS_LISTS, DURATIONS, class_name
from embed.simulator import Population, simulate_batch

BRIGHT = 64
"""Level of a bright pixel: ten levels are one unit of normalised energy."""
LOWEST, HIGHEST = 10.0, 2048.0
QUANTITIES = {"snr": "SNR", "peakFreq": "peak frequency", "duration": "duration", "bandwidth": "bandwidth"}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="CSV of real glitches")
    parser.add_argument("--most", type=int, default=100, help="simulated glitches a class (default: 100)")
    parser.add_argument("--classes", nargs="+", choices=CLASS_LISTS["O1"], metavar="CLASS", help="default: all of O1's")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not options.table.is_file():
        parser.error(f"{options.table} is not a file; give a CSV of real glitches")
    real = pd.read_csv(options.table)
    lacking = sorted({*QUANTITIES, "label"} - {*real.columns})
    if lacking:
        parser.error(f"{options.table} has no column {', '.join(lacking)}")
    real["label"] = real["label"].map(class_name)
    rows = []
    for name in options.classes or [name for name in CLASS_LISTS["O1"] if name != "None_of_the_Above"]:
        theirs = real[real["label"] == name]
        if len(theirs):
            rows.append(
                {"class": name, "real": len(theirs), **distances(theirs, measured(name, options.most, options.seed))}
            )
    print(pd.DataFrame(rows).to_string(index=False))


def measured(name: str, n: int, seed: int) -> pd.DataFrame:
    """Quantities of simulated glitches of one class, a row a glitch."""
    glitches = simulate_batch(Population(n, seed, classes=(name,), label_noise=0.0), durations=DURATIONS[-1:])
    extents = np.array([extent(views[0]) for views in glitches.levels])
    return pd.DataFrame(
        {"snr": glitches.snr, "peakFreq": glitches.frequency, "duration": extents[:, 0], "bandwidth": extents[:, 1]}
    )


def extent(view: np.ndarray) -> tuple[float, float]:
    """Duration (s) and bandwidth (Hz) of the bright pixels that touch the brightest one near the middle of a 4 s view (H, W) uint8."""
    height, width = view.shape
    near = slice(width // 2 - width // 16, width // 2 + width // 16 + 1)
    row, column = np.unravel_index(int(view[:, near].argmax()), view[:, near].shape)
    bright = view >= min(BRIGHT, int(view[row, column + near.start]))
    islands, _ = label(bright, structure=np.ones((3, 3)))
    rows, columns = np.nonzero(islands == islands[row, column + near.start])
    octaves = np.log2(HIGHEST / LOWEST)
    top, bottom = (HIGHEST * 2.0 ** (-octaves * edge / height) for edge in (rows.min(), rows.max() + 1))
    return float((np.ptp(columns) + 1) / width * DURATIONS[-1]), float(top - bottom)


def distances(real: pd.DataFrame, simulated: pd.DataFrame) -> dict[str, str]:
    """Medians of both and their distance, of each quantity."""
    row = {}
    for column, title in QUANTITIES.items():
        one, two = real[column].dropna().to_numpy(float), simulated[column].to_numpy(float)
        row[title] = f"{np.median(one):.3g} / {np.median(two):.3g}: {ks_2samp(one, two).statistic:.2f}"
    return row


if __name__ == "__main__":
    main()
