"""Dates within addresses: a hint of the lowest rank, since folders tell of migrations too.

Believed are only places where software is known to write the day of publication: a folder of its
own (`/2025-1-24/` Tan Dan on SharePoint, `/202103/` papers, `/2023/01/10/` WordPress) and a number
that ends the last step of the path (epoch; VCCorp: three digits of a zone and yymmddHHMMSSmmm).
Queries are not: an `art=1616085657672` was seen on an article three months younger.
"""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import urlsplit

from crawler.normalise.dates.machine import read_epoch
from crawler.normalise.dates.moment import LOCAL, YEAR, ReadDate, day_of, read_as

_ADDRESS = re.compile(r"\s*https?://\S+\s*", re.IGNORECASE)
_DAY = re.compile(
    rf"/(?P<y>{YEAR})(?:(?P<s>[-/_])(?P<m>\d\d?)(?P=s)(?P<d>\d\d?)|(?P<m2>\d\d)(?P<d2>\d\d))(?=[/.]|$)"
)
_MONTH = re.compile(rf"/(?P<y>{YEAR})[-/_]?(?P<m>0[1-9]|1[0-2])(?=/)")
_TAIL = re.compile(
    r"[-/_](?:post|art|news|c|n|d)?(?P<digits>\d{10,18})(?:\.[a-z]{3,5})?/?$", re.IGNORECASE
)
_STAMPS = {18: (3, "%y%m%d%H%M%S"), 17: (0, "%Y%m%d%H%M%S"), 14: (0, "%Y%m%d%H%M%S")}
"""By number of digits: how many lead, and what follows them (milliseconds are left over)."""


def is_address(raw: str) -> bool:
    """Whether a string is an http or https address."""
    return raw.lstrip()[:4].lower() == "http" and _ADDRESS.fullmatch(raw) is not None


def read_address(url: str, now: datetime) -> ReadDate | None:
    """The date that an address carries; None if none is credible. `now` bounds epochs."""
    try:
        path = urlsplit(url.strip()).path
    except ValueError:  # a bracket that looks like IPv6
        return None
    found = _from_tail(path, now) or _from_folders(path)
    return ReadDate(found.value, found.precision, ("url_only",)) if found else None


def _from_folders(path: str) -> ReadDate | None:
    if match := _DAY.search(path):
        month, day = match["m"] or match["m2"], match["d"] or match["d2"]
        if moment := day_of(int(match["y"]), int(month), int(day)):
            return ReadDate(moment, "day")
    if match := _MONTH.search(path):
        moment = day_of(int(match["y"]), int(match["m"]), 1)
        return ReadDate(moment, "month") if moment else None
    return None


def _from_tail(path: str, now: datetime) -> ReadDate | None:
    match = _TAIL.search(path)
    if match is None:
        return None
    digits = match["digits"]
    if len(digits) in (10, 13):
        return read_epoch(int(digits[:10]), now)
    skip, form = _STAMPS.get(len(digits), (0, ""))
    chars = 12 if form.startswith("%y") else 14
    try:
        moment = datetime.strptime(digits[skip : skip + chars], form).replace(tzinfo=LOCAL)
    except ValueError:
        return None
    return read_as(moment, "second") if moment.year >= 1997 else None
