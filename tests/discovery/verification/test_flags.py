"""Audits are compared flag by flag; where they differ, the facts of their passports say why."""

import shutil

import pytest
from support.audited import make_study, read_csv, run_audit, write_csv

from discovery.verification.flags import compare_audits
from embed import Study
from embed.errors import InputError
from embed.study.records import Label


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """A study, an audit of it, one with a wider list, and one after another label."""
    folder = tmp_path_factory.mktemp("flags")
    study, _ = make_study(folder / "made")
    run_audit(study, folder / "one", rate=0.1)
    run_audit(study, folder / "two", rate=0.6)
    with Study(study) as opened, opened.run("test"):
        label = "Blip" if 1 not in opened.members("Blip") else "Whistle"
        opened.add_label(1, Label(label, "person", "test"))
    run_audit(study, folder / "relabelled")
    return folder


@pytest.fixture
def two(audited, tmp_path):
    """Copies of the folders of an audit and of one with a wider list."""
    return [shutil.copytree(audited / name, tmp_path / name) for name in ("one", "two")]


def test_flags_that_came_and_went_are_counted(two):
    one, other = two
    first, second = (len(read_csv(folder / "audit.csv")) for folder in two)
    assert 0 < first < second
    compared = compare_audits(one, other)
    assert compared.answer == f"{first} flags are the same, 0 gone, {second - first} new"
    assert "rate: 0.1 then, 0.6 now" in compared.differences
    assert not compared.is_same
    assert compare_audits(other, one).numbers == {"flags_same": first, "flags_gone": second - first, "flags_new": 0}
    assert compare_audits(one, one).answer == "same flags"
    assert compare_audits(one, one).differences == []


def test_other_labels_are_a_reason(audited):
    said = compare_audits(audited / "one", audited / "relabelled").differences
    assert "the labels are others than those that were audited" in said


def test_what_people_write_into_the_list(two):
    one, _ = two
    copied = write_csv(one.parent / "copied.csv", read_csv(one / "audit.csv")).read_text()
    shutil.copytree(one, one.parent / "again")
    rows = read_csv(one / "audit.csv")
    write_csv(one / "audit.csv", [row | {"decision": "keep" if number < 2 else ""} for number, row in enumerate(rows)])
    compared = compare_audits(one, one.parent / "again")
    assert (compared.answer, compared.files["audit.csv"]) == ("same flags", False)
    assert compared.differences == ["2 decisions were written into audit.csv"]
    (one / "audit.csv").write_text(copied.replace("0.9", "0.8", 1))
    (difference,) = compare_audits(one, one.parent / "again").differences
    assert difference.startswith("the flags are the same, in the same order; columns of the table differ")
    (one / "passport.json").write_text("{")
    with pytest.raises(InputError, match=r"passport\.json cannot be read .*; make the audit again with"):
        compare_audits(one, one.parent / "again")
