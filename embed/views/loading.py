"""The decoded views of many glitches, for reading in any order, epoch after epoch.

They are decoded once, into the view cache, and mapped from there: the operating system keeps in memory what fits, and
processes share it. A GPU with enough memory holds all of them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from embed.errors import InputError
from embed.processors import usable_processors
from embed.views.cache import ViewCache, mapped_records, room_for
from embed.views.selection import LeftOut

if TYPE_CHECKING:
    from embed.study.records import View
    from embed.study.study import Study
    from embed.types import Pixels, Progress, Rows
    from embed.views.encoding import Encoding

DEVICE_SHARE = 0.5
"""Share of a GPU's free memory that the views may take; the rest is for the network."""
_CHUNK = 1024


class Levels:
    """Decoded views of N glitches.

    Parameters
    ----------
    records : ndarray of uint8, shape (R, pixels)
        Decoded views, in memory or mapped.
    places : ndarray of int64, shape (N, V)
        The record of each view of each glitch.
    shape : tuple of int
        Of one record: (side, side), or (side, side, 3) of a plain image.
    device : torch.device
        The device of the batches.
    """

    def __init__(self, records: Pixels, places: Rows, shape: tuple[int, ...], device: torch.device) -> None:
        self._records = records
        self._places = places
        self._shape = shape
        self._device = device
        self._resident = self._whole() if _fits(places.size * records.shape[1], device) else None

    def __getstate__(self) -> dict[str, Any]:
        held = self.__dict__ | {"_resident": None, "_device": torch.device("cpu")}
        return held | ({} if self.path is None else {"_records": self.path})

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if isinstance(self._records, Path):
            self._records = mapped_records(self._records)

    @property
    def path(self) -> Path | None:
        """The file that the records are mapped from: a copy in another process maps it too. None where they are in memory."""
        return Path(str(self._records.filename)) if isinstance(self._records, np.memmap) else None

    def on(self, device: torch.device) -> Levels:
        """Return the same views for batches on another device."""
        return self if device == self._device else Levels(self._records, self._places, self._shape, device)

    def __len__(self) -> int:
        return len(self._places)

    def batch(self, rows: Rows) -> torch.Tensor:
        """Return views of some glitches: tensor of uint8, shape (B, V, side, side), or (B, 3, side, side) of plain images."""
        if self._resident is not None:
            return self._arranged(self._resident[torch.from_numpy(rows).to(self._device)])
        return self._arranged(self._read(rows).to(self._device, non_blocking=True))

    def joined(self, more: Pixels) -> Levels:
        """Return these glitches and more, uint8 (M, V, side, side), which come after them."""
        return _Joined(self, more, self._device)

    def mean(self, rows: Rows) -> torch.Tensor:
        """Return the mean of some glitches' views, computed in float64: tensor of float32, shape (1, ...) as of `batch`."""
        total = sum(
            self.batch(rows[start : start + _CHUNK]).sum(dim=0, dtype=torch.int64).double()
            for start in range(0, len(rows), _CHUNK)
        )
        return (torch.as_tensor(total) / len(rows)).float()[None]

    def _read(self, rows: Rows) -> torch.Tensor:
        places = self._places[rows]
        return torch.from_numpy(self._records[places.ravel()].reshape(*places.shape, *self._shape))

    def _arranged(self, views: torch.Tensor) -> torch.Tensor:
        return views[:, 0].permute(0, 3, 1, 2) if len(self._shape) == 3 else views

    def _whole(self) -> torch.Tensor:
        whole = torch.empty((*self._places.shape, *self._shape), dtype=torch.uint8, device=self._device)
        for start in range(0, len(self), _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, len(self)))
            whole[start : start + len(rows)] = self._read(rows).to(self._device)
        return whole


