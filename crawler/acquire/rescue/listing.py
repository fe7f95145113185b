"""What a public archive holds of a site, by its index: cdx_toolkit pages through it and reads it.

Only its index client is used, and every request goes through our own Service: cdx_toolkit's asks
for ever where it is turned away, and pays no heed to Retry-After (cdx_toolkit 0.9.39,
myrequests.py). Its records are rewritten and dated today, so they are never fetched by it.
Protocols: pywb's CDX server API (Common Crawl), internetarchive/wayback's wayback-cdx-server
(README: pagination API).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from cdx_toolkit import CDXFetcher, cdx_to_captures

from crawler.acquire.rescue.archives import PublicArchive
from crawler.acquire.rescue.service import NotGiven, Service
from crawler.acquire.rescue.wire import Answer
from storage import times
from storage.errors import DecodeError, PublicArchiveUnavailable, UsageError
from storage.urls import canonical_url

Told = Callable[[int, int], object]
"""Told how much of an index was asked for, of how much."""

_MOMENT = re.compile(r"\d{14}")
_SHA1 = re.compile(r"[A-Z2-7]{32}")


@dataclass(frozen=True, slots=True)
class Span:
    """Days of capture, of Asia/Ho_Chi_Minh, the last one included; None: no bound."""

    since: str | None = None
    until: str | None = None

    def bounds(self) -> tuple[str | None, str | None]:
        """Both as indexes have moments: 14 digits, UTC. Raises UsageError for what is no day."""
        first = _midnight("--since", self.since)
        last = _midnight("--until", self.until, days=1)
        if first and last and first >= last:
            raise UsageError(f"no day lies from {self.since} to {self.until}")
        end = None if last is None else f"{last - timedelta(seconds=1):%Y%m%d%H%M%S}"
        return (f"{first:%Y%m%d%H%M%S}" if first else None), end


def _midnight(option: str, text: str | None, days: int = 0) -> datetime | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option} is a day like 2024-03-01, not {text!r}") from error
    return datetime(day.year, day.month, day.day, tzinfo=times.LOCAL).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Listed:
    """A capture as an index lists it."""

    asked: str
    """The address as the index writes it."""
    url: str
    """The same, canonical."""
    moment: str
    """When it was caught: 14 digits, UTC."""
    digest: str | None
    """Of its payload, as the index has it: `sha1:` and base32; None if it says none."""
    length: int
    """Bytes that it takes up in its archive; 0 if the index does not say."""
    file: str = ""
    """Common Crawl's WARC file."""
    offset: int = 0

    @property
    def at(self) -> datetime:
        """When it was caught."""
        return datetime.strptime(self.moment + "+0000", "%Y%m%d%H%M%S%z")


class BadLine(ValueError):
    """A line of an index that names no capture."""


def list_captures(
    archive: PublicArchive,
    service: Service,
    hosts: Sequence[str],
    span: Span,
    told: Told = lambda done, of: None,
) -> Iterator[Listed | BadLine]:
    """Every capture of these hosts that the archive's index lists.

    Raises UsageError, PublicArchiveUnavailable.
    """
    since, until = span.bounds()
    indexes = [archive.index]
    if archive.has_files:
        indexes = _crawls(archive.index, service, since, until)
    for number, (api, host) in enumerate([(api, host) for api in indexes for host in hosts]):
        told(number, len(indexes) * len(hosts))
        for line in _lines(_Index(api, service, ends=archive.has_files), f"{host}/*", since, until):
            yield _listed(line, is_file=archive.has_files)


def _lines(
    index: _Index, url: str, since: str | None, until: str | None
) -> Iterator[dict[str, Any]]:
    span = {"from_ts": since, "to": until}
    try:
        for line in index.iter(url, **{name: value for name, value in span.items() if value}):
            yield line.data
    except (ValueError, DecodeError, NotGiven) as error:  # cdx_toolkit: what is no index
        raise PublicArchiveUnavailable(
            f"{index.source} gave no index: {error}. What came is kept; the same command goes on."
        ) from error


