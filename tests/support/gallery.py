"""Galleries of published-looking pictures, made here."""

import io

import matplotlib as mpl
import numpy as np
from PIL import Image


def draw_levels(rng, kind=0, shape=(479, 573)):
    """Levels of a made-up glitch: exponential noise and a bright shape that depends on `kind`, as varied as real ones of a class."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    energy = (
        rng.exponential(8, (shape[0] // 8 + 1, shape[1] // 8 + 1)).repeat(8, 0).repeat(8, 1)[: shape[0], : shape[1]]
    )
    middle, width, height = shape[1] / 2 + rng.normal(0, 60), 6 + 16 * rng.random(), 150 + 100 * rng.random()
    if kind == 0:  # a vertical stroke
        shape_at = np.exp(-(((columns - middle) / width) ** 2)) * (rows > shape[0] * (0.2 + 0.4 * rng.random()))
    elif kind == 1:  # a horizontal line
        shape_at = np.exp(-(((rows - shape[0] * (0.35 + 0.4 * rng.random())) / width) ** 2))
    else:  # an arch
        hump = np.exp(-(((columns - middle) / (60 + 120 * rng.random())) ** 2))
        arch = shape[0] * (0.9 - (0.25 + 0.4 * rng.random()) * hump)
        shape_at = np.exp(-(((rows - arch) / width) ** 2))
    return np.clip(energy + height * shape_at, 0, 255).astype(np.uint8)


def viridis(levels):
    return mpl.colormaps["viridis"](levels, bytes=True)[..., :3]


def published(levels):
    """A picture as Gravity Spy publishes it: 800x600, frame, title, colour bar."""
    canvas = np.full((600, 800, 3), 255, np.uint8)
    canvas[60:541, 100:675] = 0  # the frame
    canvas[61:540, 101:674] = viridis(levels)
    canvas[61:540, 692:720] = viridis(np.linspace(255, 0, 479).astype(np.uint8))[:, None]
    canvas[14:34, 280:490:7] = 0  # the title
    canvas[100:500:60, 60:95] = 30  # tick labels
    return canvas


def png(array):
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG", compress_level=1)
    return out.getvalue()


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def view_name(identifier, duration, ifo="H1"):
    return f"{ifo}_{identifier}_spectrogram_{duration}.png"


def make_gallery(folder, counts, durations=(4.0,), seed=0, prefix=""):
    """Write a folder of published-looking glitches: `counts` maps a label to how many; returns the ids."""
    rng = np.random.default_rng(seed)
    ids = []
    for kind, (label, count) in enumerate(counts.items()):
        for number in range(count):
            identifier = f"{prefix}{chr(97 + kind)}{number:09d}"
            ids.append(f"H1_{identifier}")
            for duration in durations:
                write(folder / label / view_name(identifier, duration), png(published(draw_levels(rng, kind))))
    return ids
