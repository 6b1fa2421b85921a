"""What is installed and what the machine has, without importing an engine: versions come from the packages' metadata."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from embed.processors import usable_processors

PACKAGE = "glitch-discovery"
EXTRAS = {
    "runtime": "faster networks on a CPU",
    "strain": "strain from GWOSC, GWF frames",
    "gpu": "FAISS on a GPU",
    "fleet": "many machines, by Ray",
}
"""Optional parts that a user may want, and what for; see the extras of the package."""
LEAST_DISK = 5 * 2**30
"""Bytes: a study of ten thousand glitches with its caches takes less."""

State = Literal["ok", "optional", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, what was found, and what to do, empty where nothing is."""

    what: str
    state: State
    found: str
    remedy: str = ""


def find_packages() -> list[Finding]:
    """Compare every package that is needed, or optional, with the version that is installed."""
    found = [Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")]
    try:
        found.append(Finding(PACKAGE, "ok", version(PACKAGE)))
        needed = [Requirement(line) for line in requires(PACKAGE) or ()]
    except PackageNotFoundError:
        return [*found, Finding(PACKAGE, "problem", "not installed", "pip install '.[runtime]' in its folder")]
    for requirement in needed:
        extra = next(
            (name for name in EXTRAS if requirement.marker and requirement.marker.evaluate({"extra": name})), ""
        )
        if requirement.marker is None or extra:
            found.append(_package(requirement, extra))
    return found


def _package(requirement: Requirement, extra: str) -> Finding:
    name, wanted = requirement.name, str(requirement.specifier)
    part = f"{PACKAGE}[{extra}]" if extra else PACKAGE
    try:
        installed = version(name)
    except PackageNotFoundError:
        if name == "faiss-cpu" and _is_installed("faiss-gpu-cu12"):
            return Finding(name, "ok", "faiss-gpu-cu12 in its place")
        if extra:
            return Finding(name, "optional", f"not installed ({EXTRAS[extra]})", f"pip install '{part}'")
        return Finding(name, "problem", "not installed", f"pip install '{name}{wanted}'")
    if not requirement.specifier.contains(installed, prereleases=True):
        return Finding(name, "problem", f"{installed}, but {wanted} is needed", f"pip install '{name}{wanted}'")
    return Finding(name, "ok", installed)


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def find_machine() -> list[Finding]:
    """Look for processors and graphics cards."""
    limit = os.environ.get("OMP_NUM_THREADS")
    said = f"{usable_processors()} usable of {os.cpu_count()}" + (f", OMP_NUM_THREADS={limit}" if limit else "")
    return [Finding("processors", "ok", said), _graphics_card()]


def _graphics_card() -> Finding:
    cuda = _torch_cuda()
    try:
        asked = subprocess.run(
            ["nvidia-smi", "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader"],  # noqa: S607 - where the driver has put it
            capture_output=True,
            text=True,
            timeout=2,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return Finding("graphics card", "ok", "none that nvidia-smi knows; networks run on the CPU")
    cards = [", ".join(part.strip() for part in line.split(",")) for line in asked.stdout.splitlines() if line.strip()]
    found = "; ".join(f"{card} free" for card in cards)
    if not cards:
        return Finding("graphics card", "ok", "none; networks run on the CPU")
    if cuda is None:
        return Finding(
            "graphics card",
            "problem",
            f"{found}, but torch is built without CUDA",
            "install torch with CUDA: pytorch.org",
        )
    return Finding("graphics card", "ok", f"{found}; torch is built for CUDA {cuda}")


def _torch_cuda() -> str | None:
    """The CUDA version that torch is built for, read from its file `version.py`; None without one."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_name("version.py")
    text = path.read_text("utf-8") if path.is_file() else ""
    match = re.search(r"^cuda\b[^=\n]*=\s*['\"]([0-9.]+)['\"]", text, re.MULTILINE)
    return match[1] if match else None


def find_disk(folder: Path) -> Finding:
    """Say how much space there is where the study is, or would be."""
    place = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(place).free
    said = f"{free / 2**30:.1f} GiB free at {place}"
    if free < LEAST_DISK:
        return Finding("disk", "problem", said, "free some space, or name another folder with --study")
    if not os.access(place, os.W_OK):
        return Finding("disk", "problem", f"{said}, which you cannot write", "name another folder with --study")
    return Finding("disk", "ok", said)
