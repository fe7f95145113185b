"""A portal that lives: articles are added, changed and taken down between two crawls.

Ten categories of lists with twenty articles a page, NukeViet's hooks. With `marks` it answers
conditional requests by ETag, with `dates` by Last-Modified alone; without either its bytes differ
on every fetch, as NukeViet's do. With `sitemap` there is one, and it is declared.
"""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler
from itertools import count

from tests.loopback import LoopbackPortal

CATEGORIES = 10
PER_PAGE = 20
_WORDS = "huyện uỷ tổ chức hội nghị tổng kết công tác xây dựng Đảng năm cán bộ nhân dân".split()


class ChangingPortal(LoopbackPortal):
    """Ten categories, and whatever happens to their articles."""

    def __init__(
        self, articles: int, *, marks: bool = True, dates: bool = False, sitemap: bool = False
    ) -> None:
        self.numbers = list(range(articles))
        """Oldest first; the newest stand first in the lists."""
        self.edits: dict[int, int] = {}
        """How often an article was changed."""
        self.gone: dict[int, str] = {}
        """Articles taken down, and how that shows: `404`, `soft` or `home`."""
        self.listed_gone = False
        """Lists still name what was taken down."""
        self.marks = marks and not dates
        self.dates = dates
        self.sitemap = sitemap
        self.edited_at: dict[int, datetime] = {}
        """When an article was changed, as far as the sitemap and Last-Modified tell."""
        self.began = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
        self.asked: list[str] = []
        self.front: str | None = None
        """What every page says instead of its own; None: it says its own."""
        self._fetches = count()

    @property
    def table(self) -> str:
        """The site's declaration."""
        more = f', "{self.url}/sitemap.xml"' if self.sitemap else ""
        return (
            f'id = "song"\nname = "Cổng thông tin"\norgan = "other"\n'
            f'listings = ["{self.url}/vi/news/"{more}]\nlayouts = [{{ family = "nukeviet" }}]\n'
            'delay_seconds = 0\nallow_addresses = ["127.0.0.0/8"]'
        )

    def article_url(self, number: int) -> str:
        return f"{self.url}{self._path(number)}"

    def _path(self, number: int) -> str:
        return f"/vi/news/Muc-{number % CATEGORIES}/bai-viet-so-{number}.html"

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        status, content = self._page(handler.path)
        noise = "" if self.marks or self.dates else f"<!-- {next(self._fetches)} -->"
        menu = "".join(
            f'<li><a href="/vi/news/Muc-{n}/">Mục {n}</a></li>' for n in range(CATEGORIES)
        )
        page = (
            content.encode()
            if handler.path == "/sitemap.xml"
            else (
                f'<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8"><title>Tin</title></head>'
                f'<body><ul class="nav">{menu}</ul>{content}{noise}</body></html>'
            ).encode()
        )
        mark = f'"{hashlib.sha1(page).hexdigest()}"'
        if status == 200 and self.marks and handler.headers["If-None-Match"] == mark:
            status, page = 304, b""
        changed = self._changed_at(handler.path)
        since = handler.headers["If-Modified-Since"]
        if status == 200 and self.dates and since and parsedate_to_datetime(since) >= changed:
            status, page = 304, b""
        handler.send_response(status)
        if self.dates:
            handler.send_header("Last-Modified", format_datetime(changed, usegmt=True))
        if status == 302:
            handler.send_header("Location", "/vi/news/")
        if self.marks:
            handler.send_header("ETag", mark)
        if status != 304:
            mime = "application/xml" if handler.path == "/sitemap.xml" else "text/html"
            handler.send_header("Content-Type", f"{mime}; charset=utf-8")
            handler.send_header("Content-Length", str(len(page)))
        handler.end_headers()
        handler.wfile.write(page)

    def _page(self, path: str) -> tuple[int, str]:
        if path == "/robots.txt":
            return 404, ""
        if self.front is not None:
            return 200, self.front
        if path == "/sitemap.xml" and self.sitemap:
            return 200, self._sitemap()
        if path.endswith(".html"):
            return self._article(int(path.rpartition("-")[2].removesuffix(".html")))
        category, _, page = path.removeprefix("/vi/news/").partition("/page-")
        found = [n for n in reversed(self.numbers) if self.listed_gone or n not in self.gone]
        if category:
            wanted = int(category.strip("/").removeprefix("Muc-"))
            found = [n for n in found if n % CATEGORIES == wanted]
        return 200, self._list(category.strip("/"), found, int(page.strip("/") or 1))

    def _changed_at(self, path: str) -> datetime:
        if not path.endswith(".html"):
            return max(self.edited_at.values(), default=self.began)
        return self.edited_at.get(int(path.rpartition("-")[2].removesuffix(".html")), self.began)

    def edit(self, *numbers: int) -> None:
        """Change these articles now, and say so."""
        for number in numbers:
            self.edits[number] = self.edits.get(number, 0) + 1
            self.edited_at[number] = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)

    def _sitemap(self) -> str:
        entries = "".join(
            f"<url><loc>{self.article_url(n)}</loc>"
            f"<lastmod>{self.edited_at.get(n, self.began - timedelta(hours=n)):%Y-%m-%dT%H:%M:%SZ}</lastmod></url>"
            for n in self.numbers
            if n not in self.gone
        )
        return f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'

    def _list(self, category: str, found: list[int], page: int) -> str:
        shown = found[(page - 1) * PER_PAGE : page * PER_PAGE]
        items = "".join(f'<li><a href="{self._path(n)}">Bài viết số {n}</a></li>' for n in shown)
        next_ = f"/vi/news/{category}/page-{page + 1}/"
        more = bool(category) and page * PER_PAGE < len(found)
        paging = f'<ul class="pagination"><li><a href="{next_}">{page + 1}</a></li></ul>'
        return f'<ul class="list">{items}</ul>{paging if more else ""}'

    def _article(self, number: int) -> tuple[int, str]:
        how = self.gone.get(number)
        if number not in self.numbers or how == "404":
            return 404, "<h1>404</h1>"
        if how == "home":
            return 302, ""
        if how == "soft":
            return 200, "<h1>Không tìm thấy trang</h1><p>Trang bạn tìm không tồn tại.</p>"
        random_ = random.Random(number)
        when = datetime(2015, 1, 1, 8) + timedelta(hours=17 * number)  # noqa: DTZ001
        words = [" ".join(random_.choices(_WORDS, k=120)) for _ in range(12)]
        edit = f"<p>Sửa lần {self.edits[number]}.</p>" if number in self.edits else ""
        text = "".join(f"<p>{part}</p>" for part in words) + edit
        return 200, (
            '<div class="news_column panel" itemtype="http://schema.org/NewsArticle">'
            f'<h1 class="title" itemprop="headline">Bài viết số {number}</h1>'
            f'<span class="h5">{when:%d/%m/%Y %H:%M}</span>'
            f'<div id="news-bodyhtml" class="bodytext">{text}</div>'
            '<p class="h5 text-right"><strong>Tác giả: </strong>Hà Trang</p></div>'
        )
