"""Refuse vectors of a network that was trained on the labels under audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embed.errors import InputError
from embed.network.names import WEIGHT_SOURCES
from embed.vectors.given import is_given

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_leak(passport: Mapping[str, Any], *, trust_vectors: bool = False) -> str:
    """Refuse vectors of a network that may have been trained on the labels under audit.

    A fine-tuned network has memorised its training labels, wrong ones too: its vectors group glitches by their labels, and an
    audit of these vectors finds nothing.

    Parameters
    ----------
    passport : mapping
        Of the vector store: ``weights``, and ``trained_on`` where it is known what the network was fine-tuned on (false or
        empty: no label of this study).
    trust_vectors : bool
        Accept them anyway.

    Returns
    -------
    str
        Where the vectors come from. Part of the audit's passport: its text stays as it is.

    Raises
    ------
    InputError
        The network was, or may have been, fine-tuned on these labels, and `trust_vectors` is false.
    """
    weights = str(passport.get("weights", ""))
    known = "trained_on" in passport
    if weights in WEIGHT_SOURCES or (known and not passport["trained_on"]):
        return f"vectors from {weights} weights, which saw none of these labels"
    if is_given(weights):
        if not trust_vectors:
            raise InputError(
                f"{weights}, which were ingested from {passport.get('file')}, may come from a network that was trained on these very labels: such vectors have memorised them, wrong ones too; if it was not, audit with --trust-vectors"
            )
        return (
            f"{weights}, ingested from {passport.get('file')} and trusted: nothing says which labels their network saw"
        )
    what = f"was fine-tuned on {passport['trained_on']}" if known else "may have been fine-tuned on these very labels"
    if not trust_vectors:
        raise InputError(
            f"the network {weights!r} {what}: its vectors have memorised them, wrong ones too; cross-fit with --refit backbone, audit vectors of --weights bundled, or of a network trained on other glitches with --trust-vectors"
        )
    return f"the network {weights} {what}; its vectors were trusted all the same, so expect errors to hide"
