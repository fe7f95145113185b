"""Which of a page's dates is the day it was published. Nothing certain gives nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from crawler.normalise.dates import LOCAL, ReadDate, read_date
from crawler.normalise.latin import fold_letters
from storage.records import DateCandidate, Found

_NEVER = {"header": "stands in the header", "footer": "stands in the footer"}
_RUNNING_TEXT_CHARS = 40
_LABELS = re.compile(
    r"""
    \d[\d.,]* | gmt\s*[+-]?\s*\d* | [()|,.:;/\-'"<>\[\]+]+
    | \b(?: ngay|gio|phut|thang|nam|luc|vao|thu|hai|ba|tu|sau|bay|chu|nhat|cn|sa|ch|am|pm|h
        | dang|viet|tao|gui|cap|nhat|lan|cuoi|xuat|ban|phat|hanh|thoi|gian|tin|bai|date|posted|on
        | luot|xem|doc|views?|da|tac|gia|nguon )\b
    """,
    re.VERBOSE,
)
_TIME_OF_EVENT = re.compile(r"\b(?:sang|chieu|toi|trua|dem|hom)\b(?!\s*[|)])")


@dataclass(frozen=True, slots=True)
class Published:
    """The publication date, where it was printed, and what else was considered."""

    date: ReadDate | None
    candidate: DateCandidate | None
    considered: tuple[dict[str, str | None], ...]
    """Every candidate: raw, place, method, value, verdict (`taken`, or why not)."""


def publication_date(found: Found) -> Published:
    """The first credible candidate, in the order of the family's candidates."""
    taken: tuple[ReadDate, DateCandidate] | None = None
    considered = []
    for candidate in found.dates:
        date = read_date(candidate.raw, fetched_at=found.fetched_at, order=found.date_order)
        verdict = _verdict(candidate, date, found.fetched_at)
        if verdict is None and taken is None and date is not None:
            taken, verdict = (date, candidate), "taken"
        considered.append(
            {
                "raw": candidate.raw,
                "place": candidate.place,
                "method": candidate.method,
                "value": date.iso() if date else None,
                "verdict": verdict or "another was taken",
            }
        )
    if taken is None:
        return Published(None, None, tuple(considered))
    date, candidate = taken
    if _is_capture_day(date, found.fetched_at):
        date = replace(date, flags=tuple(sorted({*date.flags, "equals_capture_day"})))
    return Published(date, candidate, tuple(considered))


def _verdict(candidate: DateCandidate, date: ReadDate | None, fetched_at: datetime) -> str | None:
    """Why a candidate is not the publication date; None if it may be."""
    if date is None:
        return "no full date"
    if candidate.place in _NEVER:
        return _NEVER[candidate.place]
    if candidate.method == "printed" and not is_date_line(candidate.raw):
        return "a date within running text"
    if candidate.place == "near_title" and _is_capture_day(date, fetched_at):
        return "the day of capture, outside the article: a clock"
    if date.value > fetched_at and not _is_capture_day(date, fetched_at):
        return "after the capture"
    return None


def _is_capture_day(date: ReadDate, fetched_at: datetime) -> bool:
    return (
        date.precision not in ("month", "year")
        and date.value.date() == fetched_at.astimezone(LOCAL).date()
    )


def is_date_line(raw: str) -> bool:
    """Whether a line prints a date and hardly anything else (labels, a name, a category)."""
    rest = _LABELS.sub(" ", fold_letters(raw))
    rest = " ".join(rest.split())
    return len(rest) <= _RUNNING_TEXT_CHARS and not _TIME_OF_EVENT.match(rest)
