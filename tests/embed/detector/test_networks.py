"""The network of Gabbard et al. is theirs, however its convolutions are computed."""

import torch
from torch.nn import functional

from embed.detector.networks import LINEAR_TO, make_network

LAYERS = ((64, 1), (32, 8), (32, 1), (16, 6), (16, 1), (16, 4))
"""Width of each kernel, and the pooling after it (arXiv:1712.06041, table I)."""


def test_gabbard_is_plain_convolutions_in_time():
    network = make_network("gabbard", 2, 2048, classes=3, seed=5).eval()
    strain = torch.randn((5, 2, 2048), generator=torch.Generator().manual_seed(0))
    weights = list(network.trunk.parameters())
    values = LINEAR_TO * torch.asinh(strain / LINEAR_TO)
    for width, pool in LAYERS:
        kernel, bias = weights.pop(0), weights.pop(0)
        assert kernel.shape[-1] == width
        values = functional.elu(functional.conv1d(values, kernel, bias, padding=width // 2))
        values = functional.max_pool1d(values, pool)
    values = values.flatten(1)
    while weights:
        values = functional.elu(functional.linear(values, weights.pop(0), weights.pop(0)))
    with torch.inference_mode():
        assert torch.allclose(network.features(strain), values, rtol=1e-4, atol=1e-5)
        assert network(strain).shape == (5, 3)
