import json
import shutil

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from support.gallery import make_gallery

from audit.heldout.leak import check_leak
from embed import EmbeddingOptions, Study, embed, ingest_folder
from embed.errors import InputError, WeightsError
from embed.network.backbones import find_backbone
from embed.network.model import Model, load_model, save_model
from embed.network.network import truncated
from embed.network.sources import is_model, model_folder, models
from embed.vectors.passport import Passport

TINY = "timm:test_efficientnet"
CLASSES = ("Blip", "Koi_Fish", "Whistle")
CARD = {
    "backbone": TINY,
    "classes": list(CLASSES),
    "views": "4.0",
    "trained_on": "labels 0123456789ab of 5 glitches",
}
PARTS = {"H1_b": "test", "H1_a": "train"}


def random_model(folder, seed=0, mean_image=None, **changes):
    torch.manual_seed(seed)
    backbone = find_backbone(TINY)
    state = truncated(backbone).state_dict()
    head = torch.randn(3, backbone.dimension), torch.randn(3)
    return save_model(folder, state, *head, card=CARD | changes, parts=PARTS, mean_image=mean_image)


@pytest.fixture
def model(tmp_path):
    return random_model(tmp_path / "study" / "models" / "first")


def test_a_model_comes_back_as_it_was_saved(model):
    again = load_model(model.folder)
    tensors = load_file(model.folder / "weights.safetensors")
    assert isinstance(again, Model)
    assert (again.name, again.classes, str(again.encoding)) == ("first", CLASSES, "4.0")
    assert again.network.weights == "model:first"
    assert again.network.weights_sha256 == model.network.weights_sha256
    assert np.array_equal(again.head_weight, tensors["head.weight"].numpy())
    assert again.parts == PARTS
    assert again.card["name"] == "first"
    assert (model.folder / "parts.csv").read_text() == "id,part\nH1_a,train\nH1_b,test\n"
    assert not again.network.module.training


def test_the_same_model_is_the_same_bytes(tmp_path, model):
    other = random_model(tmp_path / "study" / "models" / "first2")
    for name in ("weights.safetensors", "parts.csv"):
        assert (model.folder / name).read_bytes() == (other.folder / name).read_bytes()


def test_logits_are_those_of_timm_s_own_final_layer(model):
    """The oracle is the whole network with its classifier, as timm builds it."""
    whole = timm.create_model("test_efficientnet", num_classes=3).eval()
    tensors = load_file(model.folder / "weights.safetensors")
    whole.load_state_dict(
        {f"classifier.{key[5:]}" if key.startswith("head.") else key: value for key, value in tensors.items()}
    )
    pictures = torch.randn(4, 3, 160, 160, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        vectors = model.network.module(pictures).numpy()
        assert np.allclose(model.logits(vectors), whole(pictures).numpy(), atol=1e-5)
    with pytest.raises(InputError, match=r"model 'first' reads vectors of 256 numbers, these are \(4, 7\)"):
        model.logits(np.zeros((4, 7), np.float32))


def test_a_mean_image_is_subtracted_by_the_network_itself(tmp_path, model):
    mean = torch.randn(3, 160, 160, generator=torch.Generator().manual_seed(2))
    centred = random_model(tmp_path / "study" / "models" / "centred", mean_image=mean)
    pictures = torch.randn(2, 3, 160, 160, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        assert torch.equal(centred.network.module(pictures), model.network.module(pictures - mean))
    assert centred.network.weights_sha256 != model.network.weights_sha256
    with torch.inference_mode():
        assert torch.equal(load_model(centred.folder).network.module(pictures), centred.network.module(pictures))


def test_names(tmp_path):
    random_model(tmp_path / "models" / "b")
    random_model(tmp_path / "models" / "a.1")
    (tmp_path / "models" / "c.new").mkdir()
    (tmp_path / "models" / "c.new" / "model.json").write_text("{}")
    assert models(tmp_path) == ["a.1", "b"]
    assert is_model("model:a.1")
    assert not is_model("bundled")
    assert model_folder(tmp_path, "model:a.1") == model_folder(tmp_path, "a.1") == tmp_path / "models" / "a.1"
    with pytest.raises(InputError, match=r"no model 'd' in .*models; there are: a.1, b"):
        load_model(tmp_path / "models" / "d")
    for name in ("../up", "", "a/b", "x.new", ".hidden"):
        with pytest.raises(InputError, match="cannot be a model's name"):
            model_folder(tmp_path, name)


def test_a_failed_save_keeps_the_older_model(model):
    before = (model.folder / "weights.safetensors").read_bytes()
    state = {
        key: value
        for key, value in load_file(model.folder / "weights.safetensors").items()
        if not key.startswith("head.")
    }
    broken = torch.full((3, 256), torch.nan)
    with pytest.raises(WeightsError, match=r"head.weight holds NaN"):
        save_model(model.folder, state, broken, torch.zeros(3), card=CARD, parts=PARTS)
    with pytest.raises(
        WeightsError, match=r"head.weight is \(2, 256\), its card's 3 classes on timm:test_efficientnet"
    ):
        save_model(model.folder, state, broken[:2], torch.zeros(3), card=CARD, parts=PARTS)
    assert (model.folder / "weights.safetensors").read_bytes() == before


def test_a_move_that_was_killed_is_finished_or_undone(model):
    shutil.copytree(model.folder, model.folder.with_name("first.old"))
    shutil.rmtree(model.folder)
    (model.folder.with_name("first.new")).mkdir()
    random_model(model.folder, seed=1)
    assert sorted(path.name for path in model.folder.parent.iterdir()) == ["first"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "model.json").write_text("{"), "model.json is damaged"),
        (lambda folder: (folder / "model.json").write_text("{}"), "model.json lacks backbone, classes, views"),
        (lambda folder: (folder / "before.csv").unlink(), "first lacks before.csv; train it again"),
        (lambda folder: (folder / "weights.safetensors").write_bytes(b"12345678"), "cannot be read as weights"),
        (
            lambda folder: save_file({"head.bias": torch.zeros(3)}, folder / "weights.safetensors"),
            "head.weight is missing",
        ),
    ],
)
def test_damage_is_said(model, damage, message):
    damage(model.folder)
    with pytest.raises(WeightsError, match=message):
        load_model(model.folder)


