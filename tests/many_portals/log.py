"""What the portals' own log tells of those who asked.

A line is written when an answer is out: start, end (seconds of the monotonic clock), address,
host, path, status (0: the client hung up first), number of the connection, User-Agent; tabs
between. The start is when the kernel got the request.

**A crawl, as a portal sees it, is a connection.** A crawl asks a host one thing after the other
over one kept connection, and makes another only when that is gone; the portals never hang up. So
two connections to one host whose requests lie between each other's are two crawls at a time. Who
sent them does not matter (two crawls of one machine share their User-Agent); it is named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tests.many_portals.drawn import Portal
from tests.many_portals.pages import articles_of

TOLERANCE = 0.2
"""Of the delay. The delay runs from when a request is sent to when the next one may be; between
that and its arrival here lie the client's own last steps (a connection, a few turns of its event
loop), longer for one request than for the next when the machine is busy."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    start: float
    end: float
    address: str
    host: str
    path: str
    status: int
    connection: int
    agent: str


def read_log(path: Path) -> list[Asked]:
    """Every request whose answer has ended, in the order in which they came."""
    text = path.read_text(encoding="utf-8")
    lines = text[: text.rfind("\n") + 1].splitlines()
    return sorted(map(_read_line, lines), key=lambda asked: asked.start)


def _read_line(line: str) -> Asked:
    start, end, address, host, path, status, connection, agent = line.split("\t")
    return Asked(float(start), float(end), address, host, path, int(status), int(connection), agent)


def too_soon(log: Sequence[Asked], delay: float, tolerance: float = TOLERANCE) -> list[str]:
    """Requests that came to a host, or to an address that hosts share, within the delay (seconds,
    less the tolerance) of the one before.
    """
    least = delay * (1 - tolerance)
    return [
        f"{key}: {later.host}{later.path} came {gap:.3f} s after {earlier.host}{earlier.path}"
        for key, earlier, later in _neighbours(log)
        if (gap := later.start - earlier.start) < least
    ]


def smallest_gap(log: Sequence[Asked]) -> float:
    """The shortest time, seconds, between two requests to one host or address; 0: there are none."""
    return min((later.start - earlier.start for _, earlier, later in _neighbours(log)), default=0.0)


def _neighbours(log: Sequence[Asked]) -> Iterable[tuple[str, Asked, Asked]]:
    for key_of in (_host, _address):
        for key, requests in _by(log, key_of).items():
            for earlier, later in pairwise(requests):
                yield key, earlier, later


def at_once(log: Sequence[Asked]) -> list[str]:
    """Hosts that two crawls asked at a time."""
    found = []
    for requests in _by(log, _host).values():
        of_connection = defaultdict(list)
        for asked in requests:
            of_connection[asked.connection].append(asked)
        latest: Asked | None = None
        for first, *rest in of_connection.values():  # in the order of their first requests
            if latest is not None and first.start < latest.end:
                found.append(_two(first, latest))
            last = max(first, *rest, key=_end) if rest else first
            latest = last if latest is None else max(latest, last, key=_end)
    return found


def _two(second: Asked, first: Asked) -> str:
    return (
        f"{first.host}: {first.agent} over connection {first.connection} until {first.end:.3f}, "
        f"{second.agent} over connection {second.connection} from {second.start:.3f}"
    )


def _end(asked: Asked) -> float:
    return asked.end


def never_served(log: Sequence[Asked], portals: Iterable[Portal]) -> list[str]:
    """Articles that were there from the first and were never sent whole."""
    sent = {(asked.host, asked.path) for asked in log if asked.status == 200}
    return [
        f"http://{portal.host}{path}"
        for portal in portals
        for path in articles_of(portal, portal.articles)
        if (portal.host, path) not in sent
    ]


def _by(log: Sequence[Asked], key_of: Callable[[Asked], str]) -> dict[str, list[Asked]]:
    found = defaultdict(list)
    for asked in log:
        found[key_of(asked)].append(asked)
    return found


def _host(asked: Asked) -> str:
    return asked.host


def _address(asked: Asked) -> str:
    return asked.address
