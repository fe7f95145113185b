"""What is read of single dates and titles, and why: for people who want to see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, cast

from crawler.normalise.datelines import is_date_line, is_licence, is_update
from crawler.normalise.dates import Order, date_span, read_date
from crawler.normalise.titles import title_steps
from storage import times
from storage.errors import UsageError


def explain_dates(
    lines: Iterable[str], fetched_at: str | None, order: str
) -> Iterator[dict[str, Any]]:
    """Each line as `read_date` takes it, and what a page's line of this kind would be taken for.

    Raises UsageError for a time or an order that is none.
    """
    if order not in ("DMY", "MDY"):
        raise UsageError(f"--order {order}: give DMY or MDY")
    try:
        now = times.parse_utc(fetched_at) if fetched_at else datetime.now(UTC)
    except ValueError as error:
        raise UsageError(f"--fetched-at: {error}") from error
    for raw in lines:
        yield _explained(raw, now, cast(Order, order))


def _explained(raw: str, now: datetime, order: Order) -> dict[str, Any]:
    date = read_date(raw, fetched_at=now, order=order)
    before, behind = date_span(raw) or (None, None)
    return {
        "raw": raw,
        "value": date.iso() if date else None,
        "precision": date.precision if date else None,
        "flags": list(date.flags) if date else [],
        "before": before or None,
        "behind": behind or None,
        "date_line": date is not None and is_date_line(raw) and not is_licence(raw),
        "update": date is not None and is_update(raw),
    }


def explain_titles(lines: Iterable[str], site_names: list[str]) -> Iterator[dict[str, Any]]:
    """Each line as `clean_title` leaves it, and the names of the repairs that it took."""
    for raw in lines:
        (_, title), *_ = steps = list(title_steps(raw, site_names=site_names))[::-1]
        yield {"raw": raw, "title": title or None, "repairs": [name for name, _ in steps[-2::-1]]}
