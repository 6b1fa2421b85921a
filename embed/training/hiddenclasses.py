"""What "none of these" is worth: each known class is hidden in turn, and its glitches are asked as strangers to all others.

The distances of `embed.training.abstention` are computed once. Leaving a class out is leaving out its column and its own held-out
glitches: what remains is what a model of the other classes would be compared with, were its vectors the same. They are not: the network
has learnt the hidden class too, and a class that nobody taught may be found more or less often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embed.digits import percent
from embed.metrics.intervals import mean_share_interval, wilson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

LEAST_HELD_OUT = 20
"""Held-out glitches without which nothing is called far."""
LEAST_CLASSES = 3
"""Classes without which hiding one is not tried: two at least must be left."""
LEAST_STRANGERS = 10
"""Held-out glitches of a hidden class below which its training glitches are asked too."""
WORST = 3
"""Classes of which fewest are found that are named."""


@dataclass(frozen=True)
class Reference:
    """Distances of held-out glitches to the classes, with which any glitch's are compared.

    Attributes
    ----------
    names : ndarray of str, shape (K,)
        Classes.
    distances : ndarray of float64, shape (H, K)
        Mean distance of each held-out glitch to its nearest training glitches of each class.
    labels : ndarray of str, shape (H,)
        Classes of the held-out glitches.
    """

    names: NDArray[np.str_]
    distances: NDArray[np.float64]
    labels: NDArray[np.str_]

    def shares(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the share of held-out glitches that are as far from every class, or farther: of (N, K) distances an array (N,)."""
        scale = self._scale()
        known = np.sort((self.distances / scale).min(axis=1))
        farther = len(known) - np.searchsorted(known, (distances / scale).min(axis=1), side="left")
        return (farther + 1) / (len(known) + 1)

    def far(self, shares: NDArray[np.float64], rate: float) -> NDArray[np.bool_]:
        """Tell which shares are called far: of fewer than 1 / rate held-out glitches, those farther than all of them."""
        return shares <= max(rate, 1 / (len(self.labels) + 1))

    def without(self, name: str) -> Reference:
        """Leave out a class, and its held-out glitches."""
        kept, others = self.names != name, self.labels != name
        return Reference(self.names[kept], self.distances[np.ix_(others, kept)], self.labels[others])

    def _scale(self) -> NDArray[np.float64]:
        """Median distance of each class's held-out glitches to it; of a class without any that of all to their nearest."""
        whole = float(np.median(self.distances.min(axis=1)))
        own = [self.distances[self.labels == name, place] for place, name in enumerate(self.names)]
        scale = np.array([np.median(values) if len(values) else whole for values in own])
        return np.maximum(scale, np.finfo(np.float32).eps)


@dataclass(frozen=True)
class HiddenClass:
    """How many glitches of one class are found to be none of the others.

    Attributes
    ----------
    name : str
    asked, far : int
        Its glitches, and those that are called far from all other classes.
    learnt : bool
        Whether its training glitches were asked too, as it has fewer than `LEAST_STRANGERS` held-out ones.
    """

    name: str
    asked: int
    far: int
    learnt: bool

    @property
    def share(self) -> float:
        """Of its glitches that are found."""
        return self.far / self.asked

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's, of the share."""
        low, high = wilson(self.far, self.asked).tolist()
        return low, high


@dataclass(frozen=True)
class HiddenClasses:
    """What hiding each class in turn found.

    Attributes
    ----------
    classes : tuple of HiddenClass
        Those of which the smallest share is found first; none where there are fewer than `LEAST_CLASSES`.
    """

    classes: tuple[HiddenClass, ...]

    @property
    def mean(self) -> tuple[float, float, float]:
        """The mean of the shares over the classes, and its interval with the classes as clusters."""
        return mean_share_interval([one.far for one in self.classes], [one.asked for one in self.classes])

    @property
    def worst(self) -> tuple[HiddenClass, ...]:
        """The classes of which fewest are found."""
        return self.classes[:WORST]

    def in_words(self) -> str:
        """Say it in a sentence."""
        if not self.classes:
            return f"what it finds of a hidden class was not measured: that takes {LEAST_CLASSES} classes, and {LEAST_HELD_OUT} held-out glitches of the others of each"
        share, low, high = self.mean
        fewest = ", ".join(f"{one.name} {percent(one.share)}" for one in self.worst if one.share < 1)
        return f"it finds {percent(share)} ({100 * low:.0f} to {100 * high:.0f} %) of the glitches of a known class that is hidden from it (mean of {len(self.classes)} classes{'; fewest: ' if fewest else ''}{fewest}); the network has learnt these classes, and of a new one it may find fewer or more"

    def as_json(self) -> dict[str, Any] | None:
        """Give the figures; None where nothing was measured."""
        if not self.classes:
            return None
        share, low, high = self.mean
        classes = [
            {
                "name": one.name,
                "asked": one.asked,
                "far": one.far,
                "share": one.share,
                "low": one.interval[0],
                "high": one.interval[1],
                "training_glitches_asked": one.learnt,
            }
            for one in self.classes
        ]
        return {"share": share, "low": low, "high": high, "classes": classes}


def scarce_classes(names: NDArray[np.str_], labels: NDArray[np.str_]) -> list[str]:
    """Name the classes with fewer than `LEAST_STRANGERS` held-out glitches."""
    return [name for name in names.tolist() if (labels == name).sum() < LEAST_STRANGERS]


def hide_classes(
    reference: Reference, rate: float, learnt: Mapping[str, NDArray[np.float64]] | None = None
) -> HiddenClasses:
    """Hide each class in turn, and count how many of its glitches are called far.

    Parameters
    ----------
    reference : Reference
    rate : float
        Share of known glitches that may be called far.
    learnt : mapping of str to ndarray of float64, shape (n, K), optional
        Distances of the training glitches of `scarce_classes`. Only those to other classes are read.

    Returns
    -------
    HiddenClasses
        Without classes of which no glitch can be asked, or beside which fewer than `LEAST_HELD_OUT` held-out glitches are left.
    """
    more, found = learnt or {}, []
    for place, name in enumerate(reference.names.tolist() if len(reference.names) >= LEAST_CLASSES else []):
        others = reference.without(name)
        own = reference.distances[reference.labels == name]
        strangers = np.delete(np.concatenate([own, more[name]]) if name in more else own, place, axis=1)
        if len(others.labels) < LEAST_HELD_OUT or not len(strangers):
            continue
        far = int(others.far(others.shares(strangers), rate).sum())
        found.append(HiddenClass(name, len(strangers), far, len(strangers) > len(own)))
    found.sort(key=lambda one: (one.share, one.name))
    return HiddenClasses(tuple(found) if len(found) >= LEAST_CLASSES else ())
