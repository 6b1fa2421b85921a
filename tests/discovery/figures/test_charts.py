"""Charts for papers: what they draw is what was found."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from discovery.figures.charts import confusion_figure, pairs_figure, scorecard_figure


def test_the_confusion_matrix_writes_every_count_and_leaves_out_what_does_not_occur():
    matrix = np.array([[5, 1, 0], [0, 0, 0], [2, 0, 7]])
    panel = confusion_figure(matrix, ("a", "b", "$c$")).axes[0]
    assert sorted(int(text.get_text()) for text in panel.texts) == [1, 2, 5, 7]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["a", "b", r"\$c\$"]
    panel = confusion_figure(np.diag([5, 0, 7]), ("a", "b", "c")).axes[0]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["a", "c"]


def test_the_most_expected_errors_come_first():
    expected = np.array([[0.0, 3.5, 0.01], [9.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    result = SimpleNamespace(expected_pairs=lambda: expected, classes=("a", "b", "c"))
    panel = pairs_figure(result).axes[0]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["b → a", "a → b"]
    assert [bar.get_width() for bar in panel.patches] == [9.0, 3.5]
    result = SimpleNamespace(expected_pairs=lambda: np.zeros((2, 2)), classes=("a", "b"))
    assert pairs_figure(result) is None


def test_the_best_class_of_a_scorecard_comes_first():
    table = pd.DataFrame(
        {"class": ["a", "b"], "glitches": [1200, 20], "f1": [0.4, 0.9], "recall": [0.5, 1.0], "purity": [0.3, 0.8]}
    )
    panel = scorecard_figure(table).axes[0]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["b (20)", "a (1,200)"]
    assert [bar.get_width() for bar in panel.patches] == [0.9, 0.4]
