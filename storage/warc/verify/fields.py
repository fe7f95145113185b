"""A record's named fields against WARC/1.1 §5: there, of the right form, and allowed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from storage.warc.exchange_records import IDENTICAL_PAYLOAD
from storage.warc.verify.rules import Flaw, Rule
from storage.warc.verify.walk import RawRecord

_PROFILES = (
    IDENTICAL_PAYLOAD,
    IDENTICAL_PAYLOAD.replace("1.1", "1.0"),
    "http://netpreserve.org/warc/1.1/revisit/server-not-modified",
    "http://netpreserve.org/warc/1.0/revisit/server-not-modified",
)
_WITH_TARGET = {"response", "resource", "request", "revisit", "conversion", "continuation"}
_OTHERS = {"warcinfo", "metadata"}
_TYPES = _WITH_TARGET | _OTHERS
_MANDATORY = ("warc-type", "warc-record-id", "warc-date")  # Content-Length: see walk.py
_MANDATORY_FOR = {
    "warc-target-uri": _WITH_TARGET,
    "warc-profile": {"revisit"},
    "warc-segment-number": {"continuation"},
    "warc-segment-origin-id": {"continuation"},
}
_FORBIDDEN_FOR = {
    "warc-target-uri": {"warcinfo"},
    "warc-concurrent-to": {"warcinfo", "conversion", "continuation"},
    "warc-ip-address": {"warcinfo", "conversion", "continuation"},
    "warc-refers-to": {"warcinfo", "response", "resource", "request", "continuation"},
    "warc-refers-to-target-uri": _TYPES - {"revisit"},
    "warc-refers-to-date": _TYPES - {"revisit"},
    "warc-warcinfo-id": {"warcinfo"},
    "warc-filename": _TYPES - {"warcinfo"},
    "warc-profile": _TYPES - {"revisit"},
    "warc-segment-origin-id": _TYPES - {"continuation"},
    "warc-segment-total-length": _TYPES - {"continuation"},
}
_REPEATABLE = {"warc-concurrent-to", "warc-protocol"}  # §5.7; the community's WARC-Protocol
_IDS = (
    "warc-record-id", "warc-concurrent-to", "warc-refers-to", "warc-warcinfo-id",
    "warc-segment-origin-id",
)  # fmt: skip
_ADDRESSES = ("warc-target-uri", "warc-refers-to-target-uri")
_DATES = ("warc-date", "warc-refers-to-date")
_ID = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+>")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]*")
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z)?)?)?")  # W3C-DTF, UTC
_FULL_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_TRUNCATED = ("length", "time", "disconnect", "unspecified")


def check_fields(record: RawRecord) -> Iterator[Flaw]:
    """Every flaw of a record's named fields."""
    for rule, detail in _flaws(record):
        yield Flaw(record.offset, rule, detail)


def _flaws(record: RawRecord) -> Iterator[tuple[Rule, str]]:
    if record.version not in ("WARC/1.0", "WARC/1.1"):
        yield Rule.BAD_VERSION, record.version
    if record.type and record.type not in _TYPES:
        yield Rule.UNKNOWN_TYPE, record.type
    yield from _presence(record)
    for name, value in record.fields:
        yield from _form(name, value)
    if record.type == "revisit":
        yield from _revisit(record)


def _presence(record: RawRecord) -> Iterator[tuple[Rule, str]]:
    there = Counter(name.lower() for name, _ in record.fields)
    required = [*_MANDATORY, *(n for n, types in _MANDATORY_FOR.items() if record.type in types)]
    for name in required:
        if name not in there:
            yield Rule.MISSING_FIELD, name
    for name, count in there.items():
        if count > 1 and name not in _REPEATABLE:
            yield Rule.REPEATED_FIELD, name
        if record.type in _FORBIDDEN_FOR.get(name, ()):
            yield Rule.FORBIDDEN_FIELD, f"{name} on a {record.type}"


def _form(name: str, value: str) -> Iterator[tuple[Rule, str]]:
    lower, shown = name.lower(), f"{name}: {value[:60]}"
    if "=?" in value and "?=" in value:
        yield Rule.LOOSE_FIELD, f"encoded word in {shown}"
    if lower in _IDS and not _ID.fullmatch(value):
        yield (Rule.LOOSE_FIELD if _URI.fullmatch(value) else Rule.BAD_FIELD), shown
    elif lower in _ADDRESSES and not _URI.fullmatch(value):
        yield (Rule.LOOSE_FIELD if _URI.search(value) else Rule.BAD_FIELD), shown
    elif lower in _DATES and not _FULL_DATE.fullmatch(value):
        yield (Rule.LOOSE_FIELD if _DATE.fullmatch(value.upper()) else Rule.BAD_FIELD), shown
    elif lower in _DATES and not _is_moment(value):
        yield Rule.BAD_FIELD, shown
    elif lower == "warc-truncated" and value.lower() not in _TRUNCATED:
        yield Rule.BAD_TRUNCATED, value


def _is_moment(value: str) -> bool:
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return False
    return True


def _revisit(record: RawRecord) -> Iterator[tuple[Rule, str]]:
    profile = record.get("warc-profile")
    if profile is not None and profile not in _PROFILES:
        yield Rule.REVISIT_PROFILE, profile
    cut = (record.get("warc-truncated") or "").lower() == "length"
    if not cut and not (profile or "").endswith("/server-not-modified"):  # which leaves none out
        yield Rule.REVISIT_NOT_TRUNCATED, ""
    if record.get("warc-refers-to") is None and record.get("warc-refers-to-target-uri") is None:
        yield Rule.REVISIT_WITHOUT_ORIGINAL, ""
