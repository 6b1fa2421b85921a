"""Where a network's weights come from, by name: packaged weights, a file, or a trained model of the study.

Nothing here loads a network, so that a wrong name is refused before the libraries that do are imported.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embed.errors import InputError, WeightsError
from embed.network.backbones import DEFAULT_BACKBONE
from embed.network.names import GIVEN_PREFIX, MODEL_PREFIX, STRAIN_PREFIX, WEIGHT_SOURCES
from embed.views.encoding import parse_encoding

if TYPE_CHECKING:
    from embed.network.backbones import Backbone
    from embed.views.encoding import Encoding

PACKAGED = "tf_efficientnet_lite0"
"""The architecture whose weights come with the package, both ``bundled`` and ``glitch``."""

CARD = "model.json"
"""The file of a model that says what it was trained on and how."""

_CARD_KEYS = ("backbone", "classes", "views", "trained_on")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_UNFINISHED = (".new", ".old")
"""Endings of folders that a killed run can leave beside a model."""


def default_weights(backbone: str, encoding: Encoding) -> str:
    """Name the weights that are used when none are given: ``glitch`` for spectrograms, ``bundled`` for plain images and other networks."""
    return "glitch" if backbone == DEFAULT_BACKBONE and encoding.name != "plain" else "bundled"


def check_weights(backbone: Backbone, weights: str) -> None:
    """Refuse weights that do not exist for this network; nothing is downloaded or loaded.

    Raises
    ------
    WeightsError
        When packaged weights are another network's, or the file does not exist.
    """
    if weights in ("bundled", "glitch"):
        if backbone.architecture != PACKAGED:
            missing = "weights are bundled" if weights == "bundled" else "glitch weights ship"
            raise WeightsError(
                f"no {missing} for {backbone.name}, only for efficientnet_lite0; use --weights imagenet or a file"
            )
    elif weights != "imagenet":
        check_weights_file(Path(weights))


def check_weights_file(path: Path) -> None:
    """Refuse a path that is no file.

    Raises
    ------
    WeightsError
        When it is none; the message lists what can be given.
    """
    if not path.is_file():
        raise WeightsError(
            f"no weights {str(path)!r}: give {', '.join(reversed(WEIGHT_SOURCES))}, {MODEL_PREFIX}NAME for a trained model of the study, {GIVEN_PREFIX}NAME for ingested vectors, or an existing .safetensors or .pth file"
        )


def is_model(weights: str) -> bool:
    """Whether ``--weights`` names a trained model of the study, as ``model:NAME``."""
    return weights.startswith(MODEL_PREFIX)


def is_strain(backbone: str | None) -> bool:
    """Whether ``--backbone`` names a detector, which makes vectors of strain, as ``strain:DIR``."""
    return backbone is not None and backbone.startswith(STRAIN_PREFIX)


def detector_folder(backbone: str) -> Path:
    """Return the folder of the detector that ``--backbone strain:DIR`` names."""
    return Path(backbone.removeprefix(STRAIN_PREFIX))


def model_folder(study_folder: Path, name: str) -> Path:
    """Return the folder of the model of this name (with or without ``model:``).

    Raises
    ------
    InputError
        When this cannot be a model's name.
    """
    bare = name.removeprefix(MODEL_PREFIX)
    if not _NAME.fullmatch(bare) or Path(bare).suffix in _UNFINISHED:
        raise InputError(
            f"{bare!r} cannot be a model's name: give up to 64 letters, digits and . _ - that begin with a letter or digit"
        )
    return study_folder / "models" / bare


def models(study_folder: Path) -> list[str]:
    """List the names of the trained models of a study, sorted."""
    found = (path.parent for path in (study_folder / "models").glob(f"*/{CARD}"))
    return sorted(path.name for path in found if path.suffix not in _UNFINISHED)


def read_card(folder: Path) -> dict[str, Any]:
    """Read the card of a model.

    Raises
    ------
    InputError
        When there is no such model; the message names the existing ones.
    WeightsError
        When the card is damaged.
    """
    if not (folder / CARD).is_file():
        existing = ", ".join(models(folder.parents[1])) or "none yet; make one with `discover train`"
        raise InputError(f"no model {folder.name!r} in {folder.parent}; there are: {existing}")
    path = folder / CARD
    try:
        card = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} is damaged ({error}); train the model again") from error
    if not isinstance(card, dict):
        raise WeightsError(f"{path} is damaged (it holds {type(card).__name__}, no object); train the model again")
    missing = [key for key in _CARD_KEYS if key not in card]
    if missing:
        raise WeightsError(f"{path} lacks {', '.join(missing)}; train the model again")
    for key in _CARD_KEYS:
        if key != "classes" and not isinstance(card[key], str):
            raise WeightsError(f"{path} is damaged ({key} is {card[key]!r}, no text); train the model again")
    names = card["classes"]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise WeightsError(f"{path} is damaged (classes is {names!r}, no list of names); train the model again")
    return card


def check_own(name: str, card: dict[str, Any], *, backbone: str | None, views: str | None) -> None:
    """Refuse a backbone or views that are not those of the named model.

    Raises
    ------
    InputError
        When one of them is given and differs from the model's card.
    """
    given = {"backbone": backbone, "views": views and str(parse_encoding(views))}
    for what, value in given.items():
        if value and value != card[what]:
            raise InputError(
                f"--{what} {value} does not go with model {name!r}, which was trained with {card[what]}; leave --{what} out"
            )
