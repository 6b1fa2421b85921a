"""Classifiers judged on a study: models, their ensemble and the baseline on the same glitches, told in tables and on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from discovery.evaluation.outputs import Assessment, write_assessment
from discovery.evaluation.testset import TestSet, choose_jury, frozen_store
from embed.errors import InputError
from embed.metrics.baseline import fit_baseline
from embed.metrics.calibration import fit_temperature, tempered
from embed.metrics.evaluation import Evaluation, aligned, evaluate, mean_probabilities
from embed.storage import file_name
from embed.training.prediction import Prediction, predict
from embed.vectors.duplicates import has_near_duplicate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from embed.network.model import Model
    from embed.study.study import Study
    from embed.vectors.options import EmbeddingOptions
    from embed.vectors.store import VectorStore

BASELINE, ENSEMBLE = "baseline", "ensemble"


def assess(
    study: Study,
    models: Sequence[Model],
    *,
    part: str = "test",
    baseline: VectorStore | None = None,
    parts: Mapping[str, str] | None = None,
    ensemble: bool = False,
    temperature: bool = False,
    settings: EmbeddingOptions | None = None,
    seed: int = 0,
    out: Path | None = None,
    command: str = "",
    step: Callable[[str], None] = lambda _: None,
) -> Assessment:
    """Judge models of a study on the same glitches, and write what came out.

    Parameters
    ----------
    study : Study
        Written to: the models' vectors, and a run.
    models : sequence of Model
        The first is shown in full.
    part : {"test", "validation", "all"}
        Glitches in this part of every model's own split.
    baseline : VectorStore, optional
        Vectors on which logistic regression is fitted and judged too.
    parts : mapping of str to str, optional
        id -> part of the baseline's split; by default the first model's.
    ensemble : bool
        Judge the mean of the models' probabilities too.
    temperature : bool
        Fit each model's temperature on its validation part.
    settings : EmbeddingOptions, optional
        Device and runtime of the models.
    seed : int
        Of the bootstrap.
    out : Path, optional
        Folder of the results; by default one of the study's reports.
    command : str
        The command line that gives this again.
    step : callable
        Told what is being done.

    Raises
    ------
    InputError
        When there is nothing to judge, or options do not go together.
    """
    splits = _splits(models, baseline, parts)
    if ensemble and len(models) < 2:
        raise InputError(f"an ensemble of {len(models)} models: name two or more")
    if temperature and part != "test":
        raise InputError(
            f"temperatures are fitted on the validation part, so they cannot be judged on {part!r}; use --part test"
        )
    frame = study.glitches()
    jury = choose_jury(frame, splits, {model.name: model.classes for model in models}, part)
    predictions = {}
    for model in models:
        step(f"predict with {model.name}")
        predictions[model.name] = predict(study, model, frame.index[frame["label"] != ""].to_numpy(), options=settings)
    jury = _with_vectors(jury, frame, predictions, baseline)
    found = {model.name: predictions[model.name].of(jury.glitches) for model in models}
    own = {model.name: model.classes for model in models}
    about = {model.name: f"{model.network.backbone.name}, {model.encoding}" for model in models}
    if temperature:
        for model in models:
            value = _temperature(model, predictions[model.name], frame)
            found[model.name] = tempered(found[model.name], value)
            about[model.name] += f", temperature {value:.3f}"
    if baseline is not None:
        step("fit the baseline")
        found[BASELINE], own[BASELINE], about[BASELINE] = _baseline(baseline, next(iter(splits.values())), frame, jury)
    classes = sorted({kind for kinds in own.values() for kind in kinds} | set(jury.labels.tolist()))
    tables = {name: aligned(table, own[name], classes) for name, table in found.items()}
    if ensemble:
        tables[ENSEMBLE] = mean_probabilities([tables[model.name] for model in models])
        about[ENSEMBLE] = f"mean probability of {', '.join(model.name for model in models)}"
    truth = np.searchsorted(np.array(classes), jury.labels)
    judged = {name: evaluate(table, truth, classes, seed=seed) for name, table in tables.items()}
    cautions = _cautions(study, frame, models, part, jury, judged, splits)
    name = next(iter(judged))
    folder = out if out is not None else study.folder / "reports" / f"evaluate-{file_name(name)}-{part}"
    store = predictions[name].store if name in predictions else baseline
    assert store is not None
    arguments = {
        "models": [model.name for model in models],
        "part": part,
        "baseline": baseline is not None,
        "ensemble": ensemble,
        "seed": seed,
    }
    with study.run("evaluate", arguments):
        step("write")
        result = Assessment(judged, about, part, jury, cautions, {})
        result.files.update(write_assessment(study, frame, result, store, folder, command, seed))
        if out is None:  # the study's own folder may hold a picture of a model that is not judged this time
            for picture in set(folder.glob("confusion-*.png")) - set(result.files.values()):
                picture.unlink()
    return result


def _splits(
    models: Sequence[Model], baseline: VectorStore | None, parts: Mapping[str, str] | None
) -> dict[str, Mapping[str, str]]:
    if not models and baseline is None:
        raise InputError("nothing to evaluate: name a model, or add --baseline; `discover train` makes a model")
    names = [model.name for model in models]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise InputError(f"model {doubled[0]!r} is named twice; name each once")
    taken = sorted(set(names) & {BASELINE, ENSEMBLE})
    if taken:
        raise InputError(
            f"a model named {taken[0]!r} cannot be told from the {taken[0]} in the tables; rename its folder"
        )
    if models:
        return {model.name: model.parts for model in models}
    if parts is None:
        raise InputError("the baseline needs a split to be fitted and judged on; give the parts")
    return {BASELINE: parts}


def _with_vectors(
    jury: TestSet, frame: pd.DataFrame, predictions: Mapping[str, Prediction], baseline: VectorStore | None
) -> TestSet:
    """Leave out glitches that some classifier has no vector of."""
    there = np.ones(len(jury.glitches), bool)
    reasons: dict[int, str] = {}
    for prediction in predictions.values():
        there &= np.isin(jury.glitches, prediction.glitches)
        reasons |= {item.glitch: item.reason for item in prediction.left_out}
    if baseline is not None:
        there &= baseline.rows(jury.glitches) >= 0
        reasons |= {item.glitch: item.reason for item in baseline.left_out}
    if not there.any():
        raise InputError(
            f"none of the {len(there)} glitches has the views that every classifier reads; choose models of the same views"
        )
    lacking = [
        (str(frame.loc[glitch, "id"]), reasons.get(int(glitch), "no vector")) for glitch in jury.glitches[~there]
    ]
    return TestSet(jury.glitches[there], jury.labels[there], (*jury.left_out, *lacking))


def _temperature(model: Model, prediction: Prediction, frame: pd.DataFrame) -> float:
    rows = frame.loc[prediction.glitches]
    chosen = (rows["id"].map(model.parts) == "validation") & rows["label"].isin(list(model.classes))
    if not chosen.any():
        raise InputError(
            f"model {model.name!r} has no validation glitch in this study to fit a temperature on; leave --temperature out"
        )
    truth = np.searchsorted(np.array(model.classes), rows.loc[chosen, "label"].to_numpy(np.str_))
    return fit_temperature(prediction.probabilities[chosen.to_numpy()], truth)


def _baseline(
    store: VectorStore, parts: Mapping[str, str], frame: pd.DataFrame, jury: TestSet
) -> tuple[np.ndarray, tuple[str, ...], str]:
    """Probabilities of the judged glitches, the baseline's classes, and what it is."""
    part = frame["id"].map(parts)
    having = np.isin(frame.index, store.glitches) & (frame["label"] != "")
    rows = {name: frame.index[having & (part == name)].to_numpy(np.int64) for name in ("train", "validation")}
    if not len(rows["train"]):
        raise InputError(
            "none of the training glitches has a vector to fit the baseline on; choose others with --views"
        )
    vectors = {name: np.asarray(store.vectors[store.rows(glitches)]) for name, glitches in rows.items()}
    labels = {name: frame.loc[glitches, "label"].tolist() for name, glitches in rows.items()}
    validation = (vectors["validation"], labels["validation"]) if len(rows["validation"]) else None
    fitted = fit_baseline(vectors["train"], labels["train"], validation=validation)
    judged = fitted.probabilities(np.asarray(store.vectors[store.rows(jury.glitches)]))
    what = f"logistic regression on frozen {store.passport['backbone']} ({store.passport['weights']}), {store.passport['views']}; C {fitted.strength:g}"
    return judged, fitted.classes, what


