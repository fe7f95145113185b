"""What a set of articles holds and does not: counted while the articles pass by.

After *Datasheets for Datasets* (Gebru et al. 2021): what is in it, what is missing, how it came
about, and by what it is known to be skewed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate
from typing import Any

from sqlalchemy import Connection, bindparam, text

from storage import times
from storage.places.gazetteer import LAST_DAY, gazetteer
from storage.query.status import site_states

Counts = Counter[Any]
_QUANTILES = {"tenth": 0.1, "median": 0.5, "nine_tenths": 0.9, "longest": 1.0}
_BY = ("site", "organ", "family", "province", "month", "provenance", "precision", "evidence")


@dataclass(slots=True)
class Tally:
    """The counts. None as a key: unknown."""

    by: dict[str, Counts] = field(default_factory=lambda: {name: Counter() for name in _BY})
    flags: Counts = field(default_factory=Counter)
    family_year: dict[str, Counts] = field(
        default_factory=lambda: {name: Counter() for name in ("articles", "no_date", "no_author")}
    )
    """By family and year of capture: an article without a date has no other year."""
    lags: Counts = field(default_factory=Counter)
    """Days from publication to capture."""
    gone: Counts = field(default_factory=Counter)
    """By site."""
    has: Counts = field(default_factory=Counter)
    """Articles with an author, a text …; images and attachments, and how many of them are kept."""
    districts: set[tuple[str, str]] = field(default_factory=set)
    """Province and district, by name."""
    captured: list[str] = field(default_factory=lambda: ["~", ""])
    """The first and the last capture, UTC."""

    @property
    def articles(self) -> int:
        """How many articles."""
        return self.by["site"].total()

    def take(self, article: dict[str, Any], family: str | None) -> None:
        """Count an article (DESIGN §7) and the family of the code that read it."""
        place, warc, at = article["place"] or {}, article["warc"], article["captured_at"]
        published = article["published_at"]
        values = {
            "site": article["site"],
            "organ": article["organ"],
            "family": family,
            "province": place.get("province"),
            "month": published[:7] if published and len(published) > 6 else None,
            "provenance": warc["provenance"],
            "precision": article["published_precision"],
            "evidence": article["published_evidence"],
        }
        for name, value in values.items():
            self.by[name][value] += 1
        self.flags.update(article["published_flags"])
        self._take_gaps(article, (family, at[:4]))
        if place.get("province") and place.get("district"):
            self.districts.add((place["province"], place["district"]))
        self.captured = [min(self.captured[0], at), max(self.captured[1], at)]
        if published and len(published) >= 10:
            self.lags[_days_between(published, at)] += 1

    def _take_gaps(self, article: dict[str, Any], key: tuple[str | None, str]) -> None:
        self.family_year["articles"][key] += 1
        self.family_year["no_date"][key] += article["published_at"] is None
        self.family_year["no_author"][key] += article["author"] is None
        self.gone[article["site"]] += "absent" in article
        for name in ("title", "lead", "text", "author", "office", "credit", "section", "place"):
            self.has[name] += article[name] is not None
        for name in ("images", "attachments"):
            self.has[name] += len(article[name])
            self.has[f"{name}_kept"] += sum(one["sha256"] is not None for one in article[name])
        self.has["several_versions"] += article["versions"] > 1

    def as_json(self) -> dict[str, Any]:
        """Everything counted, by stable keys; in `by` the unknown is the key `unknown`."""
        return {
            "articles": self.articles,
            "first_capture": self.captured[0] if self.articles else None,
            "last_capture": self.captured[1] if self.articles else None,
            "by": {name: _named(counts) for name, counts in self.by.items()},
            "flags": _named(self.flags),
            "has": _named(self.has),
            "gone": _named(+self.gone),
            "capture_lag_days": _quantiles(self.lags),
            "captured_before_publication": sum(n for lag, n in self.lags.items() if lag < 0),
            "nulls_by_family_and_year": list(self._nulls()),
            "districts": list(self._districts()),
        }

    def _nulls(self) -> Iterator[dict[str, Any]]:
        for key in sorted(self.family_year["articles"], key=lambda key: (key[0] or "~", key[1])):
            counts = {name: self.family_year[name][key] for name in self.family_year}
            yield {"family": key[0] or "unknown", "captured_in": key[1], **counts}

    def _districts(self) -> Iterator[dict[str, Any]]:
        """For each province: its districts on the last day that there were any, and those named."""
        there: Counts = Counter()
        for one in gazetteer():
            if one.level == "district" and one.as_of == LAST_DAY:
                there[gazetteer().province(one).bare_name] += 1
        named = Counter(province for province, _ in self.districts)
        for province in sorted(there):
            yield {"province": province, "districts": there[province], "named": named[province]}


def tally(connection: Connection, articles: Iterable[dict[str, Any]]) -> Tally:
    """Count articles."""
    counted = Tally()
    for _ in counting(connection, articles, counted):
        pass
    return counted


def counting(
    connection: Connection, articles: Iterable[dict[str, Any]], counted: Tally
) -> Iterator[dict[str, Any]]:
    """Pass articles on, and count each."""
    for article in articles:
        extractor = connection.execute(_EXTRACTOR, article).scalar()
        counted.take(article, extractor and extractor.rpartition("-")[0])
        yield article


_EXTRACTOR = text(
    "SELECT extractor FROM article_versions WHERE article_id = :id AND version = :version"
).bindparams(bindparam("id"), bindparam("version"))


def unheld(connection: Connection) -> list[dict[str, Any]]:
    """Sites as the archive met them, with what their newest crawl did not get; by id.

    A site that was declared and never crawled is not known here.
    """
    return [
        {name: one[name] for name in ("site", "state", "articles", "gone", "outcome", "failed")}
        for one in site_states(connection)
    ]


def _days_between(published: str, captured: str) -> int:
    day = times.parse_utc(captured).astimezone(times.LOCAL).date()
    return (day - date.fromisoformat(published[:10])).days


def _quantiles(lags: Counts) -> dict[str, int] | None:
    """None where no article has a day."""
    if not lags:
        return None
    days = sorted(lags)
    sums = list(accumulate(lags[day] for day in days))
    return {
        name: next(day for day, so_far in zip(days, sums, strict=True) if so_far >= q * sums[-1])
        for name, q in _QUANTILES.items()
    }


def _named(counts: Counts) -> dict[str, int]:
    """By name, the unknown last."""
    named = sorted(counts.items(), key=lambda item: (item[0] is None, str(item[0])))
    return {"unknown" if key is None else str(key): count for key, count in named}
