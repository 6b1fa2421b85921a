"""The examples are run, small."""

import runpy
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_the_demonstration_finds_the_three_hidden_families_and_wrong_labels(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["demo.py", "--out", str(tmp_path), "--n", "400"])
    runpy.run_path(str(EXAMPLES / "demo.py"), run_name="__main__")
    out = capsys.readouterr().out
    score = float(out.split("adjusted mutual information with the truth:")[1].split()[0])
    assert score >= 0.85
    for name in ("Harmonic_Comb", "Reverse_Chirp", "Triangle_Sweep"):
        assert name in out
    assert (tmp_path / "study" / "reports" / "map-tsne-3d" / "embedding.html").exists()
    assert float(out.split("precision ")[1].split(":")[0]) >= 0.6
    assert float(out.split("recall ")[1].split(":")[0]) >= 0.2
    assert (tmp_path / "study" / "reports" / "audit" / "volunteers" / "manifest.csv").exists()
