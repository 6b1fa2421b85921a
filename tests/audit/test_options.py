"""The options of an audit: quick to import, refused where they cannot be, and followed by the splits."""

import subprocess
import sys

import numpy as np
import pytest

from audit import AuditOptions
from audit.procedure import AuditData
from embed.dataset.kinds import PURGE_SECONDS
from embed.errors import InputError


def test_options_and_the_parser_import_no_numerical_library():
    code = (
        "import sys, audit.options, audit.heldout.kinds, audit.heldout.refitting, discovery.arguments.audit; "
        "print(sorted({'numpy', 'scipy', 'pandas', 'torch', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5, float("nan")])
def test_a_rate_that_cannot_be(rate):
    with pytest.raises(InputError, match=f"a false discovery rate of {rate}: give a number between 0 and 1"):
        AuditOptions(rate=rate)


@pytest.mark.parametrize(("purge", "seconds"), [(None, PURGE_SECONDS), (5.0, 5.0), (0.0, 0.0)])
def test_the_splits_follow_the_options(purge, seconds):
    codes, times = np.arange(40) % 2, np.arange(40.0)
    options = AuditOptions(split="time", purge=purge)
    data = AuditData(codes, ("a", "b"), None, None, np.arange(40), np.full(40, -1), times, options)
    plan = data.plan(codes, 10, seed=1)
    assert (plan.kind, plan.purge, len(plan)) == ("time", seconds, 10)
    assert (plan.fold != data.plan(codes, 10, seed=2).fold).any()
