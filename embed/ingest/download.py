"""Pictures over HTTP, politely: few connections, a limited rate, and waits that the server asks for."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Self
from urllib.parse import urlsplit

import requests

from embed.errors import InputError
from embed.views.imagefile import MAX_FILE_BYTES, image_size

SCHEMES = ("http", "https")
"""Schemes of addresses that are followed; a file on this machine, say, is not."""

REDIRECTS = 5
"""Redirections that are followed, at most."""

LONGEST_WAIT = 600.0
"""Seconds: a server that asks for a longer wait is not asked again in this run."""

_PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Status codes that another try may change (RFC 9110, section 15; RFC 6585; RFC 8470)."""
_CHUNK = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Politeness:
    """How a server is asked.

    Attributes
    ----------
    rate : float
        Requests a second over all connections, at most; further tries and redirections count.
    connections : int
        Requests at the same time, at most.
    timeout : float
        Seconds without an answer, or without a byte of it, after which a try is given up.
    tries : int
        For each picture.
    first_wait : float
        Seconds before the second try; each further wait is twice as long.
    """

    rate: float = 10.0
    connections: int = 4
    timeout: float = 30.0
    tries: int = 5
    first_wait: float = 1.0


@dataclass(frozen=True)
class Refusal:
    """Why an address gave no picture.

    Attributes
    ----------
    reason : str
    answered : bool
        The server answered; otherwise there was no connection.
    """

    reason: str
    answered: bool = True


class Downloader:
    """Asks for pictures; safe to use in several threads. A context manager: leaving it ends every wait.

    Parameters
    ----------
    politeness : Politeness
    """

    def __init__(self, politeness: Politeness) -> None:
        self.politeness = politeness
        self.agent = f"glitch-discovery/{version('glitch-discovery')}"
        self._local = threading.local()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._next = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()

    def get(self, url: str) -> bytes | Refusal:
        """Return a picture, whole and checked, or why there is none; waits and tries again where that may help."""
        if urlsplit(url).scheme not in SCHEMES:
            return Refusal(f"its address {url[:80]!r} is neither http nor https")
        refusal = Refusal("interrupted")
        for attempt in range(self.politeness.tries):
            self._wait_for_turn()
            if self._stop.is_set():
                return refusal
            answer, wait = self._try(url)
            if isinstance(answer, bytes):
                return answer
            refusal = answer
            if wait is None or attempt + 1 == self.politeness.tries:
                return refusal
            if wait > LONGEST_WAIT:
                return Refusal(f"{refusal.reason}; it asks to wait {wait:.0f} s, so try again then")
            if wait:
                self._hold(wait)
            self._stop.wait(max(wait, self.politeness.first_wait * 2**attempt))
        return refusal

    def _try(self, url: str) -> tuple[bytes | Refusal, float | None]:
        """One try: the picture, or why not and the wait that the server asks for (seconds; None where another try is useless)."""
        try:
            with self._session().get(url, stream=True, timeout=self.politeness.timeout) as answer:
                reason = f"the server answered {answer.status_code} {answer.reason or ''}".rstrip()
                if answer.status_code in _PASSING:
                    return Refusal(reason), _asked_wait(answer.headers.get("Retry-After"))
                if answer.status_code != requests.codes.ok:
                    return Refusal(reason), None
                return _picture(answer)
        except requests.exceptions.RequestException as error:
            return self._failure(error)

    def _failure(self, error: requests.exceptions.RequestException) -> tuple[Refusal, float | None]:
        kinds = requests.exceptions
        if isinstance(error, kinds.TooManyRedirects):
            return Refusal(f"more than {REDIRECTS} redirections"), None
        if isinstance(error, kinds.InvalidSchema | kinds.InvalidURL | kinds.MissingSchema):
            return Refusal("its address, or the one that it leads to, is neither http nor https"), None
        if isinstance(error, kinds.ChunkedEncodingError | kinds.ContentDecodingError):
            return Refusal(f"the answer was cut off ({_short(error)})"), 0.0
        if isinstance(error, kinds.Timeout) or "timed out" in str(error):
            return Refusal(f"no answer within {self.politeness.timeout:g} s", answered=False), 0.0
        return Refusal(f"no connection ({_short(error)})", answered=False), 0.0

    def _session(self) -> requests.Session:
        """The session of a thread, whose connections are kept open; proxies are the environment's."""
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.headers["User-Agent"] = self.agent
            self._local.session.max_redirects = REDIRECTS
            self._local.session.hooks["response"].append(self._count_redirect)
        return self._local.session

    def _count_redirect(self, answer: requests.Response, **_: object) -> None:
        """Let a redirection wait for its turn as a request does."""
        if answer.is_redirect:
            self._wait_for_turn()

    def _wait_for_turn(self) -> None:
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + 1 / self.politeness.rate
        self._stop.wait(turn - now)

    def _hold(self, seconds: float) -> None:
        """Let every connection wait: the server has asked for it."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)


def _picture(answer: requests.Response) -> tuple[bytes | Refusal, float | None]:
    data = bytearray()
    for chunk in answer.iter_content(_CHUNK):
        data += chunk
        if len(data) > MAX_FILE_BYTES:
            return Refusal(f"more than {MAX_FILE_BYTES} bytes"), None
    try:
        image_size(bytes(data))
    except InputError as error:
        kind = answer.headers.get("Content-Type", "no type")
        truncated = "truncated" in str(error)
        return Refusal(f"{error}; the server calls it {kind[:60]!r}"), 0.0 if truncated else None
    return bytes(data), None


def _asked_wait(text: str | None) -> float:
    """Seconds that a Retry-After header asks for, as a number or a date (RFC 9110, section 10.2.3); 0 without one."""
    if not text:
        return 0.0
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except ValueError:
        return 0.0


def _short(error: Exception) -> str:
    cause: BaseException = error
    while cause.__context__ is not None:
        cause = cause.__context__
    return str(cause).rpartition(": ")[2][:120] or type(cause).__name__
