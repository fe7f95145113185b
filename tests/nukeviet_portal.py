"""The real NukeViet pages of SHARED_DATA, served at their addresses on loopback."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from crawler.demo.files import picture
from tests.loopback import LoopbackPortal

PRINTED = b"127.0.0.1:8099"
"""The host that the saved pages name; it becomes the server's own."""

LISTS = {
    "/vi/": "home.html",
    "/vi/news/": "news.html",
    "/vi/news/Tin-tuc/": "tin-tuc-p1.html",
    "/vi/news/Tin-tuc/page-2/": "tin-tuc-p2.html",
    "/vi/news/Tin-tuc/page-3/": "tin-tuc-p3.html",
    "/vi/news/Tin-tuc/page-4/": "tin-tuc-p4.html",
    "/vi/news/Tuyen-dung/": "tuyen-dung.html",
    "/vi/news/rss/": "rss-news.xml",
    "/vi/news/rss/Tin-tuc/": "rss-cat.xml",
    "/robots.txt": "robots.txt",
    "/sitemap.xml": "sitemapindex.xml",
}
_MIMES = {".html": "text/html; charset=utf-8", ".xml": "text/xml; charset=utf-8"}


class NukeVietPortal(LoopbackPortal):
    """The saved pages, under the host of the server."""

    def __init__(self, folder: Path, *, drawn: bool = False) -> None:
        """`drawn`: style sheets and pictures, which were not saved, are there too, made up; and
        robots.txt, which forbids some of them, is not."""
        self.truth: list[dict[str, Any]] = json.loads(
            (folder / "ground-truth.json").read_text(encoding="utf-8")
        )
        self._drawn = drawn
        self._files = {path: folder / "lists" / name for path, name in LISTS.items()}
        for article in self.truth:
            for number, url in enumerate(article["urls"]):
                self._files[url] = folder / "articles" / f"{article['id']}-{number}.html"
        if drawn:
            del self._files["/robots.txt"]

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        if self._drawn and (made := _made_up(handler.path)):
            return self._send(handler, 200, made[0], made[1])
        file = self._files.get(handler.path)
        body = file.read_bytes().replace(PRINTED, self.host.encode()) if file else b"404"
        mime = _MIMES.get(file.suffix, "text/plain") if file else "text/html"
        if file and not body:  # articles 14 and 15 are redirects to the maker's own site
            return self._send(handler, 302, mime, b"", f"https://nukeviet.vn{handler.path}")
        return self._send(handler, 200 if file else 404, mime, body)

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        status: int,
        mime: str,
        body: bytes,
        location: str | None = None,
    ) -> None:
        handler.send_response(status)
        if location:
            handler.send_header("Location", location)
        handler.send_header("Content-Type", mime)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    @property
    def site(self) -> str:
        """The site's table."""
        return f"""
id = "nukeviet"
name = "Cổng thông tin điện tử huyện (mẫu)"
organ = "people_committee"
listings = ["http://{self.host}/vi/news/"]
layouts = [{{ family = "nukeviet" }}]
delay_seconds = 0
allow_addresses = ["127.0.0.0/8"]
"""


def _made_up(path: str) -> tuple[str, bytes] | None:
    """Media type and bytes of a style sheet or picture; None for anything else."""
    name = path.partition("?")[0]
    if name.endswith(".css"):
        return "text/css", b"h1.title { color: rgb(1, 2, 3) } body { background: url(nen.png) }"
    if name.endswith((".png", ".jpg", ".gif")) or "scaptcha=" in path:
        return "image/png", picture("a.png")
    return None
