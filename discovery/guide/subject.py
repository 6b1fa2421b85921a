"""What a page of the field guide is about: a class of the study, or a cluster that has no name yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discovery.candidates.naming import members_of, noun
from discovery.candidates.options import read_place
from embed.errors import InputError
from embed.storage import file_name

if TYPE_CHECKING:
    from embed.study.study import Study
    from embed.types import Rows


@dataclass(frozen=True)
class Subject:
    """A class, a cluster or a branch of one.

    Attributes
    ----------
    title : str
        Its name.
    label : str
        The label of its glitches; of a cluster the one that was clustered.
    glitches : ndarray of int64
        Row numbers in the study.
    """

    title: str
    label: str
    glitches: Rows

    @property
    def folder(self) -> str:
        """Name of its folder in the study's ``reports/guide``."""
        return file_name(self.title)


def find_subject(study: Study, name: str, label: str | None = None) -> Subject:
    """Find the class of this name; where there is none, or `label` is given, the cluster of this number or the branch of this path.

    Parameters
    ----------
    study : Study
    name : str
        A given label, or a number or a branch of ``clusters.csv``, such as "1.0".
    label : str, optional
        Take the cluster of the latest clustering of this label; by default that of the latest of all.

    Raises
    ------
    InputError
        There is no such class and no such cluster.
    """
    if label is None:
        own = [glitch for glitch, given in study.latest_labels(predicted=False) if given == name != ""]
        if own:
            return Subject(name, name, np.array(own, np.int64))
    cluster = read_place(name)
    if cluster is not None:
        _, clustered, members = members_of(study, cluster, label)
        return Subject(f"{noun(cluster).capitalize()} of {clustered}", clustered, members)
    if label is not None:
        raise InputError(f"--label {label} goes with the number of a cluster, not with {name!r}; leave out --label")
    return Subject(name, name, study.members(name))  # raises, and names the labels of the study
