"""Arrays alone are enough for the public functions, and results show themselves in a notebook."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score
from support.mixtures import mixture

import audit
import discovery
import embed
from embed.errors import InputError
from embed.notebook import ROWS, html_summary

EVIL = "<script>window.pwned = 1</script>"


def test_own_vectors_need_no_study():
    vectors, truth = mixture([60, 60, 60], dims=6, spread=0.15)
    graph = embed.neighbour_graph(vectors)
    for method in ("hdbscan", "spectral"):
        found = discovery.cluster(vectors, graph, method=method)
        assert adjusted_mutual_info_score(truth, found.labels) > 0.95
    assert discovery.project(vectors, dims=2).shape == (180, 2)
    np.testing.assert_array_equal(discovery.project(vectors), discovery.project(vectors, graph))
    rows, _ = embed.search(embed.build_index(vectors), vectors[:3], 5)
    assert rows[:, 0].tolist() == [0, 1, 2]
    with pytest.raises(InputError, match="no clustering method 'kmeans'; use one of hdbscan, spectral"):
        discovery.cluster(vectors, method="kmeans")
    with pytest.raises(InputError, match="k=3 goes with the spectral method"):
        discovery.cluster(vectors, k=3)


def test_results_show_themselves_in_a_notebook():
    vectors, truth = mixture([40, 40], dims=6, spread=0.15)
    found = discovery.cluster(vectors, method="spectral")
    assert "<th>medoid&#39;s row</th>" in found._repr_html_()
    labels = np.where(np.arange(80) == 5, 1 - truth, truth)
    judged = audit.audit(vectors, labels, options=audit.AuditOptions(splits=5))
    assert "Label audit" in judged._repr_html_()
    probabilities = np.eye(2)[truth] * 0.8 + 0.1
    assert "100.00 %" in embed.evaluate(probabilities, truth, ("Blip", EVIL))._repr_html_()
    assert EVIL not in embed.evaluate(probabilities, truth, ("Blip", EVIL))._repr_html_()


def test_a_summary_is_text_and_ends():
    page = html_summary(EVIL, {EVIL: EVIL}, (EVIL,), [(EVIL,)] * (ROWS + 3))
    assert "<script" not in page
    assert page.count("<tr>") == ROWS + 1
    assert page.endswith("<br>and 3 more</div>")
