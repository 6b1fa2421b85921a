"""Every public name can be imported, and every module."""

import ast
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

LAZY = ("embed", "audit", "discovery", "embed.simulator", "embed.generator", "embed.detector")


@pytest.mark.parametrize("name", LAZY)
def test_every_public_name_is_where_its_package_says(name):
    package = import_module(name)
    assert set(package._HOMES) == set(package.__all__)
    assert len(package.__all__) == len(set(package.__all__))
    for public, home in package._HOMES.items():
        found = getattr(package, public)
        assert found is getattr(import_module(home), public)
        assert getattr(found, "__module__", home) == home, f"{public} is defined elsewhere"
    with pytest.raises(AttributeError, match="has no attribute 'nobody'"):
        package.nobody  # noqa: B018


@pytest.mark.parametrize("name", LAZY)
def test_a_type_checker_reads_the_same_homes(name):
    package = import_module(name)
    tree = ast.parse(Path(package.__file__).read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    homes = {alias.name: line.module for line in block.body for alias in line.names}
    assert homes == package._HOMES


@pytest.mark.parametrize("name", LAZY)
def test_everything_is_imported_at_once(name):
    names = {}
    exec(f"from {name} import *", names)
    assert set(import_module(name).__all__) <= set(names)


@pytest.mark.parametrize("package", ["embed", "audit", "discovery"])
def test_every_module_is_imported(package):
    found = [module.name for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}.")]
    assert len(found) > 20
    for name in found:
        import_module(name)
