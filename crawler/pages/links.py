"""Addresses that a page names: pages to follow, files to fetch, what it needs to be drawn."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from crawler.pages.document import Document, collapse
from storage.embedded import css_names
from storage.records import Attachment, Link
from storage.urls import join_url

_FILE = re.compile(
    r"\.(?:pdf|docx?|xlsx?|pptx?|zip|rar|7z|odt|ods|rtf|mp3|mp4)(?:$|[?#])", re.IGNORECASE
)
_FEED_LINK = re.compile(
    r"""<(?:link|loc)(?:\s[^>]*?href=["']([^"']+)["'][^>]*>|[^>]*>\s*(?:<!\[CDATA\[)?\s*(https?://[^<\]\s]+))"""
)

_FEED_ENTRY = re.compile(r"(?=<(?:url|entry|item)[\s>])")
_FEED_CHANGED = re.compile(r"<(?:lastmod|updated)>\s*([0-9T:.Z+-]{10,40})\s*<")


@dataclass(frozen=True, slots=True)
class Anchor:
    """An `a` element that names an http(s) address."""

    url: str
    text: str
    title: str


def addresses(document: Document, selector: str = "a[href]") -> list[str]:
    """The addresses that the page's anchors name, each once, in order."""
    hrefs = dict.fromkeys(node.attributes["href"] for node in document.tree.css(selector))
    return list(dict.fromkeys(url for href in hrefs if (url := document.link(href))))


def anchors(document: Document, selector: str = "a[href]") -> Iterator[Anchor]:
    """The page's anchors with their texts. Where texts do not matter, `addresses` is faster."""
    for node in document.tree.css(selector):
        attributes = node.attributes
        url = document.link(attributes["href"])
        if url:
            yield Anchor(url, collapse(node.text()), attributes.get("title") or "")


def is_file(url: str) -> bool:
    """Whether an address looks like a document for download."""
    return bool(_FILE.search(url))


def attachments(document: Document, selector: str) -> tuple[Attachment, ...]:
    """Files offered within a part of the page, each once."""
    found: dict[str, Attachment] = {}
    for node in document.tree.css(selector):
        url = node.attributes["href"]
        url = document.link(url) if url and is_file(url) else None
        if url:
            label = collapse(node.text()) or node.attributes.get("title")
            found[url] = Attachment(url, label or url.rsplit("/", 1)[-1])
    return tuple(found.values())


def requisites(document: Document) -> Iterator[Link]:
    """What the page needs to be drawn: style sheets, scripts, icons, images of the layout."""
    found: dict[str, None] = {}
    for node in document.tree.css('link[rel~="stylesheet" i][href], link[rel~="icon" i][href]'):
        found[node.attributes.get("href") or ""] = None
    for node in document.tree.css("script[src], img[src], input[type=image][src], [background]"):
        found[node.attributes.get("src") or node.attributes.get("background") or ""] = None
    for node in document.tree.css('[style*="url("]'):
        found |= dict.fromkeys(css_names(node.attributes.get("style") or ""))
    for node in document.tree.css("style"):
        found |= dict.fromkeys(css_names(node.text()))
    yield from _embedded(document.base, found)


def css_requisites(url: str, css: str) -> Iterator[Link]:
    """What a style sheet at `url` needs: fonts, images, other style sheets."""
    yield from _embedded(url, css_names(css))


def _embedded(base: str, names: Iterable[str]) -> Iterator[Link]:
    for name in names:
        url = join_url(base, name)
        if url:
            yield Link(url, "requisite", "E")


def feed_entries(base: str, text: str) -> Iterator[tuple[str, str | None]]:
    """Addresses that an RSS or Atom feed or a sitemap lists, and when it says each was changed.

    Found by pattern: feeds are often not well formed, and nothing here can be made to expand
    an entity or fetch a file.
    """
    for part in _FEED_ENTRY.split(text):
        changed = _FEED_CHANGED.search(part)
        for match in _FEED_LINK.finditer(part):
            url = join_url(base, html.unescape(match[1] or match[2]))
            if url:
                yield url, changed[1] if changed else None
