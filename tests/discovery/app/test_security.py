"""Who is let in: only the page of the person who has the address."""

import re

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from support.reviewing import PORT, Page

from discovery.app.security import TOKEN_HEADER
from discovery.app.server import create_app, listen
from embed import Study
from embed.errors import InputError

TOKEN = "secret-of-this-server"
HOST = f"http://127.0.0.1:{PORT}"
ADDRESSES = ("/", "/static/app.js", "/static/map.js", "/pictures/1/1.0/small.png", "/api/study", "/api/review", "/api/nothing")  # fmt: skip


@pytest.fixture
def stranger(reviewable):
    """A client without cookie and token."""
    return TestClient(create_app(reviewable, token=TOKEN, port=PORT), base_url=HOST)


@pytest.fixture
def guest(stranger):
    """A client with the cookie, but without the page's token."""
    stranger.get(f"/?token={TOKEN}")
    return stranger


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", f"evil.example:{PORT}", "127.0.0.1:80", f"[::1]:{PORT}"])
def test_another_host_reaches_nothing(guest, host):
    for address in (*ADDRESSES, f"/?token={TOKEN}"):
        answer = guest.get(address, headers={"host": host}, follow_redirects=False)
        assert answer.status_code == 421
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("address", ADDRESSES)
def test_without_the_address_nothing_is_shown(stranger, address):
    answer = stranger.get(address)
    assert answer.status_code == 403
    assert answer.text == "open the address that `discover explore` printed in its terminal\n"


@pytest.mark.parametrize("query", ["token=", "token=wrong", f"token={TOKEN}x", f"token={TOKEN}&x=1", f"x={TOKEN}"])
def test_a_wrong_token_is_refused(stranger, query):
    assert stranger.get(f"/?{query}").status_code == 403


def test_the_address_gives_a_strict_cookie(stranger):
    answer = stranger.get(f"/?token={TOKEN}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert stranger.get("/").status_code == 200


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", f"https://127.0.0.1:{PORT}", "http://127.0.0.1:1"]
)
def test_another_origin_writes_nothing(guest, origin):
    headers = {TOKEN_HEADER: TOKEN} | ({"origin": origin} if origin else {})
    answer = guest.post("/api/review/state", json={"audit": "x", "glitches": []}, headers=headers)
    assert (answer.status_code, answer.text) == (403, "this request comes from another page\n")


@pytest.mark.parametrize("token", [None, "", "of-an-earlier-server"])
def test_writing_needs_the_token_in_a_header(guest, token):
    headers = {"origin": HOST} | ({TOKEN_HEADER: token} if token is not None else {})
    answer = guest.post("/api/review/state", json={}, headers=headers)
    assert answer.status_code == 403
    assert "the token is missing or of an earlier server" in answer.text
    headers[TOKEN_HEADER] = TOKEN
    assert guest.post("/api/review/state", json={}, headers=headers).status_code == 422


def test_a_foreign_page_cannot_load_pictures(guest):
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert guest.get("/pictures/1/1.0/small.png", headers=headers).status_code == 403
    assert guest.get("/pictures/1/1.0/small.png").status_code == 200


def test_every_answer_has_the_policy(guest):
    for address in (*ADDRESSES, "/nothing"):
        headers = guest.get(address).headers
        assert "default-src 'none'; script-src 'self';" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"


def test_a_map_is_framed_by_this_app_only_and_asks_for_pictures_alone(guest):
    answer = guest.get("/maps/map-tsne-3d")
    assert (answer.status_code, answer.headers["x-frame-options"]) == (200, "SAMEORIGIN")
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'self'" in policy
    assert "connect-src" not in policy
    assert policy.startswith("default-src 'none';")
    inside = re.search(r'Content-Security-Policy" content="([^"]+)"', answer.text).group(1)
    assert "'unsafe-inline'" not in inside.partition("script-src")[2].partition(";")[0]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_there_is_no_websocket(guest):
    with pytest.raises(WebSocketDisconnect), guest.websocket_connect("/api/study"):
        pass


PATHS = ("/static/..%2fserver.py", "/static/%2e%2e%2f%2e%2e%2fcli.py", "/static/server.py", "/static/app.html")
PATHS += ("/pictures/1/1.0/..%2f..%2fstudy.db.png", "/pictures/..%2fstudy.db/1.0/small.png", "/pictures/1/1.0/huge.png")
PATHS += (
    "/maps/..%2f..%2fmap-tsne-3d",
    "/maps/%2e%2e",
    "/maps/map-tsne-3d%2fembedding.html",
    "/study.db",
    "//etc/passwd",
)


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_to_a_file(page, path):
    answer = page.get(path)
    assert answer.status_code in {404, 422}
    assert b"SQLite" not in answer.content
    assert b"import" not in answer.content


def test_only_pictures_are_served_even_where_the_study_names_another_file(page, folder, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret of this machine")
    with Study(folder) as study, study.run("test"), study.transaction():
        study.connection.execute("UPDATE views SET source = ? WHERE glitch = 1 AND duration = 1.0", (str(secret),))
    answer = page.get("/pictures/1/1.0/large.png")
    assert answer.status_code == 422
    assert "a secret" not in answer.text


def test_pictures_are_those_of_the_study(page):
    assert page.get("/pictures/1/1.0/small.png").content.startswith(b"\x89PNG")
    assert "glitch 1 has no view of 3 s" in page.get("/pictures/1/3.0/small.png").json()["error"]
    assert "glitch 9999 has no view" in page.get("/pictures/9999/1.0/small.png").json()["error"]


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"", "the request is no JSON"), (b"[1]", "the request is list, no JSON object"), (b"x" * 4_000_001, "more than 4000000 bytes")],
)  # fmt: skip
def test_a_damaged_request_is_refused(page, body, message):
    answer = page.post("/api/review/state", content=body)
    assert answer.status_code == 422
    assert message in answer.json()["error"]


def test_a_taken_port_is_named():
    taken = listen(0)
    taken.listen()
    port = taken.getsockname()[1]
    with pytest.raises(
        InputError, match=rf"port {port} cannot be used \(Address already in use\); give another --port"
    ):
        listen(port)
    taken.close()


def test_two_servers_have_two_secrets(reviewable):
    with Page(reviewable, 8001) as one, Page(reviewable, 8001) as other:
        one.headers[TOKEN_HEADER] = other.headers[TOKEN_HEADER]
        assert one.post("/api/review/state", json={}).status_code == 403
