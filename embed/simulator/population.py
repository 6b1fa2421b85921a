"""A population of glitches over weeks of observing: which class, when, at which detector, and under which label."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from embed.errors import InputError
from embed.gravityspy import CLASS_LISTS, ERAS
from embed.simulator.families.catalogue import (
    CLASSES,
    CONFUSABLE,
    FAMILIES,
    NONE_OF_THE_ABOVE,
    UNCATALOGUED,
    check_classes,
    expanded,
)
from embed.simulator.options import CATALOGUE, DEMO_HIDDEN, DEMO_LABEL_NOISE, LABEL_NOISE, SCHEDULES
from embed.simulator.rates import O1_SPAN, O1_START, WEEK_S, o1_rates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embed.simulator.families.family import Family

DEFAULT_SPAN = (float(ERAS["O1"][0]), float(ERAS["O1"][0]) + 6 * WEEK_S)
"""GPS: the first six weeks of O1 as Gravity Spy bounds it."""

CONFUSED_SHARE = 0.85
"""Fraction of wrong labels that fall on a confusable class; the rest falls anywhere."""

SWING = 0.6
"""How far the logarithm of a class's rate swings about its mean: weather, maintenance and repairs."""

_LETTERS = np.array(list(string.ascii_letters + string.digits))


@dataclass(frozen=True)
class Entry:
    """One glitch before it is drawn.

    Parameters
    ----------
    index : int
        Its number in the population.
    gravityspy_id : str
        Ten letters and digits.
    ifo : str
        H1 or L1.
    gps : float
        Time of the trigger.
    family : Family
        What will be drawn.
    truth : str
        The class it belongs to. For a hidden family this is its own name; for a family drawn as None_of_the_Above it is
        None_of_the_Above.
    label : str
        The label that it is given, right or wrong.
    normalisation : {"median", "mean"}
        What the energies of its picture are relative to.
    """

    index: int
    gravityspy_id: str
    ifo: str
    gps: float
    family: Family
    truth: str
    label: str
    normalisation: str


