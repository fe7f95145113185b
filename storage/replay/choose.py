"""Which capture of an address is shown for a moment, and where its redirects lead."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from storage.query.captures import Captures, Kept, page_of
from storage.records import Record

_HOPS_MAX = 20


def nearest(found: Iterable[Kept], url: str, at: datetime) -> Kept | None:
    """Which of these captures to show of an address for a moment (aware); None if there are none.

    A redirect from http to https or to `www.` is not the page that it leads to, and comes last.
    The page itself comes before pages that only share its sort key; then what was captured at
    that very second; then what is sound, before errors and half pages; then the nearest in time.
    """
    page = page_of(url)

    def rank(one: Kept) -> tuple[bool, bool, bool, bool, float]:
        away = abs((one.moment - at).total_seconds())
        return one.leads_to_itself, page_of(one.url) != page, away >= 1, not one.is_sound, away

    return min(found, key=rank, default=None)


def goes_in_a_circle(captures: Captures, kept: Kept) -> bool:
    """Whether a redirect leads back to itself, or does not end within 20 hops."""
    seen: set[Record] = set()
    hop = kept
    while hop.location is not None and len(seen) < _HOPS_MAX:
        if hop.record in seen:
            return True
        seen.add(hop.record)
        following = nearest(captures.near(hop.location, hop.moment), hop.location, hop.moment)
        if following is None:
            return False
        hop = following
    return hop.location is not None
