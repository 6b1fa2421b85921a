"""Who may talk to the app: a page that this server sent to a person who has its address, and nobody else.

Any web page that is open in the same browser can send requests to 127.0.0.1, and so can other users of this machine. Each request
therefore needs the secret of this server's address, as a cookie that no other site's page sends; one that changes something also
needs it in a header, which only a page that could read it can set. The Host header is checked, so that a foreign name
that resolves to 127.0.0.1 (DNS rebinding) reaches nothing. The answers' policy keeps the page from asking anybody else.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER = "x-discover-token"  # noqa: S105 - a name
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy: everything comes from this server; plotly writes its own style rules, hence the inline styles."""
FRAMED = {
    "content-security-policy": (
        "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src 'self' data: blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "x-frame-options": "SAMEORIGIN",
}
"""Headers of a map's page, which the app's page shows in a frame: it asks for nothing but pictures; its own policy, inside it, names its scripts by their hashes."""
_HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
"""Headers of an answer that has no other ones."""
_READING = ("GET", "HEAD")
_FIRST = "open the address that `discover explore` printed in its terminal"


def new_token() -> str:
    """Make the secret of one server."""
    return secrets.token_urlsafe(24)


class Guard:
    """ASGI middleware that lets only the person's own page through.

    Parameters
    ----------
    app : ASGI application
    token : str
        The secret of this server.
    port : int
        Where it listens: part of the names it is called by, and of its cookie's name.
    """

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        self._app = app
        self._token = token
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        self._origins = {f"http://{host}" for host in self._hosts}
        self._cookie = f"discover-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # a WebSocket: this app has none
            await send({"type": "websocket.close"})
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._answer(scope)
        await (answer or self._app)(scope, receive, send_guarded)

    def _answer(self, scope: Scope) -> PlainTextResponse | RedirectResponse | None:
        """Return the refusal or the welcome of a request; None where the app answers."""
        headers = Headers(scope=scope)
        if headers.getlist("host") not in [[host] for host in self._hosts]:
            return PlainTextResponse("this server answers to 127.0.0.1 only\n", 421)
        welcome = f"token={self._token}".encode()
        if scope["path"] == "/" and secrets.compare_digest(scope["query_string"], welcome):
            response = RedirectResponse("/", 303)
            response.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
            return response
        refusal = self._refusal(headers, scope["method"])
        return PlainTextResponse(f"{refusal}\n", 403) if refusal else None

    def _refusal(self, headers: Headers, method: str) -> str:
        """Say why a request is refused; empty where it is not."""
        foreign = headers.get("sec-fetch-site") in {"cross-site", "same-site"}
        cookie = cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
        if (foreign and headers.get("sec-fetch-mode") != "navigate") or (
            method not in _READING and headers.get("origin") not in self._origins
        ):
            return "this request comes from another page"
        if not self._is_token(cookie):
            return _FIRST
        if method not in _READING and not self._is_token(headers.get(TOKEN_HEADER, "")):
            return f"the token is missing or of an earlier server: {_FIRST}"
        return ""

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), self._token.encode())
