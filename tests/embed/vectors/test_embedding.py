import os
import shutil
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from support.forked import embed_in_parts, embed_within, ingest_in_parts, run_step
from support.gallery import draw_levels, make_gallery, png, published, view_name, write

from embed import EmbeddingOptions, Study, embed, ingest_folder
from embed.errors import InputError, StorageError, StudyError
from embed.vectors.blocks import _decode
from embed.vectors.store import VectorStore, stores
from embed.views import workers
from embed.views.cache import ViewCache
from embed.views.encoding import Encoding, compose, network_input, parse_encoding, richest
from embed.views.loading import read_levels


def study_of(folder, data):
    study = Study(folder, create=True)
    with study.run("ingest"):
        ingest_folder(study, data)
    return study


def bytes_of(folder):
    """Every file of a study but the database, whose contents are compared as its dump without the log of runs."""
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("study.db")
    }
    with Study(folder) as study:
        files["dump"] = "\n".join(
            line for line in study.connection.iterdump() if '"runs"' not in line and "INTO runs" not in line
        ).encode()
    return files


# Encodings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4.0", Encoding("single", (4.0,))),
        ("1.0,2.0,4.0", Encoding("rgb", (1.0, 2.0, 4.0))),
        ("0.5,1,2,4", Encoding("mosaic", (0.5, 1.0, 2.0, 4.0))),
        ("plain", Encoding("plain", (0.0,))),
    ],
)
def test_encodings(text, expected):
    assert parse_encoding(text) == expected
    assert parse_encoding(str(expected)) == expected


@pytest.mark.parametrize("text", ["", "3.0", "4.0,4.0,1.0", "1.0,2.0", "four"])
def test_encodings_that_are_none(text):
    with pytest.raises(InputError, match=rf"--views '{text}': "):
        parse_encoding(text)


def test_the_richest_encoding_that_every_glitch_has():
    assert richest({0.5: 9, 1.0: 9, 2.0: 9, 4.0: 9}, 9).name == "rgb"
    assert richest({1.0: 8, 2.0: 9, 4.0: 9}, 9) == Encoding("single", (4.0,))
    assert richest({1.0: 9, 4.0: 8}, 9) == Encoding("single", (1.0,))
    assert richest({0.0: 5}, 5).name == "plain"
    with pytest.raises(
        InputError, match=r"no duration is present for all 9 glitches \(1.0 s: 8, 4.0 s: 8\); choose with --views"
    ):
        richest({1.0: 8, 4.0: 8}, 9)


def test_what_the_network_sees():
    """Flat views make every pixel's value known by hand."""
    views = np.stack([np.full((1, 224, 224), level, np.uint8) for level in (51, 102, 204, 255)], axis=1)
    cpu = torch.device("cpu")
    single = network_input(views[:, 2:3], Encoding("single", (4.0,)), 224, mean=(0.5,) * 3, std=(0.5,) * 3, device=cpu)
    assert single.shape == (1, 3, 224, 224)
    assert torch.allclose(single, torch.tensor(0.6), atol=1e-6)
    rgb = network_input(
        views[:, :3], Encoding("rgb", (1.0, 2.0, 4.0)), 224, mean=(0.0, 0.5, 0.0), std=(1.0, 0.5, 2.0), device=cpu
    )
    assert torch.allclose(rgb[0, :, 5, 5], torch.tensor([0.2, -0.2, 0.4]), atol=1e-6)
    mosaic = network_input(
        views[:, :, ::2, ::2],
        Encoding("mosaic", (0.5, 1.0, 2.0, 4.0)),
        224,
        mean=(0.0,) * 3,
        std=(1.0,) * 3,
        device=cpu,
    )
    corners = [float(mosaic[0, 0, row, column]) for row, column in ((5, 5), (200, 5), (5, 200), (200, 200))]
    assert corners == pytest.approx(
        [0.2, 0.4, 0.8, 1.0], abs=1e-6
    )  # 0.5 above 1 s on the left, 2 above 4 s on the right
    plain = np.zeros((1, 1, 299, 299, 3), np.uint8)
    plain[..., 2] = 255
    assert network_input(plain, Encoding("plain", (0.0,)), 299, mean=(0.0,) * 3, std=(1.0,) * 3, device=cpu)[
        0, :, 7, 7
    ].tolist() == [
        0,
        0,
        1,
    ]


