"""The held-out probabilities of an audit as a file: what its verdicts rest on, for other tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.errors import InputError
from embed.storage import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from audit.result import AuditResult
    from embed.types import Codes, Rows

HELD_OUT = "held-out.npz"
"""Name of the file in an audit's folder."""


@dataclass(frozen=True)
class HeldOutFile:
    """What the file holds, of N tested glitches and K classes.

    Attributes
    ----------
    glitches : ndarray of int64, shape (N,)
        Row numbers in the study.
    labels : ndarray of int64, shape (N,)
        The audited label of each, as an index into `classes`.
    probabilities : ndarray of float32, shape (N, K)
        Of heads that had not seen the glitch; rows sum to one.
    classes : tuple of K str
        Sorted.
    passport : str
        Names the audit.
    """

    glitches: Rows
    labels: Codes
    probabilities: NDArray[np.float32]
    classes: tuple[str, ...]
    passport: str


def write_held_out(path: Path, result: AuditResult, glitches: pd.DataFrame, passport: str) -> None:
    """Write the file; the same audit gives the same bytes.

    Parameters
    ----------
    path : Path
    result : AuditResult
    glitches : DataFrame
        In the result's order: ``glitch``.
    passport : str
    """
    rows = np.flatnonzero(result.testable & (result.probabilities.sum(1) > 0))
    probabilities = result.probabilities[rows]
    arrays = {
        "glitches": glitches["glitch"].to_numpy(np.int64)[rows],
        "labels": result.labels[rows],
        "probabilities": (probabilities / probabilities.sum(1, keepdims=True)).astype(np.float32),
        "classes": np.array(result.classes, np.str_),
        "passport": np.str_(passport),
    }
    write_atomic(path, lambda file: np.savez(file, **arrays))


def read_held_out(path: Path) -> HeldOutFile:
    """Read the file.

    Raises
    ------
    InputError
        When it is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return HeldOutFile(
                file["glitches"],
                file["labels"],
                file["probabilities"],
                tuple(file["classes"].tolist()),
                str(file["passport"]),
            )
    except FileNotFoundError as error:
        raise InputError(
            f"there is no {path}; run `discover audit` first, or name the folder of its results with --audit"
        ) from error
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(f"{path} is damaged ({str(error)[:80]}); run `discover audit` again") from error
