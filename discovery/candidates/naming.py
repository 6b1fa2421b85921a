"""From cluster to class: the members of a cluster get its name as a label."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embed.errors import ConflictError, InputError
from embed.gravityspy import own_spelling
from embed.spelling import closest
from embed.study.audits import insert_label
from embed.study.clusterings import latest_clustering, read_branches
from embed.study.database import SHORT_WAIT_S
from embed.study.records import Label
from embed.study.reviews import given_labels, label_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from embed.study.reviews import LabelEvent
    from embed.study.study import Study
    from embed.types import Rows

_BRANCHES = 8
"""That are named where another was meant."""
PERSON = "person"
"""Who gives the name: a decision, which later predictions do not override."""


@dataclass(frozen=True)
class Named:
    """What a name was given to.

    Attributes
    ----------
    run : int
        The clustering's run.
    label : str
        The label that was clustered.
    glitches : ndarray of int64
        Row numbers of the members.
    added : int
        Label events that were written; members that have the name already get none.
    warning : str
        Not empty where the name looks like a typo of a known one.
    name : str
        The name that was given: Gravity Spy's spelling of its own classes.
    """

    run: int
    label: str
    glitches: Rows
    added: int
    warning: str
    name: str


@dataclass(frozen=True)
class Chosen:
    """Which clustering and which of its members a name is for; by default the latest one, and all.

    Attributes
    ----------
    run : int or None
        Not the latest clustering, but that of this run.
    glitches : sequence of int
        Row numbers of the members that get the name; empty: all.
    seen : int or None
        The study's last label event when the person looked: a member that was labelled since is a conflict.
    """

    run: int | None = None
    glitches: Sequence[int] = ()
    seen: int | None = None


def name_cluster(
    study: Study,
    cluster: int | str,
    name: str,
    *,
    label: str | None = None,
    chosen: Chosen | None = None,
    dry_run: bool = False,
) -> Named:
    """Label the members of a cluster.

    Parameters
    ----------
    study : Study
    cluster : int or str
        Its number in ``clusters.csv``, or a branch of it, such as "1.0".
    name : str
        The new class, for instance ``Reverse_Chirp``; blanks around it are left out, and a class of Gravity Spy gets its own spelling.
    label : str, optional
        Take the latest clustering of this label; by default the latest of all.
    chosen : Chosen, optional
        By default all members.
    dry_run : bool
        Write nothing.

    Raises
    ------
    InputError
        Nothing was clustered, there is no such cluster or member, or the name is empty or has line breaks.
    ConflictError
        A member was labelled since the person looked.
    """
    chosen, name = chosen or Chosen(), own_spelling(name.strip())
    warning = check_name(study, name)
    run, clustered, members = members_of(study, cluster, label, run=chosen.run)
    members = _ticked(members, chosen.glitches, cluster)
    added = 0
    if not dry_run:
        event = Label(name, PERSON, f"{noun(cluster)} of run {run}", why=f"named by `discover name {cluster}`")
        arguments = {"cluster": cluster, "name": name, "of": run}
        added = give_name(study, members.tolist(), event, arguments, seen=chosen.seen)
    return Named(run, clustered, members, added, warning, name)


def check_name(study: Study, name: str) -> str:
    """Return a warning where a class's name looks like a typo of one that the study has, else nothing.

    Raises
    ------
    InputError
        The name is empty or has line breaks.
    """
    if not name.strip() or not name.isprintable():
        raise InputError(f"{name!r} cannot be the name of a class: give printable characters")
    near = closest(name, [known for known in label_sizes(study) if known])
    return f"{name!r} looks like {near!r}, which the study has" if near not in {None, name} else ""


def give_name(
    study: Study, glitches: Sequence[int], event: Label, arguments: dict[str, Any], *, seen: int | None
) -> int:
    """Label glitches in a run of its own; returns how many label events were written, none for those that had the label.

    Parameters
    ----------
    study : Study
    glitches : sequence of int
        Row numbers.
    event : Label
    arguments : dict
        Of the run.
    seen : int or None
        See `Chosen`.

    Raises
    ------
    ConflictError
        A glitch got another label since `seen`; nothing is written.
    """
    with study.run("name", arguments, wait_s=SHORT_WAIT_S), study.transaction():
        labels = given_labels(study, glitches)
        if seen is not None:
            _check_unchanged(study, labels, event.label, seen)
        new = [glitch for glitch in glitches if glitch not in labels or labels[glitch].label != event.label]
        for glitch in new:
            insert_label(study, glitch, event)
    return len(new)


def _ticked(members: Rows, glitches: Sequence[int], cluster: int | str) -> Rows:
    """Return the members that were chosen, all where none was."""
    if not glitches:
        return members
    ticked = np.unique(np.asarray(glitches, np.int64))
    foreign = np.setdiff1d(ticked, members)
    if len(foreign):
        raise InputError(f"glitch {foreign[0]} is no member of {noun(cluster)}; load the cluster again")
    return ticked


def _check_unchanged(study: Study, labels: dict[int, LabelEvent], name: str, seen: int) -> None:
    """Refuse to override a label that was given since; the same name is no conflict."""
    changed = [glitch for glitch, label in labels.items() if label.event > seen and label.label != name]
    if changed:
        first = labels[changed[0]]
        raise ConflictError(
            f"{len(changed)} of these glitches got another label since you looked, the first {study.ids()[changed[0]]} {first.label!r} by {first.by} ({first.source}); nothing was written"
        )


def noun(cluster: int | str) -> str:
    """Return "cluster 1", or "branch 1.0"."""
    return f"{'branch' if isinstance(cluster, str) else 'cluster'} {cluster}"


def members_of(
    study: Study, cluster: int | str, label: str | None = None, *, run: int | None = None
) -> tuple[int, str, Rows]:
    """Return the run of the latest clustering (of `label`, if given; or the clustering of `run`), the label that it clustered, and the members of a cluster, or of a branch such as "1.0".

    Raises
    ------
    InputError
        Nothing was clustered, or there is no such cluster or branch.
    """
    run, arguments, table = latest_clustering(study, label, run=run)
    clustered = str(arguments["label"])
    if isinstance(cluster, str):
        return run, clustered, _branch(study, run, clustered, cluster)
    members = table.index[table["cluster"] == cluster].to_numpy(np.int64)
    if not len(members) or cluster < 0:
        numbers = sorted(set(table["cluster"].tolist()) - {-1})
        raise InputError(
            f"the clustering of {clustered!r} has no cluster {cluster}; it has {f'{numbers[0]} to {numbers[-1]}' if len(numbers) > 1 else f'{numbers[0]} alone'}"
            if numbers
            else f"the clustering of {clustered!r} has no clusters"
        )
    return run, clustered, members


def _branch(study: Study, run: int, label: str, path: str) -> Rows:
    """Return the members of a branch, those of the branches within it too."""
    finest = read_branches(study, run)
    members = [glitch for glitch, own in finest.items() if f"{own}.".startswith(f"{path}.")]
    if members:
        return np.array(members, np.int64)
    if not finest:
        raise InputError(
            f"the study holds no branches of the clustering of {label!r} (run {run}); if clusters.csv has some, run `discover cluster {shlex.quote(label)}` again"
        )
    parts = [own.split(".") for own in set(finest.values())]
    known = {tuple(map(int, own[:depth])) for own in parts for depth in range(2, len(own) + 1)}
    cluster = int(path.partition(".")[0])
    beside = [".".join(map(str, own)) for own in sorted(known, key=lambda own: (own[0] != cluster, own))]
    named = ", ".join(beside[:_BRANCHES]) + (f" and {len(beside) - _BRANCHES} more" if len(beside) > _BRANCHES else "")
    raise InputError(f"the clustering of {label!r} has no branch {path}; it has {named}")
