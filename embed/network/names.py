"""Names that a user gives for devices, runtimes, networks and weights; nothing heavy is imported, so that help texts can list them."""

from embed.network.backbones import REGISTRY

DEVICES = ("auto", "cpu", "cuda")
"""See `embed.network.devices.choose_device`."""
RUNTIMES = ("auto", "torch", "onnx")
"""See `embed.network.runtime.make_runtime`."""
BACKBONES = tuple(REGISTRY)
"""Networks by name; ``timm:NAME`` names any other of timm's."""
WEIGHT_SOURCES = ("imagenet", "bundled", "glitch")
"""Weights besides a file and ``model:NAME``; none of them saw a label of any study."""
MODEL_PREFIX = "model:"
"""What ``--weights`` begins with to name a trained model of the study."""
GIVEN_PREFIX = "vectors:"
"""What ``--weights`` begins with to name vectors of the study that were made elsewhere."""
STRAIN_PREFIX = "strain:"
"""What ``--backbone`` begins with to name the folder of a detector, which makes vectors of strain instead of views."""
STRAIN_VECTORS = f"{GIVEN_PREFIX}strain-"
"""What the name of such vectors begins with, for ``--weights``."""
