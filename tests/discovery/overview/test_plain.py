"""A study of plain pictures speaks of pictures, in the terminal and on its pages."""

import numpy as np
import pytest
from PIL import Image
from support.terminal import run

from embed import Study
from embed.study.nouns import nouns


@pytest.fixture
def sky(tmp_path):
    rng = np.random.default_rng(0)
    for label in ("Spiral", "Unsure"):
        (tmp_path / "sky" / label).mkdir(parents=True)
        for k in range(12):
            pixels = rng.integers(0, 256, (48, 48, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "sky" / label / f"{label}{k}.png")
    return tmp_path / "sky"


def test_what_the_objects_are_called(tmp_path, sky, capsys):
    folder = tmp_path / "study"
    with Study(folder, create=True) as study:
        assert nouns(study) == ("glitch", "glitches")
    said = [run(capsys, "ingest", sky, "--study", folder)[1]]
    with Study(folder) as study:
        assert nouns(study) == ("picture", "pictures")
    for command in (("cluster", "Unsure"), ("batch", "0", "-n", "4"), ("novel", "-n", "1"), ("status",)):
        code, out, _ = run(capsys, *command, "--study", folder)
        assert code in {0, 2}, command
        said.append(out)
    assert [line for text in said for line in text.splitlines() if "glitch" in line] == []
    assert "12 pictures of Unsure" in said[1]
    assert "1 odd picture" in said[3]
    assert "glitch" not in (folder / "index.html").read_text()