def _cautions(
    study: Study,
    frame: pd.DataFrame,
    models: Sequence[Model],
    part: str,
    jury: TestSet,
    judged: Mapping[str, Evaluation],
    splits: Mapping[str, Mapping[str, str]],
) -> tuple[str, ...]:
    notes: list[str] = []
    ids = frame.loc[jury.glitches, "id"]
    if part == "validation":
        notes.append(
            "The validation part chose the best epoch: these figures flatter the models; --part test does not."
        )
    trained = {model.name: model.learnt_from for model in models}
    if not models:
        trained = {
            name: frozenset(key for key, value in parts.items() if value == "train") for name, parts in splits.items()
        }
    store = frozen_store(study.folder)
    for name, training in trained.items():
        seen = int(ids.isin(training).sum())
        if seen:
            notes.append(
                f"Leak: {seen:,} of the {len(ids):,} judged glitches were in the training of {name} (or of a model it began from): its figures are no measure of new glitches."
            )
        if store is not None and not seen:
            close = has_near_duplicate(store, jury.glitches, frame.index[frame["id"].isin(training)].to_numpy())
            if close.any() and not close.all():
                without = float(judged[name].right[~close].mean())
                notes.append(
                    f"{int(close.sum()):,} judged glitches have a near-duplicate in the training of {name}; without them it is right on {without:.2%}. A grouped split keeps near-duplicates together."
                )
    if store is None:
        notes.append(
            "Near-duplicates between training and judged glitches were not looked for: the study has no vectors of a network that saw no labels; `discover embed --weights bundled` makes them."
        )
    if jury.left_out:
        notes.append(f"{len(jury.left_out):,} glitches were left out, the first: {': '.join(jury.left_out[0])}.")
    return tuple(notes)
