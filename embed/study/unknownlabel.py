"""What is said where no glitch has a label that was asked for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from embed.errors import InputError
from embed.spelling import closest

if TYPE_CHECKING:
    from collections.abc import Iterable

NO_LABEL = "no glitch has a label; `discover ingest PATH --labels CSV` adds labels"
NO_PREDICTION = "no glitch has a prediction; `discover predict MODEL` makes some"


def unknown_label(
    label: str, latest: Iterable[tuple[int, str]], others: Iterable[tuple[int, str]], *, predicted: bool
) -> InputError:
    """Return the error that suggests the label of nearest spelling and names all.

    Parameters
    ----------
    label : str
    latest, others : iterable of (int, str)
        Each glitch with its label, empty where it has none: of the kind that was asked for, and of the other kind.
    predicted : bool
        Predicted labels were asked for.
    """
    sizes = Counter(name for _, name in latest if name)
    known = ", ".join(f"{name} ({size})" for name, size in sorted(sizes.items()))
    near = closest(label, sizes)
    message = f"no glitch is {'predicted' if predicted else 'labelled'} {label!r}; "
    there = f"did you mean {near!r}? There are: {known}" if near else f"there are: {known}"
    message += there if sizes else NO_PREDICTION if predicted else NO_LABEL
    elsewhere = sum(name == label for _, name in others)
    if elsewhere:
        remedy = "leave out --predicted" if predicted else "add --predicted"
        message += f"; {elsewhere} glitches have it as {'given' if predicted else 'predicted'} label ({remedy})"
    return InputError(message)