@dataclass(frozen=True)
class Population:
    """What to simulate.

    Parameters
    ----------
    n : int
        Glitches.
    seed : int
        Same seed, same population; every glitch has its own random stream, so that order and batches do not matter.
    classes : tuple of str
        Names of families, ``O1``, ``O3`` or ``O4`` for a run's classes, and None_of_the_Above for a mixture of those in no catalogue.
    hidden : tuple of str
        Families added to the classes but labelled None_of_the_Above: to be discovered.
    span : tuple of float
        GPS start and end.
    onset : mapping of str to float
        GPS before which a class does not occur.
    label_noise : float
        Fraction of glitches that get a wrong label.
    equal : bool
        All classes equally often, instead of at the catalogue's rates.
    ifos : tuple of str
        Detectors to draw from.
    normalisation : {"median", "mean", "mixed"}
        What energies are relative to. gwpy's transform, of which the pictures of the third run are made, divides by the
        median of the noise, so that noise has a mean of 1/ln 2; on published pictures of the training set (first and
        second run) noise has a mean of one. Mixed: one or the other at random, as collections of pictures hold both.
    schedule : {"catalogue", "o1"}
        The catalogue's rates, swinging slowly and independently, and glitches evenly over the span; or the numbers of glitches
        that Gravity Spy found in each week of O1, both of each class and of all. The span then lies within O1.
    """

    n: int
    seed: int
    classes: tuple[str, ...] = CLASSES
    hidden: tuple[str, ...] = ()
    span: tuple[float, float] = DEFAULT_SPAN
    onset: Mapping[str, float] = field(default_factory=dict)
    label_noise: float = LABEL_NOISE
    equal: bool = False
    ifos: tuple[str, ...] = ("H1", "L1")
    normalisation: Literal["median", "mean", "mixed"] = "mixed"
    schedule: Literal["catalogue", "o1"] = CATALOGUE

    def __post_init__(self) -> None:
        """Check the fields."""
        if self.n < 1:
            raise InputError(f"{self.n} glitches: give at least one")
        if not self.span[1] > self.span[0]:
            raise InputError(f"the span {self.span} ends before it starts; give GPS start and end")
        if self.normalisation not in ("median", "mean", "mixed"):
            raise InputError(f"normalisation {self.normalisation!r} is not median, mean or mixed")
        if not 0.0 <= self.label_noise <= 1.0:
            raise InputError(f"label noise {self.label_noise} is no fraction between 0 and 1")
        object.__setattr__(self, "classes", expanded(self.classes))
        object.__setattr__(self, "hidden", expanded(self.hidden))
        check_classes((*self.classes, *self.hidden))
        self._check_schedule()
        for name in self.hidden:
            if name == NONE_OF_THE_ABOVE:
                raise InputError(f"{name} cannot be hidden in itself; name families, such as Reverse_Chirp")
        self._check_onset()
        if self.label_noise > 0 and len(self.labels) < 2:
            raise InputError("label noise needs at least two labels to confuse; add a class")

    def _check_schedule(self) -> None:
        if self.schedule not in SCHEDULES:
            raise InputError(f"schedule {self.schedule!r} is none of {', '.join(SCHEDULES)}")
        if self.schedule == CATALOGUE:
            return
        if self.equal:
            raise InputError("classes cannot be equally frequent and follow O1's rates; choose one of the two")
        if self.span[0] < O1_SPAN[0] or self.span[1] > O1_SPAN[1]:
            raise InputError(f"the span {self.span} is not within O1, {O1_SPAN}, whose rates are asked for")
        if not self._timeline[1].sum() > 0:
            raise InputError(f"none of {', '.join(self.drawn)} occurred in O1 within {self.span}; choose other classes")

    def _check_onset(self) -> None:
        for name in self.onset:
            if name not in self.drawn:
                raise InputError(
                    f"an onset is given for {name!r}, which is not among the classes {', '.join(self.drawn)}"
                )
        if all(self.onset.get(name, -np.inf) > self.span[0] for name in self.drawn):
            raise InputError("every class begins after the span's start; leave one without an onset")

    @cached_property
    def drawn(self) -> tuple[str, ...]:
        """Classes and hidden families, each once."""
        return tuple(dict.fromkeys((*self.classes, *self.hidden)))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Labels that occur."""
        shown = [NONE_OF_THE_ABOVE if name in self.hidden else name for name in self.drawn]
        return tuple(dict.fromkeys(shown))

    def rates(self, gps: float) -> np.ndarray:
        """Relative rate of every drawn class at one time, ndarray of float64, shape (classes,); they sum to one."""
        if self.schedule != CATALOGUE:
            edges, table = self._timeline
            row = table[int(np.clip(np.searchsorted(edges, gps, side="right") - 1, 0, len(table) - 1))]
            return row / row.sum()
        rates = np.array([1.0 if self.equal or name not in FAMILIES else FAMILIES[name].rate for name in self.drawn])
        if not self.equal:
            for k, (period, phase) in enumerate(self._weather):
                rates[k] *= np.exp(SWING * np.sin(2 * np.pi * (gps - self.span[0]) / period + phase))
        rates *= [gps >= self.onset.get(name, -np.inf) for name in self.drawn]
        return rates / rates.sum()

    @cached_property
    def _timeline(self) -> tuple[np.ndarray, np.ndarray]:
        """Times between which O1's rates are constant, float64 (S + 1,), and those rates a second, float64 (S, classes)."""
        others = np.array([FAMILIES[name].rate if name in FAMILIES else 1.0 for name in self.drawn])
        weeks = o1_rates(self.drawn, others) / WEEK_S
        begins = np.array([self.onset.get(name, -np.inf) for name in self.drawn])
        inner = np.concatenate([O1_START + WEEK_S * np.arange(len(weeks) + 1), begins])
        edges = np.unique([*self.span, *inner[(inner > self.span[0]) & (inner < self.span[1])]])
        row = ((edges[:-1] - O1_START) // WEEK_S).astype(int).clip(0, len(weeks) - 1)
        return edges, weeks[row] * (edges[:-1, None] >= begins)

    def _time(self, share: float) -> float:
        """GPS before which this share of all glitches happens."""
        start, stop = self.span
        if self.schedule == CATALOGUE:
            return start + (stop - start) * share
        edges, table = self._timeline
        done = np.concatenate([[0.0], np.cumsum(table.sum(axis=1) * np.diff(edges))])
        return float(np.interp(share * done[-1], done, edges))

    @cached_property
    def _weather(self) -> list[tuple[float, float]]:
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(1,)))
        return [(WEEK_S * float(rng.uniform(0.5, 4.0)), float(rng.uniform(0, 2 * np.pi))) for _ in self.drawn]

    def entry(self, index: int) -> Entry:
        """Draw the glitch of this number: entries come in order of time, one in each n-th part of all glitches."""
        rng = stream(self.seed, index, 0)
        gps = self._time((index + rng.random()) / self.n)
        gravityspy_id = "".join(rng.choice(_LETTERS, 10))
        truth = self.drawn[rng.choice(len(self.drawn), p=self.rates(gps))]
        mixture = tuple(name for name in UNCATALOGUED if name not in self.drawn) or UNCATALOGUED
        name = mixture[rng.integers(len(mixture))] if truth == NONE_OF_THE_ABOVE else truth
        family = FAMILIES[name]
        share = [family.share_h1 if ifo == "H1" else 1.0 - family.share_h1 for ifo in self.ifos]
        total = sum(share)
        ifo = self.ifos[rng.choice(len(share), p=[s / total for s in share])] if total > 0 else self.ifos[0]
        label = self._label(NONE_OF_THE_ABOVE if truth in self.hidden else truth, rng)
        either = "mean" if rng.random() < 0.5 else "median"
        normalisation = either if self.normalisation == "mixed" else self.normalisation
        return Entry(index, gravityspy_id, ifo, round(gps, 6), family, truth, label, normalisation)

    def _label(self, right: str, rng: np.random.Generator) -> str:
        wrong, confused, pick = rng.random(), rng.random(), rng.random()
        if wrong >= self.label_noise:
            return right
        near = [name for name in CONFUSABLE.get(right, ()) if name in self.labels]
        if near and confused < CONFUSED_SHARE:
            weights = np.cumsum(1.0 / np.arange(1, len(near) + 1))
            return near[int(np.searchsorted(weights, pick * weights[-1], side="right"))]
        others = [name for name in self.labels if name != right]
        return others[int(pick * len(others))]