def test_an_embedding_is_the_network_of_the_picture(embedded, gallery):
    """The oracle is a plain loop: PIL, torch, the same network."""
    from embed.network.network import load_network
    from embed.views.decoding import spectrogram_levels

    network = load_network(weights="glitch")
    with Study(embedded) as study:
        (store,) = stores(study.folder)
        table = study.glitches()
    paths = sorted(gallery.glob("*/*.png"))
    for path in paths[::7]:
        row = store.rows(table.index[table["id"] == "H1_" + path.name.split("_")[1]].to_numpy())[0]
        levels = torch.from_numpy(spectrogram_levels(path.read_bytes(), 224).copy()).float() / 255
        picture = levels.expand(1, 3, 224, 224)
        with torch.inference_mode():
            plain = network.module((picture - 0.5) / 0.5)[0].numpy()
        assert np.allclose(store.vectors[row], plain, atol=1e-4)


def test_the_store_is_complete(embedded):
    (store,) = stores(embedded)
    assert store.vectors.dtype == np.float32
    assert store.vectors.shape == (24, 1280)
    with Study(embedded) as study:
        assert (store.folder / "ids.txt").read_text().split() == study.glitches().loc[store.glitches, "id"].tolist()
    assert store.graph.neighbours.shape == (24, 23)
    assert store.index.faiss_index.ntotal == 24
    assert store.passport["views"] == "4.0"
    assert store.left_out == []


def test_a_store_is_reused_extended_and_never_mixed(tmp_path, gallery, tiny):
    data = tmp_path / "data"
    shutil.copytree(gallery, data)
    with study_of(tmp_path / "study", data) as study:
        first = embed(study, EmbeddingOptions(**tiny))
        stamp = (first.folder / "vectors.npy").stat().st_mtime_ns
        assert embed(study).folder == first.folder
        assert (first.folder / "vectors.npy").stat().st_mtime_ns == stamp
        old = np.array(first.vectors)
        make_gallery(data, {"Aaa": 3}, seed=5, prefix="new")  # sorts before the others by name, comes after them by row
        with study.run("ingest"):
            ingest_folder(study, data)
        calls, steps = [], []
        extended = embed(study, step=steps.append, progress=lambda done, whole: calls.append((done, whole)))
        assert steps == ["write", "graph", "index"]
        assert calls[0] == (24, 27)  # the first 24 were not computed again
        assert calls[-1] == (27, 27)
        assert np.array_equal(extended.vectors[:24], old)
        assert embed(study, EmbeddingOptions(**tiny | {"runtime": "onnx"})).folder != extended.folder
        whole = {
            name: (extended.folder / name).read_bytes()
            for name in ("vectors.npy", "graph.npz", "index.faiss", "passport.json")
        }
        shutil.rmtree(study.folder / "vectors")
        again = embed(study, EmbeddingOptions(**tiny))
        assert {name: (again.folder / name).read_bytes() for name in whole} == whole


def test_a_changed_picture_is_computed_again(tmp_path, gallery, tiny):
    data = tmp_path / "data"
    shutil.copytree(gallery, data)
    with study_of(tmp_path / "study", data) as study:
        old = np.array(embed(study, EmbeddingOptions(**tiny)).vectors)
        path = sorted(data.glob("*/*.png"))[5]
        path.write_bytes(png(published(draw_levels(np.random.default_rng(99), 2))))
        with study.run("ingest"):
            ingest_folder(study, data)
        new = np.array(embed(study).vectors)
    assert (old != new).any(axis=1).sum() == 1


