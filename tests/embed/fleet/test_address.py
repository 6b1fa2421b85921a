import importlib.util
import socket
import time

import pytest

from embed.errors import FleetError, InputError
from embed.fleet import address as module
from embed.fleet.address import check_address, parse_address


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("auto", ("auto", None, None, None)),
        ("local", ("local", None, None, None)),
        ("local:12", ("local", 12, None, None)),
        ("head.cluster:6379", ("head.cluster:6379", None, "head.cluster", 6379)),
        ("[::1]:6379", ("[::1]:6379", None, "::1", 6379)),
        ("ray://10.0.0.1:10001", ("ray://10.0.0.1:10001", None, "10.0.0.1", 10001)),
    ],
)
def test_addresses(text, kind):
    found = parse_address(text)
    assert (found.text, found.workers, found.host, found.port) == kind
    assert found.is_local == text.startswith("local")
    assert found.is_client == text.startswith("ray://")


@pytest.mark.parametrize(
    "text",
    ["", "head", "local:0", "local:", "local:two", "head:0", "head:70000", "ray://head", "http://head:1", "a b:1"],
)
def test_what_is_no_address(text):
    with pytest.raises(InputError, match=r"is no address of a Ray cluster; give auto .* local:N .* or ray://HOST:PORT"):
        parse_address(text)


def test_ray_is_missing(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in ("ray", "grpc") else True)
    with pytest.raises(InputError, match=r"--ray local needs ray; pip install 'glitch-discovery\[fleet\]'"):
        check_address("local")
    with pytest.raises(InputError, match=r"--ray ray://head:1 needs ray and grpc; pip install"):
        check_address("ray://head:1")


def test_nothing_answers(monkeypatch):
    monkeypatch.setattr(module, "_installed", lambda _: True)
    monkeypatch.setattr(module, "PATIENCE_S", 0.3)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(FleetError, match=rf"nothing answers at 127.0.0.1:{port} \(Connection refused\); start the"):
            check_address(f"127.0.0.1:{port}")
        taken.listen()
        check_address(f"127.0.0.1:{port}")
    began = time.monotonic()
    with pytest.raises(FleetError, match=r"nothing answers at ray://no\.such\.host\.invalid:1 \("):
        check_address("ray://no.such.host.invalid:1")
    assert time.monotonic() - began < 10
