"""The sample portal's server: loopback only, a port of the kernel's choosing, ends with its owner.

Alone: `python -m crawler.demo` serves it until Ctrl-C and prints its address.
"""

from __future__ import annotations

import gzip
import re
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from crawler.demo import council, files, party

HOST = "demo.localhost"
"""The name that the portal's addresses carry, whatever port it listens on."""
PORTAL = f"{HOST}:80"
"""As CONNECT_TO names it."""

ROBOTS = "User-agent: *\nDisallow: /_layouts/\n"

_TEXT_FILES = {
    "/robots.txt": (ROBOTS, "text/plain"),
    "/style/portal.css": (files.STYLE, "text/css"),
    "/style/portal.js": (files.SCRIPT, "text/javascript"),
}
_COUNCIL_LIST = re.compile(r"/ubnd/vi/news/(?:(Tin-tuc|Thong-bao)/)?(?:page-(\d+)/)?")
_COUNCIL_ARTICLE = re.compile(r"/ubnd/vi/news/(Tin-tuc|Thong-bao)/[a-z0-9-]+-(\d+)\.html")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of the portal."""

    body: bytes
    mime: str = "text/html; charset=utf-8"
    status: int = 200
    location: str | None = None


def answer(target: str) -> Answer:
    """What the portal answers to a request target."""
    parts = urlsplit(target)
    query = {name.lower(): values[0] for name, values in parse_qs(parts.query).items()}
    found = _file(parts.path) or _council(parts.path) or _party(parts.path, query)
    return found or Answer(_text("<h1>Không tìm thấy trang</h1>"), status=404)


def _text(page: str) -> bytes:
    return page.encode()


def _party(path: str, query: dict[str, str]) -> Answer | None:
    if path == "/":
        return Answer(_text(party.home()))
    page = None
    if path == "/news/Pages/new.aspx":
        page = party.listing(_number(query, "cateid"), max(1, _number(query, "page")))
    if path == "/news/Pages/chi-tiet.aspx":
        page = party.article(_number(query, "itemid"))
    return Answer(_text(page)) if page else None


def _number(query: dict[str, str], name: str) -> int:
    value = query.get(name, "")
    return int(value) if value.isdigit() else 0


def _council(path: str) -> Answer | None:
    if path == "/ubnd/vi/":
        return Answer(b"", status=301, location=council.ROOT)
    if path == "/ubnd/vi/news/rss/":
        return Answer(_text(council.feed()), "application/rss+xml; charset=utf-8")
    page = None
    if match := _COUNCIL_LIST.fullmatch(path):
        page = council.listing(match[1], int(match[2] or 1))
    elif match := _COUNCIL_ARTICLE.fullmatch(path):
        page = council.article(match[1], int(match[2]))
    return Answer(_text(page)) if page else None


def _file(path: str) -> Answer | None:
    name = path.rsplit("/", 1)[-1]
    if path in _TEXT_FILES:
        text, mime = _TEXT_FILES[path]
        return Answer(_text(text), mime)
    if name == "hong.jpg":
        return Answer(_text("<html><body>Tệp không tồn tại</body></html>"))
    if name.endswith((".jpg", ".png", ".ico")):
        mime = "image/jpeg" if name.endswith(".jpg") else "image/png"
        return Answer(files.picture(name.replace(".ico", ".png")), mime)
    if name.endswith(".pdf"):
        return Answer(files.pdf(), "application/pdf")
    return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "SamplePortal"

    def do_GET(self) -> None:
        """Answer, gzipped where the client takes it and it is text."""
        found = answer(self.path)
        body = found.body
        self.send_response(found.status)
        self.send_header("Content-Type", found.mime)
        if found.location:
            self.send_header("Location", found.location)
        if "text/" in found.mime and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 5)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Silence: the crawl's own output is what people read."""


class SamplePortal:
    """Serves the portal from a thread of this process while the context lasts."""

    def __enter__(self) -> SamplePortal:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """The port that the kernel gave."""
        return int(self._server.server_address[1])

    @property
    def connect_to(self) -> dict[str, str]:
        """Where a crawl of the portal's addresses has to connect."""
        return {PORTAL: f"127.0.0.1:{self.port}"}
