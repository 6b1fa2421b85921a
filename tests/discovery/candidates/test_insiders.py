"""Known glitches inside a cluster: by hand on a line of neighbours, in words, and in a report."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from discovery.candidates.insiders import NAMED, with_insiders
from discovery.candidates.known import Known
from discovery.certificates.certificate import NEW, PART, Certificate
from discovery.certificates.occurrence import occurrence


def certificate(cluster, size, verdict=NEW):
    blank = dict.fromkeys(Certificate.__dataclass_fields__)
    seen = occurrence(None, None, np.arange(size))
    own = {"nearest": [], "occurrence": seen, "typical": (0,), "reasons": ("It is there.",), "settings": (0, 0)}
    return Certificate(**blank | own | {"cluster": cluster, "size": size, "verdict": verdict, "inside": ()})


def store(neighbours):
    return SimpleNamespace(
        glitches=np.arange(len(neighbours)),
        rows=np.asarray,
        graph=SimpleNamespace(neighbours=np.array(neighbours)),
    )


@pytest.fixture
def asked():
    """Members 0 to 2 of cluster 0, 3 to 5 of cluster 1, 6 in none; 7 to 9 are known, 10 has no label and counts for nothing."""
    near = [[1, 2, 3, 4]] * 7 + [[10, 0, 6, 2], [0, 3, 8, 1], [3, 10, 4, 0]] + [[0, 1, 2, 3]]
    table = pd.DataFrame(
        {"id": [f"g{number}" for number in range(11)], "label": [*["Nota"] * 7, "Blip", "Blip", "Tomte", ""]}
    )
    labels = np.array([0, 0, 0, 1, 1, 1, -1])
    return labels, {"known": Known(np.array([7, 8, 9]), np.empty((3, 2))), "table": table, "store": store(near)}


def test_most_of_its_neighbours_are_members(asked):
    """Of 7 two of three (10 does not count), of 8 one of three, of 9 two of three in the other cluster."""
    labels, rest = asked
    first, second = with_insiders([certificate(0, 3), certificate(1, 3)], labels, np.arange(7), **rest)
    assert first.inside == ("g7 (Blip)",)
    assert first.reasons[-1] == "1 glitch of another label lies inside this cluster: g7 (Blip); its label may be wrong."
    assert second.inside == ("g9 (Tomte)",)
    assert second.row()["inside"] == "g9 (Tomte)"


def test_a_part_of_a_known_class_has_its_glitches_inside_and_no_label_is_doubted(asked):
    labels, rest = asked
    (own,) = with_insiders([certificate(0, 3, PART)], labels, np.arange(7), **rest)
    assert own.reasons[-1].endswith("inside this cluster: g7 (Blip).")


def test_of_many_some_are_named_and_of_none_nothing_is_said(asked):
    labels = asked[0]
    number = NAMED + 2
    near = [[1, 2, 0, 0]] * (7 + number)
    table = pd.DataFrame({"id": [f"g{row}" for row in range(7 + number)], "label": "Blip"})
    known = Known(np.arange(7, 7 + number), np.empty((number, 2)))
    own, other = with_insiders(
        [certificate(0, 3), certificate(1, 3)], labels, np.arange(7), known=known, table=table, store=store(near)
    )
    assert own.reasons[-1].startswith(f"{number} glitches of other labels lie inside this cluster: g7 (Blip), ")
    assert own.reasons[-1].endswith(f"g{6 + NAMED} (Blip) and 2 more; their labels may be wrong.")
    assert len(own.inside) == number
    assert (other.inside, other.reasons) == ((), ("It is there.",))
