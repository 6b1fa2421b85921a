"""Options from discover.toml: what is typed comes first, mistakes are named, and a page says what was asked."""

import re

import pytest
from support.terminal import error_of

from discovery.cli import create_parser
from discovery.configuration import configure


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Write discover.toml in the folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISCOVER_STUDY", raising=False)
    monkeypatch.delenv("DISCOVER_CONFIG", raising=False)

    def write(text, name="discover.toml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def options_of(*typed):
    parser = create_parser()
    added = configure(parser, typed)
    return parser.parse_args(typed), added


def test_a_command_takes_its_table_and_the_one_of_all(here):
    here(
        '[all]\nseed = 7\nstudy = "mine"\n[cluster]\nmethod = "spectral"\nseed = 8\n[train]\nlabels = ["Blip", "Tomte"]\n'
    )
    options, added = options_of("cluster", "Blip")
    assert (options.seed, str(options.study), options.method, options.label) == (8, "mine", "spectral", "Blip")
    assert added == ["--seed=8", "--study=mine", "--method=spectral"]
    options, _ = options_of("train")
    assert (options.seed, options.labels) == (7, ["Blip", "Tomte"])


def test_what_is_typed_comes_first_and_the_environment_before_the_file(here, monkeypatch):
    here('[all]\nseed = 7\nstudy = "mine"\nno-cache = true\n')
    options, added = options_of("cluster", "Blip", "--seed", "9")
    assert options.seed == 9
    assert added == ["--study=mine", "--no-cache"]
    assert options_of("cluster", "Blip", "--seed=9", "--study=other")[1] == ["--no-cache"]
    monkeypatch.setenv("DISCOVER_STUDY", "of-environment")
    assert str(options_of("cluster", "Blip")[0].study) == "of-environment"


def test_a_switch_and_a_sub_command(here):
    here('[all]\njson = true\nno_cache = false\n[generator.train]\nclasses = ["Blip"]\n')
    options, added = options_of("generator", "train")
    assert (options.json, options.classes) == (True, ["Blip"])
    assert added == ["--json", "--classes", "Blip"]
    assert options_of("cluster", "Blip")[0].no_cache is False


def test_without_a_file_nothing_changes(here):
    assert options_of("cluster", "Blip")[1] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[clustr]\n", r"discover.toml: no command 'clustr'; did you mean 'cluster'\?"),
        ("[cluster]\nmehtod = 'x'\n", r"\[cluster\]: the command has no option 'mehtod'; did you mean 'method'\?"),
        ("[all]\nmehtod = 'x'\n", r"\[all\]: no command has the option 'mehtod'"),
        ("seed = 3\n", r"seed stands in no table; write it below \[all\]"),
        ("[all\n", r"discover.toml cannot be read"),
        ("[cluster]\nmethod = 'dbscan'\n", r"method: .*invalid choice: 'dbscan'"),
        ("[cluster]\nseed = -3\n", r"seed: .*'-3' is not a whole number from 0"),
        ("[cluster]\nseed = [1, 2]\n", r"seed: it takes one value, not a list of 2"),
        ("[cluster]\nseed = true\n", r"seed = true: it takes a value, no switch"),
        ("[cluster]\nno-cache = 1\n", r"no-cache = 1: it is a switch; write true or false"),
    ],
)
def test_mistakes_are_named(here, capsys, text, message):
    here(text)
    assert re.search(message, error_of(capsys, "cluster", "Blip"))


def test_the_environment_names_another_file(here, monkeypatch, capsys):
    monkeypatch.setenv("DISCOVER_CONFIG", str(here("[all]\nseed = 5\n", "other.toml")))
    assert options_of("cluster", "Blip")[0].seed == 5
    monkeypatch.setenv("DISCOVER_CONFIG", "gone.toml")
    assert "DISCOVER_CONFIG names 'gone.toml', which is no file" in error_of(capsys, "cluster", "Blip")
