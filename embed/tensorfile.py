"""Named tensors and JSON facts in one file: written atomically, checked by a checksum when read."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from embed.errors import TrainingError
from embed.storage import canonical_json, write_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and JSON values; the same ones give the same bytes.

    Raises
    ------
    StorageError
        When the disk is full or the folder cannot be written.
    """
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    text = canonical_json(facts)
    write_bytes(path, save(plain, {"facts": text, "sha256": _digest(plain, text)}))


def read_tensors(path: Path, remedy: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read what `write_tensors` wrote.

    Raises
    ------
    TrainingError
        When the file is damaged; the message ends with `remedy`.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            text = file.metadata()["facts"]
            whole = file.metadata()["sha256"] == _digest(tensors, text)
    except (SafetensorError, OSError, KeyError, TypeError) as error:
        raise TrainingError(f"the checkpoint {path} cannot be read ({error}); {remedy}") from error
    if not whole:
        raise TrainingError(f"the checkpoint {path} is damaged (its checksum is another); {remedy}")
    return tensors, json.loads(text)


def _digest(tensors: Mapping[str, torch.Tensor], text: str) -> str:
    sha = hashlib.sha256(text.encode())
    for name, value in sorted(tensors.items()):
        sha.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        sha.update(value.flatten().view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()
