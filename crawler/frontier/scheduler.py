"""Scrapy's scheduler over the frontier: hands out claimed rows, a few at a time for each host.

The queue itself is in the database; here is only the small buffer of rows that the keeper has
claimed. Rows are claimed in the transaction that finishes others, so "no row is claimed and none
waits for its time" means that the frontier is empty.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Coroutine
from typing import Any

from scrapy import Request, Spider, signals
from scrapy.core.scheduler import BaseScheduler
from scrapy.crawler import Crawler
from twisted.python.failure import Failure as TwistedFailure

from crawler.crawl import crawl_of
from crawler.frontier.conditions import conditions, last_answer
from storage import times
from storage.errors import ArchiveFault, TinHuyenError
from storage.keeper import Round
from storage.records import Failure, FrontierRow, Page
from storage.urls import fingerprint, host_of, origin_of

_TIMER_SLACK_SECONDS = 0.005  # the loop's timers may fire early by its clock's resolution


class FrontierScheduler(BaseScheduler):
    """Opens the crawl, feeds Scrapy's engine from it, and closes it."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> FrontierScheduler:
        """As Scrapy asks for it."""
        return cls(crawler)

    def __init__(self, crawler: Crawler) -> None:
        settings = crawler.settings
        self._crawler, self._crawl = crawler, crawl_of(crawler)
        self._foreign: deque[Request] = deque()  # of scrapy shell and the like: not ours to keep
        self._buffer: defaultdict[str, deque[FrontierRow]] = defaultdict(deque)
        self._loading: defaultdict[str, int] = defaultdict(int)
        self._claimed: dict[int, FrontierRow] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._end: asyncio.TimerHandle | None = None
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        polite = settings.getfloat("DOWNLOAD_DELAY") > 0
        self._per_host = 1 if polite else settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN")
        self._quota = settings.getint(
            "CLAIMED_PER_HOST" if polite else "CLAIMED_PER_HOST_WITHOUT_DELAY"
        )
        self._max_unkept = settings.getint("MAX_UNKEPT")
        self._max_requests = settings.getint("RUN_MAX_REQUESTS")
        self._max_bytes = settings.getint("RUN_MAX_BYTES")
        self._requests = self._bytes = 0
        crawler.signals.connect(self._item_lost, signals.item_error)
        crawler.signals.connect(self._response_lost, signals.spider_error)

    def open(self, spider: Spider) -> None:
        """Open the crawl. If it cannot begin it has nothing to fetch, and knows why."""
        try:
            self._crawl.open(self._room, self._take)
            self._opening = True
            self._set_end(self._crawler.settings.getfloat("RUN_MAX_SECONDS"))
        except TinHuyenError as error:
            self._crawl.failed(error)

    def _set_end(self, seconds: float) -> None:
        """End the run after so long; what is on its way then is kept."""

        def end() -> None:
            self._crawl.cap = f"RUN_MAX_SECONDS = {seconds:g}"
            self._stop(self._crawl.cap)

        if seconds > 0:
            self._end = asyncio.get_running_loop().call_later(seconds, end)

    _opening = False  # the first round has not come yet

    def close(self, reason: str) -> None:
        """Close the crawl; everything handed out has come back by now."""
        for timer in (self._alarm, self._end):
            if timer is not None:
                timer.cancel()
        self._crawl.close(reason)
        for name, value in self._crawl.counts.items():
            self._crawler.stats.set_value(f"tinhuyen/{name}", value)

    def has_pending_requests(self) -> bool:
        """Whether the crawl goes on."""
        waits = self._opening or self._claimed or self._alarm is not None
        return bool(self._foreign) or (bool(waits) and not self._stopping)

    def enqueue_request(self, request: Request) -> bool:
        """Only our own wake-up calls and foreign requests come here; links never do."""
        row = request.meta.get("row")
        if row is None:
            self._foreign.append(request)
        else:
            self._buffer[row.origin].appendleft(row)
        return True

    def next_request(self) -> Request | None:
        """The next row to fetch; None while nothing may be handed out."""
        if self._foreign:
            return self._foreign.popleft()
        waiting = sum(map(len, self._buffer.values()))
        if self._stopping or len(self._claimed) - waiting >= self._max_unkept or self._is_spent():
            return None
        origin = self._ready_origin()
        if origin is None:
            return None
        self._loading[host_of(origin)] += 1
        self._requests += 1
        row = self._pop(origin)
        self._crawl.hand_out(row)
        return self._request(row)

    def _ready_origin(self) -> str | None:
        """The least busy origin that has rows and may be asked now."""
        ready = [
            origin
            for origin in self._buffer
            if self._loading[host_of(origin)] < self._per_host
            and not self._crawl.pace.wait(host_of(origin))
        ]
        return min(ready, key=lambda origin: self._loading[host_of(origin)], default=None)

    def _pop(self, origin: str) -> FrontierRow:
        rows = self._buffer[origin]
        row = rows.popleft()
        if not rows:
            del self._buffer[origin]
        return row

    def _is_spent(self) -> bool:
        """Whether the run has had what it may have: then it ends, to be gone on with."""
        turned_away = self._crawl.pace.turned_away
        if turned_away is not None:
            self._crawl.cap = (
                f"{turned_away}, which turns us away or does not answer (BUSY_ANSWERS_MAX)"
            )
        elif 0 < self._max_requests <= self._requests:
            self._crawl.cap = f"RUN_MAX_REQUESTS = {self._max_requests}"
        elif 0 < self._max_bytes <= self._bytes:
            self._crawl.cap = f"RUN_MAX_BYTES = {self._max_bytes}"
        else:
            return False
        self._stop(self._crawl.cap)
        return True

    def _request(self, row: FrontierRow) -> Request:
        spider: Any = self._crawler.spider
        last = last_answer(row.last, self._crawl.archive.folder)
        subject = f"robots of {origin_of(row.via or row.url)}" if row.role == "robots" else ""
        return Request(
            row.url,
            callback=spider.parse,
            errback=spider.failed,
            headers=conditions(last),
            dont_filter=True,
            meta={
                "row": row,
                "last": last,
                "fingerprint": fingerprint(row.url, subject),
                "download_slot": host_of(row.url),
            },
        )

    def landed(self, row: FrontierRow, received: int) -> None:
        """A row's exchange is over: its host has a free place, whatever becomes of the page.

        `received`: bytes of the response.
        """
        self._bytes += received
        self._free(row)

    def put_back(self, row: FrontierRow) -> None:
        """The row's host, or one that shares its server, was asked too lately: nothing was sent."""
        self._requests -= 1
        self._buffer[row.origin].appendleft(row)
        self._free(row)

    def _free(self, row: FrontierRow) -> None:
        host = host_of(row.origin)
        self._loading[host] -= 1
        if not self._loading[host]:
            del self._loading[host]
        wait = self._crawl.pace.wait(host)
        if wait:
            asyncio.get_running_loop().call_later(wait + _TIMER_SLACK_SECONDS, self._wake)

    def _room(self, origin: str) -> int:
        """How many more rows of this origin to claim. Called on the keeper's thread."""
        buffered = self._buffer.get(origin)
        return self._quota - (len(buffered) if buffered else 0)

    def _take(self, round_: Round) -> None:
        """What the keeper did: first the new claims, then the release of the kept."""
        self._opening = False
        if (reason := round_.fault or round_.no_room) is not None:
            self._stop(str(reason))
        if round_.fault is not None:
            return
        for row in round_.claimed:
            self._claimed[row.id] = row
            self._buffer[row.origin].append(row)
        for origin in {row.origin for row in round_.claimed}:
            self._crawl.pace.obey(host_of(origin), self._crawl.crawl_delay(origin) or 0.0)
        for page in round_.kept:
            self._claimed.pop(page.row.id, None)
        self._set_alarm(round_.next_due)
        self._wake()

    def _set_alarm(self, due: float | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if due is not None:
            wait = max(0.05, due - times.steady())
            self._alarm = asyncio.get_running_loop().call_later(wait, self._crawl.claim)

    def _wake(self) -> None:
        """Have the engine look again, by its public road: hand it a request of ours."""
        origin, engine = self._ready_origin(), self._crawler.engine
        if origin is not None and engine is not None and engine.spider is not None:
            engine.crawl(self._request(self._pop(origin)))

    def _stop(self, why: str) -> None:
        """Nothing more is fetched; what is under way ends, and no other row changes its state."""
        if self._stopping:
            return
        self._stopping = True
        engine = self._crawler.engine
        if engine is not None:
            self._spawn(engine.close_spider_async(reason=why))

    def _item_lost(
        self, item: Page, response: Any, spider: Spider, failure: TwistedFailure
    ) -> None:
        """A pipeline raised: the row must still end somewhere, or the crawl never would."""
        if not isinstance(failure.value, ArchiveFault):
            self._keep_anyway(item.row, item, f"a pipeline failed: {failure.value!r}")

    def _response_lost(self, failure: TwistedFailure, response: Any, spider: Spider) -> None:
        row = response.request.meta["row"] if response is not None else None
        if row is not None:
            page = Page(row, exchange=response.request.meta.get("exchange"))
            self._keep_anyway(row, page, f"the spider failed: {failure.value!r}")

    def _keep_anyway(self, row: FrontierRow, page: Page, message: str) -> None:
        what = Failure("save", type(self).__name__, message)
        capture = page.exchange.to_capture() if page.exchange else None
        rest = Page(row, exchange=page.exchange, capture=capture, failures=(what,), failed=True)
        self._spawn(self._crawl.keep(rest))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside everything else; asyncio alone would not hold on to it."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
