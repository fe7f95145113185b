"""The ledger of a site: every article address that anything names, and who captured it.

It is not kept but read anew from the stored captures, imported ones too: lists, feeds and
sitemaps name articles, articles link to others, and captures show that an address was there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from sqlalchemy import Connection, select

from crawler.coverage.estimate import Estimate, estimate
from crawler.coverage.numbers import numbers_of
from crawler.read import is_feed, read_page
from crawler.sites import Site
from storage.archive import Archive
from storage.bounds import pattern_of
from storage.database.absences import newest_number
from storage.database.schema import article, article_url, capture, reading, version
from storage.errors import DecodeError, NotFound, WarcError
from storage.query.access import Audience
from storage.records import Capture, Record

_PAGES = ("text/html", "application/xhtml+xml")
_ENOUGH = 10
"""Articles that a source must have seen to count in the estimate."""
_SOURCES_MAX = 6
UNKNOWN = "unknown"


@dataclass(slots=True)
class Sighted:
    """An article address, and what is known of it."""

    url: str
    named_by: set[str] = field(default_factory=set)
    """`lists`, `feeds`, `links`: what names it."""
    captured_by: set[str] = field(default_factory=set)
    """Provenances of its captures: `own`, `donated`, `commoncrawl`, `wayback`."""
    month: str = UNKNOWN
    """Of publication; of an address that was not captured, by its neighbours' numbers."""
    number: int | None = None
    """The number in its address that tells the portal's articles apart."""
    pattern: str = ""

    @property
    def sources(self) -> set[str]:
        """Whatever saw it. Our own captures follow from lists and links, and are no source."""
        return self.named_by | (self.captured_by - {"own"})


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers that nothing names, between two that something does."""

    first: int
    last: int
    after: str
    """Month of the article before it."""
    before: str
    """Month of the article behind it."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is known of a site's articles."""

    site: str
    articles: list[Sighted]
    gaps: list[Gap]
    """The longest first."""
    estimate: Estimate | None
    """How many were published; None where fewer than two sources saw any."""
    unreadable: int
    """Captures that could not be read, so that what they name is not in here."""

    def by_source(self) -> Iterator[tuple[str, int, int, int]]:
        """Source, articles it saw, how many of them are captured, how many it alone saw."""
        for source in sorted({name for one in self.articles for name in _seen_by(one)}):
            seen = [one for one in self.articles if source in _seen_by(one)]
            captured = sum(bool(one.captured_by) for one in seen)
            yield source, len(seen), captured, sum(_seen_by(one) == {source} for one in seen)

    def by_month(self) -> Iterator[tuple[str, int, Counter[str]]]:
        """Month, articles seen, and how many each provenance captured (`any`: at least one)."""
        months: defaultdict[str, list[Sighted]] = defaultdict(list)
        for one in self.articles:
            months[one.month].append(one)
        for month in sorted(months):
            captured = Counter(by for one in months[month] for by in one.captured_by)
            captured["any"] = sum(bool(one.captured_by) for one in months[month])
            yield month, len(months[month]), captured


def _seen_by(one: Sighted) -> set[str]:
    return one.named_by | one.captured_by


def read_ledger(
    archive: Archive, site: Site, say: Callable[[int, int], None] = lambda done, of: None
) -> Ledger:
    """Read a site's captures for what they name. `say` is told how many were read, of how many.

    Raises NotFound if there is no archive.
    """
    with archive.reading(Audience.STAFF) as connection:
        known = _known(connection, site.id)
        _follow_redirects(connection, site.id, known)
        others = _captured(connection, site.id) - set(known)
        rows = _pages(connection, site.id)
        unreadable = 0
        for number, row in enumerate(rows):
            say(number, len(rows))
            try:
                named = list(_names(archive.capture(row, Audience.STAFF), site))
            except (WarcError, NotFound, DecodeError, OSError):
                unreadable += 1
                continue
            for source, url in named:
                _note(known, others, source, url)
    articles = _of_known_forms({id(one): one for one in known.values()}.values())
    gaps = _number(articles)
    return Ledger(site.id, articles, gaps, _estimate(articles), unreadable)


