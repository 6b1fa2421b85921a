"""How the views of one glitch become the three channels that an ImageNet network reads.

One duration is repeated on the three channels; three durations (1, 2 and 4 s in George, Shen & Huerta 2018, section III) are
red, green and blue; all four make a 2x2 mosaic, arranged as Gravity Spy's own classifier arranges them (0.5 s above 1 s on
the left, 2 s above 4 s on the right).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from embed.errors import InputError
from embed.gravityspy import DURATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    from embed.types import Pixels

PLAIN = 0.0
"""The duration of a plain image's only view."""


@dataclass(frozen=True)
class Encoding:
    """Which views make a network's input, and how.

    Attributes
    ----------
    name : str
        ``single``, ``rgb``, ``mosaic``, ``plain``, or ``none`` of vectors that were made elsewhere.
    durations : tuple of float
        Seconds, in the order of the channels.
    """

    name: str
    durations: tuple[float, ...]

    def __str__(self) -> str:
        return self.name if self.name in ("plain", "none") else ",".join(str(duration) for duration in self.durations)

    def side(self, size: int) -> int:
        """Rows and columns of one view in a network's input of `size`: half of it in a mosaic."""
        return size // 2 if self.name == "mosaic" else size


RICHEST_FIRST = (
    Encoding("rgb", (1.0, 2.0, 4.0)),
    *(Encoding("single", (duration,)) for duration in (4.0, 2.0, 1.0, 0.5)),
    Encoding("plain", (PLAIN,)),
)
"""Tried in this order when no views are chosen: the paper's three durations, then one. The mosaic must be chosen: it shows each
view at half the resolution, and was no better on real glitches."""


NO_VIEWS = Encoding("none", ())
"""Of vectors that were made elsewhere, from no picture of the study."""


def stored_encoding(text: str) -> Encoding:
    """Read the encoding of a store's passport: `NO_VIEWS`, or as `parse_encoding`."""
    return NO_VIEWS if text == NO_VIEWS.name else parse_encoding(text)


def parse_encoding(text: str) -> Encoding:
    """Read ``4.0``, ``1.0,2.0,4.0``, ``0.5,1.0,2.0,4.0`` or ``plain``.

    Raises
    ------
    InputError
        When a duration is none of Gravity Spy's or is given twice, or when there are not 1, 3 or 4 of them.
    """
    if text == "plain":
        return Encoding("plain", (PLAIN,))
    try:
        durations = tuple(float(part) for part in text.split(","))
    except ValueError:
        durations = ()
    if (
        not durations
        or any(duration not in DURATIONS for duration in durations)
        or len(set(durations)) < len(durations)
    ):
        raise InputError(
            f"--views {text!r}: give durations out of {', '.join(map(str, DURATIONS))} (for example 1.0,2.0,4.0), each once, or plain"
        )
    names = {1: "single", 3: "rgb", 4: "mosaic"}
    if len(durations) not in names:
        raise InputError(
            f"--views {text!r}: {len(durations)} durations; give one, three (red, green, blue) or all four (mosaic)"
        )
    return Encoding(names[len(durations)], durations)


def richest(counts: Mapping[float, int], glitches: int) -> Encoding:
    """Choose the first encoding of `RICHEST_FIRST` whose views every glitch with a view has.

    Parameters
    ----------
    counts : mapping
        Duration in seconds -> glitches that have that view.
    glitches : int
        Glitches with at least one view.

    Raises
    ------
    InputError
        When no encoding fits every glitch; the message gives the counts.
    """
    for encoding in RICHEST_FIRST:
        if glitches and all(counts.get(duration, 0) == glitches for duration in encoding.durations):
            return encoding
    present = (
        ", ".join(
            f"{'plain' if duration == PLAIN else f'{duration} s'}: {count}"
            for duration, count in sorted(counts.items())
        )
        or "none"
    )
    raise InputError(
        f"no duration is present for all {glitches} glitches ({present}); choose with --views, glitches without those views are left out and counted"
    )


def network_input(
    views: Pixels | torch.Tensor,
    encoding: Encoding,
    size: int,
    *,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    device: torch.device,
) -> torch.Tensor:
    """Turn decoded views into a network's input.

    Parameters
    ----------
    views : ndarray or tensor of uint8, shape (B, V, side, side), or (B, 1, side, side, 3) of plain images
        Levels of V views in the encoding's order, or colours, at the encoding's side for this size. From a tensor in pinned memory they
        are copied while the device is at work.
    encoding : Encoding
        How they are arranged.
    size : int
        Side of the network's input, pixels.
    mean, std : tuple of 3 float
        The network's normalisation, of values 0 to 1.
    device : torch.device
        Where it is computed.

    Returns
    -------
    tensor of float32, shape (B, 3, size, size)
        ``(level / 255 - mean) / std`` of each channel.
    """
    import torch  # noqa: PLC0415 - seconds that parsing `--views` need not wait for

    own = views if isinstance(views, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(views))
    tensor = own.to(device, non_blocking=True)
    if encoding.name == "plain":
        tensor = tensor[:, 0].permute(0, 3, 1, 2)
    return compose(tensor.float(), encoding, size, mean, std)


def compose(
    values: torch.Tensor, encoding: Encoding, size: int, mean: tuple[float, ...], std: tuple[float, ...]
) -> torch.Tensor:
    """Arrange views as a network's input and normalise them.

    Parameters
    ----------
    values : tensor of float32, shape (B, V, side, side), or (B, 3, side, side) of plain images
        Levels or colours, 0 to 255.
    encoding, size, mean, std
        See `network_input`.

    Returns
    -------
    tensor of float32, shape (B, 3, size, size), on the values' device
    """
    import torch  # noqa: PLC0415 - see `network_input`

    scaled = values
    if encoding.name == "mosaic":
        first, second, third, fourth = scaled.split(1, dim=1)
        scaled = torch.cat([torch.cat([first, second], dim=2), torch.cat([third, fourth], dim=2)], dim=3)
        odd = size - scaled.shape[-1]
        scaled = torch.nn.functional.pad(scaled, (0, odd, 0, odd))
    scale, shift = _normalisation(mean, std, values.device)
    return torch.addcmul(shift, scaled.expand(-1, 3, -1, -1), scale)


@cache
def _normalisation(
    mean: tuple[float, ...], std: tuple[float, ...], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Factor and summand of each channel, shape (1, 3, 1, 1); kept on the device, as making them there waits until it is idle."""
    import torch  # noqa: PLC0415 - see `network_input`

    with torch.inference_mode(mode=False):  # training may take them afterwards
        scale = torch.tensor([1 / (255 * value) for value in std], device=device)
        shift = torch.tensor([-centre / value for centre, value in zip(mean, std, strict=True)], device=device)
        return scale.view(1, 3, 1, 1), shift.view(1, 3, 1, 1)
