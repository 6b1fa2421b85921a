"""Compare looks: real glitches beside simulated ones of the same class, a row a class, as one picture.

Each row has the real glitch on the left and simulated ones of nearly its peak frequency and loudness beside it, each in the four
views. Look at it after every change of a family: whoever knows Gravity Spy should not be able to tell them apart at a glance.

    python examples/compare_looks.py ../shared/data/gravityspy_golden --out looks.png
    python examples/compare_looks.py images --classes Helix Paired_Doves --each 4 --draws 30
    python examples/compare_looks.py --out classes.png                # simulated ones alone
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from embed.digits import counted
from embed.gravityspy import DURATIONS, class_name, other_view, parse_view_name
from embed.simulator import FAMILIES, Population, simulate_batch
from embed.views.decoding import spectrogram_levels
from embed.views.viridis import table

SIDE = 224
"""Pixels of a view as networks read it; it is shown at half of that."""
SHOWN = 112
GAP, TITLE = 6, 12


def main() -> None:
    """Read, simulate, match, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "images", type=Path, nargs="?", help="real glitches with four views each, a folder a class (default: none)"
    )
    parser.add_argument("--out", type=Path, default=Path("looks.png"), help="default: looks.png")
    parser.add_argument("--classes", nargs="+", metavar="CLASS", help="default: every folder whose class is simulated")
    parser.add_argument("--each", type=int, default=3, help="simulated glitches beside each real one (default: 3)")
    parser.add_argument("--draws", type=int, default=16, help="from which those are chosen (default: 16)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.images is not None and not options.images.is_dir():
        parser.error(f"{options.images} is not a folder; give real glitches, a folder a class")
    names = options.classes or [name for name, family in FAMILIES.items() if family.catalogued]
    real = dict.fromkeys(sorted(names)) if options.images is None else read_real(options.images, names)
    if not real:
        parser.error(f"{options.images} holds no folder of a simulated class with a glitch that has all four views")
    montage(real, options.each, options.draws, options.seed).save(options.out)
    print(f"{options.out}: {counted(len(real), 'class', 'classes')}")


def read_real(images: Path, names: Sequence[str]) -> dict[str, np.ndarray | None]:
    """Levels of the first whole glitch of each of these classes that has a folder."""
    found: dict[str, np.ndarray | None] = {}
    for folder in sorted(path for path in images.iterdir() if path.is_dir()):
        name = class_name(folder.name)
        if name in names and (levels := first_with_all_views(folder)) is not None:
            found[name] = levels
    return found


def first_with_all_views(folder: Path) -> np.ndarray | None:
    """Levels (4, SIDE, SIDE) uint8 of the first glitch that has four views; None where there is none."""
    for path in sorted(folder.iterdir()):
        name = parse_view_name(path)
        if name is None or name.duration != DURATIONS[0]:
            continue
        views = [other_view(path, duration) for duration in DURATIONS]
        if all(view.exists() for view in views):
            return np.stack([spectrogram_levels(view.read_bytes(), SIDE) for view in views])
    return None


def montage(real: dict[str, np.ndarray | None], each: int, draws: int, seed: int) -> Image.Image:
    """Draw a row a class."""
    columns = each + any(levels is not None for levels in real.values())
    width = columns * (len(DURATIONS) * SHOWN + GAP)
    sheet = Image.new("RGB", (width, len(real) * (SHOWN + TITLE)), "white")
    pen = ImageDraw.Draw(sheet)
    for row, (name, levels) in enumerate(real.items()):
        drawn = simulate_batch(Population(draws, seed + row, classes=(name,)), shape=(SIDE, SIDE)).levels
        if levels is None:
            shown = [*drawn[:each]]
        else:
            near = np.argsort([distance(levels, candidate) for candidate in drawn], kind="stable")[:each]
            shown = [levels, *drawn[near]]
        top = row * (SHOWN + TITLE)
        pen.text((2, top), name if levels is None else f"{name}: real, and simulated", fill="black")
        for place, glitch in enumerate(shown):
            for view, picture in enumerate(glitch):
                image = Image.fromarray(table()[picture]).resize((SHOWN - 2, SHOWN - 2))
                sheet.paste(image, ((place * len(DURATIONS) + view) * SHOWN + place * GAP, top + TITLE))
    return sheet


def distance(one: np.ndarray, two: np.ndarray) -> float:
    """How much two glitches differ in frequency (octaves) and loudness (powers of e) of what stands out of their 0.5 s view."""
    octaves = np.log2(2048.0 / 10.0)
    figures = []
    for glitch in (one, two):
        energy = np.clip(glitch[0].astype(np.float64) - 60.0, 0.0, None)
        rows = energy.sum(axis=1)
        centre = (rows @ np.arange(SIDE)) / max(rows.sum(), 1e-9) / SIDE * octaves
        figures.append((centre, np.log(max(rows.sum(), 1.0))))
    (f_one, loud_one), (f_two, loud_two) = figures
    return abs(f_one - f_two) + 0.3 * abs(loud_one - loud_two)


if __name__ == "__main__":
    main()
