from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd

from discovery.candidates.dossier import charts_png, measures_chart


def glitches(count: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "ifo": rng.choice(["H1", "L1"], count),
            "gps": 1.1e9 + rng.uniform(0, 1.3e8, count),
            "snr": np.exp(rng.normal(2.5, 0.5, count)),
            "peak_frequency": np.exp(rng.normal(5, 1, count)),
            "duration": np.exp(rng.normal(-1, 1, count)),
        }
    )


def test_labels_of_the_charts_stay_inside_and_apart() -> None:
    figure = measures_chart(glitches(60, 4), {"No_Glitch": glitches(60, 1)}, title="cluster 89")
    assert figure is not None
    figure.canvas.draw()
    assert "0.175" in [tick.get_text() for tick in figure.axes[0].get_yticklabels()]  # the widest that shares have
    for panel in figure.axes:
        numbers = [tick.get_window_extent().x0 for tick in panel.get_yticklabels() if tick.get_text()]
        assert panel.yaxis.label.get_window_extent().x1 < min(numbers)
    around = [panel.get_tightbbox() for panel in figure.axes]
    assert around[0].x0 >= 0
    assert min(box.y0 for box in around) >= 0
    assert max(box.x1 for box in around) <= figure.bbox.width
    assert all(left.x1 <= right.x0 for left, right in pairwise(around))


def test_charts_look_the_same_whatever_another_package_set():
    def drawn() -> bytes | None:
        return charts_png(glitches(60, 4), {"No_Glitch": glitches(60, 1)}, title="cluster 89")

    plain = drawn()
    settings = {"axes.formatter.use_mathtext": True, "axes.grid": True, "font.size": 12.0}  # as importing gwpy does
    with mpl.rc_context(settings):
        assert drawn() == plain
        assert mpl.rcParams["font.size"] == 12.0


def test_times_alone_have_one_legend_of_detectors() -> None:
    figure = measures_chart(glitches(60, 0)[["ifo", "gps"]], {}, title="cluster 3")
    assert figure is not None
    (panel,) = figure.axes
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["H1", "L1"]
