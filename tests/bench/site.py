"""Writes the static site that `make bench` fetches: 2,000 article pages of 30-50 KB, 3 images each.

The markup has NukeViet's hooks; links, menus and filler are as heavy as on real portals.
"""

from __future__ import annotations

import io
import random
from datetime import datetime, timedelta
from pathlib import Path

from PIL import Image

PAGES = 2000
PER_LIST = 20
_LISTS_IN_MENU = 82
_WORDS = [
    "huyện",
    "uỷ",
    "Bình",
    "Giang",
    "tổ",
    "chức",
    "hội",
    "nghị",
    "tổng",
    "kết",
    "công",
    "tác",
    "xây",
    "dựng",
    "Đảng",
    "phong",
    "trào",
    "thi",
    "đua",
    "năm",
    "cán",
    "bộ",
    "đảng",
    "viên",
    "nhân",
    "dân",
    "xã",
    "thị",
    "trấn",
    "nông",
    "thôn",
    "mới",
    "chuyển",
    "đổi",
    "số",
    "kinh",
    "tế",
    "văn",
    "hoá",
    "xã",
    "hội",
    "quốc",
    "phòng",
    "an",
    "ninh",
    "giáo",
    "dục",
    "y",
    "tế",
    "môi",
    "trường",
    "đồng",
    "chí",
    "bí",
    "thư",
    "chủ",
    "tịch",
    "uỷ",
    "ban",
    "mặt",
    "trận",
    "đoàn",
    "thể",
]


def write_site(folder: Path, pages: int = PAGES) -> None:
    """Write everything; the same bytes every time."""
    random_ = random.Random(7)
    base = _picture(random_)
    (folder / "uploads").mkdir(parents=True)
    news = folder / "vi" / "news"
    (news / "Tin-tuc").mkdir(parents=True)
    for number in range(pages):
        (news / "Tin-tuc" / f"bai-viet-so-{number}.html").write_text(
            _article(random_, number, pages)
        )
        for image in range(3):
            unique = base + f"{number}-{image}".encode()
            (folder / "uploads" / f"{number}-{image}.jpg").write_bytes(unique)
    lists = -(-pages // PER_LIST)
    for page in range(1, lists + 1):
        target = news if page == 1 else news / f"page-{page}"
        target.mkdir(exist_ok=True)
        (target / "index.html").write_text(_list(page, lists, pages))


def addresses(pages: int = PAGES) -> list[str]:
    """Paths of all pages and images."""
    lists = ["/vi/news/"] + [f"/vi/news/page-{n}/" for n in range(2, -(-pages // PER_LIST) + 1)]
    articles = [f"/vi/news/Tin-tuc/bai-viet-so-{n}.html" for n in range(pages)]
    return lists + articles + [f"/uploads/{n}-{i}.jpg" for n in range(pages) for i in range(3)]


def _picture(random_: random.Random) -> bytes:
    noise = Image.frombytes("RGB", (200, 140), random_.randbytes(200 * 140 * 3))
    out = io.BytesIO()
    noise.resize((400, 280)).save(out, "JPEG", quality=70)
    return out.getvalue()


def _words(random_: random.Random, count: int) -> str:
    return " ".join(random_.choices(_WORDS, k=count))


def _filler(random_: random.Random, size: int) -> str:
    """Text that packs about as well as a portal's scripts and menus do."""
    text = _words(random_, 700).encode()
    return (text * (1 + max(0, size) // len(text)))[: max(0, size)].decode("utf-8", "ignore")


def _article(random_: random.Random, number: int, pages: int) -> str:
    when = datetime(2015, 1, 1, 8) + timedelta(hours=17 * number)  # noqa: DTZ001
    weekday = ("Thứ hai", "Thứ ba", "Thứ tư", "Thứ năm", "Thứ sáu", "Thứ bảy", "Chủ nhật")[
        when.weekday()
    ]
    paragraphs = "".join(f"<p>{_words(random_, random_.randint(60, 140))}</p>" for _ in range(6))
    images = "".join(
        f'<figure class="image"><img src="/uploads/{number}-{i}.jpg"><figcaption>{_words(random_, 6)}</figcaption></figure>'
        for i in range(3)
    )
    related = "".join(_link((number + step) % pages) for step in range(1, 11))
    return _page(
        random_,
        f"Bài viết số {number}: {_words(random_, 9)}",
        f'<div class="news_column panel" itemscope itemtype="http://schema.org/NewsArticle">'
        f'<h1 class="title" itemprop="headline">Bài viết số {number}: {_words(random_, 9)}</h1>'
        f'<span class="h5">{weekday} - {when:%d/%m/%Y %H:%M}</span>'
        f'<div class="hometext">{_words(random_, 40)}</div><div id="news-bodyhtml" class="bodytext">{paragraphs}{images}</div>'
        f'<p class="h5 text-right"><strong>Tác giả: </strong>Hà Trang</p></div><ul class="related">{related}</ul>',
        random_.randint(30_000, 49_000),
    )


def _link(number: int) -> str:
    return f'<li><a href="/vi/news/Tin-tuc/bai-viet-so-{number}.html" title="Bài viết số {number}">Bài viết số {number}</a></li>'


def _list(page: int, lists: int, pages: int) -> str:
    numbers = range((page - 1) * PER_LIST, min(page * PER_LIST, pages))
    paging = "".join(
        f'<li><a href="/vi/news/{f"page-{n}/" if n > 1 else ""}">{n}</a></li>'
        for n in range(max(1, page - 3), min(lists, page + 3) + 1)
    )
    items = "".join(map(_link, numbers))
    return _page(
        random.Random(page),
        "Tin tức",
        f'<ul class="list">{items}</ul><ul class="pagination">{paging}</ul>',
        31_000,
    )


def _page(random_: random.Random, title: str, content: str, target: int) -> str:
    menu = "".join(
        f'<li class="dropdown" role="presentation"><a class="dropdown-toggle" href="/vi/news/page-{n}/" title="Mục {n}">Mục {n}</a></li>'
        for n in range(2, _LISTS_IN_MENU)
    )
    words = _words(random_, 150)
    side = "".join(
        f'<li class="clearfix"><a class="show" href="/vi/news/page-{n + 2}/" data-content="{words[n * 4 : n * 4 + 220]}">Khối {n}</a></li>'
        for n in range(20)
    )
    size = len((menu + content + side).encode())
    pad = f"<script>/* {_filler(random_, target - size)} */</script>"
    return (
        f'<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8"><title>{title}</title></head><body>'
        f'<ul class="nav">{menu}</ul>{content}<ul class="side">{side}</ul>{pad}</body></html>'
    )
