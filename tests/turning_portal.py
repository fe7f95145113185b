"""A portal to which things happen: it loses fields, is shut, sold, taken over.

What it is turned into stands in its attributes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler

from storage.times import LOCAL
from tests.changing_portal import _WORDS, ChangingPortal
from tests.misbehaving import png

FIELDS = frozenset({"date", "body", "author", "images"})
NUMBER = 22
_LINES = (
    "Cán bộ và nhân dân trong huyện tổng kết công tác xây dựng nông thôn mới",
    "Lãnh đạo huyện đã thảo luận và đề xuất nhiều giải pháp phù hợp với địa phương",
    "Nhân dân các xã phấn đấu hoàn thành các chỉ tiêu đã đề ra trong năm",
)
_ENGLISH = (
    "The new owners of this address offer cheap flights, hotels and car hire in many countries."
)

Instead = tuple[int, str]
CHALLENGE: Instead = (
    403,
    "<html><head><title>Just a moment...</title></head><body><h1>portal</h1><p>Checking your "
    "browser before accessing.</p><script>window._cf_chl_opt={cvId:'3'}</script></body></html>",
)
MAINTENANCE: Instead = (
    200,
    "<html><head><title>Cổng thông tin</title></head><body><h2>Hệ thống đang bảo trì, xin quay "
    "lại sau</h2></body></html>",
)
LOGIN: Instead = (
    200,
    "<html><head><title>Đăng nhập hệ thống</title></head><body><form><input name=u>"
    "<input type='password' name=p></form></body></html>",
)
NO_SITE: Instead = (
    200,
    "<html><head><title>Welcome to nginx!</title></head><body><h1>Welcome to nginx!</h1></body></html>",
)
PARKED: Instead = (
    200,
    "<html><head><title>song.example</title></head><body><h1>Tên miền này đang được bán</h1>"
    "<a href='http://sedo.example/'>Buy this domain</a></body></html>",
)
GAMBLING: Instead = (
    200,
    "<html><head><title>98WIN - Nhà cái uy tín số 1, cá cược thể thao</title></head><body>"
    '<div class="news_column"><h1 class="title">98WIN - Nhà cái uy tín số 1</h1><div id="news-bodyhtml">'
    + "<p>Casino trực tuyến, nổ hũ, tài xỉu, đá gà: đăng ký nhận khuyến mãi, nạp tiền và rút tiền "
    "trong 2 phút, hoàn trả mỗi ngày cho hội viên.</p>" * 20 + "</div></div>"
    '<a href="/vi/news/Muc-1/khuyen-mai-98win-900.html">Nhận thưởng 98k ngay hôm nay</a></body></html>',
)  # fmt: skip


class TurningPortal(ChangingPortal):
    """Some articles of NukeViet's form, one every two days until today, two of them yet to come."""

    def __init__(self, id_: str) -> None:
        super().__init__(NUMBER, marks=False)
        self.id = id_
        self.pictured = 4
        """One article in so many has a picture."""
        self.today = datetime.now(UTC).astimezone(LOCAL)
        self.shows = FIELDS
        self.instead: Instead | None = None
        self.moved_to: str | None = None
        self.hook = 'id="news-bodyhtml" class="bodytext"'
        self.english = False
        self.dress = "list"
        """Of the lists: the class of each of its parts begins so."""
        self.trap = 0
        """Sections without end that the lists name."""

    @property
    def table(self) -> str:
        """The site's declaration."""
        return super().table.replace('"song"', f'"{self.id}"')

    def later(self) -> None:
        """Two articles are new, and one has changed."""
        self.numbers += [NUMBER, NUMBER + 1]
        self.edits[NUMBER - 1] = 1

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        status, mime, body = self._turned(handler.path)
        handler.send_response(status)
        if status == 302:
            handler.send_header("Location", str(self.moved_to))
        # A mark, new each time: an update then looks at as many articles as it does at most.
        handler.send_header("ETag", f'"{len(self.asked)}"')
        handler.send_header("Content-Type", mime)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _turned(self, path: str) -> tuple[int, str, bytes]:
        html = "text/html; charset=utf-8"
        if path == "/robots.txt":
            return 404, "text/plain", b""
        if self.moved_to is not None:
            return 302, html, b""
        if self.instead is not None:
            return self.instead[0], html, self.instead[1].encode()
        if path.endswith(".png"):
            return 200, "image/png", png(8, 8)
        status, content = self._page(path)
        title = "Travel deals" if self.english else "Tin tức huyện"
        page = (
            f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>{title}</title></head>'
            f"<body>{content}<!-- {next(self._fetches)} --></body></html>"
        )
        return status, html, page.encode()

    def _list(self, category: str, found: list[int], page: int) -> str:
        """All on one page."""
        items = "".join(
            f'<li class="{self.dress}-item"><a class="{self.dress}-link" href="{self._path(n)}">'
            f'<span class="{self.dress}-title">{self._title(n)}</span></a></li>'
            for n in found
        )
        junk = "".join(f'<a href="/vi/news/Rac-{n}/">Rác</a>' for n in range(self.trap))
        inner = f'<ul class="{self.dress}-all" id="{self.dress}">{items}</ul>{junk}'
        return f'<div class="{self.dress}-box"><b class="{self.dress}-head">Tin</b>{inner}</div>'

    def _page(self, path: str) -> tuple[int, str]:
        if "/Rac-" in path:
            return 200, self._list("", [], 1)
        return super()._page(path)

    def _title(self, number: int) -> str:
        if self.english:
            return f"Cheap flights and hotels for the whole family, offer {number}"
        return f"Huyện tổ chức hội nghị tổng kết công tác năm, bài số {number}"

    def _article(self, number: int) -> tuple[int, str]:
        if number not in self.numbers:
            return 404, "<h1>404</h1>"
        when = self.today - timedelta(days=2 * (NUMBER + 1 - number))
        text = [_ENGLISH if self.english else line for line in _LINES] * 3
        text.append(
            "" if self.english else f"{' '.join(_WORDS)} {number} {self.edits.get(number, '')}"
        )
        pictured = "images" in self.shows and number % self.pictured == 0
        body = "".join(f"<p>{line}</p>" for line in text) if "body" in self.shows else ""
        image = f'<p><img src="/anh/{number}.png"></p>' if pictured else ""
        date = f'<span class="h5">{when:%d/%m/%Y %H:%M}</span>' if "date" in self.shows else ""
        author = "<strong>Tác giả: </strong>Hà Trang" if "author" in self.shows else ""
        return 200, (
            '<div class="news_column panel" itemtype="http://schema.org/NewsArticle">'
            f'<h1 class="title" itemprop="headline">{self._title(number)}</h1>{date}'
            f"<div {self.hook}>{body}{image}</div>"
            f'<p class="h5 text-right">{author}</p></div>'
        )