def test_embedding_with_a_trained_model(tmp_path):
    """Its backbone and views follow from it; its passport says what it was trained on; the leak guard reads that."""
    make_gallery(tmp_path / "data", {"Blip": 3, "Koi_Fish": 3}, durations=(2.0, 4.0))
    with Study(tmp_path / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, tmp_path / "data")
        random_model(tmp_path / "study" / "models" / "first", views="2.0")
        store = embed(study, EmbeddingOptions(weights="model:first", runtime="torch"))
        assert (store.passport["views"], store.passport["backbone"]) == ("2.0", TINY)
        assert store.passport["trained_on"] == CARD["trained_on"]
        assert store.name.startswith("timm-test_efficientnet-model-first-2.0-")
        assert embed(study).folder == store.folder  # as embedded last
        with pytest.raises(InputError, match=r"was fine-tuned on labels 0123456789ab of 5 glitches"):
            check_leak(store.passport)
        with pytest.raises(InputError, match=r"--views 4.0 does not go with model 'first', .* trained with 2.0"):
            embed(study, EmbeddingOptions(weights="model:first", views="4.0"))
        with pytest.raises(InputError, match=r"--backbone vgg16 does not go with model 'first'"):
            embed(study, EmbeddingOptions(weights="model:first", backbone="vgg16"))
        with pytest.raises(InputError, match=r"no model 'second' in .*; there are: first"):
            embed(study, EmbeddingOptions(weights="model:second"))
        random_model(tmp_path / "study" / "models" / "first", seed=7, views="2.0")
        assert embed(study, EmbeddingOptions(weights="model:first", runtime="torch")).folder != store.folder


def test_passports_of_untrained_weights_keep_their_names():
    """The name of a store made before models could be trained, by hand."""
    passport = Passport(
        "vgg16", "torchvision:vgg16", "bundled", "00", "4.0", 1, 224, (0.5,), (0.5,), "torch", "cpu", {"torch": "2"}
    )
    assert passport.name == "vgg16-bundled-4.0-cbe9d6b351"
    assert "trained_on" not in passport.facts


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ([], "it holds list, no object"),
        (CARD | {"backbone": 3}, "backbone is 3, no text"),
        (CARD | {"views": ["4.0"]}, r"views is \['4.0'\], no text"),
        (CARD | {"trained_on": None}, "trained_on is None, no text"),
        (CARD | {"classes": "Blip"}, "classes is 'Blip', no list of names"),
        (CARD | {"classes": [1, 2, 3]}, r"classes is \[1, 2, 3\], no list of names"),
        (CARD | {"classes": []}, r"classes is \[\], no list of names"),
    ],
)
def test_a_card_of_wrong_types_is_refused(model, card, message):
    (model.folder / "model.json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match=rf"model\.json is damaged \({message}\); train the model again"):
        load_model(model.folder)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"a,b\n1,2\n", b"id,part\nH1_a\n", b"id,part\nH1_a,lunch\n"])
def test_a_list_of_parts_that_is_garbage_is_refused(model, content):
    (model.folder / "parts.csv").write_bytes(content)
    with pytest.raises(WeightsError, match=r"parts\.csv .*; train the model again"):
        load_model(model.folder).learnt_from  # noqa: B018
    (model.folder / "parts.csv").write_text("id,part\n")
    if content.startswith(b"id"):
        content = b"\xff"
    (model.folder / "before.csv").write_bytes(content)
    with pytest.raises(WeightsError, match=r"before\.csv is damaged \(.*\); train the model again"):
        load_model(model.folder).learnt_from  # noqa: B018
