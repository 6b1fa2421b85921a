"""How far a critic's order agrees with an audit, by hand; what is said where nothing can be compared."""

import pytest
import torch

from discovery.generation.anomalies import _agreement, list_anomalies
from embed import Study
from embed.errors import InputError


def row(p_wrong):
    return {"audit_p_wrong": p_wrong}


def test_labels_that_the_audit_did_not_see_do_not_count():
    rows = [row(""), row(0.9), row(0.1), row(0.5), row(""), row(0.8), row(0.2)]  # the critic's order
    assert _agreement(rows) == (
        "of the 3 labels that the latest audit finds more likely wrong than not, 2 are among the critic's first 3; by chance 1.8 would be"
    )


def test_an_audit_that_doubts_nothing():
    assert _agreement([row(0.1), row("")]) == "the latest audit finds none of these labels more likely wrong than not"


def test_the_simulator_has_no_critic(tmp_path):
    with (
        Study(tmp_path / "study", create=True) as study,
        pytest.raises(InputError, match="--model simulator: the simulator has no critic; give a generator"),
    ):
        list_anomalies(study, "simulator", device=torch.device("cpu"))
