"""A Ray cluster that computes the parts of a work: joined or started for a run, and left as it was found."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import tempfile
import threading
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from embed.closing import Closing
from embed.errors import FleetError, InputError
from embed.fleet.address import Address, parse_address
from embed.fleet.node import Job, Terms, inspect, make_terms, perform, root
from embed.processors import usable_processors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from types import ModuleType

    from embed.fleet.spread import Part, Result

RETRIES = 10
"""Times that a part runs again after its worker was lost; then it is the part that kills its workers."""

AHEAD = 2
"""Parts for each worker that are under way or wait to be taken: results take no more memory."""

STORE_BYTES = 1 << 29
"""Shared memory of a local cluster for works and results; what is beyond goes to its folder on disk."""

INSPECTION_S = 180.0
"""Seconds in which a machine must have started a worker and answered."""

_START = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # the future behaviour, without its announcement
}
_LOCAL = {
    "RAY_worker_niceness": "0",  # of the driver's own rank: Ray makes workers nicer by 15, and this run has no others
}

log = logging.getLogger(__name__)


class Fleet(Closing):
    """A cluster as a `embed.fleet.spread.Spread`; it is joined, or started, when the first work needs it.

    Parameters
    ----------
    address : str
        See `embed.fleet.address.FORMS`.
    joined : callable, optional
        Called with a sentence about the cluster, once it is there and checked.

    Raises
    ------
    InputError
        When the address is none.

    Examples
    --------
    >>> from embed import Study, embed
    >>> with Fleet("local:2") as fleet, Study("study") as study:  # doctest: +SKIP
    ...     embed(study, spread=fleet)
    """

    def __init__(self, address: str, *, joined: Callable[[str], object] | None = None) -> None:
        self.address = parse_address(address)
        self._joined = joined
        self._stack = ExitStack()
        self._ray: Any = None
        self._said = False

    def close(self) -> None:
        """Leave the cluster, or stop it if this run started it."""
        self._ray = None
        self._stack.close()

    def __call__(
        self,
        work: Callable[[Part], Result],
        parts: Iterable[Part],
        *,
        needs: Iterable[Path] = (),
        in_order: bool = False,
    ) -> Iterator[tuple[int, Result]]:
        """Compute the parts on the cluster; see `embed.fleet.spread.Spread`."""
        if self._ray is None:
            self._ray = self._stack.enter_context(connected(self.address))
        ray = self._ray
        terms = make_terms(needs)
        self._inspect(terms)
        box = [ray.put(Job(work, terms))]
        run = ray.remote(num_cpus=1, max_retries=RETRIES)(perform)
        queue = enumerate(parts)
        waiting: dict[Any, int] = {}  # of those that a caller leaves the cluster forgets the results
        while True:
            room = AHEAD * self.workers() - len(waiting)
            while room > 0 and (item := next(queue, None)) is not None:
                waiting[run.remote(box, item[1])] = item[0]
                room -= 1
            if not waiting:
                return
            ready = next(iter(waiting)) if in_order else ray.wait(list(waiting), num_returns=1)[0][0]
            result = self._get(ready)
            yield waiting.pop(ready), result

    def workers(self) -> int:
        """Return the number of cores of the cluster as it is now, at least 1."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def _get(self, reference: Any) -> Any:  # noqa: ANN401 - ray.ObjectRef, any result
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except errors.RayTaskError as error:
            if isinstance(error.cause, errors.RayError):
                raise FleetError(
                    f"a worker of the Ray cluster cannot load its work ({_short(error.cause)}); install glitch-discovery on every machine as here"
                ) from error
            raise error.cause from error
        except (errors.WorkerCrashedError, errors.OutOfMemoryError) as error:
            raise FleetError(
                f"a part lost its worker {RETRIES + 1} times ({_short(error)}); give the machines more memory, or run this part without --ray"
            ) from error
        except errors.RayError as error:
            raise FleetError(
                f"the Ray cluster at {self.address.text} is lost ({_short(error)}); finished work is kept, run the command again"
            ) from error

    def _inspect(self, terms: Terms) -> None:
        """Have every machine compare its code and files with the driver's."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415 - an extra

        ray = self._ray
        nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
        if not nodes:
            raise FleetError(
                f"the Ray cluster at {self.address.text} has no machine with a free core; add workers to it"
            )
        look = ray.remote(num_cpus=0, max_retries=2)(inspect)
        asked = [
            look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(terms)
            for node in nodes
        ]
        kinds = set()
        for node, reference in zip(nodes, asked, strict=True):
            name = node["NodeManagerHostname"]
            try:
                reason, kind = ray.get(reference, timeout=INSPECTION_S)
            except ray.exceptions.RayError as error:
                raise FleetError(
                    f"the machine {name} of the Ray cluster cannot run this program ({_short(error)}); install glitch-discovery on it as here"
                ) from error
            if reason is not None:
                raise FleetError(f"the machine {name} of the Ray cluster {reason}")
            kinds.add(kind)
        if self._joined is not None and not self._said:
            self._said = True
            self._joined(_described(len(nodes), self.workers(), kinds))


def _described(machines: int, workers: int, kinds: set[str]) -> str:
    text = f"Ray: {workers} worker{'s' * (workers > 1)} on {machines} machine{'s' * (machines > 1)}"
    if len(kinds) < 2:
        return text
    return f"{text}, with processors of {len(kinds)} kinds ({', '.join(sorted(kinds))}): last digits depend on where a part ran"


def _short(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200]


@contextmanager
def connected(address: Address) -> Iterator[ModuleType]:
    """Join the cluster, or start one on this machine; yields the module ``ray``.

    Environment, signal handlers and the console are afterwards as before, and a cluster that was started has ended.

    Raises
    ------
    InputError
        When ray is not installed, or this process is connected already.
    FleetError
        When there is no cluster at the address, or it does not let this process in.
    """
    with ExitStack() as stack:
        with _environment(_START | (_LOCAL | {"RAY_AUTH_TOKEN": _token()} if address.is_local else {})):
            ray = _ray()
            if ray.is_initialized():
                raise InputError("this process is connected to a Ray cluster already; call ray.shutdown() before")
            stack.enter_context(_handlers())
            stack.enter_context(_quiet(ray))
            options: dict[str, Any] = {"address": address.text, "runtime_env": {"env_vars": _worker_environment()}}
            options |= {"log_to_driver": False, "logging_level": logging.CRITICAL}
            if not address.is_client:
                options["configure_logging"] = False
            if address.is_local:
                options |= {"num_cpus": address.workers or usable_processors(), "include_dashboard": False}
                options |= {"object_store_memory": STORE_BYTES, "_temp_dir": stack.enter_context(_folder())}
            try:
                ray.init(**options)
            except (ConnectionError, RuntimeError, ValueError, OSError, ImportError, ray.exceptions.RayError) as error:
                ray.shutdown()
                raise FleetError(
                    f"no Ray cluster can be joined at {address.text} ({_short(error)}); start one (ray start --head), set RAY_AUTH_MODE=token if it asks for a token, or give --ray local"
                ) from error
            stack.callback(ray.shutdown)
        yield ray


@cache
def _token() -> str:
    """Return the password of this process's own clusters; Ray reads it once a process, and would write another into the home folder."""
    return secrets.token_hex(32)


