"""Dates read as portals write them: a closed grammar, which would rather know nothing than guess.

Each part knows one way of writing: `machine` (ISO 8601, RFC 822, epoch), `printed` (day, month
and year with weekday and clock), `coarse` (month or year alone), `relative` (`3 giờ trước`),
`address` (dates within URLs). `opinion` asks dateparser about a token that none of them settles.
"""

from __future__ import annotations

from datetime import datetime

from crawler.normalise.dates import address, coarse, machine, opinion, printed, relative
from crawler.normalise.dates.line import Line
from crawler.normalise.dates.moment import LOCAL, Order, Precision, ReadDate

__all__ = ["LOCAL", "Order", "Precision", "ReadDate", "date_span", "read_date"]


def read_date(raw: str, *, fetched_at: datetime, order: Order = "DMY") -> ReadDate | None:
    """The date that a string gives; None if it gives none, or none for certain.

    Dates without a year, ranges, lunar, impossible and several different dates give None.
    `fetched_at` is the capture's time: relative forms count from it, and two-digit years up to
    the one after it belong to this century. `order` is that of numeric dates.
    Raises ValueError if `fetched_at` is naive.
    """
    if fetched_at.tzinfo is None:
        raise ValueError("fetched_at is naive; give the capture's time with its zone")
    now = fetched_at.astimezone(LOCAL)
    if address.is_address(raw):
        return address.read_address(raw, now)
    line = Line.of(raw)
    if not line.has_digit:
        return relative.read_relative(line, now)
    if stamp := machine.read_machine(line.folded, now):
        return stamp
    dates = printed.find_dates(line, now, order)
    if dates:
        return printed.choose(dates)
    return (
        relative.read_relative(line, now)
        or opinion.ask_dateparser(line)
        or coarse.read_coarse(line)
    )


def date_span(raw: str) -> tuple[str, str] | None:
    """What stands before and behind the first full date of a string with its weekday and clock.

    NFC; None if no full date is printed there.
    """
    line = Line.of(raw)
    span = printed.first_span(line)
    return (line.shown[: span[0]], line.shown[span[1] :]) if span else None
