"""How a network is trained: everything that the result depends on besides the glitches, the network and the seed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from embed.errors import InputError
from embed.training.variation import GALAXY_PAPER, LOUDEST_FACTOR, NONE, O1_PAPER, ROBUST, Augmentation

if TYPE_CHECKING:
    from collections.abc import Mapping

Optimizer = Literal["adam", "adamw", "adagrad"]
Schedule = Literal["constant", "cosine", "plateau"]
Metric = Literal["macro-f1", "loss"]
BatchNorm = Literal["batch", "frozen"]
Precision = Literal["auto", "float32", "bfloat16"]

OPTIMIZERS: tuple[Optimizer, ...] = get_args(Optimizer)
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)
METRICS: tuple[Metric, ...] = get_args(Metric)
BATCH_NORMS: tuple[BatchNorm, ...] = get_args(BatchNorm)
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

MOST_EPOCHS = 100
BETAS = (0.9, 0.999)
ADAGRAD_EPSILON = 1e-6
"""George, Shen and Huerta (2018), section IV."""
RATES: dict[str, float] = {"adam": 3e-4, "adamw": 1e-3, "adagrad": 1e-4}
"""Learning rates where none is given; AdaGrad's is the paper's. (AdamW from ImageNet weights, 23 simulated classes of 11 training
glitches, 32 steps: 1e-3 recognises 52 % of the validation part, 3e-4 19 %.)"""
UNNORMALISED_RATE = 1e-4
"""Of a network without batch normalisation (VGG, transformers), which a larger one makes diverge."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes
    ----------
    preset : str
        What it was made from.
    epochs : int
        At most; 1 to 100.
    batch : int
        Glitches a step, over all processes and accumulated parts together.
    accumulate : int
        Parts that a step's gradient is summed from.
    optimizer : {"adam", "adamw", "adagrad"}
    learning_rate, weight_decay : float
    dropout : float
        Before the final layer.
    label_smoothing : float
        Of the cross-entropy (Szegedy et al. 2016).
    contrastive, temperature : float
        Weight and temperature of the supervised-contrastive term (Khosla et al. 2020, equation 2) on the vectors; 0 is none.
    balanced : bool
        Draw each class as often as any other.
    freeze : tuple of str
        Beginnings of names of weights that stay as they are.
    unfreezing : tuple of (int, float)
        From which epoch which share of the network's weights, from the end, is trained; empty trains all from the start.
    schedule : {"constant", "cosine", "plateau"}
        Of the learning rate; plateau halves it when the metric has not improved for some epochs.
    warmup : float
        Epochs over which the learning rate rises from 0.
    patience : int
        Epochs without improvement after which training ends; 0 never ends it.
    metric : {"macro-f1", "loss"}
        Of the validation part: chooses the epoch that is kept.
    batch_norm : {"batch", "frozen"}
        Whether batch normalisation uses the batch's statistics and learns them, or keeps those it started with.
    mean_image : bool
        Subtract the mean training picture.
    precision : {"auto", "float32", "bfloat16"}
        Of the network's arithmetic (weights and sums stay float32): auto is bfloat16 on a GPU and float32 on a CPU. A CPU that
        computes in bfloat16 (AVX-512 BF16, AMX) trains nearly twice as fast in it.
    augmentation : Augmentation
    """

    preset: str = "default"
    epochs: int = 30
    batch: int = 32
    accumulate: int = 1
    optimizer: Optimizer = "adamw"
    learning_rate: float = RATES["adamw"]
    weight_decay: float = 0.01
    dropout: float = 0.2
    label_smoothing: float = 0.05
    contrastive: float = 0.0
    temperature: float = 0.1
    balanced: bool = False
    freeze: tuple[str, ...] = ()
    unfreezing: tuple[tuple[int, float], ...] = ()
    schedule: Schedule = "cosine"
    warmup: float = 1.0
    patience: int = 0
    metric: Metric = "macro-f1"
    batch_norm: BatchNorm = "batch"
    mean_image: bool = False
    precision: Precision = "auto"
    augmentation: Augmentation = ROBUST

    def facts(self) -> dict[str, Any]:
        """The recipe as JSON values."""
        return asdict(self) | {"freeze": list(self.freeze), "unfreezing": [list(stage) for stage in self.unfreezing]}


PRESETS: Mapping[str, Recipe] = {
    "default": Recipe(),
    "o1-paper": Recipe(
        "o1-paper",
        epochs=MOST_EPOCHS,
        optimizer="adagrad",
        learning_rate=RATES["adagrad"],
        weight_decay=0.0,
        dropout=0.5,
        label_smoothing=0.0,
        schedule="constant",
        warmup=0.0,
        metric="loss",
        mean_image=True,
        augmentation=O1_PAPER,
    ),
    "galaxy-paper": Recipe(
        "galaxy-paper",
        epochs=MOST_EPOCHS,
        optimizer="adam",
        learning_rate=RATES["adam"],
        weight_decay=0.0,
        dropout=0.5,
        label_smoothing=0.0,
        unfreezing=((0, 0.0), (2, 1 / 3), (4, 2 / 3), (6, 1.0)),
        schedule="plateau",
        warmup=0.0,
        patience=10,
        metric="loss",
        augmentation=GALAXY_PAPER,
    ),
}
"""o1-paper: George, Shen and Huerta (2018), sections III and IV. galaxy-paper: Khan et al. (2019), section 3."""

PRESET_VIEWS: Mapping[str, str] = {"o1-paper": "2.0"}
"""Views where none are given; other presets take the richest that every glitch has."""


def make_recipe(
    preset: str = "default",
    *,
    encoding: str = "single",
    normalised: bool = True,
    **changes: Any,  # noqa: ANN401 - any field
) -> Recipe:
    """Take a preset, adapt it to the encoding, and apply the changes.

    Parameters
    ----------
    preset : str
        A name of `PRESETS`.
    encoding : str
        Name of the encoding: spectrograms have axes and are neither mirrored nor turned; the O1 paper augments one view, and leaves the
        three durations as they are.
    normalised : bool
        Whether the network has batch normalisation.
    **changes
        Fields of `Recipe`; None leaves the preset's.

    Raises
    ------
    InputError
        When there is no such preset, or a value is out of range.
    """
    if preset not in PRESETS:
        raise InputError(f"no preset {preset!r}; give {', '.join(PRESETS)}")
    recipe = PRESETS[preset]
    if preset == "o1-paper" and encoding == "rgb":
        recipe = replace(recipe, augmentation=NONE, mean_image=False)
    if encoding != "plain":
        recipe = replace(recipe, augmentation=replace(recipe.augmentation, flip=False, rotate=False))
    given = {name: value for name, value in changes.items() if value is not None}
    if "optimizer" in given and "learning_rate" not in given:
        given["learning_rate"] = RATES.get(given["optimizer"], recipe.learning_rate)
    if not normalised and "learning_rate" not in changes:
        given["learning_rate"] = min(UNNORMALISED_RATE, given.get("learning_rate", recipe.learning_rate))
    recipe = replace(recipe, **given)
    check_recipe(recipe)
    return recipe


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "metric": METRICS,
    "batch_norm": BATCH_NORMS,
    "precision": PRECISIONS,
}
RANGES: Mapping[str, tuple[float, float]] = {
    "epochs": (1, MOST_EPOCHS),
    "batch": (2, 65536),
    "accumulate": (1, 4096),
    "learning_rate": (1e-9, 10.0),
    "weight_decay": (0.0, 1.0),
    "dropout": (0.0, 0.95),
    "label_smoothing": (0.0, 0.5),
    "contrastive": (0.0, 100.0),
    "temperature": (0.01, 10.0),
    "warmup": (0.0, MOST_EPOCHS),
    "patience": (0, MOST_EPOCHS),
}
"""Least and greatest value of each number of a recipe."""


def check_recipe(recipe: Recipe) -> None:
    """Refuse a value that is out of range.

    Raises
    ------
    InputError
        The message gives the value and the range.
    """
    for name, choices in _CHOICES.items():
        if getattr(recipe, name) not in choices:
            raise InputError(f"{name} {getattr(recipe, name)!r}: give {', '.join(choices)}")
    for name, (least, most) in RANGES.items():
        if not least <= getattr(recipe, name) <= most:
            raise InputError(f"{name} {getattr(recipe, name)}: give a number from {least:g} to {most:g}")
    if not 1.0 <= recipe.augmentation.loudness <= LOUDEST_FACTOR:
        raise InputError(f"loudness {recipe.augmentation.loudness}: give a number from 1 to {LOUDEST_FACTOR:g}")
    if recipe.batch < 2 * recipe.accumulate:
        raise InputError(f"batch {recipe.batch} in {recipe.accumulate} parts: give parts of two glitches or more")


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Name the fields of two recipes (as `Recipe.facts`) that differ, with both values."""
    names = [field.name for field in fields(Recipe)]
    return [f"{name} {old.get(name)} and now {new.get(name)}" for name in names if old.get(name) != new.get(name)]


def in_bfloat16(precision: str, device_type: str) -> bool:
    """Whether this precision is bfloat16 on this type of device, ``cpu`` or ``cuda``: ``auto`` is on a GPU."""
    return precision == "bfloat16" or (precision == "auto" and device_type == "cuda")