class _Index(CDXFetcher):  # type: ignore[misc]
    """cdx_toolkit's client of one index, asking through our Service."""

    def __init__(self, api: str, service: Service, *, ends: bool) -> None:
        """`ends`: it says itself where it ends (pywb answers 400 behind the last page)."""
        super().__init__(source=api)
        self._service, self._says_its_end = service, ends
        self._pages: int | None = None
        self._ended = False  # cdx_toolkit asks once more behind the end

    def get_for_iter(
        self, endpoint: int, page: int, params: dict[str, Any], index_list: Sequence[str]
    ) -> tuple[str, list[Any]]:
        """One page of the index; what CDXFetcher's own gives."""
        if self._ended or self._is_behind(page, params):
            return "last endpoint", []
        answer = self._ask(params | {"page": page})
        self._ended = answer.status in (400, 404) or not answer.text.strip()
        if answer.status == 404:
            cdx_to_captures(answer)  # raises if it is not "No Captures found", but no index at all
        return ("last endpoint", []) if self._ended else ("ok", cdx_to_captures(answer))

    def _is_behind(self, page: int, params: dict[str, Any]) -> bool:
        """Of a CDX server that answers `[]` for a page without captures, whatever its number.

        A page in between may have none in a span of days, so only the count of pages tells.
        """
        if self._says_its_end:
            return False
        if self._pages is None:
            count = self._ask({"url": params["url"], "showNumPages": "true"}).text
            self._pages = int(count)
        return page >= self._pages

    def _ask(self, params: dict[str, Any]) -> Answer:
        named = {"from" if name == "from_ts" else name: value for name, value in params.items()}
        query = urlencode({name: value for name, value in named.items() if value is not None})
        answer = self._service.ask(f"{self.source}?{query}")
        if answer.status not in (200, 400, 404):
            raise NotGiven(f"HTTP {answer.status}")
        return answer


def _crawls(index: str, service: Service, since: str | None, until: str | None) -> list[str]:
    """The indexes of Common Crawl's crawls in a span, newest first; all on the host of `index`."""
    try:
        crawls = json.loads(service.ask(f"{index}collinfo.json").text)
        paths = [
            urlsplit(one["cdx-api"]).path
            for one in crawls
            if _overlaps(one, since or "", until or "9")
        ]
    except (ValueError, TypeError, KeyError, DecodeError, NotGiven) as error:
        raise PublicArchiveUnavailable(
            f"{index} gave no list of crawls ({error}); try again later"
        ) from error
    return [index + path.lstrip("/") for path in paths]


def _overlaps(crawl: dict[str, Any], since: str, until: str) -> bool:
    """Whether a crawl may have captures in a span. One that does not tell its days may."""
    first, last = (re.sub(r"\D", "", str(crawl.get(name) or "")) for name in ("from", "to"))
    return (not first or first <= until) and (not last or last >= since)


def _listed(line: dict[str, Any], *, is_file: bool) -> Listed | BadLine:
    asked, moment = str(line.get("url", "")), str(line.get("timestamp", ""))
    url, digest = canonical_url(asked), str(line.get("digest", "")).removeprefix("sha1:")
    try:
        one = Listed(
            asked=asked,
            url=url or "",
            moment=moment,
            digest=f"sha1:{digest}" if _SHA1.fullmatch(digest) else None,
            length=_number(line.get("length"), must=is_file),
            file=str(line["filename"]) if is_file else "",
            offset=_number(line["offset"], must=True) if is_file else 0,
        )
        if url is None or not _MOMENT.fullmatch(moment):
            raise ValueError("no address or no moment")
        _ = one.at
    except (KeyError, ValueError) as error:
        return BadLine(f"{asked} {moment}: {error}")
    return one


def _number(value: object, *, must: bool) -> int:
    text = str(value or "")
    if text.isascii() and text.isdigit() and len(text) < 16 and (not must or value is not None):
        return int(text)
    if must:
        raise ValueError(f"{value!r} is no number of bytes")
    return 0
