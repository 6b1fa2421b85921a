"""What a command line reads before anything is computed: options, defaults and names, without the engines."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("numpy", "torch", "timm", "pandas", "scipy", "faiss", "sklearn")


@pytest.mark.parametrize(
    "module",
    [
        "embed.network.names",
        "embed.network.backbones",
        "embed.dataset.kinds",
        "embed.vectors.options",
        "embed.training.options",
        "embed.training.variation",
        "embed.training.recipe",
    ],
)
def test_options_and_names_are_imported_without_the_engines(module):
    code = f"import sys, {module}; print(sorted(sys.modules.keys() & {set(HEAVY)!r}))"
    root = Path(__file__).resolve().parents[2]
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert found.stdout.strip() == "[]"


def test_the_names_are_those_that_the_engines_take():
    from embed.network.backbones import DEFAULT_BACKBONE, find_backbone
    from embed.network.devices import choose_device
    from embed.network.names import BACKBONES, DEVICES
    from embed.training.recipe import BATCH_NORMS, OPTIMIZERS, PRECISIONS, PRESETS, SCHEDULES, make_recipe

    assert DEFAULT_BACKBONE in BACKBONES
    assert [find_backbone(name).name for name in BACKBONES] == list(BACKBONES)
    assert choose_device(DEVICES[0]).type in DEVICES
    for field, choices in (
        ("optimizer", OPTIMIZERS),
        ("schedule", SCHEDULES),
        ("batch_norm", BATCH_NORMS),
        ("precision", PRECISIONS),
    ):
        assert [getattr(make_recipe(**{field: choice}), field) for choice in choices] == list(choices)
    assert [make_recipe(preset).preset for preset in PRESETS] == list(PRESETS)
