"""Which of a page's links are left alone: too deep, too long, going round, a trap. Pure.

Calendars, sort orders and session ids give a portal more addresses than it has pages. They are
known by their pattern: the address with every number written N and without the values of its
query. Only pages and lists are counted so; of articles and files there may be any number.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

from storage.records import Link
from storage.urls import origin_of

_COUNTED = frozenset({"page", "list", "feed"})
_WITH_SESSION = _COUNTED | {"article"}
_DIGITS = re.compile(r"\d+")
_REPEATS = 3
_PATTERNS_KEPT = 20_000

# Session ids whose form leaves no doubt. A bare `sid` stays: in portals of PHP-Nuke's family it
# is the story's number. Source of the forms: the `surt` library's IAURLCanonicalizer.
_SESSION = re.compile(
    r"/\((?:[A-Z]\([0-9a-z]{24}\))+\)(?=/)"
    r"|;jsessionid=[^/?#;]*"
    r"|(?<=[?&])(?:jsessionid|phpsessid|sid|aspsessionid[a-z]{8})=[0-9a-z$,-]{22,}(?:&|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Settings; see crawler.settings."""

    max_depth: int = 100
    """Links from a listing, without those to the next page of a list."""
    max_url_chars: int = 2048
    max_files: int = 500
    """Images, attachments and requisites a page."""
    max_pattern: int = 5000
    """Pages and lists of one pattern."""


def without_session(link: Link) -> Link:
    """The link without a session id, so that a page visited twice is known again.

    A redirect keeps its own: a server without cookies may insist on it.
    """
    if link.hop == "R" or link.role not in _WITH_SESSION or not _may_hold_session(link.url):
        return link
    url = _SESSION.sub("", link.url)
    return link if url == link.url else replace(link, url=url.rstrip("?&"))


def _may_hold_session(url: str) -> bool:
    """Most addresses cannot, and are known by it ten times as fast."""
    return "?" in url or ";" in url or "(" in url


def pattern_of(url: str) -> str:
    """The address with numbers as N and a query of its names only, in alphabetical order."""
    origin = origin_of(url)
    path, _, query = url[len(origin) :].partition("?")
    names = sorted({part.partition("=")[0] for part in query.split("&")})
    return origin + _DIGITS.sub("N", f"{path}?{'&'.join(names)}")


def goes_round(url: str) -> bool:
    """Whether a segment of the path, other than a number, stands in it three times."""
    segments = url.partition("?")[0].split("/")[3:]
    if len(segments) < _REPEATS:
        return False
    counts = Counter(segment for segment in segments if segment and not segment.isdigit())
    return max(counts.values(), default=0) >= _REPEATS


class Traps:
    """Counts addresses by pattern, and says which links to leave."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._counts: Counter[str] = Counter()

    def count(self, link: Link, times: int = 1) -> None:
        """An address is queued; -1: it was before."""
        if link.role not in _COUNTED:
            return
        self._counts[pattern_of(link.url)] += times
        if len(self._counts) > _PATTERNS_KEPT:
            self._forget_rare()

    def _forget_rare(self) -> None:
        """A trap's pattern is frequent; most others stand for one address."""
        least = 1
        while len(self._counts) > _PATTERNS_KEPT // 2:
            self._counts = Counter({p: n for p, n in self._counts.items() if n > least})
            least *= 2

    def why_not(self, link: Link, depth: int) -> tuple[str, str] | None:
        """Kind and message if the link is to be left; None if it may be followed.

        `depth`: links from a listing, of the page that names it.
        """
        bounds = self.bounds
        if link.hop == "L" and not link.paging and depth >= bounds.max_depth:
            return "too_deep", f"more than {bounds.max_depth} links from a listing"
        if len(link.url) > bounds.max_url_chars:
            return "url_too_long", f"an address of more than {bounds.max_url_chars} characters"
        if link.role in _COUNTED and goes_round(link.url):
            return "path_loop", f"its path goes round: {_REPEATS} times the same segment"
        if link.role in _COUNTED and self._is_spent(link):
            pattern = pattern_of(link.url)
            return "pattern_spent", f"{bounds.max_pattern} addresses like {pattern} were queued"
        return None

    def _is_spent(self, link: Link) -> bool:
        return self._counts[pattern_of(link.url)] >= self.bounds.max_pattern
