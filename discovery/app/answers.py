"""What the server answers: each address of the page's questions and decisions with the function that answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, Response

from audit.answers.decisions import Seen, decide, undo_decision
from discovery.app.choices import list_vectors, vector_options
from discovery.app.clusters import give_name, list_clusterings, read_clustering, read_members
from discovery.app.glitch import Nearest, glitch_facts
from discovery.app.jobs import Jobs
from discovery.app.maps import Maps
from discovery.app.queue import BEYOND, ReviewQueue, classes, known_audit, precision, standing
from discovery.app.security import FRAMED
from discovery.app.selection import name_selection, write_selection
from discovery.candidates.naming import Chosen
from discovery.clustering.methods import CLUSTER_METHODS, MAP_DIMENSIONS, MAP_METHODS
from embed.errors import ConflictError, InputError
from embed.study.clusterings import latest_clustering
from embed.study.pastruns import seconds_of_last
from embed.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
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
        self._folder = folder.absolute()
        self._queue = ReviewQueue(self._folder)
        self._maps = Maps(self._folder)
        self._nearest = Nearest(self._folder)
        self._jobs = Jobs()
        self.reading: dict[str, Callable[[Request], Any]] = {
            "/api/study": self._study,
            "/api/review": self._review,
            "/api/review/{audit}/{glitch:int}/neighbours": self._compare,
            "/api/glitches/{glitch:int}": self._glitch,
            "/api/clusterings/{run:int}": self._clustering,
            "/api/clusterings/{run:int}/{cluster}": self._members,
            "/maps/{name}": self._map,
            "/api/jobs": lambda _: {"jobs": self._jobs.list()},
        }
        self.writing: dict[str, Callable[[Request, dict[str, Any]], Any]] = {
            "/api/review/state": self._state,
            "/api/review/decide": self._decide,
            "/api/review/undo": self._undo,
            "/api/clusters/name": self._name,
            "/api/selection/name": self._name_selection,
            "/api/jobs/cluster": self._start_cluster,
            "/api/jobs/batch": self._start_batch,
            "/api/jobs/selection": self._start_selection,
            "/api/jobs/project": self._start_project,
            "/api/jobs/audit": self._start_audit,
            "/api/jobs/stop": lambda _, body: self._jobs.stop(field(body, "number", int)),
        }

    def close(self) -> None:
        """Stop the jobs that run."""
        self._jobs.close()

    def _study(self, _: Request) -> dict[str, Any]:
        with Study(self._folder) as study:
            return {
                "glitches": study.count("glitches"),
                "vectors": list_vectors(study),
                "classes": classes(study),
                "methods": {"cluster": CLUSTER_METHODS, "map": MAP_METHODS, "dims": MAP_DIMENSIONS},
                "clusterings": list_clusterings(study),
                "maps": self._maps.list(),
            }

    def _clustering(self, request: Request) -> dict[str, Any]:
        with Study(self._folder) as study:
            return read_clustering(study, request.path_params["run"])

    def _members(self, request: Request) -> dict[str, Any]:
        text = request.path_params["cluster"]
        if not text.removeprefix("-").isdecimal():
            raise InputError(f"{text[:20]!r} is no cluster's number")
        with Study(self._folder) as study:
            return read_members(study, request.path_params["run"], int(text))

    def _map(self, request: Request) -> Response:
        return HTMLResponse(self._maps.page(request.path_params["name"]), headers=FRAMED)

    def _name(self, _: Request, body: dict[str, Any]) -> dict[str, Any]:
        run, glitches, seen = field(body, "run", int), numbers(body, "glitches"), field(body, "seen", int)
        with Study(self._folder) as study:
            return give_name(
                study,
                field(body, "cluster", int),
                field(body, "name", str).strip(),
                Chosen(run, glitches, seen),
                dry_run=body.get("dry_run") is True,
            )

    def _name_selection(self, _: Request, body: dict[str, Any]) -> dict[str, Any]:
        glitches, name = numbers(body, "glitches"), field(body, "name", str).strip()
        with Study(self._folder) as study:
            return name_selection(study, glitches, name, seen=field(body, "seen", int))

    def _start_cluster(self, _: Request, body: dict[str, Any]) -> dict[str, Any]:
        label, method, k = field(body, "label", str), one_of(body, "method", CLUSTER_METHODS), body.get("k")
        options = ["--method", method]
        if k is not None:
            options += ["--k", str(field(body, "k", int))]
        if body.get("predicted") is True:
            options.append("--predicted")
        with Study(self._folder) as study:
            study.members(label, predicted="--predicted" in options)
            options += vector_options(study, body.get("vectors"))
        return self._start("cluster", options, label)

    def _start_batch(self, _: Request, body: dict[str, Any]) -> dict[str, Any]:
        run, cluster, count = (field(body, name, int) for name in ("run", "cluster", "count"))
        with Study(self._folder) as study:
            label = latest_clustering(study, run=run).label
            if latest_clustering(study, label).run != run:
                raise ConflictError(f"{label!r} was clustered again since; choose its latest clustering for a batch")
        return self._start("batch", [f"--label={label}", "-n", str(count)], str(cluster))

    def _start_selection(self, _: Request, body: dict[str, Any]) -> dict[str, Any]:
        with Study(self._folder) as study:
            path = write_selection(study, numbers(body, "glitches"))
        return self._start("batch", [f"--ids={path}", f"--out={path.parent}"])

    def _start_project(self, _: Request, body: dict[str, Any]) -> dict[str, Any]:
        dims = str(one_of(body, "dims", MAP_DIMENSIONS))
        with Study(self._folder) as study:
            options = vector_options(study, body.get("vectors"))
        return self._start("project", ["--method", one_of(body, "method", MAP_METHODS), "--dims", dims, *options])

    def _start_audit(self, _: Request, body: dict[str, Any]) -> dict[str, Any]:
        with Study(self._folder) as study:
            if not any(label for _, label in study.latest_labels(predicted=False)):
                raise InputError("no glitch has a label to audit; add labels with `discover ingest --labels CSV`")
            options = vector_options(study, body.get("vectors"))
        return self._start("audit", options)

    def _start(self, command: str, options: list[str], *named: str) -> dict[str, Any]:
        with Study(self._folder) as study:
            like = {"label": named[0]} if command == "cluster" else {}
            before = seconds_of_last(study, command, **like)
        words = [command, f"--study={self._folder}", *options, *(["--", *named] if named else [])]
        return self._jobs.start(words, before=before)

    def _review(self, request: Request) -> dict[str, Any]:
        return self._queue.read(BEYOND if "beyond" in request.query_params else 0)

    def _compare(self, request: Request) -> dict[str, Any]:
        return self._queue.neighbours(request.path_params["audit"], request.path_params["glitch"])

    def _glitch(self, request: Request) -> dict[str, Any]:
        with Study(self._folder) as study:
            return glitch_facts(study, request.path_params["glitch"], self._nearest)

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


def one_of(body: dict[str, Any], name: str, choices: Sequence[Any]) -> Any:  # noqa: ANN401 - of the choices' kind
    """Return a field that is one of some choices.

    Raises
    ------
    InputError
        When it is none of them.
    """
    value = body.get(name)
    if isinstance(value, bool) or value not in choices:
        raise InputError(f"the request's {name!r} is {str(value)[:40]!r}; give one of {', '.join(map(str, choices))}")
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
