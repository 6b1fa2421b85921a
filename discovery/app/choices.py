"""Which vectors a job takes: those that the study holds, the latest first, and the options of the command line that choose them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embed.errors import InputError
from embed.vectors.given import is_given
from embed.vectors.passport import describe_vectors
from embed.vectors.standing import latest_store
from embed.vectors.store import stores

if TYPE_CHECKING:
    from embed.study.study import Study


def list_vectors(study: Study) -> list[dict[str, str]]:
    """Return name and description of each store; the one that a command takes by itself comes first."""
    latest = latest_store(study)
    first = "" if latest is None else latest.name
    found = sorted(stores(study.folder), key=lambda store: (store.name != first, store.name))
    return [{"name": store.name, "about": describe_vectors(store.passport)} for store in found]


def vector_options(study: Study, name: object) -> list[str]:
    """Return the options that choose a store; none for the one that a command takes by itself.

    Raises
    ------
    InputError
        The study has no such vectors.
    """
    latest = latest_store(study)
    if name is None or name == "" or (latest is not None and name == latest.name):
        return []
    known = {store.name: store.passport for store in stores(study.folder)}
    if not isinstance(name, str) or name not in known:
        raise InputError(f"no vectors {str(name)[:60]!r} in the study; there are: {', '.join(known) or 'none'}")
    passport = known[name]
    if is_given(passport["weights"]):
        return [f"--weights={passport['weights']}"]
    made = next((own for own in study.past_arguments("embed") if own.get("store") == name), {})
    asked = {option: made.get(option, passport[option]) for option in ("backbone", "weights", "views")}
    asked |= {"runtime": made["runtime"]} if "runtime" in made else {}
    return [f"--{option}={value}" for option, value in asked.items()]
