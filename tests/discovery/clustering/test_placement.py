"""New points on a drawn map: where they belong, one by one, and the old ones as they were."""

import numpy as np
import pytest
from sklearn.manifold import trustworthiness
from sklearn.neighbors import KNeighborsClassifier
from support.mixtures import mixture

from discovery.clustering.placement import place
from discovery.clustering.projection import project

METHODS = ["tsne", "umap"]


@pytest.fixture(scope="module")
def drawn():
    """A mixture of six groups, four fifths of which are laid out by each method in two and three dimensions."""
    vectors, truth = mixture([40] * 6, seed=1)
    new = np.arange(len(vectors)) % 5 == 0
    layouts = {
        (method, dims): project(vectors[~new], method=method, dims=dims) for method in METHODS for dims in (2, 3)
    }
    return vectors, truth, new, layouts


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dims", [2, 3])
def test_new_points_are_beside_their_kind_and_old_ones_stay(drawn, method, dims):
    vectors, truth, new, layouts = drawn
    layout = layouts[method, dims]
    before = layout.tobytes()
    points, far = place(vectors[new], vectors[~new], layout, method=method)
    assert layout.tobytes() == before
    assert (points.shape, points.dtype) == ((48, dims), np.float32)
    assert far.mean() < 0.1
    assert KNeighborsClassifier(5).fit(layout, truth[~new]).score(points, truth[new]) > 0.95
    whole = np.empty((len(vectors), dims))
    whole[new], whole[~new] = points, layout
    moved = whole.copy()
    moved[new] = np.random.default_rng(0).permutation(points)
    scores = [trustworthiness(vectors, each, n_neighbors=8, metric="cosine") for each in (whole, moved)]
    assert scores[0] > 0.93 > scores[1] + 0.02


@pytest.mark.parametrize("method", METHODS)
def test_a_point_does_not_depend_on_the_others(drawn, method):
    vectors, _, new, layouts = drawn
    old, layout = vectors[~new], layouts[method, 2]
    points, far = place(vectors[new], old, layout, method=method, seed=3)
    back, far_back = place(vectors[new][::-1], old, layout, method=method, seed=3)
    assert back[::-1].tobytes() == points.tobytes()
    assert (far_back[::-1] == far).all()
    assert place(vectors[new][:1], old, layout, method=method, seed=3)[0].tobytes() == points[:1].tobytes()


@pytest.mark.parametrize("method", METHODS)
def test_a_twin_is_on_its_twin(drawn, method):
    vectors, _, new, layouts = drawn
    layout = layouts[method, 2]
    points, _ = place(vectors[~new][:20], vectors[~new], layout, method=method)
    width = np.ptp(layout, axis=0).max()
    assert np.linalg.norm(points - layout[:20], axis=1).max() < 0.1 * width


def test_a_strange_family_is_far():
    vectors, truth = mixture([60] * 6, seed=2)
    strange = truth == 5
    layout = project(vectors[~strange])
    assert place(vectors[strange], vectors[~strange], layout)[1].all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("old", [2, 5, 9, 16])
def test_few_old_points_are_no_obstacle(method, old):
    vectors, _ = mixture([10, 10], seed=4)
    layout = np.random.default_rng(0).normal(size=(old, 3)).astype(np.float32)
    points, _ = place(vectors[old:], vectors[:old], layout, method=method)
    assert np.isfinite(points).all()
    assert np.abs(points).max() < 10
