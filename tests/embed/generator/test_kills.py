"""A training of some size, killed again and again, ends with the bytes of one that never was."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from support.generators import make_study
from support.killed import KINDS, OPTIONS

from embed.csvfile import CsvFile

STEPS = OPTIONS["images"] // OPTIONS["batch"]
pytestmark = pytest.mark.long


def train(folder, kind="none", step=-1, share=0.0):
    """Train in a process of its own; its exit code."""
    command = [sys.executable, "-c", "from support.killed import main; main()", folder, kind, step, share]
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    return subprocess.run(list(map(str, command)), check=False, env=environment, timeout=600).returncode


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_killed_at_five_moments_it_ends_with_the_same_bytes(tmp_path):
    folder = make_study(tmp_path, {"Blip": 220, "Koi_Fish": 90, "Tomte": 4})
    generators = folder / "generators"
    assert train(folder) == 0
    expected = contents(generators)
    assert "g/weights.safetensors" in expected
    generators.rename(tmp_path / "whole")
    rng = np.random.default_rng(25)
    moments = sorted(rng.choice(np.arange(3, STEPS - 5), len(KINDS), replace=False).tolist())
    for kind, step in zip(rng.permutation(KINDS), moments, strict=True):
        code = train(folder, kind, step, rng.random())
        assert code == -(signal.SIGXFSZ if kind == "torn" else signal.SIGKILL), (kind, step)
        kept = [int(path.stem.split("-")[1]) for path in (generators / "g.training").glob("step-*.safetensors")]
        assert step - 2 <= max(kept) <= step + 4, (kind, step)
    assert train(folder) == 0
    assert contents(generators) == expected
    steps = [int(row.cells["step"]) for row in CsvFile(generators / "g" / "history.csv").rows()]
    assert steps == list(range(2, STEPS + 1, 2))
