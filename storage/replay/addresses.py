"""Addresses of stored pages, as every web archive has them: `/wayback/20240301030000/http://…`.

Behind the 14 digits (UTC; fewer name the beginning of a year, month, day …) two letters may say
what the page that names the address wants there: `id_` the bytes as kept, `im_` an image, `cs_` a
style sheet, `js_` a script, `if_` a frame, `oe_` something else to be embedded. The convention is
that of the Wayback Machine and pywb.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from storage.errors import UsageError
from storage.urls import canonical_url

TOP = "/wayback/"
TIMEMAP = f"{TOP}timemap/link/"

_TIMED = re.compile(r"(\d{1,14})([a-z]{2}_)?/(.+)", re.DOTALL)
_LISTED = re.compile(r"(\d{0,14})\*/(.+)", re.DOTALL)
_ONE_SLASH = re.compile(r"(https?:)/(?=[^/])", re.IGNORECASE)
_EARLIEST = "00010101000000"  # the month and day of a stamp that names a year alone


@dataclass(frozen=True, slots=True)
class Asked:
    """A stored page that is asked for."""

    url: str
    """Canonical."""
    at: datetime | None
    """Aware, UTC; None: TimeGate, the newest or what Accept-Datetime says."""
    modifier: str = ""
    listed: str | None = None
    """All captures are asked for, of which the 14 digits begin so; None: one of them."""


def read_address(path: str) -> Asked:
    """What a path with its query names, `/wayback/2024/http://a.vn/`. Raises UsageError."""
    rest = path.removeprefix(TOP)
    if timed := _TIMED.fullmatch(rest):
        return Asked(_page(timed[3]), read_stamp(timed[1]), timed[2] or "")
    if listed := _LISTED.fullmatch(rest):
        return Asked(_page(listed[2]), None, listed=listed[1])
    return Asked(_page(rest), None)


def _page(text: str) -> str:
    """The address as the archive writes it; some proxies make one slash of two."""
    text = _ONE_SLASH.sub(r"\1//", text, count=1)
    url = canonical_url(text if "://" in text.partition("?")[0] else f"http://{text}")
    if url is None:
        raise UsageError(f"{text[:200]!r} is no address of a web page; it begins with http://")
    return url


def read_stamp(digits: str) -> datetime:
    """The moment that 14 digits name, or the beginning of the year, month … that fewer name.

    Raises UsageError.
    """
    is_moment = len(digits) >= 4 and len(digits) != 5 and "1000" <= digits[:4] <= "9998"
    padded = digits + _EARLIEST[len(digits) :] if is_moment else ""
    try:
        return datetime.strptime(padded, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(
            f"{digits} is no time; write year, month, day, hour, minute and second (UTC) in 14 "
            "digits, 20240301030000, or less of them, 2024 or 202403"
        ) from None


def stamp_of(moment: datetime) -> str:
    """A moment (aware) in 14 digits."""
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S")


def address(stamp: str, url: str, modifier: str = "") -> str:
    """Where a stored page is served."""
    return f"{TOP}{stamp}{modifier}/{url}"
