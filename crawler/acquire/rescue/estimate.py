"""What there is to fetch, and what that comes to, before anything is fetched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Engine

from crawler.acquire.rescue.archives import PublicArchive
from crawler.acquire.rescue.listing import BadLine, Listed
from crawler.acquire.tally import Tally
from storage.database.captures import find_held

_AT_ONCE = 500
_GUESS_BYTES = 10_000  # of a capture whose size the index does not say: a small page, gzipped


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the index lists, before anything is fetched."""

    archive: str
    hosts: tuple[str, ...]
    listed: int
    held: int
    """Captures that this archive has already, or that the index lists twice."""
    first: str | None
    """The earliest moment listed, 14 digits, UTC; None if nothing is listed."""
    last: str | None
    to_fetch: int
    bytes: int
    """Of what is to be fetched, as the index has it; about, where it does not say."""
    seconds: float
    """At least: the delays alone."""


def look(
    engine: Engine,
    public: PublicArchive,
    hosts: Sequence[str],
    listing: Iterable[Listed | BadLine],
    tally: Tally,
) -> tuple[list[Listed], Estimate]:
    """What of a listing is to be fetched, oldest first; lines that name nothing go to the tally."""
    wanted, seen = list[Listed](), set[tuple[str, str]]()
    listed, first, last = 0, None, None
    for some in _groups(_sound(listing, public, tally)):
        with engine.connect() as connection:
            seen |= find_held(connection, [one.url for one in some])
        moments = [one.moment for one in some]
        listed += len(some)
        first, last = min([*moments, first or "9"]), max([*moments, last or ""])
        for one in some:
            if (one.url, one.moment) not in seen:
                seen.add((one.url, one.moment))
                wanted.append(one)
    wanted.sort(key=lambda one: (one.moment, one.url))
    return wanted, Estimate(
        public.name, tuple(hosts), listed, listed - len(wanted), first, last, len(wanted),
        sum(one.length or _GUESS_BYTES for one in wanted), len(wanted) * public.delay_seconds,
    )  # fmt: skip


def _sound(
    listing: Iterable[Listed | BadLine], public: PublicArchive, tally: Tally
) -> Iterator[Listed]:
    for one in listing:
        if isinstance(one, BadLine):
            tally.note("bad_index_line", public.name, 0, str(one))
        else:
            yield one


def _groups(listed: Iterable[Listed]) -> Iterator[list[Listed]]:
    iterator = iter(listed)
    while some := list(islice(iterator, _AT_ONCE)):
        yield some