def default_classes(schedule: str) -> tuple[str, ...]:
    """Classes that are simulated where none are chosen: all, or by O1's rates those of O1."""
    return CLASSES if schedule == CATALOGUE else CLASS_LISTS["O1"]


def default_span(schedule: str) -> tuple[float, float]:
    """GPS start and end where none are chosen."""
    return DEFAULT_SPAN if schedule == CATALOGUE else O1_SPAN


def demo_population(n: int = 2000, seed: int = 0) -> Population:
    """Return a study to try everything on: 26 named classes, one of them new half-way, and three families hidden.

    None_of_the_Above then holds the hidden families, `DEMO_HIDDEN`, and what was labelled so by mistake: `DEMO_LABEL_NOISE` of all
    labels are wrong. Fast_Scattering appears in the middle of the span.
    """
    classes = tuple(name for name in CLASSES if name != NONE_OF_THE_ABOVE)
    return Population(
        n,
        seed,
        classes,
        DEMO_HIDDEN,
        onset={"Fast_Scattering": sum(DEFAULT_SPAN) / 2},
        label_noise=DEMO_LABEL_NOISE,
        normalisation="median",
    )


def stream(seed: int, index: int, part: int) -> np.random.Generator:
    """Return the random stream of one glitch: part 0 plans it, part 1 draws it."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2, index, part)))
