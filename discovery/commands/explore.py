"""``discover explore``."""

import webbrowser
from argparse import Namespace
from threading import Timer

from discovery.app.security import new_token
from discovery.app.server import HOST, create_app, listen, serve
from discovery.commands.console import Terminal

OPEN_AFTER_S = 0.5
"""Seconds until the browser is opened: the server answers by then."""


def run(options: Namespace) -> None:
    """Serve the review app until it is interrupted."""
    terminal = Terminal(as_json=options.json)
    listening = listen(options.port)
    port, token = listening.getsockname()[1], new_token()
    address = f"http://{HOST}:{port}/?token={token}"
    app = create_app(options.study, token=token, port=port)
    terminal.say(f"The study {options.study} is open at")
    terminal.say(address)
    terminal.say(
        "Only someone who has this address can open it. Every decision is saved at once; Ctrl+C stops the server."
    )
    terminal.result({"address": address, "study": str(options.study)})
    if not options.no_browser:
        Timer(OPEN_AFTER_S, webbrowser.open, (address,)).start()
    try:
        serve(app, listening)
    except KeyboardInterrupt:
        terminal.say("stopped; every decision that the page showed as saved is in the study")
