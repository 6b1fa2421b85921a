import dataclasses
import re
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd

from discovery.candidates.dossier import Dossier, branch_tree
from discovery.candidates.measures import charts_png, measures_chart
from discovery.candidates.report import report_html
from discovery.certificates.certificate import certify
from discovery.certificates.evidence import Evidence
from discovery.clustering.branches import nested_branches
from discovery.clustering.clustering import cluster
from discovery.onset.history import history_of
from discovery.onset.livetime import livetime_of
from discovery.pages.thumbnails import Thumbnails, png_uri
from embed.vectors.similarity import normalise
from embed.views.viridis import colours_of_levels


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


def test_hours_and_weekdays_stand_beside_the_rate() -> None:
    """In a panel of their own, whose labels stay inside the figure and apart from the rate's."""
    own = glitches(200, 2)
    history = history_of(own["gps"], own["ifo"], livetime_of(own["gps"]))
    figure = measures_chart(own, {}, title="cluster 1", history=history)
    assert figure is not None
    assert history is not None
    figure.canvas.draw()
    *_, rate, hours, weekdays = figure.axes
    assert (rate.get_ylabel(), hours.get_xlabel(), weekdays.get_xlabel()) == ("glitches a day", "hour (UTC)", "weekday")
    bars = [tuple(panel.patches[0].get_data()[0].tolist()) for panel in (hours, weekdays)]
    assert bars == [history.hours.counts, history.weekdays.counts]
    boxes = [panel.get_tightbbox() for panel in (rate, hours, weekdays)]
    for left, right in pairwise(boxes):
        assert left.x1 <= right.x0
    assert boxes[-1].x1 <= figure.bbox.x1
    assert len(figure.axes) == 6
    without = measures_chart(own, {}, title="cluster 1")
    assert without is not None
    assert len(without.axes) == 4


def test_each_branch_has_its_size_its_medoid_and_its_nearest_known_class() -> None:
    """Two families close to each other, beside a far one: one cluster with two parts, each nearer to another of the known classes."""
    rng = np.random.default_rng(3)
    centres = np.eye(12)[[0, 1, 5, 6, 7, 8]]
    centres[1] = 0.8 * centres[0] + 0.6 * centres[1]
    known = {f"class {number}": centres[place] + 0.5 * np.eye(12)[9 + place] for number, place in enumerate((0, 1))}
    parts = [
        centre + 0.05 * rng.normal(size=(count, 12)) for centre, count in zip(centres[:3], (30, 20, 30), strict=True)
    ]
    classes = [centre + 0.05 * rng.normal(size=(20, 12)) for centre in known.values()]
    unit = normalise(np.concatenate([*parts, *classes]).astype(np.float32))
    labels = np.repeat([0, 1], [50, 30])
    found = cluster(unit[:80])
    found = dataclasses.replace(found, labels=labels, medoids={0: 0, 1: 50})
    evidence = Evidence(
        unit, np.arange(80), {name: 80 + 20 * place + np.arange(20) for place, name in enumerate(known)}
    )
    own = certify(found, evidence)[0]
    levels = np.broadcast_to(np.arange(80, dtype=np.uint8)[:, None, None, None] * 3, (80, 1, 6, 8)).copy()
    pictures = Thumbnails(levels, (4.0,), np.ones((80, 1), bool))
    nested = [branch for branch in nested_branches(labels, found.tree) if branch.cluster == 0]
    tree = branch_tree(nested, own.parts, pictures)
    assert tree is not None
    table = pd.DataFrame({"id": [f"g{row}" for row in range(80)], "cluster": labels})
    page = report_html(table, pictures, title="t", asked={}, dossiers=[Dossier(own, None, None, tree, [])])
    for part, name in zip(own.parts[1:3], ("class 0", "class 1"), strict=True):
        assert part.favourite == (name, 1.0)
        row = re.search(rf'<tr><th scope="row">{re.escape(part.path)}</th>.*?</tr>', page).group()
        assert f'<td class="number">{part.size}</td><td>{name} <small>100&nbsp;%</small></td>' in row
        assert png_uri(colours_of_levels(levels[part.medoid, 0])) in row
    assert "<code>discover name 0.0 NAME</code>" in page
    without = Thumbnails(levels, (4.0,), np.zeros((80, 1), bool))
    assert branch_tree(nested, own.parts, without).pictures == {}
