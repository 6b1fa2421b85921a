"""The audit's table: its columns and its words."""

import csv
import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from audit import AuditOptions, audit, audit_probabilities
from audit.review.comparisons import find_class_neighbours
from audit.review.reasons import reasons
from audit.review.table import COLUMNS, IMAGES, audit_columns, audit_rows, image_column, write_audit
from embed.csvfile import csv_text, restored
from embed.errors import InputError

EVIL = '=HYPERLINK("http://x","y")'


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 30)
    vectors = np.eye(3, 16)[truth] + 0.2 * rng.normal(size=(90, 16))
    vectors[89] = vectors[0] + 1e-6  # a near-duplicate of the first, under another label
    names = np.array(["Blip", EVIL, "Whistle"])
    labels = names[truth]
    labels[5] = EVIL  # a Blip
    labels = np.append(labels, "Lone")
    vectors = np.concatenate([vectors, rng.normal(size=(1, 16))])
    return audit(vectors, labels, options=AuditOptions(splits=20)), vectors, labels


def glitches(count=91):
    table = pd.DataFrame(
        {"id": [f"H1_{n}" for n in range(count)], "ifo": "H1", "gps": np.where(np.arange(count) == 5, np.nan, 1.1e9)}
    )
    return table.assign(**{name: f"/data/{name}.png" for name in IMAGES})


def audit_csv(result, table, passport, **options):
    return csv_text(audit_columns(table), audit_rows(result, table, passport, **options))


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_columns_are_exactly_these():
    assert ",".join(COLUMNS) == (
        "rank,id,ifo,gps,label,suggested_label,p_wrong,p_wrong_low,p_wrong_high,times_tested,times_wrong,margin,loss,"
        "neighbour_agreement,duplicate_of,reason,image_0.5,image_1.0,image_2.0,image_4.0,passport"
    )


def test_every_cell_says_what_the_result_says(found):
    result, _, labels = found
    rows = rows_of(audit_csv(result, glitches(), "audit-x"))
    assert len(rows) == 91
    assert [int(row["rank"]) for row in rows] == list(range(1, 92))
    for row, place in zip(rows, result.order, strict=True):
        assert row["id"] == f"H1_{place}"
        assert restored(row["label"]) == labels[place]
        assert restored(row["suggested_label"]) == result.classes[result.suggested[place]]
        assert int(row["times_tested"]) == result.times_tested[place]
        assert int(row["times_wrong"]) == result.times_wrong[place]
        assert row["passport"] == "audit-x"
        assert row["image_2.0"] == "/data/image_2.0.png"
        if result.testable[place]:
            assert float(row["p_wrong"]) == pytest.approx(result.p_wrong[place], abs=6e-5)
            assert float(row["p_wrong_low"]) <= float(row["p_wrong"]) <= float(row["p_wrong_high"])
            assert float(row["margin"]) == pytest.approx(result.margin[place], abs=6e-5)
    by_id = {row["id"]: row for row in rows}
    assert by_id["H1_5"]["gps"] == ""
    assert {by_id["H1_0"]["duplicate_of"], by_id["H1_89"]["duplicate_of"]} == {"H1_0", "H1_89"}
    assert by_id["H1_90"]["p_wrong"] == by_id["H1_90"]["loss"] == ""
    assert rows[-1]["id"] == "H1_90"
    assert len(rows_of(audit_csv(result, glitches(), "x", first=3))) == 3
    with pytest.raises(InputError, match="90 glitches for an audit of 91"):
        audit_csv(result, glitches(90), "x")


def test_the_reason_is_in_plain_words(found):
    result, _, _ = found
    ids = glitches()["id"].tolist()
    text, twin, lone = reasons(result, np.array([5, 89, 90]), ids)
    near = result.labels[result.graph.neighbours[5, :10]]
    counted = re.search(r"Of the 10 most like it (\d+) are labelled Blip and (\d+) =HYP", text)
    assert [int(number) for number in counted.groups()] == [
        (near == result.classes.index("Blip")).sum(),
        (near == result.classes.index(EVIL)).sum(),
    ]
    assert "In all 4 tests without its own label it was not taken for =HYPERLINK" in text
    assert "Blip fits best" in text
    assert "Its near-duplicate H1_0 is labelled Blip." in twin
    assert lone == "Not tested: nothing else labelled Lone is there to compare it with."
    assert "In all 4 tests without its own label it was taken for Blip." in reasons(result, np.array([7]), ids)[0]
    assert "odd" not in text
    sure = replace(result, p_wrong=np.where(np.arange(91) == 5, 0.01, result.p_wrong))
    (said,) = reasons(sure, np.array([5]), ids)
    likelier = f"Few labels here seem to be wrong, about {result.total.expected:.0f} of 91: an odd {EVIL} is likelier than a wrong label."
    assert said.endswith(likelier)


def test_the_reason_of_given_probabilities():
    rng = np.random.default_rng(0)
    labels = np.repeat(["a", "b"], 40)
    p = np.where(labels[:, None] == ["a", "b"], 0.9, 0.1) + 0.02 * rng.random((80, 2))
    p[3] = 0.04, 0.96
    result = audit_probabilities(p / p.sum(1, keepdims=True), ["a", "b"], labels)
    assert reasons(result, np.array([3]), ["x"] * 80) == ["The given probabilities: b 0.96, a 0.04."]


def test_plain_pictures_stand_in_the_first_column():
    assert [image_column(duration) for duration in (0.0, 0.5, 4.0)] == ["image_0.5", "image_0.5", "image_4.0"]


def test_class_neighbours_by_brute_force(found):
    result, vectors, _ = found
    rows = np.array([5, 0, 90])
    suggested = result.suggested[rows]
    near = find_class_neighbours(vectors, result.labels, rows, suggested)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for wanted, found_rows in ((result.labels[rows], near.agreeing), (suggested, near.opposing)):
        for row, kind, got in zip(rows, wanted, found_rows, strict=True):
            members = [m for m in np.flatnonzero(result.labels == kind) if m != row]
            expected = sorted(members, key=lambda m: -float(unit[m] @ unit[row]))[:3]
            assert got.tolist() == [*expected, *[-1] * (3 - len(expected))]


def test_expected_pairs_add_up(found):
    result, _, _ = found
    pairs = result.expected_pairs()
    assert pairs.sum() == pytest.approx(np.nansum(result.p_wrong))
    assert (np.diag(pairs) == 0).all()


def test_metadata_are_carried_along_where_there_are_any(found, tmp_path):
    result, *_ = found
    snr = np.where(np.arange(91) == 3, np.nan, 7.5 + np.arange(91))
    table = glitches().assign(snr=snr, q_value=np.nan, central_frequency=100.0, url1="https://x")
    assert audit_columns(table) == (*COLUMNS, "snr", "central_frequency")
    write_audit(tmp_path / "audit.csv", result, table, "x", first=40)
    rows = rows_of((tmp_path / "audit.csv").read_text("utf-8"))
    assert len(rows) == 40
    for row, place in zip(rows, result.order[:40], strict=True):
        assert row["snr"] == ("" if place == 3 else str(7.5 + place))
        assert row["central_frequency"] == "100.0"
        assert row["passport"] == "x"
