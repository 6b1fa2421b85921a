"""Vectors that parts hold: found by glitch and by what they are made from, and each file is read whole once."""

import re
import resource
from pathlib import Path

import numpy as np
import pytest

from embed.errors import StudyError
from embed.vectors import made as module
from embed.vectors.made import MadeVectors
from embed.vectors.parts import part_path, write_part

DIMENSION = 24


def inputs_of(glitches):
    """A made-up hash of each glitch's pictures."""
    return np.stack([np.full(32, glitch % 251, np.uint8) for glitch in glitches])


def vectors_of(glitches):
    return np.stack([np.arange(DIMENSION, dtype=np.float32) + 100 * int(glitch) for glitch in glitches])


def write(store, glitches, kept=None):
    glitches = np.asarray(glitches, np.int64)
    kept = np.ones(len(glitches), bool) if kept is None else np.asarray(kept)
    inputs = inputs_of(glitches)
    path = part_path(store, glitches, inputs)
    path.parent.mkdir(exist_ok=True)
    vectors = vectors_of(glitches[kept]) if kept.any() else np.empty((0, DIMENSION), np.float32)
    write_part(path, glitches, inputs, vectors, kept=kept, reasons=[])
    return path


def test_rows_of_many_parts_come_in_any_order_and_each_file_is_read_whole_once(tmp_path, monkeypatch):
    store, rng = tmp_path / "store", np.random.default_rng(3)
    order = rng.permutation(300)
    for block in np.split(order, 30):
        write(store, np.sort(block))
    read = []
    own = module.place_of_vectors
    monkeypatch.setattr(module, "place_of_vectors", lambda path: (read.append(path), own(path))[1])
    made = MadeVectors(store, None, DIMENSION)
    places = made.places(np.arange(300), inputs_of(range(300)))
    for _ in range(5):
        asked = rng.integers(0, 300, 100)
        np.testing.assert_array_equal(made.take(places[asked]), vectors_of(asked))
    assert len(read) == len(set(read)) == 30


def test_a_glitch_without_vector_and_one_of_another_picture_are_not_there(tmp_path):
    store = tmp_path / "store"
    write(store, [2, 5, 7], kept=[True, False, True])
    write(store, [9], kept=[False])
    made = MadeVectors(store, None, DIMENSION)
    inputs = inputs_of([2, 5, 7, 8, 9])
    inputs[2] = 255
    assert made.places(np.array([2, 5, 7, 8, 9]), inputs).tolist() == [0, -1, -1, -1, -1]
    np.testing.assert_array_equal(made.take(np.array([0, 1])), vectors_of([2, 7]))


def test_more_parts_are_read_than_a_process_may_open_files(tmp_path):
    store = tmp_path / "store"
    for block in np.split(np.arange(120), 60):
        write(store, block)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 20, hard))
    try:
        made = MadeVectors(store, None, DIMENSION)
        places = made.places(np.arange(120), inputs_of(range(120)))
        np.testing.assert_array_equal(made.take(places), vectors_of(range(120)))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("where", ["middle", "end"])
def test_a_damaged_part_is_refused(tmp_path, where):
    path = write(tmp_path / "store", range(40))
    data = bytearray(path.read_bytes())
    if where == "middle":
        at = data.index(vectors_of([20])[0].tobytes())
        data[at] ^= 1
    else:
        del data[-100:]
    path.write_bytes(data)
    with pytest.raises(
        StudyError, match=f"{re.escape(str(path))} is damaged .*delete it: its glitches are embedded again"
    ):
        MadeVectors(tmp_path / "store", None, DIMENSION).take(np.array([20]))
