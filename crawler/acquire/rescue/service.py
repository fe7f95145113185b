"""Asks the hosts of a public archive, one request at a time: politely, and not for ever.

No redirect is followed. Whoever answers is a host that the settings name, so nothing that a
service says can lead a rescue elsewhere; and a redirect of the Wayback Machine leads to another
capture than the one that was asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from crawler import settings
from crawler.acquire.rescue.wire import Answer, exchange
from crawler.outcome import Limits, retry_after
from storage import times
from storage.errors import PublicArchiveUnavailable
from storage.records import Capture

Say = Callable[[str], object]
_LATER = (429, 503)
_FAULTS = (500, 502, 504)


class NotGiven(Exception):
    """A request that had no sound answer, however often it was made; the message says why."""


class TooLarge(NotGiven):
    """An answer that is longer than what is kept: it would be so again."""


class Service:
    """The hosts of one public archive."""

    def __init__(self, delay_seconds: float, say: Say = lambda what: None) -> None:
        """`say` is told of waits, in words."""
        self._delay, self._say = delay_seconds, say
        self._free_at: dict[str, float] = {}
        self._turned_away = 0
        self._without_answer = 0
        self._limits = Limits(retry_after_max_seconds=settings.RETRY_AFTER_MAX_SECONDS)

    def ask(
        self,
        url: str,
        *headers: tuple[str, str],
        sound: Callable[[Answer], bool] = lambda answer: True,
    ) -> Answer:
        """A whole answer, of whatever status. `sound`: whether it is what was asked for.

        What is torn, faulty or not sound is asked for again, MAX_TRIES times. Raises NotGiven
        (TooLarge); PublicArchiveUnavailable if the host turns us away, or does not answer, again
        and again.
        """
        tries, why = 0, ""
        while tries < settings.MAX_TRIES:
            if why:
                self._wait(url, settings.RETRY_SECONDS * 2 ** (tries - 1), why)
            self._wait_turn(url)
            try:
                answer = exchange(url, headers)
            except OSError as error:
                tries, why = tries + 1, f"{type(error).__name__}: {error}"
                self._count_fault(url, why)
                continue
            if answer.status in _LATER and not answer.is_memento:
                self._turn_away(url, answer)
                continue
            self._turned_away = self._without_answer = 0
            if answer.is_too_large:
                raise TooLarge(answer.why_not_whole)
            why = _flaw(answer, sound)
            if not why:
                return answer
            tries += 1
        raise NotGiven(why)

    def _wait_turn(self, url: str) -> None:
        host = urlsplit(url).netloc
        time.sleep(max(0.0, self._free_at.get(host, 0.0) - time.monotonic()))
        self._free_at[host] = time.monotonic() + self._delay

    def _wait(self, url: str, seconds: float, why: str) -> None:
        self._say(f"{urlsplit(url).netloc}: {why}; asked again in {seconds:.0f} s")
        time.sleep(seconds)

    def _turn_away(self, url: str, answer: Answer) -> None:
        """429 and 503: as long as it says, else longer each time."""
        self._turned_away += 1
        if self._turned_away >= settings.BUSY_ANSWERS_MAX:
            raise _unavailable(url, f"it answered {answer.status} {self._turned_away} times")
        of_answer = Capture(url, times.now(), answer.status, answer.headers, b"")
        stated = retry_after(of_answer, self._limits)
        longer = min(
            settings.RETRY_SECONDS * 2 ** (self._turned_away - 1), settings.SLOWEST_DELAY_SECONDS
        )
        self._wait(url, longer if stated is None else stated, f"HTTP {answer.status}")

    def _count_fault(self, url: str, why: str) -> None:
        self._without_answer += 1
        if self._without_answer >= settings.BUSY_ANSWERS_MAX:
            raise _unavailable(url, f"no answer {self._without_answer} times: {why}")


def _flaw(answer: Answer, sound: Callable[[Answer], bool]) -> str:
    """Why it is asked for again; '' if it is not."""
    if not answer.whole:
        return answer.why_not_whole
    if answer.status in _FAULTS and not answer.is_memento:
        return f"HTTP {answer.status}"
    return "" if sound(answer) else "the answer is not what was asked for"


def _unavailable(url: str, why: str) -> PublicArchiveUnavailable:
    return PublicArchiveUnavailable(
        f"{urlsplit(url).netloc}: {why}. What came is kept; the same command goes on later."
    )
