"""Glitches that a person selected on a map: a name for them, and the list that a batch of them is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.candidates.naming import PERSON, check_name, give_name
from discovery.exchange.idlist import MOST
from embed.csvfile import write_csv
from embed.errors import InputError
from embed.gravityspy import own_spelling
from embed.storage import digest
from embed.study.records import Label
from embed.study.reviews import ids_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from embed.study.study import Study

SOURCE = "selection on a map"


def name_selection(study: Study, glitches: Sequence[int], name: str, *, seen: int) -> dict[str, Any]:
    """Label glitches, as a person's decision.

    Parameters
    ----------
    study : Study
    glitches : sequence of int
        Row numbers.
    name : str
        The class, new or known.
    seen : int
        The study's last label event when the map's labels were read: a glitch that got another label since is a conflict.

    Returns
    -------
    dict
        ``glitches`` that have the name now, ``added`` label events (those that had it already get none), and a ``warning`` where the
        name looks like a typo of a known one; ``name`` as it was given, in Gravity Spy's spelling of its own classes.

    Raises
    ------
    InputError
        No glitch is given, the study lacks one, or the name is empty or has line breaks.
    ConflictError
        A glitch was labelled since the person looked; nothing is written.
    """
    name = own_spelling(name)
    warning = check_name(study, name)
    chosen = list(_known(study, glitches))
    event = Label(name, PERSON, SOURCE, why=f"named on a map with {len(chosen) - 1} others")
    added = give_name(study, chosen, event, {"name": name, "glitches": len(chosen)}, seen=seen)
    return {"glitches": len(chosen), "added": added, "warning": warning, "name": name}


def write_selection(study: Study, glitches: Sequence[int]) -> Path:
    """Write the ids of glitches as ``ids.csv`` into a folder of the study's reports, the same one for the same glitches; returns its path.

    Raises
    ------
    InputError
        No glitch is given, the study lacks one, or they are too many for a batch.
    """
    ids = _known(study, glitches)
    if len(ids) > MOST:
        raise InputError(f"{len(ids)} glitches are selected, and a batch holds {MOST} at most; select fewer")
    path = study.folder / "reports" / f"batch-selection-{digest(' '.join(map(str, ids)))[:8]}" / "ids.csv"
    write_csv(path, ("id",), [(identifier,) for identifier in ids.values()])
    return path


def _known(study: Study, glitches: Sequence[int]) -> dict[int, str]:
    """Return the glitches, ascending, with their ids."""
    wanted = np.unique(np.asarray(glitches, np.int64)).tolist()
    if not wanted:
        raise InputError("no glitch is selected: draw a box or a lasso on the flat map first")
    found = ids_of(study, wanted)
    lacking = [glitch for glitch in wanted if glitch not in found]
    if lacking:
        raise InputError(f"the study has no glitch {lacking[0]}; load the page again")
    return {glitch: found[glitch] for glitch in wanted}
