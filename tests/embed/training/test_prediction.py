"""Only what is asked for goes through the network, once; and predictions are those of a study that embedded everything."""

import shutil

import numpy as np
import pandas as pd
import pytest
from support.gallery import draw_levels, png, published, view_name, write
from support.models import counted_glitches

from embed import EmbeddingOptions, Study, ingest_folder
from embed import embed as embed_all
from embed.errors import InputError, StudyError
from embed.network.model import load_model
from embed.network.sources import model_folder
from embed.training import abstention
from embed.training.abstention import find_far, known_glitches
from embed.training.prediction import predict
from embed.vectors.blocks import Embedder
from embed.vectors.parts import has_parts, kept_beside, part_files
from embed.vectors.some import embed_some
from embed.vectors.standing import finished_store
from embed.vectors.store import stores

ON_CPU = EmbeddingOptions(device="cpu", runtime="torch")
WHOLE = EmbeddingOptions(weights="model:one", device="cpu", runtime="torch")


@pytest.fixture
def study(tmp_path, modelled):
    with Study(shutil.copytree(modelled, tmp_path / "study")) as study:
        yield study


@pytest.fixture
def model(study):
    return load_model(model_folder(study.folder, "one"))


@pytest.fixture
def through(monkeypatch):
    return counted_glitches(monkeypatch)


def taken(counts):
    number = sum(counts)
    counts.clear()
    return number


def of_model(study):
    return [store for store in stores(study.folder) if store.passport["weights"] == "model:one"]


def kept(study):
    return sum(kept_beside(study.folder).values())


def test_only_what_is_asked_for_is_embedded_and_only_once(study, model, through):
    blips, whistles, table = study.members("Blip"), study.members("Whistle"), study.glitches()
    first = predict(study, model, blips, options=ON_CPU)
    assert taken(through) == kept(study) == len(blips) == 24
    runs = study.count("runs")
    again = predict(study, model, blips, options=ON_CPU)
    assert taken(through) == 0
    assert study.count("runs") == runs
    np.testing.assert_array_equal(again.probabilities, first.probabilities)
    predict(study, model, whistles, options=ON_CPU)
    assert taken(through) == 24
    predict(study, model, table.index.to_numpy(), options=ON_CPU)
    assert taken(through) == len(table) - 48 == 30
    assert kept(study) == len(table)
    assert of_model(study) == []


def test_predictions_are_those_of_a_study_that_embedded_everything(tmp_path, study, model):
    table = study.glitches()
    asked, known = study.members("Whistle"), known_glitches(model, table).glitches
    with Study(shutil.copytree(study.folder, tmp_path / "whole")) as whole:
        embed_all(whole, WHOLE)
        theirs = predict(whole, model, asked, beside=known, options=ON_CPU)
        assert not has_parts(of_model(whole)[0].folder)
    predict(study, model, asked[:7], options=ON_CPU)  # in several goes, and in another order
    predict(study, model, asked[::-1][:9], options=ON_CPU)
    ours = predict(study, model, asked, beside=known, options=ON_CPU)
    np.testing.assert_array_equal(ours.glitches, theirs.glitches)
    assert ours.probabilities.tobytes() == theirs.probabilities.tobytes()
    far, theirs_far = (find_far(item, model, table, 0.3) for item in (ours, theirs))
    assert far.held_out == 36
    assert far.share.tobytes() == theirs_far.share.tobytes()
    np.testing.assert_array_equal(far.far, theirs_far.far)


def test_none_of_these_embeds_the_glitches_of_the_split_and_no_others(study, model, through):
    rng = np.random.default_rng(3)
    more = study.folder.parent / "more"
    for number in range(5):  # labelled since, and unknown to the model's split
        write(more / "Blip" / view_name(f"later{number}", 4.0), png(published(draw_levels(rng, number % 3))))
    with study.run("ingest"):
        ingest_folder(study, more)
    table = study.glitches()
    asked = table.index[table["label"] == ""].to_numpy()
    known = known_glitches(model, table)
    prediction = predict(study, model, asked, beside=known.glitches, options=ON_CPU)
    assert taken(through) == len(asked) + 72 == 78
    assert len(prediction.glitches) == 6
    assert find_far(prediction, model, table).held_out == 36
    assert taken(through) == 0


