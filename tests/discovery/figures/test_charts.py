"""Charts for papers: what they draw is what was found."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from discovery.figures.charts import (
    confusion_figure,
    distances_figure,
    pairs_figure,
    recursion_figure,
    scorecard_figure,
)


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


def test_a_round_of_training_has_its_accuracy_its_interval_and_what_is_known_of_its_labels():
    rounds = [
        SimpleNamespace(added=0, accuracy=0.8, interval=(0.7, 0.9), known=0, pure=0, purity=np.nan),
        SimpleNamespace(added=50, accuracy=0.85, interval=(0.75, 0.95), known=40, pure=30, purity=0.75),
    ]
    panel = recursion_figure(rounds).axes[0]
    assert [line.get_xydata().tolist() for line in panel.lines] == [[[0, 0.8], [50, 0.85]], [[50, 0.75]]]
    assert [path.vertices[:, 1].tolist() for path in panel.collections[0].get_paths()] == [[0.7, 0.9], [0.75, 0.95]]
    assert len(recursion_figure(rounds[:1]).axes[0].lines) == 1


def test_classes_without_a_distance_are_not_drawn():
    rows = [
        SimpleNamespace(label=name, held_out=9, kid=kid, kid_floor=0.1, kid_ceiling=0.9)
        for name, kid in (("a", 0.5), ("b", np.nan))
    ]
    assert [text.get_text() for text in distances_figure(rows).axes[0].get_yticklabels()] == ["a (9)"]
    assert distances_figure(rows[1:]) is None
