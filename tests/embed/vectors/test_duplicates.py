"""Near-duplicates, worked by hand: the threshold belongs to them, and sets are closed under the relation."""

import numpy as np
from PIL import Image
from support.gallery import view_name

from embed import EmbeddingOptions, Study, embed, ingest_folder
from embed.simulator import simulate
from embed.vectors.duplicates import (
    duplicate_similarity,
    has_near_duplicate,
    merge_groups,
    near_duplicates,
    same_pairs,
    twin_pairs,
)
from embed.vectors.graph import NeighbourGraph


def test_a_pair_at_the_threshold_is_one_and_sets_are_chains():
    graph = NeighbourGraph(
        neighbours=np.array([[1, 2], [0, 2], [1, 0], [0, 1]]),
        similarities=np.array([[0.75, 0.5], [0.75, 0.875], [0.875, 0.5], [0.5, 0.25]], np.float32),
        k=2,
        requested_k=2,
        exact=True,
        recall=1.0,
    )
    group, twin = near_duplicates(graph, 0.75)
    assert group.tolist() == [0, 0, 0, 1]
    assert twin.tolist() == [1, 0, 1, -1]
    group, twin = near_duplicates(graph, 0.8)
    assert group.tolist() == [0, 1, 1, 2]
    assert twin.tolist() == [-1, -1, 1, -1]


def test_twins_are_nearer_than_the_shortest_view_and_of_one_detector():
    times = np.array([100.0, 100.5, 100.25, np.nan, 100.125])
    first, second = twin_pairs(times, ["H1", "H1", "H1", "H1", "L1"], seconds=0.25)
    assert merge_groups(5, (first, second)).tolist() == [0, 1, 2, 3, 4]  # a quarter of a second apart is not nearer
    first, second = twin_pairs(times, ["H1", "H1", "H1", "H1", "L1"], seconds=0.5)
    assert merge_groups(5, (first, second)).tolist() == [0, 0, 0, 1, 2]


def test_equal_keys_are_linked_with_their_first_row():
    first, second = same_pairs(["a", "b", "a", "c", "b"])
    assert merge_groups(5, (first, second)).tolist() == [0, 1, 0, 2, 1]


def test_copies_of_a_picture_are_near_duplicates_with_the_vectors_that_ship(tmp_path):
    """One simulated picture kept again as JPEG, among others of its class; by the default vectors and by ImageNet's."""
    simulate(tmp_path / "data", 14, 3, classes=("Blip", "Whistle"), label_noise=0.0)
    first = min((tmp_path / "data" / "Whistle").glob("*_4.0.png"))
    with Image.open(first) as picture:
        picture.convert("RGB").save(first.with_name(view_name("0copy", 4.0)).with_suffix(".jpg"), quality=95)
    with Study(tmp_path / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, tmp_path / "data")
        glitches = study.glitches()
        names = (first.name.partition("_spectrogram")[0], "H1_0copy")
        one, two = (int(glitches.index[glitches["id"] == name][0]) for name in names)
        rest = glitches.index.difference([one, two]).to_numpy()
        for weights, threshold in (("glitch", 0.95), ("bundled", 0.999)):
            store = embed(study, EmbeddingOptions(weights=weights, views="4.0"))
            assert duplicate_similarity(store) == threshold
            assert not has_near_duplicate(store, np.array([one]), rest).any()
            if weights == "glitch":
                assert has_near_duplicate(store, np.array([one]), np.array([two])).all()