def _known(connection: Connection, site: str) -> dict[str, Sighted]:
    """Articles that were read, by each of their addresses."""
    newest = (
        select(article.c.key, article.c.url, reading.c.published_at)
        .join(version, version.c.article == article.c.key)
        .join(reading, reading.c.id == version.c.reading)
        .where(article.c.site == site, version.c.number == newest_number(article.c.key))
    )
    by_key = {
        key: Sighted(url, month=at[:7] if at and len(at) >= len("2022-01") else UNKNOWN)
        for key, url, at in connection.execute(newest)
    }
    captured = (
        select(reading.c.article, capture.c.provenance)
        .join(capture, capture.c.id == reading.c.capture)
        .where(capture.c.site == site)
        .distinct()
    )
    for key, provenance in connection.execute(captured):
        by_key[key].captured_by.add(provenance)
    known = {one.url: one for one in by_key.values()}
    others = select(article_url).join(article, article.c.key == article_url.c.article)
    for key, url in connection.execute(others.where(article.c.site == site)):
        known[url] = by_key[key]
    return known


def _follow_redirects(connection: Connection, site: str, known: dict[str, Sighted]) -> None:
    """An address that leads to an article, in however many steps, is one of its own."""
    leads = select(capture.c.url, capture.c.location).where(
        capture.c.site == site, capture.c.location.is_not(None)
    )
    steps = {url: to for url, to in connection.execute(leads)}
    while found := [url for url, to in steps.items() if to in known and url not in known]:
        for url in found:
            known[url] = known[steps[url]]


def _captured(connection: Connection, site: str) -> set[str]:
    """The addresses of a site's whole answers."""
    pages = select(capture.c.url).where(capture.c.site == site, capture.c.status == 200)
    return set(connection.execute(pages).scalars())


def _pages(connection: Connection, site: str) -> list[Record]:
    """Where each page of a site lies that may name others; the same bytes once."""
    where = (
        capture.c.warc_file, capture.c.warc_offset, capture.c.warc_length, capture.c.record_id,
    )  # fmt: skip
    html = capture.c.mime.in_(_PAGES) | capture.c.mime.contains("xml")
    pages = select(*where).where(
        capture.c.site == site, capture.c.status == 200, capture.c.record_type != "revisit", html
    )
    in_order = pages.order_by(capture.c.warc_file, capture.c.warc_offset)
    return [Record(*row) for row in connection.execute(in_order)]


def _names(page: Capture, site: Site) -> Iterator[tuple[str, str]]:
    """Source and address of every article that a page names."""
    found = read_page(page, site)
    source = "links" if found.kind != "list" else "feeds" if is_feed(page) else "lists"
    for link in found.links:
        if link.role == "article" and link.url != page.url:
            yield source, link.url


def _note(known: dict[str, Sighted], others: set[str], source: str, url: str) -> None:
    """An address that was captured and is no article is none, whatever links to it."""
    if url not in others:
        known.setdefault(url, Sighted(url)).named_by.add(source)


def _of_known_forms(sighted: Iterable[Sighted]) -> list[Sighted]:
    """Without addresses of a form that no article had so far: print views, logins, shares."""
    listed = sorted(sighted, key=lambda one: one.url)
    forms = {pattern_of(one.url) for one in listed if one.captured_by}
    return [one for one in listed if not forms or pattern_of(one.url) in forms]


def _number(articles: list[Sighted]) -> list[Gap]:
    """Fill in numbers, and the months of what was not captured; returns the gaps."""
    numbers = numbers_of([one.url for one in articles])
    groups: defaultdict[str, list[Sighted]] = defaultdict(list)
    for one in articles:
        if one.url in numbers:
            one.pattern, one.number = numbers[one.url]
            groups[one.pattern].append(one)
    gaps = []
    for group in groups.values():
        group.sort(key=lambda one: one.number or 0)
        _fill_months(group)
        for one, following in pairwise(group):
            assert one.number is not None
            assert following.number is not None
            if following.number > one.number + 1:
                gaps.append(Gap(one.number + 1, following.number - 1, one.month, following.month))
    return sorted(gaps, key=lambda gap: (gap.first - gap.last, gap.first))


def _fill_months(group: list[Sighted]) -> None:
    """What lies between two articles of one month is of that month."""
    known = [place for place, one in enumerate(group) if one.month != UNKNOWN]
    for start, end in pairwise(known):
        if group[start].month == group[end].month:
            for one in group[start + 1 : end]:
                one.month = group[start].month


def _estimate(articles: list[Sighted]) -> Estimate | None:
    counts = Counter(source for one in articles for source in one.sources)
    largest = sorted(counts, key=lambda name: (-counts[name], name))[:_SOURCES_MAX]
    sources = [name for name in largest if counts[name] >= _ENOUGH]
    patterns = [
        sum(1 << place for place, source in enumerate(sources) if source in one.sources)
        for one in articles
    ]
    return estimate(np.bincount(patterns, minlength=2 ** len(sources)).astype(float))
