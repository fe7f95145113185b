"""Reads a captured page: bytes to the strings it shows. One road, live and stored alike."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from crawler.normalise.dates import LOCAL
from crawler.pages import FAMILIES
from crawler.pages.document import Document
from crawler.pages.links import css_requisites, feed_entries, requisites
from crawler.sites import Site
from storage.records import Capture, Found, Link, Role
from storage.times import utc_text

_FEED_START = re.compile(rb"<(?:rss|feed|urlset|sitemapindex|rdf:RDF)[\s>]")
_START_BYTES = 2048
_FIRST_YEAR, _LAST_YEAR = 1990, 9999  # what lies outside is a mistake, and no time for UTC
_FEW = 10  # of fewer pages most may well have been changed on one day


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
        too_deep=document.too_deep,
        has_district=site.district is not None,
        province=site.province,
    )


def is_feed(capture: Capture) -> bool:
    """Whether the body is an RSS or Atom feed or a sitemap, whatever its declared type."""
    if capture.mime in ("application/rss+xml", "application/atom+xml"):
        return True
    return "xml" in capture.mime and bool(_FEED_START.search(capture.body()[:_START_BYTES]))


def _read_feed(capture: Capture, site: Site) -> Found:
    """A sitemap's own dates are news of its pages; a sitemap of sitemaps leads to more of them."""
    text = capture.body().decode("utf-8", "replace")
    entries = dict(feed_entries(capture.url, text))
    of_feeds = "<sitemapindex" in text[:_START_BYTES]
    told = {} if of_feeds else _told_changes(entries, capture)
    return Found(
        kind="list",
        url=capture.url,
        fetched_at=capture.fetched_at,
        family="feed",
        links=tuple(
            Link(url, _role_in_feed(url, site, of_feeds), news_at=told.get(url))
            for url in entries
            if site.covers(url) and url != capture.url
        ),
    )


def _role_in_feed(url: str, site: Site, of_feeds: bool) -> Role:
    if url in site.listings:
        return "list"
    return "feed" if of_feeds else "article"


def _told_changes(entries: dict[str, str | None], capture: Capture) -> dict[str, str]:
    """When each address was changed, UTC text, as far as it can be believed.

    A sitemap that says the same of most of its pages says when it was made itself.
    """
    told = {url: moment for url, text in entries.items() if text and (moment := _moment(text))}
    if len(told) >= _FEW and Counter(told.values()).most_common(1)[0][1] > len(told) / 2:
        return {}
    return {url: utc_text(min(moment, capture.fetched_at)) for url, moment in told.items()}


def _moment(text: str) -> datetime | None:
    """W3C date and time, as in sitemaps; of a day its end, without zone local. None: no such."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not _FIRST_YEAR <= moment.year < _LAST_YEAR:
        return None
    if len(text) == len("2024-03-01"):
        moment += timedelta(days=1)
    return moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)


def find_css_requisites(capture: Capture) -> tuple[Link, ...]:
    """What a captured style sheet needs. Raises DecodeError."""
    return tuple(css_requisites(capture.url, capture.body().decode("utf-8", "replace")))