def _ray() -> Any:  # noqa: ANN401 - a module
    try:
        import ray  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InputError(f"many machines need ray ({error}); pip install 'glitch-discovery[fleet]'") from error
    return ray


def _worker_environment() -> dict[str, str]:
    """Return what workers are started with: this program's own code, and one thread each."""
    paths = [str(root()), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return one | {"PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


@contextmanager
def _environment(more: dict[str, str]) -> Iterator[None]:
    """Set variables while a cluster is joined; its processes inherit them."""
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _handlers() -> Iterator[None]:
    """Give the signals back what they did before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _quiet(ray: Any) -> Iterator[None]:  # noqa: ANN401 - a module
    """Send what Ray would print on standard output, such as the loss of a worker, to the log."""
    place = ray._private.worker  # noqa: SLF001 - there is no public way: log_to_driver=False still prints it
    before = getattr(place, "print_to_stdstream", None)
    logger = logging.getLogger("ray")
    level = logger.level
    if before is None:
        raise FleetError(f"ray {ray.__version__} is not known to this program; pip install 'ray<=2.60'")

    def tell(data: dict[str, Any], *_: object, **__: object) -> None:
        for line in data.get("lines", ()):
            log.info("ray: %s", line)

    place.print_to_stdstream = tell
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        place.print_to_stdstream = before
        logger.setLevel(level)


@contextmanager
def _folder() -> Iterator[str]:
    """Make a folder for a local cluster's sockets and logs; its path is short, since a socket's has at most 107 bytes."""
    short = "/tmp" if os.path.isdir("/tmp") and len(tempfile.gettempdir()) > 20 else None  # noqa: S108, PTH112
    folder = tempfile.mkdtemp(prefix="ray-", dir=short)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
