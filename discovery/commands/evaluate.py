"""``discover evaluate``."""

from argparse import Namespace
from collections.abc import Sequence

from discovery.commands.console import Terminal
from discovery.evaluation.evaluation import assess
from discovery.evaluation.options import EvaluationOptions
from discovery.evaluation.page import telling_ranks
from discovery.evaluation.testset import baseline_parts
from discovery.figures.figures import evaluation_figures
from discovery.figures.files import save_figures
from embed.digits import counted
from embed.metrics.accuracy import TOP
from embed.network.model import Model, load_model
from embed.network.sources import model_folder, models
from embed.study.nouns import nouns
from embed.study.study import Study
from embed.vectors.embedding import embed
from embed.vectors.given import chosen_given
from embed.vectors.options import EmbeddingOptions
from embed.vectors.store import VectorStore

IMAGENET = "bundled"
"""The baseline's default weights: the paper's is logistic regression on frozen ImageNet features."""


def run(options: Namespace) -> None:
    """Judge trained models, their ensemble and the baseline on the same glitches."""
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study:
        one, many = nouns(study)
        chosen = [load_model(model_folder(study.folder, name)) for name in options.models or models(study.folder)]
        store = _baseline_vectors(study, options, chosen, terminal) if options.baseline else None
        parts = baseline_parts(study.glitches(), store, seed=options.seed) if store is not None and not chosen else None
        with terminal.steps() as step:
            result = assess(
                study,
                chosen,
                EvaluationOptions(
                    part=options.part, ensemble=options.ensemble, temperature=options.temperature, seed=options.seed
                ),
                baseline=store,
                parts=parts,
                settings=EmbeddingOptions(
                    device=options.device, runtime=options.runtime, seed=options.seed, cache=not options.no_cache
                ),
                out=options.out,
                command=options.typed,
                step=step,
            )
            if options.figures:
                step("figures")
                result.files.update(save_figures(evaluation_figures(result), result.folder, options.figures))
    summaries = {name: item.summary() for name, item in result.judged.items()}
    first = next(iter(result.judged.values()))
    part = "labelled" if result.part == "all" else result.part
    telling = TOP in telling_ranks(first)
    rows = [
        (
            name,
            f"{100 * figures['top1']:.2f} %",
            f"{100 * figures['top1_low']:.1f} to {100 * figures['top1_high']:.1f} %",
            *([f"{100 * figures['top5']:.2f} %"] if telling else []),
            f"{100 * figures['macro_f1']:.2f} %",
            f"{figures['calibration_error']:.4f}",
        )
        for name, figures in summaries.items()
    ]
    terminal.table(
        f"{counted(len(first), f'{part} {one}', f'{part} {many}')} of {counted(summaries[next(iter(summaries))]['classes'], 'class', 'classes')}",
        ("classifier", "top-1", "95 %", *(["top-5"] if telling else []), "macro F1", "ECE"),
        rows,
    )
    terminal.say(f"misclassified by {next(iter(result.judged))}: {int((~first.right).sum())}")
    for caution in result.cautions:
        terminal.say(caution)
    for path in result.files.values():
        terminal.say(str(path))
    terminal.result(
        {
            "part": result.part,
            "glitches": len(first),
            "classifiers": summaries,
            "cautions": list(result.cautions),
            "left_out": len(result.test_set.left_out),
            "files": {name: str(path) for name, path in result.files.items()},
        }
    )


def _baseline_vectors(study: Study, options: Namespace, chosen: Sequence[Model], terminal: Terminal) -> VectorStore:
    """Return vectors of a frozen network, by default of the first model's views; or those that were ingested last."""
    views = options.views or (str(chosen[0].encoding) if chosen else None)
    given = chosen_given(study, backbone=options.backbone, weights=options.weights, views=views) is not None
    settings = EmbeddingOptions(
        options.backbone,
        options.weights or (None if given else IMAGENET),
        views,
        options.device,
        options.runtime,
        options.seed,
        not options.no_cache,
    )
    with terminal.progress("embed") as progress:
        return embed(study, settings, command="baseline", progress=progress)