class _Joined(Levels):
    """Glitches of a study, and others that are held in memory."""

    def __init__(self, first: Levels, more: Pixels, device: torch.device) -> None:
        self._first = first
        self._more = torch.from_numpy(more).to(device)
        self._device = device

    def __len__(self) -> int:
        return len(self._first) + len(self._more)

    def batch(self, rows: Rows) -> torch.Tensor:
        own = rows < len(self._first)
        whole = torch.empty((len(rows), *self._more.shape[1:]), dtype=torch.uint8, device=self._device)
        if own.any():
            whole[torch.from_numpy(own).to(self._device)] = self._first.batch(rows[own])
        rest = torch.from_numpy(rows[~own] - len(self._first)).to(self._device)
        whole[torch.from_numpy(~own).to(self._device)] = self._more[rest]
        return whole


def _fits(size: int, device: torch.device) -> bool:
    return device.type == "cuda" and size < DEVICE_SHARE * torch.cuda.mem_get_info(device)[0]


def read_levels(
    study: Study,
    glitches: Rows,
    encoding: Encoding,
    size: int,
    *,
    device: torch.device,
    cache: bool = True,
    progress: Progress | None = None,
) -> tuple[Levels, Rows, list[LeftOut]]:
    """Decode the views of glitches.

    Parameters
    ----------
    study : Study
    glitches : ndarray of int64, shape (N,)
        Row numbers in the study; each has every view of the encoding (see `embed.views.selection.wanted`).
    encoding : Encoding
    size : int
        Side of the network's input, pixels.
    device : torch.device
        The device of the batches.
    cache : bool
        Keep the decoded views on disk, where there is room, and map them; otherwise hold them in memory.
    progress : callable, optional
        Called with (glitches done, glitches in all).

    Returns
    -------
    levels : Levels
        Of M glitches.
    glitches : ndarray of int64, shape (M,)
        Those that could be decoded.
    left_out : list of LeftOut
        The others, and why.

    Raises
    ------
    InputError
        When none can be decoded.
    """
    side, plain = encoding.side(size), encoding.name == "plain"
    order = {duration: place for place, duration in enumerate(encoding.durations)}
    wanted: dict[int, list[View]] = {glitch: [] for glitch in glitches.tolist()}
    for view in study.views():
        if view.glitch in wanted and view.duration in order:
            wanted[view.glitch].append(view)
    kept: list[int] = []
    left_out: list[LeftOut] = []
    places: list[list[int]] = []
    held: list[Pixels] = []
    folder = study.folder / "cache"
    threads = usable_processors()
    on_disk = cache and room_for(study.folder, len(glitches) * len(order), side, plain=plain)
    with (
        ViewCache(folder if on_disk else None, side, plain=plain, threads=threads) as store,
        ThreadPoolExecutor(threads) as pool,
    ):
        ordered = {glitch: sorted(views, key=lambda view: order[view.duration]) for glitch, views in wanted.items()}
        for start in range(0, len(glitches), _CHUNK):
            some = glitches[start : start + _CHUNK].tolist()
            for glitch, found in zip(some, pool.map(lambda one: _decoded(store, ordered[one]), some), strict=True):
                if isinstance(found, str):
                    left_out.append(LeftOut(glitch, found))
                    continue
                kept.append(glitch)
                if on_disk:
                    places.append([view.view - 1 for view in ordered[glitch]])
                else:
                    places.append([len(held) * len(order) + place for place in range(len(order))])
                    held.append(found.reshape(len(order), -1))
            if progress is not None:
                progress(start + len(some), len(glitches))
        if not kept:
            raise InputError(f"none of the {len(glitches)} glitches can be decoded; the first: {left_out[0].reason}")
        mapped = store.records()
        records = np.concatenate(held) if mapped is None else mapped
        return Levels(records, np.array(places, np.int64), store.shape, device), np.array(kept, np.int64), left_out


def _decoded(store: ViewCache, views: list[View]) -> Pixels | str:
    found = np.empty((len(views), *store.shape), np.uint8)
    reasons = list(filter(None, store.fill(views, found)))
    return reasons[0] if reasons else found
