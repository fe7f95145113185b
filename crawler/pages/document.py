"""A page parsed: the tree, its base address, and what families ask of it."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.pages.shallow import is_too_deep, make_shallow
from storage.charset import to_utf8
from storage.records import Capture
from storage.urls import join_url

if TYPE_CHECKING:
    from crawler.sites import Site

_SPACE = re.compile(r"[ \t\r\n\f]{2,}|[\t\r\n\f]")  # single spaces may stay: most are


def collapse(text: str) -> str:
    """As a browser shows it: runs of ASCII white space are one space; NBSP stays within."""
    if "\n" in text or "  " in text or "\t" in text or "\r" in text or "\f" in text:
        text = _SPACE.sub(" ", text)  # most lines need it not
    return text.strip()


class Document:
    """A captured HTML page of a site."""

    def __init__(self, capture: Capture, site: Site) -> None:
        """Raises DecodeError if the body cannot be decoded."""
        self.url = capture.url
        self.fetched_at: datetime = capture.fetched_at
        self.site = site
        body = to_utf8(capture.body(), capture.header("content-type"))
        self.too_deep = is_too_deep(body)
        self.tree = LexborHTMLParser(make_shallow(body) if self.too_deep else body)
        href = self.attribute("base[href]", "href")
        self.base = (join_url(self.url, href) if href else None) or self.url

    def link(self, href: str | None) -> str | None:
        """The canonical address that an attribute names; None if it names none."""
        return join_url(self.base, href) if href else None

    def first(self, *selectors: str) -> LexborNode | None:
        """The first node of the first selector that has one."""
        for selector in selectors:
            node = self.tree.css_first(selector)
            if node is not None:
                return node
        return None

    def text(self, *selectors: str) -> str | None:
        """The text of the first node that has any."""
        for selector in selectors:
            for node in self.tree.css(selector):
                if text := collapse(node.text()):
                    return text
        return None

    def attribute(self, selector: str, name: str) -> str | None:
        """An attribute of the first node that has it, trimmed; None if there is none."""
        for node in self.tree.css(selector):
            if value := (node.attributes.get(name) or "").strip():
                return value
        return None

    def meta(self, *names: str) -> str | None:
        """The content of the first of these meta elements, by `property` or `name`."""
        return next((self._metas[name] for name in names if name in self._metas), None)

    @cached_property
    def _metas(self) -> dict[str, str]:
        """The first content of every meta element, by `property` and by `name`."""
        found: dict[str, str] = {}
        for node in self.tree.css("meta[content]"):
            attributes = node.attributes
            content = (attributes["content"] or "").strip()
            for name in (attributes.get("property"), attributes.get("name")):
                if name and content:
                    found.setdefault(name, content)
        return found

    @property
    def site_names(self) -> tuple[str, ...]:
        """Names of the site that may hang on a title."""
        names = (self.site.name, self.meta("og:site_name"))
        return tuple(dict.fromkeys(name for name in names if name))
