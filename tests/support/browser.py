"""A page in Chromium, driven by the DevTools protocol over a pair of pipes: no driver, no extra package.

``with chromium(tmp_path) as browser: browser.open(page)`` gives real mouse and keyboard events, every request and every
console message. WebGL is drawn in software (SwiftShader), so no GPU and no display are needed.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on PATH")

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-extensions", "--hide-scrollbars", "--mute-audio"),
    *("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-dev-shm-usage"),
    "--remote-debugging-pipe",
]


class Browser:
    """One page; ``requests`` and ``console`` collect what it asked for and said since `open`."""

    def __init__(self, write_end: int, read_end: int) -> None:
        self._write_end, self._read_end = write_end, read_end
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.requests: list[str] = []
        self.console: list[str] = []

    def send(self, method: str, timeout: float = 60.0, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        pending = json.dumps(message).encode() + b"\0"
        while pending:
            pending = pending[os.write(self._write_end, pending) :]
        while True:
            answer = self._receive(timeout)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)

    def _receive(self, timeout: float) -> dict[str, Any]:
        end = time.monotonic() + timeout
        while b"\0" not in self._buffer:
            if not select.select([self._read_end], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError("the browser did not answer")
            chunk = os.read(self._read_end, 1 << 20)
            if not chunk:
                raise RuntimeError("the browser closed its pipe")
            self._buffer += chunk
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        method, params = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.consoleAPICalled":
            self.console.append(
                f"{params['type']}: {[arg.get('value', arg.get('description')) for arg in params['args']]}"
            )
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.console.append(f"exception: {details.get('exception', {}).get('description', details['text'])}")
        elif method == "Log.entryAdded":
            self.console.append(f"{params['entry']['level']}: {params['entry']['text']}")

    def attach(self) -> None:
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def open(
        self, page: Path | str, *, fragment: str = "", size: tuple[int, int] = (1440, 900), dark: bool = False
    ) -> None:
        """Open a file, or an address of a server."""
        self.requests.clear()
        self.console.clear()
        self.send(
            "Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.send("Page.navigate", url="about:blank")
        self.send("Page.navigate", url=(page if isinstance(page, str) else page.resolve().as_uri()) + fragment)

    def evaluate(self, script: str) -> Any:
        """Run JavaScript in the page and give back its value; a promise is waited for."""
        result = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"]["description"])
        return result["result"].get("value")

    def wait(self, script: str, timeout: float = 60.0) -> None:
        """Wait until the page is parsed to its end and an expression is true in it."""
        end = time.monotonic() + timeout
        while not self._holds(f"document.readyState !== 'loading' && Boolean({script})"):
            if time.monotonic() > end:
                raise TimeoutError(f"not true within {timeout} s: {script}; console: {self.console}")
            time.sleep(0.05)

    def _holds(self, script: str) -> bool:
        """Whether an expression is true in the page; not while another page takes its place."""
        try:
            return bool(self.evaluate(script))
        except RuntimeError as error:
            if "navigated or closed" not in str(error):
                raise
            return False

    def mouse(self, x: float, y: float, *kinds: str, count: int = 1) -> None:
        for kind in kinds or ("mouseMoved",):
            button = "none" if kind == "mouseMoved" else "left"
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=count)

    def click(self, x: float, y: float, *, times: int = 1) -> None:
        self.mouse(x, y)
        for count in range(1, times + 1):
            self.mouse(x, y, "mousePressed", "mouseReleased", count=count)

    def click_on(self, selector: str, *, times: int = 1) -> None:
        box = self.evaluate(f"(({selector}).getBoundingClientRect()).toJSON()")
        self.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, times=times)

    def key(self, key: str, *, shift: bool = False) -> None:
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        modifiers = 8 if shift else 0
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, modifiers=modifiers, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key, modifiers=modifiers)

    def type(self, text: str) -> None:
        self.send("Input.insertText", text=text)

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))


@contextlib.contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start Chromium with a new profile folder and stop it at the end."""
    assert CHROMIUM is not None
    to_browser, from_browser = os.pipe(), os.pipe()

    # The protocol is read on descriptor 3 and written on descriptor 4; the shell puts the pipes there.
    place = f'exec "$0" "$@" 3</dev/fd/{to_browser[0]} 4>/dev/fd/{from_browser[1]}'
    process = subprocess.Popen(
        ["sh", "-c", place, CHROMIUM, *FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(to_browser[0], from_browser[1]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_browser[0])
    os.close(from_browser[1])
    browser = Browser(to_browser[1], from_browser[0])
    try:
        browser.attach()
        yield browser
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(to_browser[1])
        os.close(from_browser[0])
