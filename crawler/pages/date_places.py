"""Where on a page something stands that may be its date: lines, machine-readable, the address."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from crawler.normalise.datelines import is_date_line
from crawler.normalise.dates import read_date
from crawler.pages.document import Document
from crawler.pages.flow import Shown
from storage.records import DateCandidate

_LONGEST = 160
_NEAR = 4
_FIRST_LINES = 6
_LAST_LINES = 4
_EVIDENCE = 3
"""So many date lines of head and foot are kept, as evidence of the day of capture."""
_META = (
    "article:published_time", "og:published_time", "og:article:published_time", "pubdate",
    "datePublished", "date", "DC.date.issued", "DC.Date", "dcterms.created",
)  # fmt: skip
_JSON_LD = re.compile(r'"datePublished"\s*:\s*("(?:[^"\\]|\\.){4,40}")')
_DIGIT_GROUP = re.compile(r"\d{1,4}\D{1,12}\d|\d\s*\w+\s+trước|[Hh]ôm|Vừa")


def is_dated(document: Document, line: str) -> bool:
    """Whether a line prints a date and hardly anything else."""
    if not _may_print(line) or not is_date_line(line):
        return False
    order = document.site.date_order
    return read_date(line, fetched_at=document.fetched_at, order=order) is not None


def find_dates(
    document: Document, page: Shown, title: int | None, start: int, end: int
) -> Iterator[DateCandidate]:
    """The likeliest first: lines of the article, above it, machine-readable, address, the rest."""
    own = range(start, end)
    for index in dict.fromkeys([*own[:_FIRST_LINES], *own[-_LAST_LINES:]]):
        if _is_line(page, index):
            yield DateCandidate(page.text(index), "article", "printed")
    head = title if title is not None else start
    for index in range(head - 1, max(-1, head - 1 - _NEAR), -1):
        if _is_line(page, index):
            yield DateCandidate(page.text(index), "near_title", "printed")
    yield from _machine_dates(document)
    yield DateCandidate(document.url, "url", "url")
    yield from _evidence(page, range(head - _NEAR), "header")
    yield from _evidence(page, range(len(page.items) - 1, end - 1, -1), "footer")


def _is_line(page: Shown, index: int) -> bool:
    """A line outside of links that may print a date."""
    text = page.text(index)
    return _may_print(text) and page.linked[index] * 3 < len(text)


def _may_print(line: str) -> bool:
    return len(line) <= _LONGEST and _DIGIT_GROUP.search(line) is not None


def _machine_dates(document: Document) -> Iterator[DateCandidate]:
    found = [document.meta(name) for name in _META]
    found += [
        document.attribute(selector, "content") or document.attribute(selector, "datetime")
        for selector in ('[itemprop="datePublished"]', "time[pubdate]", "time[datetime]")
    ]
    for script in document.tree.css('script[type="application/ld+json"]'):
        found += [_unquoted(match[1]) for match in _JSON_LD.finditer(script.text())]
    for raw in dict.fromkeys(raw for raw in found if raw):
        yield DateCandidate(raw, "meta", "meta")


def _unquoted(literal: str) -> str | None:
    try:
        return str(json.loads(literal))
    except ValueError:
        return None


def _evidence(page: Shown, indices: range, place: str) -> Iterator[DateCandidate]:
    kept = 0
    for index in indices:
        if kept < _EVIDENCE and _is_line(page, index) and is_date_line(page.text(index)):
            kept += 1
            yield DateCandidate(
                page.text(index), "header" if place == "header" else "footer", "printed"
            )
