"""The harness itself: what it says of a page, it says because a browser saw it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests import browser

_DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
_PAGE = f"""<!DOCTYPE html><title>Trang</title><h1 style="color: #f00">Tin</h1><img src="{_DOT}">
<img src="http://song.example/a.png"><script>fetch("https://song.example/x").catch(() => 0);
console.error("hỏng")</script>"""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(_PAGE.encode())

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def page_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://trang.localhost:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def test_it_tells_what_was_drawn_and_what_was_asked_for(page_url: str) -> None:
    with browser.chromium() as chromium:
        page = chromium.open(page_url)
        assert page.title() == "Trang"
        assert browser.style(page, "h1", "color") == "rgb(255, 0, 0)"
        assert browser.widths(page) == {_DOT: 1, "http://song.example/a.png": 0}
        assert chromium.hosts == {"trang.localhost", "song.example"}
        assert "hỏng" in chromium.console
    assert {"http://song.example/a.png", "song.example:443"} == set(chromium.outside)
