"""The folder of a detector and its card; nothing here loads a network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from embed.detector.options import NETWORKS, SourceOptions
from embed.errors import InputError, StudyError
from embed.storage import check_empty
from embed.training.place import check_same_card

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from embed.detector.options import DetectorOptions

CARD, WEIGHTS, HISTORY = "detector.json", "weights.safetensors", "history.csv"
_KEYS = ("network", "classes", "source", "waveform", "weights_sha256")
_REMEDY = "train the detector again with --replace"


def read_card(folder: Path) -> tuple[dict[str, Any], SourceOptions]:
    """Read what a detector is, and what it reads.

    Raises
    ------
    InputError
        When there is none in the folder.
    StudyError
        When its card is damaged.
    """
    path = folder / CARD
    if not path.is_file():
        raise InputError(
            f"no detector in {folder}: it has no {CARD}; train one with `discover detector train --out {folder}`"
        )
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StudyError(f"{path} cannot be read ({error}); {_REMEDY}") from error
    missing = [key for key in _KEYS if key not in card] if isinstance(card, dict) else list(_KEYS)
    if missing:
        raise StudyError(f"{path} is damaged: it lacks {', '.join(missing)}; {_REMEDY}")
    try:
        source = SourceOptions.from_facts(card["source"])
    except (InputError, TypeError, ValueError, AttributeError) as error:
        raise StudyError(f"{path} is damaged: its source is none ({error}); {_REMEDY}") from error
    if card["network"] not in NETWORKS or card["classes"] != list(source.classes):
        raise StudyError(f"{path} is damaged: network {card['network']!r} with classes {card['classes']!r}; {_REMEDY}")
    return card, source


def check_place(options: DetectorOptions, facts: Mapping[str, Any] | None = None) -> bool:
    """Whether the detector that is asked for is in its folder already.

    Parameters
    ----------
    options : DetectorOptions
    facts : mapping, optional
        With the number format; without, all but that is compared.

    Raises
    ------
    InputError
        When there is another detector, which is not to be replaced, or something else.
    StudyError
        When its card is damaged.
    """
    if not (options.out / CARD).exists():
        check_empty(options.out)
        return False
    asked = options.facts() if facts is None else facts
    return check_same_card(
        read_card(options.out)[0], asked, f"detector in {options.out}", option="--out", replace=options.replace
    )
