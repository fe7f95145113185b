"""When a host may be asked again: the politeness that is promised, kept in one place.

From the start of one request to the start of the next there is at least the delay, for the host
and for every server address behind it, whichever of the hosts that share it was asked. The delay
is the site's own, or robots.txt's Crawl-delay if that is longer, or what a server that turned us
away (429, 503) has brought it to. Between processes the time is divided: see
storage.database.turns.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from crawler.sites import MIN_DELAY_SECONDS

_PATIENCE_SECONDS = 2.0  # up to here a request waits in its place, beyond it goes back
_BUSY = (429, 503)
_RECOVERY = 0.9  # of the extra delay is left after each good answer

TakeTurn = Callable[[list[str], float], Awaitable[float]]
"""Have these keys to ourselves for some seconds; returns in how many seconds that begins."""


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """Settings; see crawler.settings."""

    delay: float
    """Seconds between two requests, as the site's table says."""
    crawl_delay_max: float
    slowest: float
    """The longest delay, seconds, that 429 and 503 bring a host to."""
    busy_answers: int
    """429 and 503 in a row from one host of the site; then it is left alone."""
    turn: float
    """For how many seconds at a time a host is taken, against other processes."""


class NotYet(Exception):
    """A request must wait longer than it may in its place; nothing was sent."""


class Pace:
    """Delays of one crawl. Times are of the monotonic clock: a clock set back stops nothing."""

    def __init__(
        self, limits: PaceLimits, take_turn: TakeTurn, hosts: Collection[str] = ()
    ) -> None:
        """`hosts`: the site's own; where they turn us away there is no sense in going on."""
        self._limits, self._take_turn, self._hosts = limits, take_turn, hosts
        self.turned_away: str | None = None
        """The host of the site that has let us down too often; None if none has."""
        self._next: dict[str, float] = {}  # host or address -> when it may be asked again
        self._taken: dict[str, tuple[float, float]] = {}  # from when until when they are ours
        self._crawl_delays: dict[str, float] = {}
        self._slowed: dict[str, float] = {}
        self._busy: Counter[str] = Counter()
        self._resumed: float | None = None

    def resume(self) -> None:
        """The run goes on: whichever host it meets, a process that died may just have asked it."""
        self._resumed = time.monotonic()

    def wait(self, host: str) -> float:
        """Seconds until the host may be asked again; 0 if it may be now."""
        return max(0.0, self._next.get(host, 0.0) - time.monotonic())

    def delay(self, host: str) -> float:
        """Seconds between two requests to the host, as things stand."""
        obeyed = self._crawl_delays.get(host, 0.0)
        return max(self._limits.delay, obeyed, self._slowed.get(host, 0.0))

    async def turn(self, host: str, addresses: Sequence[str], *, own: bool) -> None:
        """Returns when a request may go to the host. `own`: the site's table allows a shorter
        delay than the least (every address is the operator's).

        Raises NotYet if that is not soon: then `wait` says when.
        """
        delay = self.delay(host) if own else max(self.delay(host), MIN_DELAY_SECONDS)
        if delay == 0:
            return
        keys = [host, *addresses]
        shared = bool(self._limits.delay) or not own
        while (begin := await self._begin(keys, delay, shared)) > (now := time.monotonic()):
            if begin - now > _PATIENCE_SECONDS:
                self._next[host] = begin
                raise NotYet
            await asyncio.sleep(begin - now)
        self._next |= dict.fromkeys(keys, now + delay)  # from when it is sent, however late

    async def _begin(self, keys: list[str], delay: float, shared: bool) -> float:
        """When all of the keys may be asked, as far as is known now."""
        if shared:
            await self._take(keys, delay)
        return max(self._earliest(key, delay) for key in keys)

    def _earliest(self, key: str, delay: float) -> float:
        first = 0.0 if self._resumed is None else self._resumed + delay
        return max(self._next.get(key, first), self._taken.get(key, (0.0, 0.0))[0])

    async def _take(self, keys: list[str], delay: float) -> None:
        """Have the keys to ourselves for one request at least, from when they may be asked."""
        begin = max(time.monotonic(), *(self._earliest(key, delay) for key in keys))
        if all(begin + delay <= self._taken.get(key, (0.0, 0.0))[1] for key in keys):
            return
        span = self._limits.turn + delay
        begin = time.monotonic() + await self._take_turn(keys, span)
        self._taken |= dict.fromkeys(keys, (begin, begin + span))

    def obey(self, host: str, crawl_delay: float) -> None:
        """robots.txt asks for this many seconds between two requests."""
        asked = min(crawl_delay, self._limits.crawl_delay_max)
        self._crawl_delays[host] = max(asked, self._crawl_delays.get(host, 0.0))  # http and https

    def answered(self, host: str, status: int, retry_seconds: float | None) -> None:
        """A host that turns us away is asked half as often; good answers win the speed back."""
        if status in _BUSY:
            self.let_down(host)
            slower = 2 * max(self.delay(host), MIN_DELAY_SECONDS)
            self._slowed[host] = min(slower, self._limits.slowest)
            rest = time.monotonic() + max(self._slowed[host], retry_seconds or 0.0)
            self._next[host] = max(self._next.get(host, 0.0), rest)
            return
        self._busy[host] = 0
        if host in self._slowed:
            self._slowed[host] *= _RECOVERY
            if self._slowed[host] <= max(self._limits.delay, MIN_DELAY_SECONDS):
                del self._slowed[host]

    def let_down(self, host: str) -> None:
        """The host turned us away, or did not answer at all: for once, or for too long."""
        self._busy[host] += 1
        if self._busy[host] >= self._limits.busy_answers and host in self._hosts:
            self.turned_away = host