def test_glitches_without_the_views_are_left_out_and_counted(tmp_path, tiny):
    data = tmp_path / "data"
    make_gallery(data / "a", {"Blip": 4}, durations=(1.0, 2.0, 4.0))
    write(data / "b" / "Whistle" / view_name("only4", 4.0), png(published(draw_levels(np.random.default_rng(0)))))
    with study_of(tmp_path / "study", data) as study:
        assert embed(study, EmbeddingOptions(**tiny)).passport["views"] == "4.0"  # the richest that every glitch has
        store = embed(study, EmbeddingOptions(**tiny, views="1.0,2.0,4.0"))
        assert store.passport["rows"] == 4
        assert store.left_out[0].reason == "no view 1.0 s, 2.0 s"
        assert embed(study).passport["views"] == "1.0,2.0,4.0"  # and then what was embedded last
        with pytest.raises(InputError, match=r"no glitch has the views 0.5 \(5 glitches lack them\)"):
            embed(study, EmbeddingOptions(**tiny, views="0.5"))


def test_pictures_that_vanish_or_rot_are_left_out_and_tried_again(tmp_path, gallery, tiny):
    data = tmp_path / "data"
    shutil.copytree(gallery, data)
    with study_of(tmp_path / "study", data) as study:
        gone, rotten = sorted(data.glob("*/*.png"))[3:5]
        kept = gone.read_bytes()
        gone.unlink()
        rotten.write_bytes(rotten.read_bytes()[:5000])
        store = embed(study, EmbeddingOptions(**tiny))
        assert store.passport["rows"] == 22
        assert [item.reason.split(": ", 1)[-1][:40] for item in store.left_out] == [
            f"{gone} cannot be read (No such file or directory)"[:40],
            "truncated PNG (ends at byte 5000, before its end mark)"[:40],
        ]
        gone.write_bytes(kept)
        assert embed(study, retry=True).passport["rows"] == 23
        for path in data.glob("*/*.png"):
            path.unlink()
        shutil.rmtree(study.folder / "vectors")
        shutil.rmtree(study.folder / "cache")
        with pytest.raises(
            InputError, match=r"none of the 24 glitches could be embedded; the first: .* cannot be read"
        ):
            embed(study)


def test_an_empty_study(tmp_path):
    with (
        Study(tmp_path, create=True) as study,
        pytest.raises(InputError, match="holds no images yet; add some with `discover ingest PATH`"),
    ):
        embed(study)


def test_the_cache_gives_what_decoding_gives_and_heals(tmp_path, gallery, monkeypatch):
    with study_of(tmp_path / "study", gallery) as study:
        views = study.views()
    with ViewCache(None, 224, plain=False) as direct, ViewCache(tmp_path / "cache", 224, plain=False) as cache:
        expected = [direct.get(view) for view in views]
        for _ in range(2):
            assert all(np.array_equal(cache.get(view), levels) for view, levels in zip(views, expected, strict=True))
        monkeypatch.setattr("embed.views.workers.decode", lambda *_: pytest.fail("decoded again"))
        cache.get(views[0])
        monkeypatch.undo()
        with cache.path.open("r+b") as file:  # a write that was torn
            file.seek(3000)
            file.write(b"\xff" * 100)
        assert np.array_equal(cache.get(views[0]), expected[0])


