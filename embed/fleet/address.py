"""Addresses of Ray clusters; ray itself is not imported, so that a mistake is reported at once."""

from __future__ import annotations

import importlib.util
import re
import socket
from dataclasses import dataclass

from embed.errors import FleetError, InputError

FORMS = (
    "auto (the cluster of this machine), local or local:N (N workers on this machine), HOST:PORT, or ray://HOST:PORT"
)
"""What an address may be."""

PATIENCE_S = 5.0
"""Seconds in which an address must answer."""

_HOST = re.compile(r"(ray://)?(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):(\d{1,5})")


@dataclass(frozen=True)
class Address:
    """Where a cluster is.

    Attributes
    ----------
    text : str
        As ``ray.init`` takes it; ``local`` starts a cluster on this machine.
    workers : int or None
        Of a local cluster; None takes every core.
    host, port : str or None, int or None
        Where it listens; None where Ray finds out.
    """

    text: str
    workers: int | None = None
    host: str | None = None
    port: int | None = None

    @property
    def is_local(self) -> bool:
        """Whether the cluster is started for this run."""
        return self.text == "local"

    @property
    def is_client(self) -> bool:
        """Whether it is reached through Ray's client server."""
        return self.text.startswith("ray://")


def parse_address(text: str) -> Address:
    """Read an address.

    Raises
    ------
    InputError
        When it is none of `FORMS`.

    Examples
    --------
    >>> parse_address("local:4")
    Address(text='local', workers=4, host=None, port=None)
    >>> parse_address("ray://head:10001").host
    'head'
    """
    if text in ("auto", "local"):
        return Address(text)
    if (local := re.fullmatch(r"local:([1-9]\d{0,3})", text)) is not None:
        return Address("local", workers=int(local[1]))
    found = _HOST.fullmatch(text)
    if found is None or text.startswith("local:") or not 0 < int(found[3]) < 2**16:
        raise InputError(f"{text!r} is no address of a Ray cluster; give {FORMS}")
    return Address(text, host=found[2].strip("[]"), port=int(found[3]))


def check_address(text: str) -> None:
    """Refuse an address that is none, that does not answer, or that ray is missing for.

    Raises
    ------
    InputError
        When the address is none, or ray is not installed.
    FleetError
        When nothing answers there within `PATIENCE_S`.
    """
    address = parse_address(text)
    missing = [name for name in ("ray", *(["grpc"] if address.is_client else [])) if not _installed(name)]
    if missing:
        raise InputError(f"--ray {text} needs {' and '.join(missing)}; pip install 'glitch-discovery[fleet]'")
    if address.host is None or address.port is None:
        return
    try:
        socket.create_connection((address.host, address.port), timeout=PATIENCE_S).close()
    except OSError as error:
        raise FleetError(
            f"nothing answers at {text} ({error.strerror or error}); start the cluster (ray start --head), or correct the address"
        ) from error


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