def test_what_the_split_holds_must_be_embedded_too(study, model):
    table = study.glitches()
    prediction = predict(study, model, study.members("Whistle"), options=ON_CPU)
    with pytest.raises(InputError, match=r"48 of the 72 glitches that 'one' knows were not embedded"):
        find_far(prediction, model, table)
    assert not find_far(prediction, model, table, 0.0).far.any()


def test_a_bounded_number_of_known_glitches_is_drawn_by_their_ids(model, monkeypatch):
    monkeypatch.setattr(abstention, "MOST_LEARNT", 5)
    monkeypatch.setattr(abstention, "MOST_HELD_OUT", 20)
    ids = list(model.parts)
    labels = [("Blip", "Power_Line", "Whistle")[place % 3] for place in range(len(ids))]
    table = pd.DataFrame({"id": ids, "label": labels})
    known = known_glitches(model, table)
    assert len(known.held) == 20
    assert table.loc[known.learnt, "label"].value_counts().max() == 5
    assert (np.diff(known.learnt) > 0).all()
    turned = table.iloc[::-1].reset_index(drop=True)
    other = known_glitches(model, turned)
    for one, two in ((known.learnt, other.learnt), (known.held, other.held)):
        assert set(table.loc[one, "id"]) == set(turned.loc[two, "id"])


def test_too_few_known_glitches_are_not_embedded(study, model, through, monkeypatch):
    monkeypatch.setattr(abstention, "LEAST_HELD_OUT", 37)
    table = study.glitches()
    known = known_glitches(model, table).glitches
    prediction = predict(study, model, study.members("Whistle"), beside=known, options=ON_CPU)
    assert taken(through) == 24
    assert find_far(prediction, model, table).held_out == 36
    assert not find_far(prediction, model, table).far.any()


def test_a_store_is_made_whole_from_what_predictions_kept(tmp_path, study, model, through):
    """The same bytes as if no prediction had been made; nothing is embedded twice, and nothing is taken for a store before."""
    with Study(shutil.copytree(study.folder, tmp_path / "whole")) as other:
        expected = embed_all(other, WHOLE)
    taken(through)
    prediction = predict(study, model, study.members("Whistle"), options=ON_CPU)
    predict(study, model, study.members("Blip")[::2], options=ON_CPU)
    assert taken(through) == 36
    assert of_model(study) == []
    before = prediction.vectors.of(prediction.glitches)
    unread = embed_some(study, WHOLE, prediction.glitches, command="predict")
    store = embed_all(study, WHOLE)
    assert taken(through) == 78 - 36
    assert store.passport["rows"] == 78
    assert not has_parts(store.folder)
    for path in expected.folder.iterdir():
        assert (store.folder / path.name).read_bytes() == path.read_bytes(), path.name
    np.testing.assert_array_equal(unread.of(prediction.glitches), before)  # the parts are gone meanwhile
    predict(study, model, study.glitches().index.to_numpy(), options=ON_CPU)
    assert taken(through) == 0


def test_a_store_that_lacks_new_glitches_is_left_as_it_is(tmp_path, study, model, through):
    store = embed_all(study, WHOLE)
    stamp = (store.folder / "graph.npz").stat().st_mtime_ns
    write(tmp_path / "new" / view_name("new", 4.0), png(published(draw_levels(np.random.default_rng(8), 0))))
    with study.run("ingest"):
        ingest_folder(study, tmp_path / "new")
    taken(through)
    for count in (1, 0):
        predict(study, model, study.glitches().index.to_numpy(), options=ON_CPU)
        assert taken(through) == count
    assert (store.folder / "graph.npz").stat().st_mtime_ns == stamp
    assert kept(study) == 1
    assert embed_all(study, WHOLE).passport["rows"] == 79
    assert taken(through) == kept(study) == 0