def test_many_views_are_read_from_the_cache_at_once(tmp_path, gallery, monkeypatch):
    with study_of(tmp_path / "study", gallery) as study:
        views = study.views()
    with ViewCache(tmp_path / "cache", 64, plain=False) as cache:
        assert not cache.read(views, np.empty((len(views), 64, 64), np.uint8)).any()
        expected = np.stack([cache.get(view) for view in views[:20]])
        with cache.path.open("r+b") as file:  # a write that was torn
            file.seek(3 * 4132 + 2000)
            file.write(b"\xff" * 100)
        monkeypatch.setattr("embed.views.workers.decode", lambda *_: pytest.fail("decoded again"))
        order = np.array([0, 1, 2, 3, 4, 12, 11, 17, 18, 19, 20, 21])
        out = np.zeros((len(order), 64, 64), np.uint8)
        found = cache.read([views[place] for place in order], out)
        assert order[~found].tolist() == [3, 20, 21]  # torn, and past the file's end
        assert np.array_equal(out[found], expected[order[found]])
        assert cache.read([], out[:0]).shape == (0,)


def test_a_block_of_views(tmp_path, gallery):
    """A glitch of which one view cannot be decoded is black in all; one that lacks a view is refused, since the next one's would stand in its place."""
    with study_of(tmp_path / "study", gallery) as study:
        first, second, third = study.views()[:3]
    with ViewCache(None, 64, plain=False) as cache:
        out = np.ones((2, 2, 64, 64), np.uint8)
        reasons = _decode(cache, [[first, second], [third, third._replace(source="gone.png")]], out)
        assert reasons == ["", "gone.png cannot be read (No such file or directory)"]
        assert out[0].any()
        assert not out[1].any()
        with pytest.raises(StudyError, match=r"a glitch has 1 of 2 views: .*; run `discover check`"):
            _decode(cache, [[first, second], [third]], out)


@pytest.mark.parametrize("batch", [5, 24, 40])
def test_each_vector_is_that_of_its_own_picture_in_any_batch(tmp_path, gallery, tiny, monkeypatch, batch):
    """Also where pictures of a batch, or all of one, cannot be decoded."""
    shutil.copytree(gallery, tmp_path / "data")
    with study_of(tmp_path / "study", tmp_path / "data") as study:
        monkeypatch.setattr("embed.network.runtime.BATCH", batch)
        whole = embed(study, EmbeddingOptions(**tiny))
        expected = {glitch: whole.vectors[row].copy() for row, glitch in enumerate(whole.glitches.tolist())}
        shutil.rmtree(whole.folder)
        shutil.rmtree(study.folder / "cache")
        gone = [2, *range(5, 10), 23]
        for place in gone:
            Path(study.views()[place].source).unlink()
        store = embed(study, EmbeddingOptions(**tiny))
        assert [item.glitch for item in store.left_out] == [study.views()[place].glitch for place in gone]
        assert len(store.glitches) == 24 - len(gone)
        for row, glitch in enumerate(store.glitches.tolist()):
            assert np.array_equal(store.vectors[row], expected[glitch])


def test_processes_decode_for_an_embedding_and_for_a_training_what_threads_do(tmp_path, gallery, tiny, monkeypatch):
    shutil.copytree(gallery, tmp_path / "data")
    found = []
    for threads in (1, 2):
        monkeypatch.setattr("torch.get_num_threads", lambda threads=threads: threads)
        monkeypatch.setattr("embed.views.loading.usable_processors", lambda threads=threads: threads)
        if threads == 2:
            monkeypatch.setattr(workers, "FEW_THREADS", 1)
            monkeypatch.setattr(workers, "MANY_VIEWS", 0)
            monkeypatch.setattr(workers, "decode", lambda *_: pytest.fail("decoded in this process"))
        with study_of(tmp_path / f"study {threads}", tmp_path / "data") as study:
            Path(study.views()[7].source).rename(tmp_path / "moved")
            store = embed(study, EmbeddingOptions(**tiny, cache=False))
            glitches = np.array([view.glitch for view in study.views()])
            encoding = parse_encoding("4.0")
            levels, kept, left_out = read_levels(study, glitches, encoding, 64, device=torch.device("cpu"))
            decoded = levels.batch(np.arange(len(levels))).numpy()
            found.append((store.vectors[:], store.left_out, decoded, kept, left_out, study.views()[7].source))
            (tmp_path / "moved").rename(study.views()[7].source)
    assert len(found[0][1]) == len(found[0][4]) == 1
    assert "cannot be read (No such file" in found[0][4][0].reason
    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_each_picture_its_own_vector(tmp_path, gallery, tiny, monkeypatch):
    """With more batches at work than a GPU is given at once, copied from pinned memory that is used again; a second run gives the same bytes."""
    monkeypatch.setattr("embed.network.runtime.CUDA_BATCH", 2)
    with study_of(tmp_path / "study", gallery) as study:
        own = embed(study, EmbeddingOptions(**tiny, device="cpu"))
        vectors = []
        for _ in range(2):
            store = embed(study, EmbeddingOptions(**tiny | {"device": "cuda"}))
            vectors.append(np.array(store.vectors))
            shutil.rmtree(store.folder)
    assert np.array_equal(*vectors)
    cosine = (
        (own.vectors * vectors[0]).sum(1) / np.linalg.norm(own.vectors, axis=1) / np.linalg.norm(vectors[0], axis=1)
    )
    assert cosine.min() > 0.999  # bfloat16


