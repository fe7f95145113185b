"""Articles that a list no longer names between two that it still does: they may be gone."""

from __future__ import annotations

from crawler.read import read_page
from crawler.sites import Site
from storage.errors import DecodeError
from storage.records import Capture, Found, Link
from storage.times import utc_text

_MOST = 5  # of one list: where more went, the list is another, not its articles gone


def vanished(now: Found, last: Capture, site: Site) -> tuple[Link, ...]:
    """Links to what the list named when it was captured last, and passes over now. Pure.

    What stood at its end has mostly moved to the next page, so something that is still named must
    have followed. At the top nothing need stand before. Raises: nothing.
    """
    try:
        before = _articles(read_page(last, site))
    except DecodeError:
        return ()
    named = set(_articles(now))
    left = [number for number, url in enumerate(before) if url in named]
    if not left:
        return ()
    missing = [url for url in before[: left[-1]] if url not in named]
    at = utc_text(now.fetched_at)
    return (
        tuple(Link(url, "article", news_at=at) for url in missing) if len(missing) <= _MOST else ()
    )


def _articles(found: Found) -> list[str]:
    """In their order, each once."""
    return list(dict.fromkeys(link.url for link in found.links if link.role == "article"))
