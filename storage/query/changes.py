"""What was new, changed, gone or back between two days of capture.

An archive sees a page only when it fetches it: so nothing here says when a page changed or went,
only between which two captures. "Present in March, absent in September" is all that is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, select

from storage import times
from storage.database.schema import absence, article, capture, reading, version
from storage.errors import UsageError
from storage.query.asked import is_day
from storage.query.query import Query
from storage.query.search import stream
from storage.query.walk import shown

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_BATCH = 500

What = Literal["new", "changed", "gone", "back"]


@dataclass(frozen=True, slots=True)
class Seen:
    """An article's page as one capture showed it: there, or not."""

    at: str
    """UTC text."""
    why_not: str | None
    """None: it was there; else how it was not (`404`, `soft_404` …)."""


@dataclass(frozen=True, slots=True)
class Event:
    """What became of an article between two days."""

    key: int
    what: What
    said: str
    """In words: `present in March 2024, absent in September 2024 (404)`."""
    before: str | None
    """The last capture that showed the earlier state, UTC text; None if there is none."""
    after: str
    """The first that showed the later."""
    versions: tuple[int, int] | None = None
    """Of what changed: the numbers of the version before and of the one after."""

    def as_json(self) -> dict[str, Any]:
        """Everything but the key."""
        return {name: value for name, value in asdict(self).items() if name != "key"}


def first_moment(day: str) -> str:
    """The first moment of a local day, month or year, UTC text. Raises UsageError."""
    if not is_day(day) or not "1900" <= day < "2200":
        raise UsageError(f"{day!r} is no day of capture; write 2024-03-31, 2024-03 or 2024")
    start = datetime.fromisoformat(f"{day}-01-01"[:10] if len(day) < 10 else day)
    return times.utc_text(datetime.combine(start, time(), times.LOCAL))


def last_moment(day: str) -> str:
    """The last moment of a local day, month or year, UTC text. Raises UsageError."""
    start = times.parse_utc(first_moment(day)).astimezone(times.LOCAL)
    month = (start.replace(day=28) + timedelta(days=4)).replace(day=1)
    ends = {10: start + timedelta(days=1), 7: month, 4: start.replace(year=start.year + 1)}
    return times.utc_text(ends[len(day)] - timedelta(microseconds=1))


def events(connection: Connection, query: Query, since: str, until: str) -> Iterator[Event]:
    """What became of the articles that a query finds, from one moment to another (UTC text).

    In the order of their capture. Raises as storage.query.search.find does.
    """
    keys = _touched(connection, since, until)
    keys &= set(stream(connection, query)) if query.given() else shown(connection, sorted(keys))
    found: list[Event] = []
    for start in range(0, len(keys), _BATCH):
        some = sorted(keys)[start : start + _BATCH]
        seen, versions = _seen(connection, some), _versions(connection, some)
        for key in some:
            found += _events(key, seen[key], versions[key], since, until)
    yield from sorted(found, key=lambda one: (one.after, one.key))


def _touched(connection: Connection, since: str, until: str) -> set[int]:
    """Articles of which something was seen for the first time, or was not seen."""
    changed = select(version.c.article).where(version.c.from_at.between(since, until))
    absent = (
        select(reading.c.article)
        .join(capture, capture.c.id == reading.c.capture)
        .join(absence, (absence.c.site == capture.c.site) & (absence.c.url == capture.c.url))
        .where(absence.c.at <= until)
    )
    return {key for one in (changed, absent) for key in connection.execute(one).scalars()}


def _seen(connection: Connection, keys: list[int]) -> defaultdict[int, list[Seen]]:
    """Every capture of these articles' addresses that showed them, or that they were not there."""
    there = (
        select(reading.c.article, capture.c.fetched_at)
        .join(capture, capture.c.id == reading.c.capture)
        .where(reading.c.article.in_(keys), reading.c.state == "accepted")
    )
    last = select(article.c.key, article.c.last_seen).where(article.c.key.in_(keys))
    absent = (
        select(reading.c.article, absence.c.at, absence.c.why)
        .join(capture, capture.c.id == reading.c.capture)
        .join(absence, (absence.c.site == capture.c.site) & (absence.c.url == capture.c.url))
        .where(reading.c.article.in_(keys))
        .distinct()
    )
    found: defaultdict[int, list[Seen]] = defaultdict(list)
    for statement in (there, last):
        for key, at in connection.execute(statement):
            found[key].append(Seen(at, None))
    for key, at, why in connection.execute(absent):
        found[key].append(Seen(at, why))
    for one in found.values():
        one.sort(key=lambda seen: seen.at)
    return found


def _versions(connection: Connection, keys: list[int]) -> defaultdict[int, list[Any]]:
    found: defaultdict[int, list[Any]] = defaultdict(list)
    statement = select(version.c.article, version.c.number, version.c.from_at, version.c.until_at)
    ordered = statement.where(version.c.article.in_(keys)).order_by(version.c.number)
    for row in connection.execute(ordered):
        found[row.article].append(row)
    return found


def _events(
    key: int, seen: list[Seen], versions: list[Any], since: str, until: str
) -> Iterator[Event]:
    earlier = [one for one in seen if one.at < since]
    within = [one for one in seen if since <= one.at <= until]
    if not within:
        return
    if not earlier:
        first = within[0]
        yield Event(key, "new", f"first seen {_on(first.at)}", None, first.at)
    yield from _gone_or_back(key, earlier, within)
    old = [one for one in versions if one.from_at < since] or versions[:1]
    new = [one for one in versions if one.from_at <= until]
    if new and new[-1].number > old[-1].number:
        numbers = (old[-1].number, new[-1].number)
        next_ = versions[numbers[0]]
        said = f"version {numbers[0]} {_on(old[-1].until_at)}, version {numbers[1]}"
        said += f" {_on(new[-1].from_at)}"
        yield Event(key, "changed", said, old[-1].until_at, next_.from_at, numbers)


def _gone_or_back(key: int, earlier: list[Seen], within: list[Seen]) -> Iterator[Event]:
    """Whether the last that was seen differs from what was seen before."""
    last = within[-1]
    story = [*earlier, *within]
    same = len(story)
    while same and (story[same - 1].why_not is None) == (last.why_not is None):
        same -= 1
    if same == 0 or story[same].at < within[0].at:
        return  # it was so all the time
    before, after = story[same - 1], story[same]
    if last.why_not is not None:
        said = f"{_pair('present', before.at, 'absent', after.at)} ({after.why_not})"
        yield Event(key, "gone", said, before.at, after.at)
    elif earlier and earlier[-1].why_not is not None:
        yield Event(
            key, "back", _pair("absent", before.at, "present", after.at), before.at, after.at
        )


def _pair(was: str, before: str, is_: str, after: str) -> str:
    """`present in March 2024, absent in September 2024`; by days where the month is one."""
    first, second = _month(before), _month(after)
    if first == second:
        return f"{was} {_on(before)}, {is_} {_on(after)}"
    return f"{was} in {first}, {is_} in {second}"


def _month(at: str) -> str:
    local = times.parse_utc(at).astimezone(times.LOCAL)
    return f"{_MONTHS[local.month - 1]} {local.year}"


def _on(at: str) -> str:
    return f"on {times.parse_utc(at).astimezone(times.LOCAL):%Y-%m-%d}"
