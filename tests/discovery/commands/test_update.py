"""What ``discover update`` says."""

from argparse import Namespace
from types import SimpleNamespace

import pandas as pd
import pytest

from discovery.commands import update
from embed import Study


@pytest.mark.parametrize(("joined", "title"), [({0: 2, 1: 0, 2: 1, 3: 0}, "; without any: 2"), ({0: 2, 2: 1}, "")])
def test_clusters_without_new_glitches_are_counted_not_listed(tmp_path, capsys, monkeypatch, joined, title):
    found = SimpleNamespace(
        table=pd.DataFrame({"how": ["joined", "joined", "joined", "none"]}),
        label="Whistle", of=3, run=4, joined=joined, births=[], changes=[], waiting=0, files={}, remarks=(),
    )  # fmt: skip
    monkeypatch.setattr(update, "make_vectors", lambda *_: None)
    monkeypatch.setattr(update, "update_clusters", lambda *_, **__: found)
    Study(tmp_path / "study", create=True).close()
    update.run(
        Namespace(
            json=False,
            study=tmp_path / "study",
            label="Whistle",
            out=None,
            compare=False,
            seed=0,
            typed="",
            detector=None,
            strain=(),
        )
    )
    shown = capsys.readouterr().out
    assert f"clusters with new glitches{title}\n" in "\n".join(line.rstrip() for line in shown.splitlines())
    assert [line.split() for line in shown.splitlines() if line.split()[:1] in (["0"], ["1"], ["2"], ["3"])] == [
        ["0", "2"],
        ["2", "1"],
    ]
