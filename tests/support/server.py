"""A web server on this machine that answers as a test says."""

import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answers:
    """What a server answers: `paths` maps a path to a list of answers, the last of which is repeated; an answer is called with the handler, or is a body."""

    def __init__(self):
        self.paths = {}
        self.asked = Counter()
        self.agents = set()
        self.url = ""

    def __call__(self, handler):
        number = self.asked[handler.path]
        self.asked[handler.path] += 1
        self.agents.add(handler.headers["User-Agent"])
        answers = self.paths.get(handler.path)
        if answers is None:
            status(404)(handler)
            return
        answer = answers[min(number, len(answers) - 1)]
        if callable(answer):
            answer(handler)
        else:
            status(200, body=answer, headers={"Content-Type": "image/png"})(handler)


def status(code, *, body=b"", headers=(), length=None):
    """An answer of this status code; `length` is the one that it claims."""

    def answer(handler):
        handler.send_response(code)
        for name, value in dict(headers).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def serving():
    """Serve until the block ends; yields the `Answers`."""
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answers(self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.block_on_close = False
    answers.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield answers
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
