"""What an exchange means for its frontier row: what it brought, what follows, whether to retry."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

from crawler.checks.signs import TAKEN_OVER, Sign, sign_of
from crawler.read import find_css_requisites, is_feed, read_page
from crawler.refusals import PAGES, is_soft_404, judge_redirect, other_schemes
from crawler.sites import Site
from crawler.vanished import vanished
from storage import http
from storage.errors import DecodeError
from storage.exchange import Exchange
from storage.records import Capture, Failure, Found, FrontierRow, Link, Page

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_NOT_FILES = _HTML | {
    "text/css",
    "text/xml",
    "application/xml",
    "text/javascript",
    "application/javascript",
    "application/x-javascript",
}
_PASSING = frozenset({0, 408, 425, 429})
_GONE = frozenset({404, 410})
_NOT_MODIFIED = 304
_FINAL = frozenset({"forbidden_address"})  # failures that another try cannot mend
_START_BYTES = 512
_ROBOTS_REDIRECTS = 5  # RFC 9309 §2.3.1.2
_ROBOTS_MAX_BYTES = 512_000  # RFC 9309 §2.5: at least 500 KiB
ALLOW_ALL = ""
_SECONDS_DIGITS = 9  # of a Retry-After; more is absurd, and a number all the same


@dataclass(frozen=True, slots=True)
class Limits:
    """Settings that decide what follows from an exchange; see crawler.settings."""

    max_tries: int = 3
    retry_seconds: float = 2.0
    retry_after_max_seconds: float = 3600
    max_redirects: int = 10


def no_exchange(row: FrontierRow, kind: str, message: str, limits: Limits) -> Page:
    """The page of a row that not one byte came for."""
    failure = Failure("fetch", kind, message)
    return _ended(Page(row), row, failure, limits, None)


def read_exchange(
    row: FrontierRow, exchange: Exchange, site: Site, limits: Limits, last: Capture | None = None
) -> Page:
    """The page of a row whose response came, whole or in part. Raises: nothing.

    `last` is what the address answered before, if the server was asked whether it still holds.
    """
    small = exchange.length <= http.DECODED_MAX_BYTES
    capture = exchange.to_capture(with_body=small and row.role != "attachment")
    if capture.status == _NOT_MODIFIED:
        capture = replace(capture, unchanged=last)
    page = replace(read_capture(row, capture, site, limits), exchange=exchange)
    if last is not None and _is_new_list(page):
        assert page.found is not None
        page = replace(page, links=(*page.links, *vanished(page.found, last, site)))
    if page.body_sha256 is None and is_file(row, capture):
        head = exchange.head()
        assert head is not None  # a file has a status, so it has a head
        pieces = exchange.pieces(head.length)
        return replace(page, body_sha256=body_sha256(head.headers, pieces))
    return page


def _is_new_list(page: Page) -> bool:
    """A list that was sent anew. A feed is none: it forgets its oldest, in whatever order."""
    if page.found is None or page.found.kind == "article" or page.row.role not in ("list", "page"):
        return False
    return page.found.family != "feed" and page.capture is not None and not page.capture.unchanged


def read_capture(row: FrontierRow, capture: Capture, site: Site, limits: Limits) -> Page:
    """The same from a capture, live or taken from a WARC file. Raises: nothing.

    A 304 is read as the capture that it says still holds.
    """
    if capture.unchanged is not None:
        return replace(read_capture(row, capture.unchanged, site, limits), capture=capture)
    page = Page(row, capture=capture)
    cut = capture.truncated in ("time", "disconnect", "unspecified")
    again = row.role == "robots" or row.tries + 1 < limits.max_tries
    if _is_passing(capture.status) or (cut and again):  # half of robots.txt is none
        return _ended(page, row, _why(capture, site), limits, retry_after(capture, limits))
    if capture.truncated:  # what there is of it is read; a cap of ours would cut it again
        page = replace(page, failures=(_why(capture, site),), failed=cut)
    if row.role == "robots":
        return _read_robots(page, capture)
    if 300 <= capture.status < 400:
        return _follow(page, capture, site, limits)
    return _read_answer(page, capture, site)


def _read_answer(page: Page, capture: Capture, site: Site) -> Page:
    if capture.status in _GONE:
        return _missing(page, capture, site)
    if capture.status >= 400:
        return _with(page, _why(capture, site))
    return _read_content(page, capture, site)


def _is_passing(status: int) -> bool:
    return status in _PASSING or status >= 500


def _why(capture: Capture, site: Site) -> Failure:
    if capture.status == 0:
        return Failure("fetch", "no_http", "what came is no HTTP response")
    if capture.status >= 400:
        sign = _sign_of_refusal(capture, site)
        told = f"; {sign.message}" if sign else ""
        kind = sign.kind if sign else f"http_{capture.status}"
        return Failure("fetch", kind, f"the server answered {capture.status}{told}")
    ways = {
        "length": "is kept up to RESPONSE_MAX_BYTES",
        "time": "ran out of time",
        "disconnect": "was cut off",
        "unspecified": "is incomplete",
    }
    return Failure(
        "fetch", f"truncated_{capture.truncated}", f"the response {ways[str(capture.truncated)]}"
    )


def _sign_of_refusal(capture: Capture, site: Site) -> Sign | None:
    """What a refusal says of its reason, if it says it in words."""
    try:
        return sign_of(capture, site) if _is_html(capture) else None
    except DecodeError:
        return None


def _ended(
    page: Page, row: FrontierRow, failure: Failure, limits: Limits, wait: float | None
) -> Page:
    """Try again later, or give up: then the failure is stored."""
    if row.tries + 1 < limits.max_tries and failure.kind not in _FINAL:
        backoff = limits.retry_seconds * 2**row.tries
        return replace(page, retry_seconds=max(backoff, wait or 0.0))
    return replace(page, failures=(*page.failures, failure), failed=True)


def retry_after(capture: Capture, limits: Limits) -> float | None:
    """Seconds that the server asks us to wait (RFC 9110 §10.2.3), up to the cap; None: it does not.

    Both forms are read, a number of seconds and a date. Raises: nothing, for any value.
    """
    value = (capture.header("retry-after") or "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:_SECONDS_DIGITS]), limits.retry_after_max_seconds)
    try:
        seconds = (parsedate_to_datetime(value) - capture.fetched_at).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), limits.retry_after_max_seconds)


def _with(page: Page, failure: Failure) -> Page:
    """The page with one more failure; one that is no skip leaves a page's row failed."""
    failed = page.failed or (page.row.role in PAGES and not failure.skipped)
    return replace(page, failures=(*page.failures, failure), failed=failed)


