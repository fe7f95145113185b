"""A portal as they are, with files to every article, that dies in the middle of a crawl."""

from __future__ import annotations

import io
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler

from PIL import Image

from tests.loopback import LoopbackPortal, send

SECTIONS, PAGES, PER_PAGE = 3, 2, 5
ARTICLES = SECTIONS * PAGES * PER_PAGE
_TEXT = "Sáng ngày 10/01/2023, Huyện uỷ tổ chức hội nghị tổng kết công tác năm. " * 8
_HEAD = "".join(f'<script src="/giao-dien/{n}.js"></script>' for n in range(6))


class DyingPortal(LoopbackPortal):
    """Answers so many requests; then it hangs up on everybody, until it is let live again."""

    def __init__(self, lives_for: int | None = None) -> None:
        self.lives_for = lives_for
        """Requests; None: it does not die."""
        self.answered: list[str] = []
        self._lock = threading.Lock()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        if self._lives(handler.path):
            send(handler, *_page(handler.path))
        else:
            handler.close_connection = True

    def _lives(self, path: str) -> bool:
        with self._lock:
            if self.lives_for is not None and len(self.answered) >= self.lives_for:
                return False
            self.answered.append(path)
            return True

    def counts(self) -> Counter[str]:
        """What was answered, by the first part of its path: `bai`, `anh`, `tep`, …"""
        return Counter(path.split("/")[1] for path in self.answered)

    @property
    def table(self) -> str:
        """The site's declaration."""
        return (
            f'id = "hap-hoi"\nname = "Cổng"\norgan = "other"\nlistings = ["{self.url}/"]\n'
            'layouts = [{ family = "plain" }]\ndelay_seconds = 0\n'
            'allow_addresses = ["127.0.0.0/8"]'
        )


def _page(path: str) -> tuple[int, str, bytes]:
    kind, _, name = path.strip("/").partition("/")
    if kind == "anh":
        picture = io.BytesIO()
        Image.new("RGB", (32, 24), f"#{int(name.split('.')[0]):06x}").save(picture, "PNG")
        return 200, "image/png", picture.getvalue()
    if kind == "tep":
        return 200, "application/pdf", b"%PDF-1.4 " + name.encode()
    if kind == "giao-dien":
        return 200, "text/javascript", f"// {name}".encode()
    page = {"": _home, "muc": _list, "bai": _article}.get(kind)
    if page is None:
        return 404, "text/html", b"<h1>404</h1>"
    html = f"<html><head><title>Tin</title>{_HEAD}</head><body>{page(name)}</body></html>"
    return 200, "text/html; charset=utf-8", html.encode()


def _home(_: str) -> str:
    return "".join(f'<a href="/muc/{n}/1">Mục {n}</a> ' for n in range(SECTIONS))


def _list(name: str) -> str:
    section, page = map(int, name.split("/"))
    first = (section * PAGES + page - 1) * PER_PAGE
    links = (
        f'<a href="/bai/{n}">Hội nghị tổng kết công tác năm, bài số {n}</a>'
        for n in range(first, first + PER_PAGE)
    )
    on = f'<a href="/muc/{section}/{page + 1}">Trang sau</a>' if page < PAGES else ""
    return " ".join(links) + on


def _article(name: str) -> str:
    number = int(name)
    return (
        f"<h1>Hội nghị tổng kết công tác năm, bài số {number}</h1><p>10/01/2023 16:33</p>"
        f'<p>{_TEXT}</p><p><img src="/anh/{number}.png"></p>'
        f'<p><a href="/tep/{number}.pdf">Toàn văn</a> <a href="/tep/{number}-b.pdf">Phụ lục</a></p>'
    )
