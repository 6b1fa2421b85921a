"""A trained model of a study, extended by one of the study's classes: which glitches are its examples, and what it costs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from embed.dataset.dataset import find_groups, labelled_glitches
from embed.errors import InputError
from embed.metrics.intervals import wilson
from embed.network.model import Model, save_model
from embed.network.names import MODEL_PREFIX
from embed.network.pretrained import read_weights
from embed.network.sources import model_folder
from embed.training.fewshot import extended_head, new_row
from embed.training.options import FEWEST_EXAMPLES, MOST_EXAMPLES
from embed.training.prediction import predict

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from embed.study.study import Study
    from embed.types import Floats, Progress, Rows, Vectors
    from embed.vectors.options import EmbeddingOptions
    from embed.vectors.some import SomeVectors


@dataclass(frozen=True)
class Cost:
    """What an extension gained and lost.

    Attributes
    ----------
    label : str
        The new class.
    examples : int
        Glitches it was learnt from.
    shrinkage : float
        See `embed.training.fewshot.new_row`.
    found : int
        Examples recognised by the mean of the others.
    judged : int
        Held-out glitches of the old classes (the model's own test part).
    right_before, right_after : int
        Of these, how many are recognised by the old and by the extended model.
    taken : int
        Of these, how many go to the new class.
    others, others_found : int
        Further glitches of the new class, that no fit has seen, and how many of them are recognised.
    """

    label: str
    examples: int
    shrinkage: float
    found: int
    judged: int
    right_before: int
    right_after: int
    taken: int
    others: int
    others_found: int

    def in_words(self) -> list[str]:
        """Describe it in sentences, shares with their intervals of 95 %."""
        lines = [
            f"{self.label}: {self.examples} examples, of which {self.found} are recognised by the others ({_share(self.found, self.examples)})"
        ]
        if self.others:
            lines.append(
                f"of {self.others} further glitches of {self.label}, {self.others_found} are recognised ({_share(self.others_found, self.others)})"
            )
        if self.judged:
            lines.append(
                f"the old classes, {self.judged} held-out glitches: {100 * self.right_before / self.judged:.2f} % right before, {100 * self.right_after / self.judged:.2f} % after; {self.taken} go to {self.label}"
            )
        else:
            lines.append("the study has no held-out glitch of the old classes: what they lose is not known")
        return lines


def add_class(
    study: Study,
    model: Model,
    label: str,
    *,
    name: str,
    examples: int = MOST_EXAMPLES,
    options: EmbeddingOptions | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Model, Cost]:
    """Extend a model by a class and save it under another name.

    Parameters
    ----------
    study : Study
        Has the glitches that the model was trained on, and those given the new label.
    model : Model
        Stays as it is.
    label : str
        The new class.
    name : str
        Of the extended model.
    examples : int
        Most to learn from, `FEWEST_EXAMPLES` to `MOST_EXAMPLES`; further glitches of the label, except duplicates of an example (see
        `embed.dataset.dataset.find_groups`), are held out and judged.
    options : EmbeddingOptions, optional
        Device and runtime.
    seed : int
        Which glitches are the examples, where there are more.
    progress : callable, optional
        Of the embedding.

    Returns
    -------
    Model
        Its card has ``extended``, a list with the cost of each extension, and ``weights``, the model it began from.
    Cost

    Raises
    ------
    InputError
        When the model has the class already, the label has too few glitches, the study lacks the training glitches, or the names are the same.
    """
    _check(model, label, name, examples)
    members = study.members(label)
    table = study.glitches()
    prediction = predict(
        study, model, table.index[table["label"] != ""].to_numpy(np.int64), options=options, progress=progress
    )
    own = members[np.isin(members, prediction.glitches)]
    chosen, others = _examples(study, model, label, own, examples=examples, seed=seed)
    trained, held = _old_glitches(table, model, prediction.glitches)
    vectors = prediction.vectors
    head = model.head_weight.astype(np.float64), model.head_bias.astype(np.float64)
    codes = np.searchsorted(np.array(model.classes), table.loc[trained, "label"].to_numpy(np.str_)).astype(np.int64)
    row = new_row(_rows(vectors, chosen), _rows(vectors, trained), codes, head, seed=seed)
    weight, bias, classes = extended_head(head, model.classes, label, row)
    after = [np.asarray(classes)[(_rows(vectors, rows) @ weight.T + bias).argmax(axis=1)] for rows in (held, others)]
    before = np.asarray(model.classes)[prediction.of(held).argmax(axis=1)] if len(held) else np.zeros(0, np.str_)
    truth = table.loc[held, "label"].to_numpy(np.str_)
    cost = Cost(
        label,
        examples=len(chosen),
        shrinkage=row.shrinkage,
        found=int(row.found.sum()),
        judged=len(held),
        right_before=int((before == truth).sum()),
        right_after=int((after[0] == truth).sum()),
        taken=int((after[0] == label).sum()),
        others=len(others),
        others_found=int((after[1] == label).sum()),
    )
    ids = table["id"]
    replaced = set(ids[own])
    parts = {glitch: part for glitch, part in model.parts.items() if glitch not in replaced}
    parts |= {ids[glitch]: "train" for glitch in chosen} | {ids[glitch]: "test" for glitch in others}
    return _save(model_folder(study.folder, name), model, (weight, bias, classes), cost, parts=parts), cost


def _check(model: Model, label: str, name: str, examples: int) -> None:
    if label in model.classes:
        raise InputError(f"model {model.name!r} knows {label!r} already; its classes are {', '.join(model.classes)}")
    if name == model.name:
        raise InputError(f"the extended model would replace {name!r} itself; give another --name")
    if not FEWEST_EXAMPLES <= examples <= MOST_EXAMPLES:
        raise InputError(f"{examples} examples: give {FEWEST_EXAMPLES} to {MOST_EXAMPLES}")


def _examples(study: Study, model: Model, label: str, own: Rows, *, examples: int, seed: int) -> tuple[Rows, Rows]:
    """Draw the examples among the class's own glitches; the others that are no duplicate of an example are held out."""
    if len(own) < FEWEST_EXAMPLES:
        raise InputError(
            f"{len(own)} glitches labelled {label!r} have the views {model.encoding}; label {FEWEST_EXAMPLES} or more, or use `discover search` to find similar ones"
        )
    order = np.random.default_rng(seed).permutation(len(own))
    groups = find_groups(labelled_glitches(study, model.encoding, [label]).only(own))
    rest = own[order[examples:]]
    others = np.sort(rest[~np.isin(groups[order[examples:]], groups[order[:examples]])])
    return np.sort(own[order[:examples]]), others


def _old_glitches(table: pd.DataFrame, model: Model, seen: Rows) -> tuple[Rows, Rows]:
    """Glitches of the model's own classes that it was trained on, and those that it held out for the test."""
    part = table["id"].map(model.parts)
    known = table["label"].isin(list(model.classes)) & np.isin(table.index, seen)
    trained, held = (table.index[known & (part == which)].to_numpy(np.int64) for which in ("train", "test"))
    if not len(trained):
        raise InputError(
            f"none of the glitches that model {model.name!r} was trained on is in this study with its label; extend it in the study where they are"
        )
    return trained, held


def _rows(vectors: SomeVectors, glitches: Rows) -> Floats:
    return np.asarray(vectors.of(glitches), np.float64)


def _save(
    folder: Path,
    model: Model,
    head: tuple[Vectors, Vectors, tuple[str, ...]],
    cost: Cost,
    *,
    parts: dict[str, str],
) -> Model:
    """Save the model's network with the extended final layer: weights (K + 1, D), biases (K + 1,) and class names."""
    tensors = read_weights(model.folder / "weights.safetensors")
    mean_image = tensors.pop("mean_image", None)
    state = {key: value for key, value in tensors.items() if key not in ("head.weight", "head.bias")}
    weight, bias, classes = head
    card = dict(model.card) | {
        "classes": list(classes),
        "weights": f"{MODEL_PREFIX}{model.name}",
        "trained_on": f"{model.trained_on}, and {cost.examples} glitches labelled {cost.label}",
        "extended": [*model.card.get("extended", []), asdict(cost)],
    }
    return save_model(
        folder,
        state,
        torch.from_numpy(weight),
        torch.from_numpy(bias),
        card=card,
        parts=parts,
        before=model,
        mean_image=mean_image,
    )


def _share(part: int, whole: int) -> str:
    low, high = wilson(part, whole)
    return f"{100 * part / whole:.0f} %, {100 * low:.0f} to {100 * high:.0f} %"
