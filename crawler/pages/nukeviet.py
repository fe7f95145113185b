"""NukeViet 4: the commonest CMS of commune, district and province portals.

Articles: `/<lang>/news/<Category>/<slug>-<id>.html`. Lists: `/<lang>/news/<Category>/`, then
`page-2/` and so on. Feeds: `/<lang>/news/rss/…`. Only the printed date is right: `datePublished`
holds the time of the last edit, the minutes of RSS dates are the month (measured on 4.5.05).
An article has an address per category; its canonical link names the main one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from selectolax.lexbor import LexborNode

from crawler.normalise.latin import fold_letters
from crawler.pages import links
from crawler.pages.document import Document, collapse
from crawler.pages.family import Family
from crawler.pages.flow import Flow, image_of, read_flow
from storage.records import DateCandidate, Found, FoundImage, Link

if TYPE_CHECKING:
    from crawler.sites import Site

_ARTICLE = re.compile(r"-(\d+)\.html$")
_PAGING = re.compile(r"/page-\d+/?$")
_NOT_PAGES = re.compile(
    r"/(?:users|contact|voting|banners|seek|search|tag|print|savefile|sendmail|content|comment|siteterms)(?:/|$)"
    r"|[?&](?:nvvithemever|nv_redirect)="
)
_BODY = "#news-bodyhtml, .bodytext"
_ITEM = '.news_column[itemtype*="NewsArticle"]'


class NukeViet(Family):
    """Themes `default` and `egov`; others keep these hooks as far as they were seen."""

    name = "nukeviet"

    def read(self, document: Document) -> Found:
        """An article if its body's block is there, else a list if it names articles."""
        body = document.first(_BODY)
        found_links = tuple(self._links(document))
        if body is not None:
            return self._read_article(document, body, found_links)
        is_list = any(link.role == "article" for link in found_links)
        return Found(
            kind="list" if is_list else "other",
            url=document.url,
            fetched_at=document.fetched_at,
            family=self.name,
            title_raw=document.text("title"),
            links=found_links,
            site_names=document.site_names,
        )

    def _read_article(self, document: Document, body: LexborNode, found: tuple[Link, ...]) -> Found:
        return Found(
            kind="article",
            url=_canonical(document),
            fetched_at=document.fetched_at,
            family=self.name,
            title_raw=document.text('h1[itemprop="headline"]', "h1.title", "h1"),
            lead_raw=document.text(".hometext"),
            section_raw=_section(document),
            flow=tuple(_lead_images(document) + read_flow(body, document.link)),
            byline_raw=_labelled(document, "tac gia"),
            credit_raw=_labelled(document, "nguon tin"),
            attachments=links.attachments(document, f"{_ITEM} a[href]"),
            dates=tuple(_dates(document)),
            links=found,
            site_names=document.site_names,
            date_order=document.site.date_order,
        )

    def _links(self, document: Document) -> Iterator[Link]:
        for url in links.addresses(document):
            link = _classify(document.site, url)
            if link is not None:
                yield link
        for node in document.tree.css('link[rel="alternate"][type*="rss"]'):
            feed = document.link(node.attributes.get("href"))
            if feed and document.site.covers(feed):
                yield Link(feed, "feed")


@lru_cache(maxsize=8192)
def _classify(site: Site, url: str) -> Link | None:
    """Articles anywhere on the site; lists only below the declared ones."""
    if not site.covers(url) or _NOT_PAGES.search(url):
        return None
    path = urlsplit(url).path
    if _ARTICLE.search(path):
        return Link(url, "article")
    if "/rss/" in path:
        return Link(url, "feed")
    if path.endswith("/") and any(url.startswith(listing) for listing in site.listings):
        return Link(url, "list", paging=bool(_PAGING.search(path)))
    return None


def _canonical(document: Document) -> str:
    """The article's main address, if it names the same article on the same site."""
    url = document.link(document.attribute('link[rel="canonical"]', "href"))
    own, named = _ARTICLE.search(document.url), _ARTICLE.search(url or "")
    same = own is not None and named is not None and own[1] == named[1]
    return url if url and same and document.site.covers(url) else document.url


def _section(document: Document) -> str | None:
    crumbs = [
        collapse(node.text())
        for node in document.tree.css('[itemtype$="BreadcrumbList"] [itemprop="name"]')
    ]
    return crumbs[-1] if len(crumbs) > 1 else document.meta("article:section")


def _lead_images(document: Document) -> Flow:
    """The picture beside the lead. It stands outside the body, in a figure of its own."""
    images: Flow = []
    for figure in document.tree.css("figure.article"):
        caption = figure.css_first("figcaption")
        for img in figure.css("img"):
            image = image_of(img, document.link)
            if image is not None:
                text = collapse(caption.text()) if caption is not None else ""
                images.append(FoundImage(image.url, image.alt, text or None, lead=True))
    return images


def _labelled(document: Document, label: str) -> str | None:
    """The closing line that begins with this label (folded)."""
    for node in document.tree.css(f"{_ITEM} p.h5, {_ITEM} p.text-right, .news_column p.h5"):
        text = collapse(node.text())
        if fold_letters(text).startswith(label):
            return text
    return None


def _dates(document: Document) -> Iterator[DateCandidate]:
    for node in document.tree.css(f"{_ITEM} span.h5, .news_column span.h5, .panel-body span.h5"):
        if text := collapse(node.text()):
            yield DateCandidate(text, "article", "printed")
            break
    if published := document.meta("article:published_time"):
        yield DateCandidate(published, "meta", "meta")
    if edited := document.text('[itemprop="datePublished"]'):
        yield DateCandidate(edited, "edit", "meta")
