"""Full dates as people read them: which stand in a line, and which of them it is about.

The printed weekday is a checksum on the order of day and month: it agrees, contradicts, or decides
where only one order is possible. Nothing is repaired.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from crawler.normalise.dates import grammar
from crawler.normalise.dates.beside import look_beside
from crawler.normalise.dates.line import Line
from crawler.normalise.dates.lunar import is_lunar_at
from crawler.normalise.dates.moment import Order, ReadDate, at_clock, day_of

_TO_ANOTHER_DAY = re.compile(
    r"[\s)]*(?:-+>?|~|den(?![a-z])|va(?![a-z]))\s*(?:het\s+)?(?:ngay\s+)?"
    r"(?:0?[1-9]|[12]\d|3[01])(?:\s?[-/.]\s?(?:0?[1-9]|1[0-2])(?![\d:])|\s+thang(?![a-z]))"
)
_FIGURE_BEFORE = re.compile(r"(?:(?<![a-z])so\s{0,2}[:.]?\s{0,2}|\d{3}-)$")
_FIGURE_BEHIND = re.compile(r"\s?(?:dong|vnd|trieu|ty|usd|d|m2|ha|kg|km)(?![a-z])|-\d{3}")
_UPDATED = re.compile(r"cap\s*nhat|(?<![a-z])(?:chinh\s+)?sua(?![a-z])|updated|modified")
_PUBLISHED = re.compile(
    r"(?:dang|xuat\s*ban|phat\s*hanh|ban\s*hanh|gui|viet|tao|published|posted|created)[^a-z]*"
    r"(?:bai|tin|luc|ngay|vao|on|at|[^a-z])*$"
)
_ALNUM = re.compile("[a-z0-9]")
_EXACT = ("second", "minute", "day")


@dataclass(frozen=True, slots=True)
class Printed:
    """A place in a line where a full date stands."""

    date: ReadDate | None
    """None if what stands there is no day, or not for certain."""
    label: str
    """`published`, `updated`, or nothing."""


def find_dates(line: Line, now: datetime, order: Order) -> list[Printed]:
    """Every full date of a line, in order; also those that must not be believed."""
    text = line.folded
    matches = [match for match in grammar.DATE.finditer(text) if _is_date(line, match)]
    doubtful = _in_ranges(text, matches)
    found, start = [], 0
    for match in matches:
        label = _label(text[start : match.start()])
        date = None if match in doubtful else _read(text, match, label, now, order)
        found.append(Printed(date, label))
        start = match.end()
    return found


def first_span(line: Line) -> tuple[int, int] | None:
    """Where the first full date stands with its weekday and clock; None if there is none."""
    for match in grammar.DATE.finditer(line.folded):
        if _is_date(line, match):
            beside = look_beside(line.folded, *match.span())
            return beside.first, beside.last
    return None


def choose(dates: Sequence[Printed]) -> ReadDate | None:
    """The date that a line is about: the one labelled as published, or the only one."""
    for wanted in ("published", "", "updated"):
        labelled = [one.date for one in dates if one.date and one.label == wanted]
        if labelled:
            return _agreed(labelled)
    return None


def _agreed(dates: Sequence[ReadDate]) -> ReadDate | None:
    """The most exact of dates that name the same day; None if they do not."""
    if len({date.value.date() for date in dates}) > 1:
        return None
    return min(dates, key=lambda date: _EXACT.index(date.precision))


def _label(before: str) -> str:
    if _UPDATED.search(before):
        return "updated"
    return "published" if _PUBLISHED.search(before) else ""


def _is_date(line: Line, match: re.Match[str]) -> bool:
    """Whether its month is one: not of `xe máy 10, 2023`, nor of the nine months `9 tháng năm 2023`."""
    name = f"m{grammar.form(match)}"
    if name not in ("m5", "m7", "m8"):
        return True
    month = line.shown[match.start(name) : match.end(name)]
    if name == "m5":
        return month != month.lower() or match[name] != "nam" or match[0].count("nam") > 1
    return month.isascii()


def _in_ranges(text: str, matches: Sequence[re.Match[str]]) -> set[re.Match[str]]:
    """The dates that begin a range of days, and those that end it."""
    found: set[re.Match[str]] = set()
    for one, other in zip_longest(matches, matches[1:]):
        ahead = _TO_ANOTHER_DAY.match(text, one.end())
        if ahead is None:
            continue
        if other is None or other.start() >= ahead.end():
            found.add(one)
        elif grammar.fields(one) != grammar.fields(other):
            found |= {one, other}
    return found


def _read(
    text: str, match: re.Match[str], label: str, now: datetime, order: Order
) -> ReadDate | None:
    start, end = match.span()
    beside = look_beside(text, start, end)
    certain = beside.linked or label or _is_unmistakable(text, match)
    if (
        not certain
        or beside.listed
        or is_lunar_at(text, start, end)
        or _is_figure(text, start, end)
    ):
        return None
    day, flags = _day(grammar.fields(match), beside.weekday, now, order)
    return at_clock(day, beside.clock, beside.zone, flags) if day else None


def _is_unmistakable(text: str, match: re.Match[str]) -> bool:
    """`12.5.23` and `12 05 2023` may be other figures, unless nothing else stands there."""
    written = grammar.form(match)
    two_digits = written == "2" and len(match["y2"]) == 2
    if written in grammar.CERTAIN_FORMS or (written == "2" and not two_digits):
        return True
    if two_digits and match["s2"] == "/":
        return True
    return not _ALNUM.search(text[: match.start()] + text[match.end() :])


def _is_figure(text: str, start: int, end: int) -> bool:
    """Whether it is a document's number, an amount, or part of a longer number."""
    before = _FIGURE_BEFORE.search(text, max(0, start - 8), start)
    return bool(before or _FIGURE_BEHIND.match(text, end))


def _day(
    fields: dict[str, str], weekday: int | None, now: datetime, order: Order
) -> tuple[datetime | None, set[str]]:
    """The day that the fields name, and the flags of its year, order and weekday."""
    year, flags = int(fields["y"]), set()
    if year < 100:
        year += 2000 if 2000 + year <= now.year + 1 else 1900
        flags.add("two_digit_year")
    if "a" not in fields:
        day = day_of(year, grammar.month_number(fields["m"]), int(fields["d"]))
    else:
        a, b = int(fields["a"]), int(fields["b"])
        day, other = day_of(year, b, a), day_of(year, a, b)
        if order == "MDY":
            day, other = other, day
        # Day before month is the country's own order: a weekday alone does not overrule it.
        may_swap = day is None or (order == "MDY" and day.weekday() != weekday)
        if weekday is not None and other and other.weekday() == weekday and may_swap:
            return other, flags | {"weekday_decided_order"}
    if day is not None and weekday is not None:
        flags.add("weekday_agrees" if day.weekday() == weekday else "weekday_contradicts")
    return day, flags
