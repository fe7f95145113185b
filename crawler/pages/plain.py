"""Any page, read without knowing its CMS."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from crawler.pages import links
from crawler.pages.document import Document
from crawler.pages.family import Family
from crawler.pages.generic import Block, find_article
from storage.records import Found, Link

_HEADLINE_CHARS = 25
_LIST_HEADLINES = 5


class Plain(Family):
    """The fallback for every page; also the base of families whose markup is half known."""

    name = "plain"
    body_hints = ""
    """Selector of nodes that hold an article's body where the CMS is this one."""
    section_hints = ".breadcrumb li:last-child, .breadcrumbs li:last-child"

    def read(self, document: Document) -> Found:
        """An article where running text gathers, a list where headlines do."""
        block = find_article(document, self.body_hints)
        found = tuple(dict.fromkeys(self.links(document)))
        if block is not None and self.is_article(document, block):
            return self._article(document, block, found)
        headlines = sum(link.role == "article" for link in found)
        return Found(
            kind="list"
            if headlines >= _LIST_HEADLINES or document.url in document.site.listings
            else "other",
            url=document.url,
            fetched_at=document.fetched_at,
            family=self.name,
            title_raw=document.text("title"),
            links=found,
            site_names=document.site_names,
        )

    def is_article(self, document: Document, block: Block) -> bool:
        """Whether what was found is an article and no list with long leads."""
        return document.url not in document.site.listings and not block.is_list

    def _article(self, document: Document, block: Block, found: tuple[Link, ...]) -> Found:
        return Found(
            kind="article",
            url=self.canonical(document),
            fetched_at=document.fetched_at,
            family=self.name,
            title_raw=block.title,
            section_raw=document.text(self.section_hints),
            flow=tuple(block.flow),
            attachments=links.attachments(document, "a[href]"),
            dates=block.dates,
            links=found,
            site_names=document.site_names,
            date_order=document.site.date_order,
        )

    def canonical(self, document: Document) -> str:
        """The address that the page gives as its own, if it is credible.

        Credible is one of the same site and path, or the same last step of the path: portals
        are seen that name their home page as the canonical address of every page.
        """
        url = document.link(document.attribute('link[rel="canonical"]', "href"))
        if not url or not document.site.covers(url):
            return document.url
        own, named = urlsplit(document.url), urlsplit(url)
        same_step = named.path.rsplit("/", 1)[-1] == own.path.rsplit("/", 1)[-1] != ""
        return (
            url
            if named.path != "/" and same_step and named.query in ("", own.query)
            else document.url
        )

    def links(self, document: Document) -> Iterator[Link]:
        """Headlines lead to articles, the rest of the site's own links to pages."""
        for anchor in links.anchors(document):
            if document.site.covers(anchor.url) and not links.is_file(anchor.url):
                headline = len(anchor.text or anchor.title) >= _HEADLINE_CHARS
                yield Link(anchor.url, "article" if headline else "page")
        for node in document.tree.css(
            'link[rel="alternate"][type*="rss"], link[rel="alternate"][type*="atom"]'
        ):
            url = document.link(node.attributes.get("href"))
            if url and document.site.covers(url):
                yield Link(url, "feed")
