"""What a room imports: engines of clustering and plotly load where they run, options load nothing heavy."""

import json
import subprocess
import sys

import pytest

ENGINES = ("hdbscan", "openTSNE", "umap", "plotly")


def loaded(module):
    """Top-level packages in memory after importing a module in an interpreter of its own."""
    code = f"import json, sys, {module}; print(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    return json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize(
    "module",
    [
        "discovery.commands.evaluate",
        "discovery.commands.train",
        "discovery.commands.predict",
        "discovery.commands.cluster",
        "discovery.commands.search",
    ],
)
def test_engines_load_where_they_run(module):
    assert set(ENGINES) & set(loaded(module)) == set()


@pytest.mark.parametrize(
    "module",
    [
        "audit.options",
        "audit.heldout.kinds",
        "audit.heldout.refitting",
        "discovery.candidates.options",
        "discovery.evaluation.options",
        "discovery.clustering.methods",
        "discovery.sensitivity.options",
        "embed.dataset.kinds",
        "embed.network.names",
        "embed.simulator.options",
        "embed.strain.thresholds",
        "embed.training.options",
        "embed.training.recipe",
        "embed.vectors.options",
        "discovery.arguments.audit",
        "discovery.arguments.detector",
        "discovery.arguments.evaluation",
        "discovery.arguments.exchange",
        "discovery.arguments.glitches",
        "discovery.arguments.strain",
        "discovery.arguments.training",
    ],
)
def test_options_load_nothing_heavy(module):
    assert {"numpy", "pandas", "torch", "PIL", "jinja2", *ENGINES} & set(loaded(module)) == set()


def test_an_update_loads_nothing_for_seconds():
    """Torch, scikit-learn, scipy.stats and matplotlib take as long to load as a small update takes in all."""
    assert {"torch", "sklearn", "matplotlib", *ENGINES} & set(loaded("discovery.commands.update")) == set()
