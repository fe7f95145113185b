"""Memento (RFC 7089): which moments of an address are kept, said in headers and lists.

The original is URI-R, `/wayback/<address>` its TimeGate, `/wayback/<14 digits>/<address>` a
memento (URI-M), `/wayback/timemap/link/<address>` the TimeMap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from storage.errors import UsageError
from storage.query.open_captures import OpenCapture
from storage.replay.addresses import TIMEMAP, TOP, address

LINK_FORMAT = "application/link-format"
"""RFC 6690, the form of a TimeMap (RFC 7089 §5)."""


def read_http_date(text: str) -> datetime:
    """The moment that Accept-Datetime names: aware, UTC. Raises UsageError."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"Accept-Datetime {text[:60]!r} is no date; write it like "
            "Fri, 01 Mar 2024 03:00:00 GMT (RFC 7089 §2.1.1.1)"
        ) from None


def http_date(kept: OpenCapture) -> str:
    """When a capture was made, as Memento-Datetime has it: `Fri, 01 Mar 2024 03:00:00 GMT`."""
    return format_datetime(kept.moment, usegmt=True)


def links(base: str, url: str, mementos: Sequence[OpenCapture], shown: OpenCapture | None) -> str:
    """The Link header of a memento or TimeGate (§2.2): original, timegate, timemap, mementos.

    `base`: scheme and host of the replay. `mementos`: all of the page, oldest first; of them
    the first, the last, the shown one and those beside it are named.
    """
    named = [
        f'<{url}>; rel="original"',
        f'<{base}{TOP}{url}>; rel="timegate"',
        f'<{base}{TIMEMAP}{url}>; rel="timemap"; type="{LINK_FORMAT}"',
    ]
    place = next((n for n, one in enumerate(mementos) if one.record == _record(shown)), None)
    relations: dict[int, list[str]] = {}
    if mementos:
        relations = {0: ["first"]}
        relations.setdefault(len(mementos) - 1, []).append("last")
    if place is not None:
        relations.setdefault(place, [])
        for beside, word in ((place - 1, "prev"), (place + 1, "next")):
            if 0 <= beside < len(mementos):
                relations.setdefault(beside, []).append(word)
    named += [
        _link(base, mementos[n], " ".join([*words, "memento"]))
        for n, words in sorted(relations.items())
    ]
    return ", ".join(named)


def timemap(base: str, url: str, mementos: Sequence[OpenCapture]) -> Iterator[str]:
    """The TimeMap of a page in link-format (§5), line by line; `mementos` oldest first."""
    first, last = mementos[0], mementos[-1]
    yield f'<{url}>; rel="original",\n'
    span = f'from="{http_date(first)}"; until="{http_date(last)}"'
    yield f'<{base}{TIMEMAP}{url}>; rel="self"; type="{LINK_FORMAT}"; {span},\n'
    yield f'<{base}{TOP}{url}>; rel="timegate",\n'
    for number, one in enumerate(mementos):
        words = [word for word, which in (("first", first), ("last", last)) if which is one]
        end = "\n" if number == len(mementos) - 1 else ",\n"
        yield _link(base, one, " ".join([*words, "memento"])) + end


def _link(base: str, kept: OpenCapture, relation: str) -> str:
    where = f"{base}{address(kept.stamp, kept.url)}"
    return f'<{where}>; rel="{relation}"; datetime="{http_date(kept)}"'


def _record(kept: OpenCapture | None) -> object:
    return kept.record if kept else None
