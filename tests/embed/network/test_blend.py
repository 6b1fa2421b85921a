"""The blend of a network's last stages: its features, its axes, and that its weights are loaded, saved and run as any other's."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.decomposition import PCA

from embed.errors import WeightsError
from embed.network.backbones import find_backbone
from embed.network.blend import Blended, fit_blend
from embed.network.network import load_network, truncated
from embed.network.pretrained import GLITCH_WEIGHTS
from embed.network.runtime import OnnxRuntime, TorchRuntime


@pytest.fixture(scope="module")
def network():
    return truncated(find_backbone("efficientnet_lite0")).eval()


@pytest.fixture(scope="module")
def pictures():
    return torch.rand(4, 3, 224, 224, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_features_are_the_final_ones_at_unit_length_and_the_last_two_stages_means(network, pictures):
    kept = {}
    hooks = [
        network.blocks[place].register_forward_hook(lambda _, __, out, place=place: kept.update({place: out}))
        for place in (5, 6)
    ]
    with torch.inference_mode():
        final = network(pictures)
        for hook in hooks:
            hook.remove()
        features = Blended(network).eval().features(pictures)
    assert features.shape == (4, 1280 + 192 + 320)
    assert torch.allclose(features[:, :1280], final / final.norm(dim=1, keepdim=True), atol=1e-6)
    assert torch.allclose(features[:, 1280:1472], kept[5].mean((2, 3)), atol=1e-5)
    assert torch.allclose(features[:, 1472:], kept[6].mean((2, 3)), atol=1e-5)


def test_axes_are_principal_ones_with_the_root_of_their_deviation():
    """Against scikit-learn's on features scaled by hand."""
    rng = np.random.default_rng(0)
    features = (rng.normal(size=(500, 12)) * np.geomspace(3.0, 0.05, 12) + 7.0).astype(np.float32)
    weight, bias = fit_blend(features, 8, length=20.0)
    assert weight.shape == (8, 12)
    vectors = features @ weight.T + bias
    assert np.allclose(vectors.mean(axis=0), 0.0, atol=1e-3)
    assert np.linalg.norm(vectors, axis=1).mean() == pytest.approx(20.0, rel=1e-3)
    scaled = features.astype(np.float64)
    scaled[:, 8:] /= scaled[:, 8:].std(axis=0) * np.sqrt(4)
    axes = PCA(8).fit(scaled)
    theirs = axes.transform(scaled) / np.sqrt(np.sqrt(axes.explained_variance_))
    theirs *= 20.0 / np.linalg.norm(theirs, axis=1).mean()
    assert np.abs(np.sum(vectors * theirs, axis=0) / np.linalg.norm(vectors, axis=0) ** 2) == pytest.approx(
        1.0, abs=0.01
    )


def test_axes_along_which_nothing_varies_stay_short():
    rng = np.random.default_rng(0)
    features = np.repeat(rng.normal(size=(300, 4)), 3, axis=1).astype(np.float32)  # rank 4 of 12
    weight, bias = fit_blend(features, 8)
    vectors = features @ weight.T + bias
    assert np.isfinite(vectors).all()
    assert vectors[:, 4:].std(axis=0).max() < 0.01 * vectors[:, :4].std(axis=0).min()


def test_its_weights_are_told_by_their_names(tmp_path, network):
    blended = Blended(network)
    state = {name: value.contiguous() for name, value in blended.state_dict().items()}
    assert {name for name in state if name.startswith("blend.")} == {"blend.weight", "blend.bias"}
    save_file(state, tmp_path / "blended.safetensors")
    again = load_network(weights=str(tmp_path / "blended.safetensors"))
    assert isinstance(again.module, Blended)
    assert all(torch.equal(value, state[name]) for name, value in again.module.state_dict().items())
    save_file({name: value for name, value in state.items() if name != "blend.bias"}, tmp_path / "part.safetensors")
    with pytest.raises(WeightsError, match=r"1 missing \(such as blend.bias\)"):
        load_network(weights=str(tmp_path / "part.safetensors"))
    assert not isinstance(load_network(weights="bundled").module, Blended)


def test_the_shipped_network_is_blended_and_both_runtimes_agree(pictures):
    assert load_file(GLITCH_WEIGHTS)["blend.weight"].shape == (1280, 1792)
    shipped = load_network(weights="glitch")
    assert isinstance(shipped.module, Blended)
    one = TorchRuntime(shipped, torch.device("cpu"))(pictures)
    two = OnnxRuntime(load_network(weights="glitch"))(pictures)
    assert one.shape == (4, 1280)
    cosine = np.sum(one * two, axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(two, axis=1)
    assert cosine == pytest.approx(1.0, abs=1e-5)


def test_the_blend_stays_in_single_precision_in_a_network_of_half_precision(network):
    runtime = TorchRuntime(load_network(weights="glitch"), torch.device("cpu"))
    assert runtime._module.blend.weight.dtype == torch.float32
    half = Blended(network).to(torch.bfloat16)
    half.blend.float()
    assert half(torch.zeros(1, 3, 224, 224, dtype=torch.bfloat16)).dtype == torch.float32
