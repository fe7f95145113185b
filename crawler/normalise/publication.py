"""Which of a page's dates is the day it was published. Nothing certain gives nothing.

The family offers candidates, the likeliest first. A header's clock is rejected: it equals the day
of capture and stands outside the article. So are licences, related lists and comments, and dates
within running text. A label that says `updated` counts only where nothing says more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from crawler.normalise.datelines import is_date_line, is_licence, is_published, is_update
from crawler.normalise.dates import LOCAL, ReadDate, read_date
from storage.records import DateCandidate, Found

_NEVER = {
    "header": "stands in the header",
    "footer": "stands behind the article",
    "edit": "the time of an edit, whatever the markup calls it",
}
_FIRST_YEAR = 1997
"""Vietnam joined the internet on 19 November 1997: nothing was published on a page before."""
_EXACT = ("second", "minute", "day")


@dataclass(frozen=True, slots=True)
class Published:
    """The publication date, where it was printed, and what else was considered."""

    date: ReadDate | None
    candidate: DateCandidate | None
    considered: tuple[dict[str, str | None], ...]
    """Every candidate: raw, place, method, value, verdict (`taken`, or why not)."""


@dataclass(frozen=True, slots=True)
class _Judged:
    candidate: DateCandidate
    date: ReadDate | None
    verdict: str | None
    """Why it is not the publication date; None if it may be."""


def publication_date(found: Found) -> Published:
    """The first credible candidate, in the order of the family's candidates."""
    judged = [_judge(candidate, found) for candidate in dict.fromkeys(found.dates)]
    taken = _first_credible(judged)
    considered = tuple(_as_row(one, taken) for one in judged)
    if taken is None or taken.date is None:
        return Published(None, None, considered)
    flags = {*taken.date.flags, *_page_flags(taken, judged, found.fetched_at)}
    date = replace(taken.date, flags=tuple(sorted(flags)))
    return Published(date, taken.candidate, considered)


def _judge(candidate: DateCandidate, found: Found) -> _Judged:
    if candidate.method == "printed" and not is_date_line(candidate.raw):
        return _Judged(candidate, None, "a date within running text")
    date = read_date(candidate.raw, fetched_at=found.fetched_at, order=found.date_order)
    return _Judged(candidate, date, _verdict(candidate, date, found))


def _verdict(candidate: DateCandidate, date: ReadDate | None, found: Found) -> str | None:
    if date is None:
        return "no date, or none for certain"
    if candidate.place in _NEVER:
        return _NEVER[candidate.place]
    if candidate.method == "printed" and (reason := _why_not_printed(candidate.raw, date)):
        return reason
    if _is_capture_day(date, found.fetched_at):
        return _why_a_clock(candidate, date, found)
    if date.value > found.fetched_at:
        return "after the capture"
    return "before there were pages" if date.value.year < _FIRST_YEAR else None


def _why_a_clock(candidate: DateCandidate, date: ReadDate, found: Found) -> str | None:
    """The day of capture above a title may be a running clock, unless it counts back or a label
    says otherwise; so it may anywhere on a page whose title was not found."""
    outside = candidate.place == "near_title" or found.title_raw is None
    if not outside or "relative" in date.flags or is_published(candidate.raw):
        return None
    return "the day of capture, outside the article: a clock"


def _why_not_printed(raw: str, date: ReadDate) -> str | None:
    if is_licence(raw):
        return "the date of a licence or a document"
    if date.precision not in _EXACT and "relative" not in date.flags:
        return "names no day"
    return None


def _first_credible(judged: Iterable[_Judged]) -> _Judged | None:
    credible = [one for one in judged if one.verdict is None]
    printed = [one for one in credible if one.candidate.method == "printed"]
    first = [one for one in printed if not is_update(one.candidate.raw)]
    return next(iter([*first, *printed, *credible]), None)


def _as_row(one: _Judged, taken: _Judged | None) -> dict[str, str | None]:
    return {
        "raw": one.candidate.raw,
        "place": one.candidate.place,
        "method": one.candidate.method,
        "value": one.date.iso() if one.date else None,
        "verdict": "taken" if one is taken else one.verdict or "another was taken",
    }


def _page_flags(taken: _Judged, judged: Iterable[_Judged], fetched_at: datetime) -> set[str]:
    """What the page's other dates say of the one taken."""
    assert taken.date is not None
    flags = {"equals_capture_day"} if _is_capture_day(taken.date, fetched_at) else set()
    day = taken.date.iso()[:10]
    machine = (one.date for one in judged if one.candidate.method == "meta" and one.date)
    if taken.candidate.method == "printed" and any(_differs(date, day) for date in machine):
        flags.add("machine_date_differs")
    return flags


def _differs(date: ReadDate, day: str) -> bool:
    """Whether a date names another day, as far as both are exact."""
    return not (date.iso()[:10].startswith(day) or day.startswith(date.iso()[:10]))


def _is_capture_day(date: ReadDate, fetched_at: datetime) -> bool:
    return date.precision in _EXACT and date.value.date() == fetched_at.astimezone(LOCAL).date()
