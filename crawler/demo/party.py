"""The sample portal's party pages: lists by `CateID` and `Page`, articles by `ItemID`.

Three layouts take turns, since the markup of the real portal is not known: blocks with classes,
tables within tables as old ASP.NET pages have them, and SharePoint's own rich text field.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from crawler.demo.content import SampleArticle, party_articles

PER_PAGE = 10
SECTIONS = {13: "Tin trong huyện", 14: "Tin tổng hợp"}
_WEEKDAYS = ("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ Nhật")


def article_path(article: SampleArticle) -> str:
    """The article's main address."""
    category = next(id_ for id_, name in SECTIONS.items() if name == article.section)
    return f"/news/Pages/chi-tiet.aspx?CateID={category}&ItemID={article.id}"


def home() -> str:
    """The front page: sections, the newest articles, and a link that leads nowhere."""
    links = "".join(
        f'<li><a href="{escape(_list_path(id_, 1))}">{name}</a></li>'
        for id_, name in SECTIONS.items()
    )
    newest = _items(party_articles()[:5])
    broken = '<a href="/news/Pages/chi-tiet.aspx?CateID=13&amp;ItemID=999">Thông báo đã được gỡ khỏi trang thông tin</a>'
    council = '<a href="/ubnd/vi/">Trang của Uỷ ban nhân dân</a>'
    return _page(
        "Trang chủ", f"<ul>{links}</ul><h2>Tin mới</h2>{newest}<p>{broken}</p><p>{council}</p>"
    )


def listing(category: int, page: int) -> str | None:
    """A page of a list. Beyond the last page the server answers with the last one again."""
    if category not in SECTIONS:
        return None
    articles = [article for article in party_articles() if article.section == SECTIONS[category]]
    last = -(-len(articles) // PER_PAGE)
    shown = articles[(min(page, last) - 1) * PER_PAGE :][:PER_PAGE]
    numbers = "".join(
        f'<a href="{escape(_list_path(category, n))}">{n}</a> ' for n in range(1, last + 1)
    )
    following = f'<a href="{escape(_list_path(category, page + 1))}">Trang sau</a>'
    return _page(
        SECTIONS[category], f"{_items(shown)}<div class=phan-trang>{numbers}{following}</div>"
    )


def article(id_: int) -> str | None:
    """An article's page; None if there is none of this number."""
    found = next((article for article in party_articles() if article.id == id_), None)
    if found is None:
        return None
    draw = (_in_blocks, _in_tables, _in_rich_text)[found.id % 3]
    canonical = f'<link rel="canonical" href="{escape(article_path(found))}">'
    return _page(found.title, draw(found) + _others(found), canonical)


def _list_path(category: int, page: int) -> str:
    return f"/news/Pages/new.aspx?CateID={category}&Page={page}"


def _items(articles: Sequence[SampleArticle]) -> str:
    rows = (
        f'<li><a href="{escape(article_path(article))}">{escape(article.title)}</a>'
        f" <span>({article.published:%d/%m/%Y})</span></li>"
        for article in articles
    )
    return f"<ul class=danh-sach>{''.join(rows)}</ul>"


def _dateline(article: SampleArticle) -> str:
    when = article.published
    return f"{_WEEKDAYS[when.weekday()]} {when:%d/%m/%Y %H:%M}"


def _body(article: SampleArticle) -> str:
    paragraphs = [f"<p>{escape(text)}</p>" for text in article.paragraphs]
    if article.images:
        image = (
            f'<p style="text-align:center"><img src="/Lists/Anh/{article.images[0]}" alt=""></p>'
        )
        paragraphs.insert(2, f"{image}<p><i>{escape(article.caption)}</i></p>")
    paragraphs += [f'<p><img src="/Lists/Anh/{name}" alt=""></p>' for name in article.images[1:]]
    if article.id % 20 == 5:
        paragraphs.append('<p><img src="/Lists/Anh/hong.jpg" alt=""></p>')  # an image that is HTML
    files = [f'<p><a href="/Lists/VanBan/{name}">Kế hoạch (PDF)</a></p>' for name in article.files]
    byline = (
        f'<p style="text-align:right"><b>{escape(article.byline)}</b></p>' if article.byline else ""
    )
    return "".join([*paragraphs, *files, byline])


def _lead(article: SampleArticle) -> str:
    return f"<p><b>{escape(article.lead)}</b></p>" if article.lead else ""


def _in_blocks(article: SampleArticle) -> str:
    return (
        f'<div class="chi-tiet"><h1 class="tieu-de">{escape(article.title)}</h1>'
        f'<div class="ngay">{_dateline(article)}</div><div class="cong-cu">Xem với cỡ chữ</div>'
        f'{_lead(article)}<div class="noi-dung">{_body(article)}</div></div>'
    )


def _in_tables(article: SampleArticle) -> str:
    return (
        f'<table width="100%"><tr><td><h2>{escape(article.title)}</h2></td></tr>'
        f"<tr><td>{_dateline(article)}</td></tr><tr><td>Xem với cỡ chữ</td></tr>"
        f"<tr><td>{_lead(article)}{_body(article)}</td></tr></table>"
    )


def _in_rich_text(article: SampleArticle) -> str:
    return (
        f'<div id="MSO_ContentTable"><span class="date">{_dateline(article)}</span>'
        f"<h1>{escape(article.title)}</h1><div>Xem với cỡ chữ</div>{_lead(article)}"
        f'<div class="ms-rtestate-field">{_body(article)}</div></div>'
    )


def _others(article: SampleArticle) -> str:
    articles = party_articles()
    place = articles.index(article)
    print_ = f'<a href="/_layouts/in.aspx?ItemID={article.id}">In trang</a>'
    return f"<p>{print_}</p><div>CÁC BÀI VIẾT KHÁC:</div>{_items(articles[place + 1 : place + 4])}"


def _page(title: str, content: str, head: str = "") -> str:
    today = datetime.now()  # noqa: DTZ005 the header's clock, as portals have it
    banner = (
        f"{_WEEKDAYS[today.weekday()].capitalize()}, ngày {today.day}/{today.month}/{today.year}"
    )
    return (
        f'<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8">'
        f"<title>{escape(title)} - Cổng thông tin mẫu huyện Bình Giang</title>{head}"
        f'<link rel="stylesheet" href="/style/portal.css"><link rel="icon" href="/favicon.ico">'
        f'<script src="/style/portal.js"></script></head><body>'
        f'<div id="dau-trang"><img src="/style/logo.png" alt=""><span id="ngay-hien-tai">{banner}</span></div>'
        f'<div class="menu"><a href="/">Trang chủ</a><a href="/news/Pages/new.aspx?CateID=13&amp;Page=1">Tin tức</a></div>'
        f"{content}"
        f'<div id="chan-trang">Trang mẫu, không phải trang của cơ quan nào. Giấy phép số 00/GP-MAU ngày 12/05/2019.</div>'
        f"</body></html>"
    )
