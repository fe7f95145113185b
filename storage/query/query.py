"""A query as a value: what is asked of the archive, apart from how it is found.

It prints as an address (`?words=…&site=…`) and as the options of a command, and is read back from
both: whoever cites a search cites it whole, and search, export, stats and releases ask the same.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from storage.errors import UsageError
from storage.query.asked import is_day
from storage.records import ORGANS

ORDERS = ("rank", "date")
PRECISIONS = ("second", "minute", "day", "month", "year")
FLAGS = (
    "weekday_agrees", "weekday_contradicts", "weekday_decided_order", "midnight_like",
    "two_digit_year", "relative", "equals_capture_day", "url_only", "machine_date_differs",
    "by_dateparser",
)  # fmt: skip
"""What a date may be marked with (docs/researchers.md): a closed set."""
KNOWABLE = ("date", "author", "office", "credit", "section", "district", "images")
"""What an article may have or lack: values of `having` and `lacking`."""

CLOSED = {
    "organ": ORGANS, "precision": PRECISIONS, "flag": FLAGS, "having": KNOWABLE,
    "lacking": KNOWABLE, "order": ORDERS,
}  # fmt: skip
"""Fields that take nothing but these values."""

SEVERAL = (
    "site", "organ", "district", "province", "unit", "section", "author", "office", "credit",
    "precision", "flag", "provenance", "having", "lacking",
)  # fmt: skip
"""The filters. Of several values of one any may hold; of `flag`, `having`, `lacking` all must."""

Several = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for. Filters that are empty let everything pass."""

    words: str = ""
    """As typed (storage.query.asked)."""
    site: Several = ()
    """Ids of sites."""
    organ: Several = ()
    """Whose portal: `party`, `people_committee`, `council`, `front`, `province`, `other`."""
    district: Several = ()
    """Districts as people name them (`huyện Bình Giang, Hải Dương`), or by code (`296`)."""
    province: Several = ()
    """Provinces, of today or of before July 2025: `Hải Dương`, `30`."""
    unit: Several = ()
    """Any unit of the gazetteer, also a successor: `xã Đường An, Hải Phòng`, `296`."""
    section: Several = ()
    """Section as printed; case, tone placement and signs do not matter. So with the next three."""
    author: Several = ()
    office: Several = ()
    credit: Several = ()
    since: str | None = None
    """First day, month or year of publication: `2022-01-31`, `2022-01`, `2022`."""
    until: str | None = None
    """Last day, month or year of publication. What has no date lies in no span of days."""
    precision: Several = ()
    """Of the date: `second`, `minute`, `day`, `month`, `year`."""
    flag: Several = ()
    """Of the date (docs/researchers.md): `weekday_agrees` …"""
    having: Several = ()
    """What must be known or there: see KNOWABLE. `date`: articles with a date."""
    lacking: Several = ()
    """What must be unknown or missing: `date` finds the undated."""
    provenance: Several = ()
    """Whose capture: `own`, `donated`, `commoncrawl`, `wayback`."""
    order: str = "rank"
    """`rank`: those whose title has everything first, then the newest; `date`: the newest."""
    alike_once: bool = False
    """Of near-duplicates (storage.database.likeness) only the first in this order."""

    def __post_init__(self) -> None:
        """Raises UsageError for a value that is none of those a field may have."""
        for name in ("since", "until"):
            day = getattr(self, name)
            if day is not None and not is_day(day):
                raise UsageError(f"{name} {day!r} is no day; write 2022-01-31, 2022-01 or 2022")
        for name, known in CLOSED.items():
            given = getattr(self, name)
            for value in (given,) if isinstance(given, str) else given:
                if value not in known:
                    raise UsageError(f"{name} {value!r} is none of {', '.join(known)}")

    @classmethod
    def of(cls, words: str = "", **given: Any) -> Query:
        """From Python: a filter may be one text, a list, or None. Raises UsageError, TypeError."""
        values = {name: value for name, value in given.items() if value is not None}
        for name in values.keys() & set(SEVERAL):
            one = values[name]
            values[name] = (one,) if isinstance(one, str) else tuple(one)
        return cls(words, **values)

    def given(self) -> list[tuple[str, str]]:
        """Names and values of all that differs from the default, `words` first."""
        found = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                values = value if isinstance(value, tuple) else [value]
                found += [(field.name, _written(one)) for one in values]
        return found

    def as_url(self) -> str:
        """The part of an address behind `?`, percent-encoded; empty if nothing is asked."""
        return urlencode(self.given())

    def as_command(self, verb: str = "search") -> str:
        """The command that asks the same, quoted for a POSIX shell."""
        options = [_option(name, value) for name, value in self.given() if name != "words"]
        words = ["--", self.words] if self.words else []
        return shlex.join(["tinhuyen", verb, *options, *words])

    def narrowed(self, **filters: str) -> Query:
        """The same with one more value of each of these filters."""
        more = {name: (*getattr(self, name), value) for name, value in filters.items()}
        return replace(self, **more)  # type: ignore[arg-type]


def from_url(text: str) -> Query:
    """The query of an address, or of its part behind `?`. Raises UsageError."""
    values: dict[str, Any] = {}
    known = {field.name for field in fields(Query)}
    for name, value in parse_qsl(text.rpartition("?")[2], keep_blank_values=True):
        if name not in known:
            raise UsageError(f"a query has no field {name!r}; it has {', '.join(sorted(known))}")
        if name in SEVERAL:
            values[name] = (*values.get(name, ()), value)
        else:
            values[name] = value == "true" if name == "alike_once" else value
    return Query(**values)


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _option(name: str, value: str) -> str:
    return "--alike-once" if name == "alike_once" else f"--{name}={value}"
