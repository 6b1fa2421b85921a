"""The notebooks run from top to bottom, and show what they promise."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "examples" / "notebooks"


def outputs(name, folder):
    book = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in book.cells)  # kept without results
    NotebookClient(book, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    shown = [output for cell in book.cells for output in cell.get("outputs", [])]
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in shown]
    return "\n".join(texts), [output for output in shown if "image/png" in output.get("data", {})]


def test_wrong_labels(tmp_path):
    text, pictures = outputs("wrong_labels", tmp_path)
    assert "labels are listed" in text
    assert len(pictures) == 1


@pytest.mark.long
def test_new_classes(tmp_path):
    text, pictures = outputs("new_classes", tmp_path)
    assert "new class (probability" in text
    assert "Reverse_Chirp" in text
    assert len(pictures) == 1