def _unread(page: Page, kind: str, message: str) -> Page:
    return _with(page, Failure("read", kind, message))


def _read_robots(page: Page, capture: Capture) -> Page:
    """RFC 9309 §2.3.1: redirects are followed, 4xx means no rules."""
    target = capture.location
    if target is not None and page.row.hops.count("R") < _ROBOTS_REDIRECTS:
        return replace(page, links=(Link(target, "robots", "R"),))
    if capture.status != 200:
        return replace(page, robots=ALLOW_ALL)
    try:
        text = capture.body()[:_ROBOTS_MAX_BYTES].decode("utf-8", "replace")
    except DecodeError as error:
        page = _unread(page, "undecodable", str(error))
        return replace(page, robots=ALLOW_ALL)
    return replace(page, robots=text)


def _follow(page: Page, capture: Capture, site: Site, limits: Limits) -> Page:
    next_ = judge_redirect(page.row, capture, site, limits.max_redirects)
    if isinstance(next_, Failure):
        return _with(page, next_)
    return replace(page, links=(next_,))


def _missing(page: Page, capture: Capture, site: Site) -> Page:
    """A page that is not there is a capture like any other; a declared list is missed."""
    if capture.url in site.listings:
        return _unread(page, "empty_list", f"the declared list answers {capture.status}")
    return page


def _read_content(page: Page, capture: Capture, site: Site) -> Page:
    if page.row.role == "attachment":
        return page
    try:
        if capture.mime == "text/css":
            return replace(page, links=find_css_requisites(capture))
        if page.row.role in PAGES:
            return _read_page(page, capture, site)
    except DecodeError as error:
        return _unread(page, "undecodable", str(error))
    return page


def _read_page(page: Page, capture: Capture, site: Site) -> Page:
    if _is_empty(capture):
        return _unread(page, "empty_body", "the page has no content")
    if not _is_html(capture) and not is_feed(capture):
        what = capture.mime or "something without a type"
        if page.row.role in ("page", "article"):
            return _with(page, Failure("fetch", "not_html", f"no page but {what}", skipped=True))
        return _unread(page, "not_html", f"a list was expected, {what} came")
    found = read_page(capture, site)
    if (stranger := _no_page_of_the_site(page.row, capture, site, found)) is not None:
        return _with(page, stranger)
    failures = (*page.failures, *other_schemes(capture))
    page = replace(page, found=found, links=found.links, failures=failures)
    if capture.url in site.listings and not any(link.role in PAGES for link in found.links):
        return _unread(page, "empty_list", "the declared list names no page of the site")
    return page


def _no_page_of_the_site(
    row: FrontierRow, capture: Capture, site: Site, found: Found
) -> Failure | None:
    """What stands in the place of the page that was asked for; None if it is that page."""
    declared = capture.url in site.listings
    sign = sign_of(capture, site, found) if found.family != "feed" else None
    # Portals have a page for logging in; where news should be, it is in the way.
    if sign is not None and (sign.kind != "login_page" or row.role == "article" or declared):
        skipped = sign.kind in TAKEN_OVER and not declared
        return Failure("fetch", sign.kind, sign.message, skipped=skipped)
    if row.role in ("page", "article") and is_soft_404(capture, found):
        message = "the page says that it is not there, with status 200"
        return Failure("fetch", "soft_404", message, skipped=True)
    return None


def _is_empty(capture: Capture) -> bool:
    """Nothing but white space, coded or not."""
    return len(capture.raw_body) < _START_BYTES and not capture.body().strip()


def _is_html(capture: Capture) -> bool:
    """By what is declared, or by what the bytes begin with where nothing credible is."""
    if capture.mime in _HTML:
        return True
    if capture.mime not in ("", "text/plain", "application/octet-stream"):
        return False
    start = capture.body()[:_START_BYTES].lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


def is_file(row: FrontierRow, capture: Capture) -> bool:
    """A document for download: its digest is what versions and citations name."""
    if capture.status != 200 or capture.truncated or capture.mime.startswith("image/"):
        return False
    return row.role == "attachment" or (row.role == "page" and capture.mime not in _NOT_FILES)


def body_sha256(headers: http.Headers, pieces: Iterable[bytes]) -> str | None:
    """sha256 of a body once decoded, lower-case hex; None if it cannot be. `pieces`: as sent."""
    digest = hashlib.sha256()
    try:
        for piece in http.decoded_pieces(headers, pieces):
            digest.update(piece)
    except DecodeError:
        return None
    return digest.hexdigest()
