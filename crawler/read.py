"""Reads a captured page: bytes to the strings it shows. One road, live and stored alike."""

from __future__ import annotations

import re
from dataclasses import replace

from crawler.normalise.dates import LOCAL
from crawler.pages import FAMILIES
from crawler.pages.document import Document
from crawler.pages.links import css_requisites, feed_addresses, requisites
from crawler.sites import Site
from storage.records import Capture, Found, Link

_FEED_START = re.compile(rb"<(?:rss|feed|urlset|sitemapindex|rdf:RDF)[\s>]")
_START_BYTES = 2048


def read_page(capture: Capture, site: Site) -> Found:
    """What a captured HTML page or feed shows, by the layout that the site had on that day.

    Raises DecodeError if the body cannot be decoded; nothing else, for any bytes.
    """
    if is_feed(capture):
        return _read_feed(capture, site)
    day = capture.fetched_at.astimezone(LOCAL).date()
    family = FAMILIES[site.layout_on(capture.url, day).family]
    document = Document(capture, site)
    found = family.read(document)
    return replace(
        found,
        links=(*found.links, *requisites(document)),
        has_district=site.district is not None,
        province=site.province,
    )


def is_feed(capture: Capture) -> bool:
    """Whether the body is an RSS or Atom feed or a sitemap, whatever its declared type."""
    if capture.mime in ("application/rss+xml", "application/atom+xml"):
        return True
    return "xml" in capture.mime and bool(_FEED_START.search(capture.body()[:_START_BYTES]))


def _read_feed(capture: Capture, site: Site) -> Found:
    text = capture.body().decode("utf-8", "replace")
    addresses = dict.fromkeys(feed_addresses(capture.url, text))
    listings = set(site.listings)
    return Found(
        kind="list",
        url=capture.url,
        fetched_at=capture.fetched_at,
        family="feed",
        links=tuple(
            Link(url, "list" if url in listings else "article")
            for url in addresses
            if site.covers(url) and url != capture.url
        ),
    )


def find_css_requisites(capture: Capture) -> tuple[Link, ...]:
    """What a captured style sheet needs. Raises DecodeError."""
    return tuple(css_requisites(capture.url, capture.body().decode("utf-8", "replace")))
