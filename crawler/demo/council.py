"""The sample portal's people's committee pages, with the hooks that NukeViet's themes have."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from crawler.demo.content import SampleArticle, council_articles
from crawler.normalise.latin import fold_letters

ROOT = "/ubnd/vi/news/"
PER_PAGE = 6
CATEGORIES = {"Tin-tuc": "Tin tức", "Thong-bao": "Thông báo"}
_WEEKDAYS = ("Thứ hai", "Thứ ba", "Thứ tư", "Thứ năm", "Thứ sáu", "Thứ bảy", "Chủ nhật")


def article_path(article: SampleArticle, category: str | None = None) -> str:
    """The article's address in a category; without one, its main address."""
    slug = "-".join("".join(c if c.isalnum() else " " for c in fold_letters(article.title)).split())
    return f"{ROOT}{category or _category(article)}/{slug}-{article.id}.html"


def _category(article: SampleArticle) -> str:
    return "Thong-bao" if article.id % 4 == 0 else "Tin-tuc"


def _in_category(category: str | None) -> list[SampleArticle]:
    """An article of the first category stands in the second as well if its number ends in 5."""
    return [
        article
        for article in council_articles()
        if category in (None, _category(article))
        or (category == "Thong-bao" and article.id % 10 == 5)
    ]


def listing(category: str | None, page: int) -> str | None:
    """A page of a list; None beyond its end."""
    articles = _in_category(category)
    shown = articles[(page - 1) * PER_PAGE :][:PER_PAGE]
    if not shown or (category is not None and category not in CATEGORIES):
        return None
    base = ROOT if category is None else f"{ROOT}{category}/"
    last = -(-len(articles) // PER_PAGE)
    numbers = "".join(
        f'<li><a href="{base if n == 1 else f"{base}page-{n}/"}">{n}</a></li>'
        for n in range(1, last + 1)
    )
    items = "".join(_item(article, category) for article in shown)
    return _page(
        "Tin tức", f'<div class="news_column">{items}</div><ul class="pagination">{numbers}</ul>'
    )


def _item(article: SampleArticle, category: str | None) -> str:
    path = article_path(article, category if category in CATEGORIES else None)
    return (
        f'<div class="panel-body"><h3><a href="{path}">{escape(article.title)}</a></h3>'
        f'<ul class="list-inline"><li>{article.published:%d/%m/%Y %H:%M:%S}</li><li>Đã xem: 3</li></ul>'
        f"{escape(article.lead)}</div>"
    )


def article(category: str, id_: int) -> str | None:
    """An article's page in a category; None if there is none."""
    found = next((one for one in _in_category(category) if one.id == id_), None)
    if found is None:
        return None
    when = found.published
    author = (
        f'<p class="h5 text-right"><strong>Tác giả: </strong>{escape(found.byline)}</p>'
        if found.byline
        else ""
    )
    content = (
        f'<div class="news_column panel panel-default" itemscope itemtype="http://schema.org/NewsArticle">'
        f'<h1 class="title" itemprop="headline">{escape(found.title)}</h1>'
        f'<span class="hidden" itemprop="datePublished">{when.replace(year=2025):%Y-%m-%dT%H:%M:%S}+07:00</span>'
        f'<span class="h5">{_WEEKDAYS[when.weekday()]} - {when:%d/%m/%Y %H:%M}</span>'
        f'<div class="hometext" itemprop="description">{escape(found.lead)}</div>{_figure(found)}'
        f'<div id="news-bodyhtml" class="bodytext">{_body(found)}</div>{author}'
        f'<p class="h5 text-right"><strong>Nguồn tin: </strong>UBND xã</p></div>'
        f'<div class="other-news"><p class="h3">Những tin cũ hơn</p>{_related(found)}</div>'
    )
    canonical = f'<link rel="canonical" href="{article_path(found)}">'
    return _page(found.title, content, canonical, _category(found))


def _figure(article: SampleArticle) -> str:
    if not article.images:
        return ""
    image = f'<img src="/ubnd/uploads/{article.images[0]}" alt="">'
    return f'<figure class="article center">{image}<figcaption>{escape(article.caption)}</figcaption></figure>'


def _body(article: SampleArticle) -> str:
    files = [
        f'<p><a href="/ubnd/uploads/{name}">Văn bản kèm theo</a></p>' for name in article.files
    ]
    return "".join([*(f"<p>{escape(text)}</p>" for text in article.paragraphs), *files])


def _related(article: SampleArticle) -> str:
    articles = council_articles()
    older: Sequence[SampleArticle] = articles[articles.index(article) + 1 :][:3]
    rows = (
        f'<li><a href="{article_path(one)}">{escape(one.title)}</a> <em>({one.published:%d/%m/%Y})</em></li>'
        for one in older
    )
    return f'<ul class="related list-items">{"".join(rows)}</ul>'


def feed() -> str:
    """The newest articles as RSS, with NukeViet's fault: the minutes are the month."""
    items = "".join(
        f"<item><title>{escape(one.title)}</title><link>http://demo.localhost{article_path(one)}</link>"
        f"<pubDate>{one.published:%a, %d %b %Y %H:%m:%S} GMT</pubDate></item>"
        for one in council_articles()[:10]
    )
    return f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Tin tức</title>{items}</channel></rss>'


def _page(title: str, content: str, head: str = "", category: str = "Tin-tuc") -> str:
    crumbs = "".join(
        f'<li><span itemprop="name">{name}</span></li>'
        for name in ("Trang nhất", "Tin Tức", CATEGORIES[category])
    )
    menu = "".join(f'<a href="{ROOT}{path}/">{name}</a>' for path, name in CATEGORIES.items())
    return (
        f'<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta property="og:site_name" content="Uỷ ban nhân dân huyện (mẫu)">{head}'
        f'<link rel="alternate" type="application/rss+xml" href="{ROOT}rss/">'
        f'<link rel="stylesheet" href="/style/portal.css"></head><body><div class="menu">{menu}</div>'
        f'<ul class="temp-breadcrumbs hidden" itemscope itemtype="https://schema.org/BreadcrumbList">{crumbs}</ul>'
        f'{content}<a rel="nofollow" href="/ubnd/vi/news/?nvvithemever=m&amp;nv_redirect=x">Giao diện di động</a>'
        f"</body></html>"
    )
