"""Scan strain: the four views of each trigger, or the reason why there are none."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from embed.errors import InputError
from embed.gravityspy import DURATIONS
from embed.qtransform.picture import PUBLISHED_SHAPE, quantise
from embed.qtransform.transform import q_scan
from embed.qtransform.whitening import FIR_SECONDS
from embed.strain.record import BLOCK_SECONDS, Block
from embed.study.report import Skip, batches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import torch

    from embed.strain.record import StrainRecord
    from embed.strain.triggers import Trigger
    from embed.types import Pixels

BATCH = 16
"""Triggers whose strain is in memory at once, twice, since the next ones are read at the same time: 0.3 GB at 16384 Hz."""

Scanned = tuple["Trigger", "Pixels | Skip"]


def scan(
    records: Mapping[str, StrainRecord],
    triggers: Iterable[Trigger],
    *,
    whitened: bool = False,
    shape: tuple[int, int] = PUBLISHED_SHAPE,
    device: torch.device | str | None = None,
) -> Iterator[Scanned]:
    """Compute the views of triggers in batches, in constant memory.

    Parameters
    ----------
    records : mapping of str to StrainRecord
        Strain by detector (see `embed.strain.record.records`).
    triggers : iterable of Trigger
        In any order; order of time is quickest.
    whitened : bool
        The strain is whitened already.
    shape : tuple of int
        Rows and columns of a view; by default the published picture's, so that both are resized alike later.
    device : device, optional
        Where the Q-transform runs.

    Yields
    ------
    trigger : Trigger
        In the given order, with the Q of the plane shown, and with SNR and peak frequency where the trigger has none.
    levels : ndarray of uint8, shape (4, H, W), or Skip
        The views of 0.5, 1, 2 and 4 s, as of `embed.qtransform.transform.q_views`, or the reason why there are none.
    """
    longest, needed = BLOCK_SECONDS, max(DURATIONS) / 2 + (0.0 if whitened else FIR_SECONDS / 2)

    def read(batch: Sequence[Trigger]) -> list[Block | str]:
        return [_block(records, trigger, needed, longest) for trigger in batch]

    with ThreadPoolExecutor(1) as reader:
        waiting: tuple[Sequence[Trigger], Future[list[Block | str]]] | None = None
        for batch in (*batches(triggers, BATCH), None):
            ahead = None if batch is None else (batch, reader.submit(read, batch))
            if waiting is not None:
                yield from _views(waiting[0], waiting[1].result(), whitened=whitened, shape=shape, device=device)
            waiting = ahead


def _block(records: Mapping[str, StrainRecord], trigger: Trigger, needed: float, longest: float) -> Block | str:
    if trigger.ifo not in records:
        return f"no strain of {trigger.ifo} was given, only of {', '.join(sorted(records))}"
    return records[trigger.ifo].block_around(trigger.gps, needed, longest)


def _views(
    batch: Sequence[Trigger],
    blocks: Sequence[Block | str],
    *,
    whitened: bool,
    shape: tuple[int, int],
    device: torch.device | str | None,
) -> Iterator[Scanned]:
    """Views of one batch; blocks of equal length and rate are transformed together, and one by one after an error."""
    done: dict[int, Scanned] = {}
    alike: dict[tuple[int, float], list[int]] = {}
    for i, block in enumerate(blocks):
        if isinstance(block, str):
            done[i] = batch[i], Skip(_name(batch[i]), block)
        else:
            alike.setdefault((len(block.values), block.sample_rate), []).append(i)
    for members in alike.values():
        own = [(batch[i], block) for i in members if isinstance(block := blocks[i], Block)]
        try:
            results = _transform(own, whitened=whitened, shape=shape, device=device)
        except InputError:
            results = [_alone(*one, whitened=whitened, shape=shape, device=device) for one in own]
        done.update(zip(members, results, strict=True))
    yield from (done[i] for i in range(len(batch)))


def _alone(
    trigger: Trigger, block: Block, *, whitened: bool, shape: tuple[int, int], device: torch.device | str | None
) -> Scanned:
    try:
        return _transform([(trigger, block)], whitened=whitened, shape=shape, device=device)[0]
    except InputError as error:
        return trigger, Skip(_name(trigger), str(error))


def _transform(
    own: Sequence[tuple[Trigger, Block]],
    *,
    whitened: bool,
    shape: tuple[int, int],
    device: torch.device | str | None,
) -> list[Scanned]:
    rate = own[0][1].sample_rate
    centres = [round((trigger.gps - block.start) * rate) / rate for trigger, block in own]  # on the nearest sample
    strain = np.stack([block.values for _, block in own])
    found = q_scan(strain, rate, centres, whitened=whitened, durations=DURATIONS, shape=shape, device=device)
    levels = quantise(found.energies).cpu().numpy()
    return [
        (
            replace(
                trigger,
                q_value=q,
                snr=snr if trigger.snr is None else trigger.snr,
                peak_frequency=frequency if trigger.peak_frequency is None else trigger.peak_frequency,
            ),
            views,
        )
        for (trigger, _), views, q, snr, frequency in zip(
            own, levels, found.q.tolist(), found.snr.tolist(), found.frequency.tolist(), strict=True
        )
    ]


def _name(trigger: Trigger) -> str:
    return f"{trigger.ifo}_{trigger.gravityspy_id}"
