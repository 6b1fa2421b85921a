"""Classifiers judged on a study: models, their ensemble and the baseline on the same glitches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from discovery.evaluation.cautions import cautions, frozen_store
from discovery.evaluation.options import EvaluationOptions
from discovery.evaluation.outputs import Assessment, Mistaken, mistaken_rows, write_assessment
from discovery.evaluation.testset import TestSet, choose_test_set
from embed.digits import counted
from embed.errors import InputError
from embed.metrics.baseline import fit_baseline
from embed.metrics.calibration import fit_temperature, tempered
from embed.metrics.evaluation import Evaluation, aligned, evaluate, mean_probabilities
from embed.storage import file_name
from embed.study.nouns import nouns
from embed.study.reports import add_report
from embed.training.prediction import Prediction, predict
from embed.vectors.passport import describe_vectors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from embed.network.model import Model
    from embed.study.study import Study
    from embed.types import Floats, Step
    from embed.vectors.options import EmbeddingOptions
    from embed.vectors.store import VectorStore

BASELINE, ENSEMBLE = "baseline", "ensemble"
"""Reserved names in the tables: no model may have them."""


def assess(
    study: Study,
    models: Sequence[Model],
    options: EvaluationOptions | None = None,
    *,
    baseline: VectorStore | None = None,
    parts: Mapping[str, str] | None = None,
    settings: EmbeddingOptions | None = None,
    out: Path | None = None,
    command: str = "",
    step: Step = lambda _: None,
) -> Assessment:
    """Judge models of a study on the same glitches, and write the results.

    Parameters
    ----------
    study : Study
        Written to: the models' vectors, and a run.
    models : sequence of Model
        The first is shown in full.
    options : EvaluationOptions, optional
    baseline : VectorStore, optional
        Vectors on which logistic regression is fitted and judged too.
    parts : mapping of str to str, optional
        id -> part of the baseline's split; by default the first model's.
    settings : EmbeddingOptions, optional
        Device and runtime of the models.
    out : Path, optional
        Folder of the results; by default one of the study's reports.
    command : str
        The command line that makes this again.
    step : callable
        Receives the name of each step as it begins.

    Raises
    ------
    InputError
        When there is nothing to judge, or options do not go together.
    """
    options = options or EvaluationOptions()
    splits = _splits(models, baseline, parts)
    _check(models, options)
    glitches = study.glitches()
    test_set = choose_test_set(glitches, splits, {model.name: model.classes for model in models}, options.part)
    predictions = _predictions(study, models, glitches, settings, step=step)
    test_set = _with_vectors(test_set, glitches, predictions, baseline)
    classifiers = [_trained(model, predictions[model.name], glitches, test_set, options) for model in models]
    if baseline is not None:
        step("fit the baseline")
        classifiers.append(_baseline(baseline, next(iter(splits.values())), glitches, test_set))
    judged, about = _judged(classifiers, test_set, options)
    trained_on = {model.name: model.learnt_from for model in models} or {BASELINE: _training(splits[BASELINE])}
    right = {name: item.right for name, item in judged.items()}
    store = frozen_store(study.folder)
    notes = cautions(glitches, test_set, trained_on, right, part=options.part, store=store)
    name = next(iter(judged))
    result = Assessment(judged, about, options.part, test_set, notes)
    folder = out if out is not None else study.folder / "reports" / f"evaluate-{file_name(name)}-{options.part}"
    arguments = {
        "models": [model.name for model in models],
        "part": options.part,
        "baseline": baseline is not None,
        "ensemble": options.ensemble,
        "seed": options.seed,
    }
    with study.run("evaluate", arguments) as run:
        step("write")
        shown = predictions[name].vectors if name in predictions else baseline
        assert shown is not None
        mistaken = Mistaken.read(study, shown, glitches, test_set.glitches[mistaken_rows(judged[name])])
        passport = {"seed": options.seed, **{f"{name}: {key}": value for key, value in shown.passport.items()}}
        ids = glitches.loc[test_set.glitches, "id"].tolist()
        files = write_assessment(result, ids, mistaken, folder, command=command, passport=passport)
        best = judged[name]
        answer = f"{100 * best.accuracies[0]:.1f} % of {len(best):,} {options.part} {nouns(study)[1]} are right (top-1); {counted(len(mistaken.table), 'mistake', 'mistakes')}."
        add_report(study, run, files["evaluation.html"], f"Evaluation of {name}", answer)
        if out is None:  # the study's own folder may hold a picture of a model that is not judged this time
            for picture in set(folder.glob("confusion-*.png")) - set(files.values()):
                picture.unlink()
    return replace(result, files=files)


def _splits(
    models: Sequence[Model], baseline: VectorStore | None, parts: Mapping[str, str] | None
) -> dict[str, Mapping[str, str]]:
    """Return classifier -> id -> part."""
    if not models and baseline is None:
        raise InputError("nothing to evaluate: name a model, or add --baseline; `discover train` makes a model")
    names = [model.name for model in models]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise InputError(f"model {doubled[0]!r} is named twice; name each once")
    taken = sorted(set(names) & {BASELINE, ENSEMBLE})
    if taken:
        raise InputError(
            f"a model named {taken[0]!r} has the same name as the {taken[0]} in the tables; rename its folder"
        )
    if models:
        return {model.name: model.parts for model in models}
    if parts is None:
        raise InputError("the baseline needs a split to be fitted and judged on; give the parts")
    return {BASELINE: parts}


def _check(models: Sequence[Model], options: EvaluationOptions) -> None:
    if options.ensemble and len(models) < 2:
        raise InputError(f"an ensemble of {len(models)} models: name two or more")
    if options.temperature and options.part != "test":
        raise InputError(
            f"temperatures are fitted on the validation part, so they cannot be judged on {options.part!r}; use --part test"
        )


def _predictions(
    study: Study,
    models: Sequence[Model],
    glitches: pd.DataFrame,
    settings: EmbeddingOptions | None,
    *,
    step: Step,
) -> dict[str, Prediction]:
    """Run every model on every labelled glitch."""
    labelled = glitches.index[glitches["label"] != ""].to_numpy()
    found = {}
    for model in models:
        step(f"predict with {model.name}")
        found[model.name] = predict(study, model, labelled, options=settings)
    return found


def _with_vectors(
    test_set: TestSet,
    glitches: pd.DataFrame,
    predictions: Mapping[str, Prediction],
    baseline: VectorStore | None,
) -> TestSet:
    """Leave out glitches that some classifier has no vector of."""
    there = np.ones(len(test_set.glitches), bool)
    reasons: dict[int, str] = {}
    for prediction in predictions.values():
        there &= np.isin(test_set.glitches, prediction.glitches)
        reasons |= {item.glitch: item.reason for item in prediction.left_out}
    if baseline is not None:
        there &= baseline.rows(test_set.glitches) >= 0
        reasons |= {item.glitch: item.reason for item in baseline.left_out}
    if not there.any():
        raise InputError(
            f"none of the {len(there)} glitches has the views that every classifier reads; choose models of the same views"
        )
    lacking = test_set.glitches[~there].tolist()
    return test_set.without(
        ~there, [(str(glitches.loc[glitch, "id"]), reasons.get(glitch, "no vector")) for glitch in lacking]
    )


@dataclass(frozen=True)
class _Classifier:
    """What one classifier says of the N judged glitches: `probabilities` (N, K) of its K classes."""

    name: str
    classes: tuple[str, ...]
    probabilities: Floats
    about: str


def _trained(
    model: Model,
    prediction: Prediction,
    glitches: pd.DataFrame,
    test_set: TestSet,
    options: EvaluationOptions,
) -> _Classifier:
    probabilities, about = prediction.of(test_set.glitches), f"{model.network.backbone.name}, {model.encoding}"
    if options.temperature:
        value = _temperature(model, prediction, glitches)
        probabilities, about = tempered(probabilities, value), f"{about}, temperature {value:.3f}"
    return _Classifier(model.name, model.classes, probabilities, about)


def _temperature(model: Model, prediction: Prediction, glitches: pd.DataFrame) -> float:
    rows = glitches.loc[prediction.glitches]
    chosen = (rows["id"].map(model.parts) == "validation") & rows["label"].isin(list(model.classes))
    if not chosen.any():
        raise InputError(
            f"model {model.name!r} has no validation glitch in this study to fit a temperature on; leave --temperature out"
        )
    truth = np.searchsorted(np.array(model.classes), rows.loc[chosen, "label"].to_numpy(np.str_))
    return fit_temperature(prediction.probabilities[chosen.to_numpy()], truth)


def _baseline(store: VectorStore, parts: Mapping[str, str], glitches: pd.DataFrame, test_set: TestSet) -> _Classifier:
    """Fit logistic regression on the training part's vectors."""
    part = glitches["id"].map(parts)
    having = np.isin(glitches.index, store.glitches) & (glitches["label"] != "")
    rows = {name: glitches.index[having & (part == name)].to_numpy(np.int64) for name in ("train", "validation")}
    if not len(rows["train"]):
        raise InputError(
            "none of the training glitches has a vector to fit the baseline on; choose others with --views"
        )
    vectors = {name: np.asarray(store.vectors[store.rows(numbers)]) for name, numbers in rows.items()}
    labels = {name: glitches.loc[numbers, "label"].tolist() for name, numbers in rows.items()}
    validation = (vectors["validation"], labels["validation"]) if len(rows["validation"]) else None
    made_by = store.passport
    vectors_used = (
        describe_vectors(made_by)
        if store.is_given
        else f"frozen {made_by['backbone']} ({made_by['weights']}), {made_by['views']}"
    )
    fitted = fit_baseline(vectors["train"], labels["train"], validation=validation)
    return _Classifier(
        BASELINE,
        fitted.classes,
        fitted.probabilities(np.asarray(store.vectors[store.rows(test_set.glitches)])),
        f"logistic regression on {vectors_used}; C {fitted.strength:g}",
    )


def _judged(
    classifiers: Sequence[_Classifier], test_set: TestSet, options: EvaluationOptions
) -> tuple[dict[str, Evaluation], dict[str, str]]:
    """Judge every classifier, and the ensemble of the models, on the same classes; returns evaluations and what each is."""
    known = {kind for classifier in classifiers for kind in classifier.classes}
    classes = sorted(known | set(test_set.labels.tolist()))
    tables = {item.name: aligned(item.probabilities, item.classes, classes) for item in classifiers}
    about = {item.name: item.about for item in classifiers}
    if options.ensemble:
        models = [name for name in tables if name != BASELINE]
        tables[ENSEMBLE] = mean_probabilities([tables[name] for name in models])
        about[ENSEMBLE] = f"mean probability of {', '.join(models)}"
    truth = np.searchsorted(np.array(classes), test_set.labels)
    return {name: evaluate(table, truth, classes, seed=options.seed) for name, table in tables.items()}, about


def _training(parts: Mapping[str, str]) -> frozenset[str]:
    return frozenset(key for key, value in parts.items() if value == "train")