def test_a_killed_prediction_goes_on(study, model, through, monkeypatch):
    monkeypatch.setattr("embed.vectors.embedding.PART", 10)
    counted = Embedder.__call__

    def killed(self, block):
        if sum(through) == 20:
            raise KeyboardInterrupt
        return counted(self, block)

    monkeypatch.setattr(Embedder, "__call__", killed)
    with pytest.raises(KeyboardInterrupt):
        predict(study, model, study.members("Whistle"), options=ON_CPU)
    monkeypatch.setattr(Embedder, "__call__", counted)
    done = kept(study)
    assert done in (10, 20)  # the second may not be written yet
    taken(through)
    assert len(predict(study, model, study.members("Whistle"), options=ON_CPU).glitches) == 24
    assert taken(through) == 24 - done


def test_a_changed_picture_is_embedded_again(study, model, through):
    asked = study.members("Whistle")
    first = predict(study, model, asked, options=ON_CPU)
    assert taken(through) == 24
    study.connection.execute("UPDATE views SET sha256 = ? WHERE glitch = ?", ("0" * 64, int(asked[0])))
    second = predict(study, model, asked, options=ON_CPU)
    assert taken(through) == 1
    assert len(second.glitches) + len(second.left_out) == len(first.glitches)


def test_pictures_that_cannot_be_read_are_left_out_and_tried_again(tmp_path, study, model, through):
    for number in range(2):
        picture = png(published(draw_levels(np.random.default_rng(number), number)))
        write(tmp_path / "new" / view_name(f"new{number}", 4.0), picture)
    with study.run("ingest"):
        ingest_folder(study, tmp_path / "new")
    asked = study.glitches().index.to_numpy()[-2:]
    (tmp_path / "new").rename(tmp_path / "away")
    with pytest.raises(InputError, match="none of the 2 glitches"):
        predict(study, model, asked, options=ON_CPU)
    assert taken(through) == 2
    assert not list((study.folder / "vectors").glob("*.parts/*"))
    (tmp_path / "away").rename(tmp_path / "new")
    assert len(predict(study, model, asked, options=ON_CPU).glitches) == 2
    assert taken(through) == 2


def test_a_damaged_part_says_so(study, model):
    asked = study.members("Whistle")
    predict(study, model, asked, options=ON_CPU)
    (folder,) = (study.folder / "vectors").glob("*.parts")
    (path,) = part_files(folder.with_suffix(""))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(StudyError, match=r"\.npz is damaged .*delete it: its glitches are embedded again"):
        predict(study, model, asked, options=ON_CPU)
    path.unlink()
    assert len(predict(study, model, asked, options=ON_CPU).glitches) == 24


def test_parts_of_an_earlier_version_are_computed_again(study, model, through):
    asked = study.members("Whistle")
    predict(study, model, asked, options=ON_CPU)
    (folder,) = (study.folder / "vectors").glob("*.parts")
    (path,) = folder.glob("*.npz")
    with np.load(path) as part:
        old = {name: part[name] for name in ("vectors", "kept", "reasons")}
    np.savez(path, **old)
    taken(through)
    predict(study, model, asked, options=ON_CPU)
    assert taken(through) == 24
    assert finished_store(study, folder.with_suffix("")) is None


def test_many_small_parts_are_joined_and_found_again(study, model, through, monkeypatch):
    """Also by a reader that found them before they were joined; and a glitch that was not asked for is no vector of another."""
    monkeypatch.setattr("embed.vectors.parts.MANY_SMALL", 6)
    asked = study.members("Whistle")
    first = predict(study, model, asked[:1], options=ON_CPU)
    before = first.vectors.of(asked[:1])
    unread = embed_some(study, WHOLE, asked[:1], command="predict")
    for number in range(1, 8):
        predict(study, model, asked[number : number + 1], options=ON_CPU)
    (folder,) = (study.folder / "vectors").glob("*.parts")
    assert len(list(folder.glob("*.npz"))) == 3  # six that were joined, and two
    assert kept(study) == taken(through) == 8
    np.testing.assert_array_equal(unread.of(asked[:1]), before)
    whole = predict(study, model, asked[:8], options=ON_CPU)
    assert taken(through) == 0
    np.testing.assert_array_equal(whole.vectors.of(asked[:1]), before)
    with pytest.raises(StudyError, match="1 of 2 glitches have no vector of model:one"):
        whole.vectors.of(asked[7:9])
