"""Figures as files: PNG, SVG and PDF with fonts inside, the same bytes for the same figure."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from matplotlib.image import imread

from discovery.figures.options import FORMATS
from discovery.pages.drawing import chart
from embed.plotstyle import own_style
from embed.storage import write_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

SINGLE, DOUBLE = 3.5, 7.0
"""Inches: the widths of one column and of two columns of a journal."""
DOTS = 300
"""An inch, in PNGs and in the pictures within SVGs and PDFs."""
_TALLEST = 9.0
"""Inches of a page."""
_METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "ModDate": None},
}
"""No dates: the same figure has the same bytes."""


def save_figures(figures: Mapping[str, Figure | bytes], folder: Path, formats: Sequence[str]) -> dict[str, Path]:
    """Write figures into ``figures`` of a folder.

    Parameters
    ----------
    figures : mapping of str to Figure or bytes
        Name -> what is drawn; bytes are a PNG, which is written as it is, and embedded in SVG and PDF.
    folder : Path
        Of the report.
    formats : sequence of str
        Of `FORMATS`.

    Returns
    -------
    dict of str to Path
        Name with the folder, such as ``figures/map-label.pdf`` -> path. Figures of an earlier run that are not drawn now are removed.
    """
    own = folder / "figures"
    files = {}
    for name, figure in figures.items():
        for kind in formats:
            path = own / f"{name}.{kind}"
            write_bytes(path, figure if kind == "png" and isinstance(figure, bytes) else figure_bytes(figure, kind))
            files[f"figures/{path.name}"] = path
    for old in {path for kind in FORMATS for path in own.glob(f"*.{kind}")} - set(files.values()):
        old.unlink()
    return files


@own_style(svg_hashsalt="glitch-discovery", svg_fonttype="none", pdf_fonttype=42)
def figure_bytes(figure: Figure | bytes, kind: str) -> bytes:
    """Write a figure, or a picture that is a PNG, in a format."""
    if isinstance(figure, bytes):
        figure = _picture(figure)
    out = io.BytesIO()
    figure.savefig(out, format=kind, dpi=DOTS, metadata=_METADATA[kind])
    return out.getvalue()


def _picture(png: bytes) -> Figure:
    """Put a picture on a figure of two columns' width, not resampled."""
    pixels = imread(io.BytesIO(png), format="png")
    height, width = pixels.shape[:2]
    scale = min(DOUBLE / width, _TALLEST / height)
    figure = chart(width * scale, height * scale)
    figure.set_layout_engine("none")
    panel = figure.add_axes((0, 0, 1, 1))
    panel.set_axis_off()
    panel.imshow(pixels, interpolation="none", aspect="auto")
    return figure
