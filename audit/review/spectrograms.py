"""Pictures as Gravity Spy publishes them: 800 x 600 pixels, time and log-frequency axes, viridis, colour bar.

A published picture is copied unchanged. Any other view is drawn into an empty figure whose axes are on the pixels of the
published ones, so that it reads back as the same levels.
"""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from PIL import Image

from embed.errors import InputError
from embed.gravityspy import ERAS
from embed.plotstyle import own_style
from embed.qtransform.picture import FULL_SCALE, PUBLISHED_SHAPE
from embed.views.decoding import PUBLISHED_BOX, PUBLISHED_SIZE, decode
from embed.views.viridis import colours_of_levels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.study.records import View

MAX_BYTES = 1_000_000
"""Zooniverse's limit for one image."""
SITES = {"H1": "Hanford", "L1": "Livingston", "V1": "Virgo", "K1": "KAGRA", "G1": "GEO600"}
_COLOUR_BAR = (692, 61, 720, 540)
"""Left, top, right and bottom of the published colour bar, in pixels."""
_DPI = 100
_LABELS, _BAR_LABEL, _TICKS = 20, 15, 12
"""Font sizes in points, measured on published pictures."""
_COMPRESSION = 3
"""Level of zlib: level 6 takes twice the time for a picture that is an eighth smaller."""


def picture_png(view: View, ifo: str, gps: float) -> bytes:
    """Make the picture of one view that people are shown.

    Parameters
    ----------
    view : View
    ifo : str
        Detector, for the title (``H1``); empty where unknown.
    gps : float
        Seconds, for the title; NaN where unknown.

    Returns
    -------
    bytes
        A PNG of at most `MAX_BYTES`: the published file where the view comes from one, otherwise the view with drawn axes; a
        plain picture has none.

    Raises
    ------
    InputError
        When the view cannot be read.
    """
    if view.kind == "spectrogram" and not view.dataset and (data := _published(Path(view.source))) is not None:
        return data
    if view.kind == "image":
        return _plain(view)
    side = max(PUBLISHED_SHAPE)
    return draw_picture(decode(view, side), view.duration, title(ifo, gps))


def _published(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            is_published = image.format == "PNG" and image.size == PUBLISHED_SIZE
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error}); restore it, or ingest the images again") from error
    return data if is_published and len(data) <= MAX_BYTES else None


def _plain(view: View) -> bytes:
    for side in (600, 400, 250):
        data = _png(decode(view, side))
        if len(data) <= MAX_BYTES:
            return data
    raise InputError(f"{view.source} needs more than {MAX_BYTES} bytes at 250 pixels; leave this glitch out")


def title(ifo: str, gps: float) -> str:
    """Title of a picture as Gravity Spy writes it, for example ``Livingston - O2``, from what is known."""
    era = next((name[:2] for name, (first, last) in ERAS.items() if first <= gps < last), "")
    return " - ".join(part for part in (SITES.get(ifo, ifo), era) if part)


def draw_picture(levels: NDArray[np.uint8], duration: float, heading: str) -> bytes:
    """Draw levels with Gravity Spy's axes.

    Parameters
    ----------
    levels : ndarray of uint8, shape (H, W)
        Row 0 is 2048 Hz; other sizes are scaled to the published 479 x 573 pixels.
    duration : float
        Seconds.
    heading : str

    Returns
    -------
    bytes
        PNG.
    """
    canvas = _empty_figure(duration, heading).copy()
    left, top, right, bottom = PUBLISHED_BOX
    picture = Image.fromarray(levels)
    if levels.shape != PUBLISHED_SHAPE:
        picture = picture.resize((right - left, bottom - top), Image.Resampling.BILINEAR)
    canvas[top:bottom, left:right] = colours_of_levels(np.asarray(picture))
    return _png(canvas)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG", compress_level=_COMPRESSION)
    return out.getvalue()


@lru_cache(maxsize=64)
@own_style()
def _empty_figure(duration: float, heading: str) -> NDArray[np.uint8]:
    """The figure without the picture, shape (600, 800, 3)."""
    width, height = PUBLISHED_SIZE
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)

    def axes(left: int, top: int, right: int, bottom: int) -> tuple[float, float, float, float]:
        return left / width, 1 - bottom / height, (right - left) / width, (bottom - top) / height

    main = figure.add_axes(axes(*PUBLISHED_BOX))
    main.set_xlim(-duration / 2, duration / 2)
    ticks = np.linspace(-duration / 2, duration / 2, 5)
    main.set_xticks(ticks, [str(float(tick)) for tick in ticks])
    main.set_yscale("log", base=2)
    main.set_ylim(10, 2048)
    main.set_yticks([2.0**power for power in range(4, 12)], [str(2**power) for power in range(4, 12)])
    main.minorticks_off()
    main.tick_params(labelsize=_TICKS)
    main.set_xlabel("Time (s)", fontsize=_LABELS, labelpad=1)
    main.set_ylabel("Frequency (Hz)", fontsize=_LABELS, labelpad=1)
    main.set_title(heading, fontsize=_LABELS, pad=22)
    bar = figure.add_axes(axes(*_COLOUR_BAR))
    energies = figure.colorbar(ScalarMappable(Normalize(0, FULL_SCALE), "viridis"), cax=bar)
    energies.set_label("Normalized energy", fontsize=_BAR_LABEL)
    energies.ax.tick_params(labelsize=_TICKS)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
