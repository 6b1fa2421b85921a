"""The branches within a cluster, as parts that may be classes of their own: size, most typical member, nearest known class."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discovery.clustering.result import by_typicality

if TYPE_CHECKING:
    from discovery.certificates.divergence import Divergences
    from discovery.clustering.branches import NestedBranch
    from embed.types import Rows, Vectors


@dataclass(frozen=True)
class Part:
    """A branch of a cluster.

    Attributes
    ----------
    path : str
        As in `discovery.clustering.branches.NestedBranch`.
    size : int
    medoid : int
        Its row among the clustered glitches.
    favourite : (class, share) or None
        The known class to which most of its members are nearest, and their share.
    """

    path: str
    size: int
    medoid: int
    favourite: tuple[str, float] | None


def parts_of(nested: list[NestedBranch], unit: Vectors, members: Rows, where: Divergences | None) -> tuple[Part, ...]:
    """Describe a cluster's own branch and those nested in it; nothing where none is nested.

    Parameters
    ----------
    nested : list of NestedBranch
        Of this cluster.
    unit : ndarray of float32, shape (N, D)
        Normalised vectors of the clustered glitches.
    members : ndarray of int64, shape (M,)
        Rows of the cluster, ascending.
    where : Divergences or None
        The cluster beside the known classes.
    """
    if len(nested) < 2:
        return ()
    found = []
    for branch in nested:
        favourite = None
        if where is not None:
            counts = Counter(where.of_members[np.searchsorted(members, branch.rows)].tolist())
            name = min(counts, key=lambda one: (-counts[one], one))
            favourite = (name, counts[name] / len(branch.rows))
        found.append(Part(branch.path, len(branch.rows), int(by_typicality(unit, branch.rows)[0]), favourite))
    return tuple(found)
