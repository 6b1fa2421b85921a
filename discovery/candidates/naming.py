"""From cluster to class: the members of a cluster get its name as a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.errors import InputError
from embed.spelling import closest
from embed.study.clusterings import latest_clustering
from embed.study.records import Label

if TYPE_CHECKING:
    from embed.study.study import Study
    from embed.types import Rows

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
    """

    run: int
    label: str
    glitches: Rows
    added: int
    warning: str


def name_cluster(study: Study, cluster: int, name: str, *, label: str | None = None, dry_run: bool = False) -> Named:
    """Label the members of a cluster of the latest clustering.

    Parameters
    ----------
    study : Study
    cluster : int
        Its number in ``clusters.csv``.
    name : str
        The new class, for instance ``Reverse_Chirp``.
    label : str, optional
        Take the latest clustering of this label; by default the latest of all.
    dry_run : bool
        Write nothing.

    Raises
    ------
    InputError
        Nothing was clustered, there is no such cluster, or the name is empty or has line breaks.
    """
    if not name.strip() or not name.isprintable():
        raise InputError(f"{name!r} cannot be the name of a class: give printable characters")
    run, clustered, members = members_of(study, cluster, label)
    names = [known for known in study.counts_by_label().index if known]
    near = closest(name, names)
    warning = f"{name!r} looks like {near!r}, which the study has" if near not in {None, name} else ""
    added = 0
    if not dry_run:
        event = Label(name, PERSON, f"cluster {cluster} of run {run}", why=f"named by `discover name {cluster}`")
        with study.run("name", {"cluster": cluster, "name": name, "of": run}), study.transaction():
            added = sum(study.add_label(int(glitch), event) for glitch in members)
    return Named(run, clustered, members, added, warning)


def members_of(study: Study, cluster: int, label: str | None = None) -> tuple[int, str, Rows]:
    """Return the run of the latest clustering (of `label`, if given), the label that it clustered, and a cluster's members.

    Raises
    ------
    InputError
        Nothing was clustered, or there is no such cluster.
    """
    run, arguments, table = latest_clustering(study, label)
    members = table.index[table["cluster"] == cluster].to_numpy(np.int64)
    if not len(members) or cluster < 0:
        numbers = sorted(set(table["cluster"].tolist()) - {-1})
        raise InputError(
            f"the clustering of {arguments['label']!r} has no cluster {cluster}; it has {numbers[0]} to {numbers[-1]}"
            if numbers
            else f"the clustering of {arguments['label']!r} has no clusters"
        )
    return run, str(arguments["label"]), members
