"""The server: its routes, how errors travel to the page, and how it listens on 127.0.0.1."""

from __future__ import annotations

import json
import socket
from importlib import resources
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from discovery.app.answers import Answers
from discovery.app.pictures import SIZES, Pictures
from discovery.app.security import Guard
from discovery.pages.page import rendered
from embed.errors import ConflictError, DiscoverError, InputError, LockedError, StorageError
from embed.storage import digest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from starlette.requests import Request

    Endpoint = Callable[[Request], Awaitable[Response]]

HOST = "127.0.0.1"
LARGEST_BODY = 4_000_000
"""Bytes of a request: the numbers of half a million ticked glitches."""
_SCRIPTS = ("app", "page", "saver", "completion", "glitch", "review", "clusters", "timeline", "jobs", "map")
_FILES = {
    "report.css": "pages/report.css",
    "views.css": "explorer/views.css",
    "pieces.js": "explorer/pieces.js",
    "app.css": "app/app.css",
    **{f"{name}.js": f"app/{name}.js" for name in _SCRIPTS},
}
"""What the page may load, by name."""
_TYPES = {".css": "text/css", ".js": "text/javascript"}
_STATUS = {ConflictError: 409, InputError: 422, LockedError: 503, StorageError: 507}
"""HTTP's number of an error; the page tries again after 5xx."""


def create_app(folder: Path, *, token: str, port: int) -> Starlette:
    """Make the application of one study.

    Parameters
    ----------
    folder : Path
        The study's.
    token : str
        See `discovery.app.security.Guard`.
    port : int
        Where it will listen.
    """
    folder = folder.absolute()
    answers, pictures = Answers(folder), Pictures(folder)
    key = digest(str(folder))[:16]

    async def page(_: Request) -> Response:
        return HTMLResponse(rendered("app/app.html", token=token, study=folder.name, key=key))

    async def picture(request: Request) -> Response:
        glitch, duration = request.path_params["glitch"], request.path_params["duration"]
        size = request.path_params["size"]
        if size not in SIZES:
            raise InputError(f"no size {size[:20]!r}; there are {', '.join(SIZES)}")
        view = await run_in_threadpool(pictures.find, glitch, duration)
        headers = {"etag": f'"{view.sha256[:32]}-{size}"', "cache-control": "private, max-age=600"}
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(await run_in_threadpool(pictures.png, view, size), media_type="image/png", headers=headers)

    routes = [
        Route("/", page),
        Route("/static/{name}", _static),
        Route("/pictures/{glitch:int}/{duration:float}/{size}.png", picture),
        *(Route(path, _reading(call)) for path, call in answers.reading.items()),
        *(Route(path, _writing(call), methods=["POST"]) for path, call in answers.writing.items()),
    ]
    guard = Middleware(Guard, token=token, port=port)
    app = Starlette(routes=routes, middleware=[guard], exception_handlers={DiscoverError: _refused})
    app.state.close = answers.close
    return app


def _reading(call: Callable[[Request], Any]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        found = await run_in_threadpool(call, request)
        return found if isinstance(found, Response) else JSONResponse(found)

    return endpoint


def _writing(call: Callable[[Request, dict[str, Any]], Any]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(call, request, await _body(request)))

    return endpoint


async def _body(request: Request) -> dict[str, Any]:
    """Read a request's JSON object.

    Raises
    ------
    InputError
        When it is none, or too large.
    """
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > LARGEST_BODY:
            raise InputError(f"the request has more than {LARGEST_BODY} bytes")
    try:
        body = json.loads(data)
    except ValueError as error:
        raise InputError(f"the request is no JSON ({error})") from error
    if not isinstance(body, dict):
        raise InputError(f"the request is {type(body).__name__}, no JSON object")
    return body


async def _refused(_: Request, error: Exception) -> Response:
    """Tell the page what is wrong, in the words of the command line."""
    status = next((number for kind, number in _STATUS.items() if isinstance(error, kind)), 500)
    return JSONResponse({"error": " ".join(str(error).split())}, status)


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _FILES:
        return Response("there is no such file\n", 404, media_type="text/plain")
    text = (resources.files("discovery") / _FILES[name]).read_text(encoding="utf-8")
    return Response(text, media_type=_TYPES[name[name.rindex(".") :]])


def listen(port: int) -> socket.socket:
    """Open the server's socket; port 0 takes a free one.

    Raises
    ------
    InputError
        When the port is taken.
    """
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
    except OSError as error:
        found.close()
        raise InputError(f"port {port} cannot be used ({error.strerror}); give another --port") from error
    return found


def serve(app: Starlette, listening: socket.socket) -> None:
    """Answer requests until the process is told to stop; jobs that run then are stopped too."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=2
    )
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        app.state.close()
