"""What the replay says beside a stored page, and on pages of its own."""

from __future__ import annotations

from calendar import Calendar
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from storage import times
from storage.query.open_captures import OpenCapture
from storage.records import Capture
from storage.replay.addresses import address
from storage.replay.policy import OF_PAGES

_FROM = {
    "own": "crawled by this archive",
    "donated": "donated",
    "commoncrawl": "from Common Crawl",
    "wayback": "from the Wayback Machine",
}
_CUT = {
    "length": "it was longer than this archive keeps",
    "time": "the server took too long",
    "disconnect": "the connection broke",
    "unspecified": "the answer was broken off",
}
_UNITS = ((86400 * 365, "year"), (86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


@dataclass(slots=True)
class Shown:
    """A capture that is shown, and what was asked for."""

    kept: OpenCapture
    asked_url: str
    asked_at: datetime
    mementos: list[OpenCapture]
    """Captures of the page, oldest first: the first, some around it, the last."""
    room: str
    """Scheme, host and port of the reading room."""
    unchanged: Capture | None = field(default=None)
    """The capture whose bytes are shown, where the server said that they still held."""

    @property
    def at(self) -> str:
        """When, for people: Vietnam's time."""
        return local(self.kept.moment)

    @property
    def away(self) -> str | None:
        """How far from what was asked for; None: it is what was asked for."""
        seconds = (self.kept.moment - self.asked_at).total_seconds()
        return distance(timedelta(seconds=seconds)) if abs(seconds) >= 1 else None

    @property
    def source(self) -> str:
        """Who captured it."""
        kept = self.kept
        said = _FROM.get(kept.provenance or "", kept.provenance or "from a file not taken in yet")
        where = [f"site {kept.site}" if kept.site else "", f"run {kept.run}" if kept.run else ""]
        named = ", ".join(part for part in where if part)
        return f"{said} ({named})" if named else said

    @property
    def cut(self) -> str | None:
        """Why only a part of it is there; None if all of it is."""
        return _CUT.get(self.kept.truncated or "", self.kept.truncated)

    @property
    def record(self) -> str:
        """Where its record is looked into."""
        return record_address(self.room, self.kept)

    def beside(self, step: int) -> OpenCapture | None:
        """The capture before it (-1) or after it (1); None if there is none."""
        there = [n for n, one in enumerate(self.mementos) if one.record == self.kept.record]
        place = there[0] + step if there else -1
        return self.mementos[place] if 0 <= place < len(self.mementos) else None


def record_address(room: str, kept: OpenCapture) -> str:
    """The reading room's page of a capture's record."""
    asked = urlencode({"file": kept.record.file, "offset": kept.record.offset})
    return f"{room}/record?{asked}"


def local(moment: datetime) -> str:
    """A moment as readers in Vietnam tell it: `2024-03-01 10:00:00 +07:00`."""
    return moment.astimezone(times.LOCAL).isoformat(" ", "seconds").replace("+07:00", " +07:00")


def distance(span: timedelta) -> str:
    """How much earlier or later, in the greatest unit: `3 days later`."""
    seconds = int(abs(span.total_seconds()))
    size, unit = next(one for one in _UNITS if seconds >= one[0] or one[0] == 1)
    count = seconds // size
    later = "later" if span > timedelta(0) else "earlier"
    return f"{count} {unit}{'s' if count != 1 else ''} {later}"


def days_of(captures: Iterable[OpenCapture]) -> list[dict[str, Any]]:
    """The captures as a calendar of Vietnam's days: years, newest first, months, weeks, days.

    A day is None outside its month, else its number, how many captures it has, and the first.
    """
    counts: Counter[str] = Counter()
    first: dict[str, OpenCapture] = {}
    for one in captures:
        day = one.moment.astimezone(times.LOCAL).date().isoformat()
        counts[day] += 1
        first.setdefault(day, one)
    months = sorted({day[:7] for day in counts})
    years: dict[int, list[dict[str, Any]]] = {}
    for month in months:
        year, number = map(int, month.split("-"))
        weeks = [
            [_day(year, number, day, counts, first) for day in week]
            for week in Calendar().monthdayscalendar(year, number)
        ]
        years.setdefault(year, []).append({"name": month, "weeks": weeks})
    return [{"year": year, "months": years[year]} for year in sorted(years, reverse=True)]


def _day(
    year: int, month: int, day: int, counts: Counter[str], first: dict[str, OpenCapture]
) -> dict[str, Any] | None:
    if not day:
        return None
    name = f"{year:04}-{month:02}-{day:02}"
    return {"number": day, "count": counts[name], "first": first.get(name)}


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals |= {"address": address, "local": local, "record_address": record_address}


def show_page(name: str, status: int = 200, shown: Shown | None = None, **told: Any) -> Response:
    """A page of the replay's own. `told` is what its template names."""
    text = _TEMPLATES.get_template(name).render(shown=shown, **told)
    return HTMLResponse(text, status, OF_PAGES)


def show_banner(shown: Shown, sends_to: str | None, articles: list[dict[str, Any]]) -> str:
    """The banner of a stored page, in ASCII: right in any encoding that holds it."""
    text = _TEMPLATES.get_template("banner.html").render(
        shown=shown, sends_to=sends_to, articles=articles
    )
    return text.encode("ascii", "xmlcharrefreplace").decode()
