"""A trained detector: a folder with ``detector.json``, which says what it learned from, and ``weights.safetensors``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from scipy.special import logsumexp

from embed.detector.networks import StrainNetwork, make_network
from embed.detector.options import SIGNAL, SourceOptions
from embed.detector.place import CARD, WEIGHTS, read_card
from embed.errors import InputError, StudyError
from embed.storage import canonical_json, file_digest, write_bytes, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import ArrayLike

    from embed.types import Floats, Vectors

BATCH = 256
"""Segments that go through the network at once."""


@dataclass(frozen=True)
class Detector:
    """A trained detector.

    Attributes
    ----------
    folder : Path
    card : dict
        ``network``, ``classes``, ``source`` (see `SourceOptions`), the training, its history's best row, versions.
    source : SourceOptions
        What it was trained on: its detectors, sample rate and segment length are what it reads.
    network : StrainNetwork
        On its device.
    """

    folder: Path
    card: dict[str, Any]
    source: SourceOptions
    network: StrainNetwork

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the outputs."""
        return self.source.classes

    def statistic(self, segments: ArrayLike) -> Floats:
        """The ranking statistic: log-odds of a signal against all other classes, natural, in the proportions of the training.

        Parameters
        ----------
        segments : array of float32, shape (n, D, samples)
            Whitened; see `embed.detector.segments`.

        Returns
        -------
        ndarray of float64, shape (n,)
            Not bounded: a probability rounds to 1 for all loud signals alike and cannot rank them.

        Raises
        ------
        InputError
            See `logits`.
        """
        return log_odds(self.logits(segments), self.classes)

    def logits(self, segments: ArrayLike) -> Floats:
        """Outputs of the classes: float64 (n, classes), from whitened segments float32 (n, D, samples).

        Raises
        ------
        InputError
            When the shape is not what the detector reads, or there are NaN or infinite samples.
        """
        parts = [self.network(some).double().cpu().numpy() for some in self._batches(segments)]
        return np.concatenate([np.empty((0, len(self.classes))), *parts])

    def features(self, segments: ArrayLike) -> Vectors:
        """What the final layer reads: float32 (n, d), from whitened segments; errors as `logits`."""
        parts = [self.network.features(some).float().cpu().numpy() for some in self._batches(segments)]
        return np.concatenate([np.empty((0, self.network.head.in_features), np.float32), *parts])

    def _batches(self, segments: ArrayLike) -> Iterator[torch.Tensor]:
        """Segments in parts, on the network's device."""
        strain = np.asarray(segments)
        source = self.source
        wanted = (len(source.ifos), source.samples)
        if strain.ndim != 3 or strain.shape[1:] != wanted:
            raise InputError(
                f"the detector {self.folder.name} reads {source.seconds:g} s of {' and '.join(source.ifos)} at {source.sample_rate} Hz, segments of shape (n, {wanted[0]}, {wanted[1]}); these have shape {strain.shape}"
            )
        device = self.network.head.weight.device
        for start in range(0, len(strain), BATCH):
            some = np.ascontiguousarray(strain[start : start + BATCH], dtype=np.float32)
            if not np.isfinite(some).all():
                row = start + int(np.flatnonzero(~np.isfinite(some).all(axis=(1, 2)))[0])
                raise InputError(f"segment {row} holds NaN or infinite samples (a gap?); give segments free of gaps")
            with torch.inference_mode():
                yield torch.from_numpy(some).to(device)


def log_odds(logits: Floats, classes: tuple[str, ...]) -> Floats:
    """Log-odds of a signal against all other classes, float64 (n,), from logits (n, classes)."""
    place = classes.index(SIGNAL)
    return logits[:, place] - logsumexp(np.delete(logits, place, axis=1), axis=1)


def save_detector(folder: Path, weights: Mapping[str, torch.Tensor], card: Mapping[str, Any]) -> None:
    """Write a detector; the card is written last, so that a folder with it is whole.

    Raises
    ------
    StorageError
        When the disk is full or the folder cannot be written.
    """
    plain = {name: value.detach().cpu().contiguous() for name, value in sorted(weights.items())}
    write_bytes(folder / WEIGHTS, save(plain))
    whole = dict(card) | {"weights_sha256": file_digest(folder / WEIGHTS)}
    write_text(folder / CARD, json.dumps(json.loads(canonical_json(whole)), indent=2, ensure_ascii=False) + "\n")


def load_detector(folder: Path, device: torch.device | None = None) -> Detector:
    """Read a detector.

    Raises
    ------
    InputError
        When there is none in the folder.
    StudyError
        When it is damaged.
    """
    card, source = read_card(folder)
    network = make_network(card["network"], len(source.ifos), source.samples, classes=len(source.classes))
    try:
        same = file_digest(folder / WEIGHTS) == card["weights_sha256"]
        if same:
            network.load_state_dict(load_file(folder / WEIGHTS))
    except (SafetensorError, OSError, RuntimeError) as error:
        raise StudyError(
            f"the weights of the detector {folder} are damaged ({str(error)[:200]}); train it again with --replace"
        ) from error
    if not same:
        raise StudyError(
            f"the weights of the detector {folder} are damaged (their checksum is not the card's); train it again with --replace"
        )
    network = network.to(device or torch.device("cpu")).eval()
    return Detector(folder, card, source, network.requires_grad_(False))  # noqa: FBT003 - torch's own
