"""``discover audit``, ``discover audit import`` and ``discover audit undo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from audit.answers.importing import import_answers, read_answers
from audit.answers.precision import TRUSTED
from audit.answers.undo import undo_import
from audit.heldout.refit import unseen_start
from audit.heldout.refitting import Refitting
from discovery.checks.audit import audit_options
from discovery.commands.console import Terminal
from discovery.commands.fleet import spread_of
from discovery.commands.vectors import make_vectors
from discovery.figures.figures import audit_figures
from discovery.figures.files import save_figures
from discovery.labelaudit.labelaudit import audit_study
from discovery.labelaudit.page import headline
from discovery.labelaudit.summary import summary
from embed.digits import counted
from embed.network.devices import choose_device
from embed.study.study import Study
from embed.vectors.standing import latest_choice

if TYPE_CHECKING:
    from argparse import Namespace

    from audit.answers.precision import Measured, Score
    from discovery.labelaudit.labelaudit import LabelAudit
    from embed.vectors.store import VectorStore

SHOWN = 15
"""Class pairs printed at most."""


def run(options: Namespace) -> None:
    """Audit the labels, import answers, or undo an import."""
    {None: _audit, "import": _import, "undo": _undo}[options.action](options)


def _audit(options: Namespace) -> None:
    terminal = Terminal(as_json=options.json)
    chosen = audit_options(options)
    with Study(options.study) as study, spread_of(options, terminal) as spread:
        if options.refit:
            _choose_unseen_weights(study, options)
        store = make_vectors(study, options, terminal, spread=spread) if options.probabilities is None else None
        with terminal.steps() as step:
            found = audit_study(
                study,
                store,
                chosen,
                probabilities=options.probabilities,
                refit=_refitting(options, store) if options.refit and store is not None else None,
                trust_vectors=options.trust_vectors,
                out=options.out,
                command=options.typed,
                step=step,
                spread=spread,
            )
            if options.figures:
                step("figures")
                found.files.update(save_figures(audit_figures(found), found.folder, options.figures))
    _report(terminal, found)
    terminal.result(summary(found))


def _choose_unseen_weights(study: Study, options: Namespace) -> None:
    """Choose weights that saw none of the labels; for a model of the study, those that it was fine-tuned from."""
    weights = options.weights or (latest_choice(study) or {}).get("weights")
    if weights is None:
        return
    options.weights, backbone, views = unseen_start(study.folder, weights, trust=options.trust_vectors)
    options.backbone, options.views = options.backbone or backbone, options.views or views


def _refitting(options: Namespace, store: VectorStore) -> Refitting:
    device = choose_device(options.device).type
    return Refitting(
        str(store.passport["backbone"]),
        options.weights or str(store.passport["weights"]),
        str(store.passport["views"]),
        epochs=options.epochs,
        seed=options.seed,
        device=device,
        processes=options.processes or (torch.cuda.device_count() if device == "cuda" else 1),
    )


def _report(terminal: Terminal, found: LabelAudit) -> None:
    verdict = found.result
    terminal.say(headline(verdict))
    pairs = verdict.expected_pairs()
    order = sorted(((float(pairs[a, b]), a, b) for a in range(len(pairs)) for b in range(len(pairs))), reverse=True)
    rows = [
        (verdict.classes[a], verdict.classes[b], f"{expected:.1f}")
        for expected, a, b in order[:SHOWN]
        if expected >= 0.5
    ]
    if rows:
        terminal.table("Wrong labels expected", ("labelled", "probably", "expected"), rows)
    if verdict.curve:
        last = verdict.curve[-1]
        terminal.say(
            f"{last.splits} splits ({verdict.settings['split']}), rank stability {last.correlation:.3f}; error {100 * verdict.error:.1f} %, in plain random splits {100 * verdict.random_error:.1f} %"
        )
    for note in verdict.notes:
        terminal.say(note)
    for reason, count in found.left_out.items():
        if count:
            terminal.say(f"left out {count}: {reason}")
    if found.manifest is not None:
        terminal.say(
            f"for volunteers: {counted(len(found.manifest.subjects), 'subject', 'subjects')}, {found.manifest.controls} of them controls"
        )
    for path in found.files.values():
        terminal.say(str(path))


def _import(options: Namespace) -> None:
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study:
        answers = read_answers(study, options.file, new=options.new_class, choices=options.choice)
        done = import_answers(study, options.file, answers)
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in done.outcomes.items()) or "none"
    terminal.say(
        f"{counted(done.decisions, 'answer', 'answers')} to {done.audit}: {outcomes}; {done.relabelled} with another label"
    )
    terminal.say(
        f"{counted(done.events, 'label event', 'label events')} written"
        if done.new
        else "nothing new: the study already has these answers"
    )
    if done.controls is not None:
        terminal.say(_controls_line(done.controls))
    terminal.say(_precision_line(done.precision))
    for note in done.notes:
        terminal.say(note)
    terminal.result(
        {
            "audit": done.audit,
            "answers": done.decisions,
            "new": done.new,
            "label_events": done.events,
            "outcomes": done.outcomes,
            "relabelled": done.relabelled,
            "controls": None if done.controls is None else vars(done.controls) | {"share": done.controls.share},
            "precision": vars(done.precision) | {"share": done.precision.share},
            "notes": done.notes,
        }
    )


def _controls_line(score: Score) -> str:
    votes = score.right_of + score.planted_of
    if not votes:
        return "no control has been answered"
    text = (
        f"controls: {100 * score.share:.0f} % of {votes} votes agree with the known answer ({100 * score.low:.0f} to {100 * score.high:.0f} %); "
        f"{score.right} of {score.right_of} right labels were found right, {score.planted} of {score.planted_of} planted errors were found"
    )
    return text + ("" if score.share >= TRUSTED else f"; below {100 * TRUSTED:.0f} %, so these answers are doubtful")


def _precision_line(measured: Measured) -> str:
    if not measured.answered:
        return "precision: no listed label has been decided yet"
    return (
        f"precision so far: {measured.wrong} of {counted(measured.answered, 'label', 'labels')} {'was' if measured.wrong == 1 else 'were'} found wrong, {100 * measured.share:.0f} % "
        f"({100 * measured.low:.0f} to {100 * measured.high:.0f} %); the audit expected {measured.expected:.1f}"
    )


def _undo(options: Namespace) -> None:
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study:
        done = undo_import(study)
    terminal.say(
        f"undone: the import of {done.file} (run {done.run}); {counted(done.events, 'label', 'labels')} restored by label events"
    )
    if done.changed_since:
        terminal.say(
            f"{counted(done.changed_since, 'label was changed after that import and keeps', 'labels were changed after that import and keep')} the later one"
        )
    terminal.result(vars(done))
