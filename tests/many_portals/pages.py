"""What a portal shows, as pieces to be sent one after the other: most of it is made once for all.

NukeViet's addresses and hooks, as in tests.bench.site; the newest articles stand first, twenty a
list.
"""

from __future__ import annotations

import random
import re
from datetime import datetime, timedelta
from functools import cache

from tests.bench.site import _filler, _picture, _words
from tests.many_portals.drawn import Portal

PER_LIST = 20
_ARTICLE = re.compile(r"/vi/news/Tin-tuc/bai-viet-so-(\d+)\.html")
_LIST = re.compile(r"/vi/news/(?:page-(\d+)/)?")
_IMAGE = re.compile(r"/uploads/(\d+)-(\d+)\.jpg")
_WEEKDAYS = ("Thứ hai", "Thứ ba", "Thứ tư", "Thứ năm", "Thứ sáu", "Thứ bảy", "Chủ nhật")
_LONGEST = 64_000
HTML, JPEG = "text/html; charset=utf-8", "image/jpeg"

Answer = tuple[int, str, list[bytes]]
"""Status, media type, pieces of the body."""


def answer(portal: Portal, path: str, published: int) -> Answer:
    """What the portal answers when it has published so many articles."""
    if match := _IMAGE.fullmatch(path):
        article, image = int(match[1]), int(match[2])
        if article < published and image < portal.images:
            return 200, JPEG, [_base(article % 7), f"{portal.host} {article} {image}".encode()]
    elif match := _ARTICLE.fullmatch(path):
        number = int(match[1])
        if number < published and not portal.is_missing(number):
            return _page(portal, _article(portal, number))
    elif match := _LIST.fullmatch(path):
        page = int(match[1] or 1)
        if (page - 1) * PER_LIST < published:
            return _page(portal, _list(page, published))
    return 404, HTML, ["<h1>Không tìm thấy trang</h1>".encode()]


def article_path(number: int) -> str:
    """An article's address on its portal."""
    return f"/vi/news/Tin-tuc/bai-viet-so-{number}.html"


def articles_of(portal: Portal, published: int) -> list[str]:
    """Paths of the articles that are there."""
    return [article_path(n) for n in range(published) if not portal.is_missing(n)]


def _page(portal: Portal, content: str) -> Answer:
    unique = f"<title>{portal.name}</title></head><body>{content}".encode()
    pad = _pad()[: max(0, portal.page_bytes - len(unique))]
    return 200, HTML, [_HEAD, unique, b"<script>/* ", pad, _TAIL]


_HEAD = b'<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8">'
_TAIL = b" */</script></body></html>"


def _article(portal: Portal, number: int) -> str:
    chance = random.Random(f"{portal.host} {number}")
    when = datetime(2015, 1, 1, 8) + timedelta(hours=17 * number)  # noqa: DTZ001
    images = "".join(
        f'<figure class="image"><img src="/uploads/{number}-{n}.jpg">'
        f"<figcaption>{chance.choice(_sentences())[:40]}</figcaption></figure>"
        for n in range(portal.images)
    )
    text = "".join(f"<p>{sentence}</p>" for sentence in chance.choices(_sentences(), k=8))
    return (
        '<div class="news_column panel" itemtype="http://schema.org/NewsArticle">'
        f'<h1 class="title" itemprop="headline">Bài viết số {number} của {portal.name}</h1>'
        f'<span class="h5">{_WEEKDAYS[when.weekday()]} - {when:%d/%m/%Y %H:%M}</span>'
        f'<div class="hometext">{chance.choice(_sentences())}</div>'
        f'<div id="news-bodyhtml" class="bodytext">{text}{images}</div>'
        '<p class="h5 text-right"><strong>Tác giả: </strong>Hà Trang</p></div>'
    )


def _list(page: int, published: int) -> str:
    newest = published - 1 - (page - 1) * PER_LIST
    items = "".join(
        f'<li><a href="{article_path(n)}">Bài viết số {n}</a></li>'
        for n in range(newest, max(-1, newest - PER_LIST), -1)
    )
    on = page * PER_LIST < published
    paging = f'<li><a href="/vi/news/page-{page + 1}/">{page + 1}</a></li>' if on else ""
    return f'<ul class="list">{items}</ul><ul class="pagination">{paging}</ul>'


@cache
def _sentences() -> list[str]:
    chance = random.Random(7)
    return [_words(chance, chance.randint(40, 90)) for _ in range(200)]


@cache
def _pad() -> bytes:
    return _filler(random.Random(7), _LONGEST).encode()


@cache
def _base(number: int) -> bytes:
    """A picture; what is added behind its end makes each of its uses another file."""
    return _picture(random.Random(number))
