"""What the server answers: each address of the page's questions and decisions with the function that answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.answers.decisions import Seen, decide, undo_decision
from discovery.app.glitch import glitch_facts
from discovery.app.queue import BEYOND, ReviewQueue, known_audit, precision, standing
from embed.errors import InputError
from embed.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.requests import Request

    from audit.review.ledger import Audit

LONGEST_KEY = 64


class Answers:
    """Answers questions on one study.

    Parameters
    ----------
    folder : Path
        The study's.

    Attributes
    ----------
    reading, writing : dict of str to callable
        Address -> function of the request, and for writing also of its JSON object; they return JSON values.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._queue = ReviewQueue(folder)
        self.reading: dict[str, Callable[[Request], Any]] = {
            "/api/review": self._review,
            "/api/review/{audit}/{glitch:int}/neighbours": self._compare,
            "/api/glitches/{glitch:int}": self._glitch,
        }
        self.writing: dict[str, Callable[[Request, dict[str, Any]], Any]] = {
            "/api/review/state": self._state,
            "/api/review/decide": self._decide,
            "/api/review/undo": self._undo,
        }

    def close(self) -> None:
        """Stop what runs."""

    def _review(self, request: Request) -> dict[str, Any]:
        return self._queue.read(BEYOND if "beyond" in request.query_params else 0)

    def _compare(self, request: Request) -> dict[str, Any]:
        return self._queue.neighbours(request.path_params["audit"], request.path_params["glitch"])

    def _glitch(self, request: Request) -> dict[str, Any]:
        with Study(self._folder) as study:
            return glitch_facts(study, request.path_params["glitch"])

    def _state(self, _: Request, body: dict[str, Any]) -> dict[str, Any]:
        return self._queue.state(field(body, "audit", str), numbers(body, "glitches"))

    def _decide(self, _: Request, body: dict[str, Any]) -> dict[str, Any]:
        glitch, key = field(body, "glitch", int), _key(body)
        seen = field(body, "seen", dict)
        with Study(self._folder) as study:
            audit = known_audit(study, field(body, "audit", str))
            done = decide(
                study,
                audit,
                glitch,
                field(body, "answer", str),
                key=key,
                seen=Seen(field(seen, "event", int), field(seen, "run", int)),
                new_class=body.get("new_class") is True,
            )
            return vars(done) | _after(study, audit, glitch)

    def _undo(self, _: Request, body: dict[str, Any]) -> dict[str, Any]:
        glitch = field(body, "glitch", int)
        with Study(self._folder) as study:
            audit = known_audit(study, field(body, "audit", str))
            undone = undo_decision(study, _key(body))
            return {
                "undone": undone is not None,
                "changed_since": undone.changed_since if undone else 0,
                **_after(study, audit, glitch),
            }


def _after(study: Study, audit: Audit, glitch: int) -> dict[str, Any]:
    return {"state": standing(study, audit, [glitch])[glitch], "precision": precision(study, audit)}


def field(body: dict[str, Any], name: str, kind: type) -> Any:  # noqa: ANN401 - of the kind asked for
    """Return a field of a request.

    Raises
    ------
    InputError
        When it is absent or of another kind.
    """
    value = body.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(f"the request's {name!r} is {str(value)[:40]!r}, no {kind.__name__}")
    return value


def numbers(body: dict[str, Any], name: str) -> list[int]:
    """Return a field of whole numbers.

    Raises
    ------
    InputError
        When it is something else.
    """
    values = field(body, name, list)
    if not all(type(value) is int for value in values):
        raise InputError(f"the request's {name!r} are not all whole numbers")
    return values


def _key(body: dict[str, Any]) -> str:
    key = field(body, "key", str)
    if not 8 <= len(key) <= LONGEST_KEY or not key.isascii():
        raise InputError(f"{key[:40]!r} is no key of a decision: give 8 to {LONGEST_KEY} ASCII characters")
    return str(key)
