"""What runs on the machines of a cluster: a check that they hold the same code and files as the driver, and the parts."""

from __future__ import annotations

import hashlib
import os
import platform
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embed.errors import FleetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

LIBRARIES = (
    "glitch-discovery", "torch", "torchvision", "timm", "numpy", "scipy", "scikit-learn", "hdbscan", "pillow", "h5py",
    "onnxruntime",
)  # fmt: skip
"""Packages whose versions decide bytes."""

PACKAGES = ("embed", "audit", "discovery")
"""Of this project, side by side in one folder."""

_HEAD = 1 << 16


@dataclass(frozen=True)
class Terms:
    """What every machine must have in common with the driver.

    Attributes
    ----------
    versions : mapping of str to str
        See `own_versions`.
    files : mapping of str to str
        Absolute path -> its `fingerprint`.
    folder : str
        The driver's working folder, where relative paths begin.
    """

    versions: Mapping[str, str]
    files: Mapping[str, str]
    folder: str


@dataclass(frozen=True)
class Job:
    """A work and the terms on which a machine may compute its parts."""

    work: Callable[[Any], Any]
    terms: Terms


def root() -> Path:
    """Return the folder of this project's packages."""
    return Path(__file__).resolve().parents[2]


@cache
def own_versions() -> dict[str, str]:
    """Return the versions of Python, of `LIBRARIES`, and a hash of this project's own code."""
    found = {"Python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    sha = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root() / package).rglob("*.py")):
            sha.update(path.relative_to(root()).as_posix().encode() + b"\0" + path.read_bytes())
    found["this project's code"] = sha.hexdigest()[:12]
    return found


def fingerprint(path: Path) -> str:
    """Return a file's size and a hash of its first 64 KiB."""
    with path.open("rb") as file:
        return f"{path.stat().st_size}:{hashlib.sha256(file.read(_HEAD)).hexdigest()[:16]}"


def make_terms(needs: Iterable[Path]) -> Terms:
    """Return the terms of this process; files that are missing here are left out."""
    paths = [path.absolute() for path in needs]
    return Terms(
        dict(own_versions()), {str(path): fingerprint(path) for path in paths if path.is_file()}, str(Path.cwd())
    )


def objection(terms: Terms) -> str | None:
    """Return why this machine must not compute, with the remedy; None where it may."""
    own = own_versions()
    for name, wanted in terms.versions.items():
        if own.get(name, "none") != wanted:
            return f"has {name} {own.get(name, 'none')}, and the driver {wanted}; install the same on every machine"
    for path, wanted in terms.files.items():
        try:
            found = fingerprint(Path(path))
        except OSError as error:
            return f"cannot read {path} ({error.strerror or error}); put the files on a disk that every machine sees at this path"
        if found != wanted:
            return f"has another file at {path} than the driver; put the files on a disk that every machine shares"
    return None


def processor() -> str:
    """Return the name of this machine's processor, or of its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def inspect(terms: Terms) -> tuple[str | None, str]:
    """Return the `objection` of this machine and its `processor`."""
    return objection(terms), processor()


def perform(box: list[Any], part: Any) -> Any:  # noqa: ANN401 - any work's
    """Compute a part; the job that `box` refers to is fetched by the first part in a process.

    Raises
    ------
    FleetError
        When this machine joined later, and breaks the terms.
    """
    return _work(box[0])(part)


@lru_cache(maxsize=1)
def _work(reference: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - ray.ObjectRef
    import ray  # noqa: PLC0415 - an extra, and this runs in its processes only

    job: Job = ray.get(reference)
    reason = objection(job.terms)
    if reason is not None:
        raise FleetError(f"a worker on {platform.node()} {reason}")
    if Path(job.terms.folder).is_dir():
        os.chdir(job.terms.folder)
    return job.work
