import importlib.util
import socket

import pytest
from support.terminal import error_of

COMMANDS = {
    "embed": [],
    "scorecard": [],
    "scan": ["--at", "1126259462.4", "--open-data", "--ifo", "H1"],
    "simulate": ["--n", "3", "--out"],
    "audit": ["--refit", "backbone", "--weights", "bundled"],
}


def command(name, folder, tmp_path):
    more = [*COMMANDS[name], *([tmp_path / "new"] if name == "simulate" else [])]
    return name, *more, "--study", folder


@pytest.mark.parametrize("name", COMMANDS)
def test_addresses_are_checked_first(name, embedded, tmp_path, capsys, monkeypatch):
    typed = command(name, embedded, tmp_path)
    assert "'nowhere' is no address of a Ray cluster; give auto" in error_of(capsys, *typed, "--ray", "nowhere")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert f"nothing answers at {address} (" in error_of(capsys, *typed, "--ray", address)
    wanted = "--ray spreads work over processor cores, and --device cuda asks for a GPU"
    assert wanted in error_of(capsys, *typed, "--ray", "local", "--device", "cuda")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert "--ray local needs ray; pip install 'glitch-discovery[fleet]'" in error_of(capsys, *typed, "--ray", "local")
    assert not (tmp_path / "new").exists()


def test_what_ray_does_not_do(embedded, capsys):
    for more in (["--ray", "local"], ["--refit", "backbone", "--processes", "2", "--ray", "local"]):
        message = "--ray spreads the splits of --refit backbone; give that too, and leave --processes out"
        assert message in error_of(capsys, "audit", "--study", embedded, *more)
