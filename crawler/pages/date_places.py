"""Where on a page something stands that may be its date: lines, machine-readable, the address."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from crawler.normalise.datelines import is_date_line, is_update
from crawler.normalise.dates import LOCAL, read_date
from crawler.normalise.latin import fold_letters
from crawler.pages.document import Document
from crawler.pages.flow import Shown
from storage.records import DateCandidate

if TYPE_CHECKING:
    from crawler.pages.title import Title

_LONGEST = 160
_NEAR = 4
_FIRST_LINES = 6
_LAST_LINES = 4
_CATEGORY_CHARS = 35
_ONLY_CLOCK_OR_WEEKDAY = re.compile(
    r"\W*(?:(?:luc\s+)?\d\d?\s?[:hg]\s?\d\d(?::\d\d)?(?:\s?[ap]m|\s?sa|\s?ch)?|thu\s(?:hai|ba|tu|nam|sau|bay|[2-7])|chu\snhat)\W*"
)
_EVIDENCE = 3
"""So many date lines of head and foot are kept, as evidence of the day of capture."""
_META = (
    "article:published_time", "og:published_time", "og:article:published_time", "pubdate",
    "datePublished", "date", "DC.date.issued", "DC.Date", "dcterms.created",
)  # fmt: skip
_JSON_LD = re.compile(r'"datePublished"\s*:\s*("(?:[^"\\]|\\.){4,40}")')
_DIGIT = re.compile("[0-9]")
_DIGIT_GROUP = re.compile(r"\d{1,4}\D{1,24}\d|\d\s*\w+\s+trước")
_YEAR = re.compile(r"(?:19|20)\d\d")
_RELATIVE = ("hôm", "vừa", "một", "hai")


def is_dated(document: Document, line: str) -> bool:
    """Whether a line prints a date and hardly anything else."""
    if not _may_print(line) or not is_date_line(line):
        return False
    order = document.site.date_order
    return read_date(line, fetched_at=document.fetched_at, order=order) is not None


@dataclass(frozen=True, slots=True)
class Places:
    """Where an article stands among a page's lines."""

    block: int
    """Where the block begins that holds title and body."""
    title: Title | None
    start: int
    """Behind the title."""
    end: int
    """Behind the article."""


def find_dates(document: Document, page: Shown, places: Places) -> Iterator[DateCandidate]:
    """The likeliest first: lines of the article, above it, machine-readable, address, the rest."""
    if places.title and places.title.date:
        yield DateCandidate(places.title.date, "article", "printed")
    own = range(places.start, places.end)
    for index in dict.fromkeys([*own[:_FIRST_LINES], *own[-_LAST_LINES:]]):
        if _is_line(page, index, places.title):
            line = _with_neighbours(page, index)
            below = index not in own[:_FIRST_LINES] and _stamps_today(document, line)
            yield DateCandidate(line, "footer" if below else "article", "printed")
    head = places.title.first if places.title else places.start
    for index in range(head - 1, max(places.block, head - _NEAR) - 1, -1):
        if _is_line(page, index, places.title):
            yield DateCandidate(_with_neighbours(page, index), "near_title", "printed")
    yield from _machine_dates(document)
    yield DateCandidate(document.url, "url", "url")
    yield from _evidence(page, range(head - 1, -1, -1), "header")
    yield from _evidence(page, range(len(page.items) - 1, places.end - 1, -1), "footer")


def _stamps_today(document: Document, line: str) -> bool:
    """Whether a line says that something was changed on the day of capture: below a text that is
    the whole site's stamp as often as the article's."""
    order = document.site.date_order
    date = read_date(line, fetched_at=document.fetched_at, order=order)
    today = document.fetched_at.astimezone(LOCAL).date()
    return date is not None and date.value.date() == today and is_update(line)


def _is_line(page: Shown, index: int, title: Title | None = None) -> bool:
    """A line that may print a date outside of links, and belongs to no link beside it."""
    text = page.text(index)
    if not _may_print(text) or page.linked[index] > min(_CATEGORY_CHARS, len(text) // 2):
        return False
    own = range(title.first, title.last) if title else ()
    beside = (i for i in (index - 1, index + 1) if i not in own)
    return not any(_is_headline_of(page, i, index) for i in beside)


def _is_headline_of(page: Shown, index: int, date: int) -> bool:
    """Whether a line links to another article whose date stands beside it, in the same block."""
    if not 0 <= index < len(page.items) or not page.is_link(index):
        return False
    one, other = page.holders[index], page.holders[date]
    near = {node.mem_id for node in (one, one.parent) if node is not None}
    together = other.mem_id in near or (other.parent is not None and other.parent.mem_id in near)
    return together and len(page.text(index)) > _CATEGORY_CHARS


def _with_neighbours(page: Shown, index: int) -> str:
    """A date line with the clock or weekday that stand in blocks of their own beside it."""
    line = page.text(index)
    if index and _ONLY_CLOCK_OR_WEEKDAY.fullmatch(fold_letters(page.text(index - 1))):
        line = f"{page.text(index - 1)} {line}"
    if index + 1 < len(page.items) and _ONLY_CLOCK_OR_WEEKDAY.fullmatch(
        fold_letters(page.text(index + 1))
    ):
        line = f"{line} {page.text(index + 1)}"
    return line


def _may_print(line: str) -> bool:
    if len(line) > _LONGEST:
        return False
    if _DIGIT.search(line) is None:
        return line[:3].lower() in _RELATIVE
    return _DIGIT_GROUP.search(line) is not None


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


def _evidence(
    page: Shown, indices: range, place: Literal["header", "footer"]
) -> Iterator[DateCandidate]:
    kept = 0
    for index in indices:
        text = page.text(index)
        if _YEAR.search(text) and _is_line(page, index) and is_date_line(text):
            yield DateCandidate(text, place, "printed")
            kept += 1
            if kept == _EVIDENCE:
                return