def test_training_can_take_what_an_embedding_left():
    """The constants of a normalisation are kept, and were first made while no gradients are wanted."""
    with torch.inference_mode():
        compose(torch.zeros(1, 1, 8, 8), Encoding("single", (4.0,)), 8, (0.25,) * 3, (0.125,) * 3)
    values = torch.full((1, 1, 8, 8), 51.0, requires_grad=True)
    compose(values, Encoding("single", (4.0,)), 8, (0.25,) * 3, (0.125,) * 3).sum().backward()
    assert values.grad[0, 0, 0, 0].item() == pytest.approx(3 / (255 * 0.125))


def test_a_damaged_store_says_so(tmp_path, embedded):
    shutil.copytree(embedded, tmp_path / "study")
    (store,) = stores(tmp_path / "study")
    (store.folder / "vectors.npy").write_bytes(b"rubbish")
    with pytest.raises(StudyError, match=r"vectors.npy is damaged .*; delete .* and run `discover embed`"):
        _ = store.vectors
    (store.folder / "passport.json").unlink()
    with pytest.raises(StudyError, match="no finished vector store in"):
        VectorStore(store.folder)


# Killed at any instant


def kill_and_compare(tmp_path, gallery, tiny, kills, seed):
    """Strike half of the kills in ingest and half in embed, at random moments; the rerun's bytes are those of a run in one go.

    Moments are drawn from how long the step took. A run that ends before its kill was quicker than that: it then tells how
    long the step takes, and is not counted.
    """
    whole = tmp_path / "whole"
    steps = {"ingest": (ingest_in_parts, gallery), "embed": (embed_in_parts, tiny)}

    def done(folder, what, kill_when=None):
        """Seconds that a step took, or None when it was killed."""
        step, given = steps[what]
        code, seconds = run_step(step, folder, given, kill_when=kill_when)
        assert code in {0, -signal.SIGKILL if kill_when else 0}
        return None if code else seconds

    times = {what: done(whole, what) for what in steps}
    expected = bytes_of(whole)
    rng = np.random.default_rng(seed)
    struck = runs = 0
    while struck < kills:
        what = ("ingest", "embed")[struck % 2]
        folder = tmp_path / f"killed-{runs}"
        if what == "embed":
            done(folder, "ingest")
        moment = rng.uniform(0, times[what])
        lasted = done(folder, what, kill_when=lambda seconds, moment=moment: seconds >= moment)
        if lasted is None:
            struck += 1
        else:
            times[what] = min(times[what], lasted)
        done(folder, "ingest")
        done(folder, "embed")
        found = bytes_of(folder)
        assert found.keys() == expected.keys()
        assert [name for name in found if found[name] != expected[name]] == []
        shutil.rmtree(folder)
        runs += 1
        assert runs <= 4 * kills, f"only {struck} of {runs} kills struck before the run had ended"
    return runs


def test_killed_and_run_again_ends_with_the_same_bytes(tmp_path, gallery, tiny):
    """The seed strikes ingest a third into it, and embed when most of its parts are there."""
    kill_and_compare(tmp_path, gallery, tiny, kills=2, seed=18)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_killed_at_twenty_moments(tmp_path, gallery, tiny):
    runs = kill_and_compare(tmp_path, gallery, tiny, kills=20, seed=1)
    print(f"20 kills struck, in {runs} runs")


def test_killed_when_only_the_parts_were_left_to_remove(tmp_path, embedded):
    shutil.copytree(embedded, tmp_path / "study")
    expected = bytes_of(tmp_path / "study")
    (store,) = stores(tmp_path / "study")
    parts = store.folder.with_name(f"{store.folder.name}.parts")
    parts.mkdir()
    (parts / "0123.npz").write_bytes(b"a finished block")
    with Study(tmp_path / "study") as study:
        for _ in range(2):
            embed(study)
            assert study.count("runs") == 3  # ingest, embed, and the one that cleared up
    assert bytes_of(tmp_path / "study") == expected


@pytest.mark.parametrize("moment", ["write", "swap"])
def test_killed_while_the_store_is_moved_into_place(tmp_path, embedded, moment):
    """The two instants between the three renames, made by hand."""
    shutil.copytree(embedded, tmp_path / "study")
    (store,) = stores(tmp_path / "study")
    expected = bytes_of(tmp_path / "study")
    name = store.folder.name
    if moment == "write":
        shutil.copytree(store.folder, store.folder.with_name(f"{name}.new"))
        (store.folder.with_name(f"{name}.new") / "passport.json").unlink()
    else:
        shutil.copytree(store.folder, store.folder.with_name(f"{name}.new"))
        store.folder.rename(store.folder.with_name(f"{name}.old"))
    with Study(tmp_path / "study") as study:
        embed(study, retry=True)
    assert bytes_of(tmp_path / "study") == expected


# A full disk


def test_a_full_disk(tmp_path, gallery, tiny):
    """The operating system refuses files past a limit, as a full disk does; once there is room, the rerun ends as if nothing had been."""
    study_of(tmp_path / "study", gallery).close()
    study_of(tmp_path / "whole", gallery).close()
    for limit in (20_000, 400_000):
        code, _ = run_step(embed_within, tmp_path / "study", tiny, limit, tmp_path / "said")
        assert code == 0
        out = (tmp_path / "said").read_text()
        assert out.startswith("StorageError cannot write ")
        assert "limit is reached" in out or "disk is full" in out
        assert "free some space and run again, finished work is kept" in out
        assert not list((tmp_path / "study").rglob("*.tmp"))
    for name in ("study", "whole"):
        with Study(tmp_path / name) as study:
            embed(study, EmbeddingOptions(**tiny))
    assert {name: data for name, data in bytes_of(tmp_path / "study").items() if name != "dump"} == {
        name: data for name, data in bytes_of(tmp_path / "whole").items() if name != "dump"
    }


def test_a_really_full_disk(tmp_path, gallery, tiny):
    """A small file system, filled to the brim, where the tests may mount one."""
    small = tmp_path / "small"
    small.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(small)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    try:
        with study_of(small / "study", gallery) as study:
            filler = small / "filler"
            with pytest.raises(OSError, match="No space left"):
                filler.write_bytes(bytes(5_000_000))
            with pytest.raises(StorageError, match=r"cannot write .*disk is full.*free some space and run again"):
                embed(study, EmbeddingOptions(**tiny))
            filler.unlink()
            assert embed(study, EmbeddingOptions(**tiny)).passport["rows"] == 24
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_a_folder_that_cannot_be_written():
    with pytest.raises(StorageError, match=r"cannot write /proc/nothing"):
        Study("/proc/nothing", create=True)
