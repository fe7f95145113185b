"""A database of many articles, made of the syllables of real ones, for tests.bench.search.

Runs of two to eight syllables are cut out of real texts (the seed's; with SHARED_DATA also those
of a real CMS) and strung together with names of the gazetteer and numbers, so that common words,
common phrases, rare names and words that stand in one article only come about as they do in news.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert

from storage.database.prepared import Prepared, columns
from storage.database.runs import SiteRow, save_site, start_run
from storage.database.schema import article, capture, reading, version
from storage.places.gazetteer import LAST_DAY, gazetteer
from storage.urls import article_id
from tests.conftest import ROOT

SITES = 200
_CHARS = 3_000
_FIRST = date(2012, 1, 1)
_DAYS = 4_900
_AT = "2025-06-01T03:00:00.000000Z"
_TABLES = {
    table.name: Prepared(insert(table).values(columns(table)))
    for table in (capture, article, reading, version)
}


class Writer:
    """Writes articles, the same every time."""

    def __init__(self) -> None:
        self._random = random.Random(7)
        self._syllables = " ".join(_texts()).split()
        self._names = [unit.name for unit in gazetteer()]
        people = ("Hà Trang", "Linh Lan", "Kim Tiến", "Nguyễn Bảy", "Thanh Toàn", "Lê Duy Thành")
        self._people = [f"{one} {number}" for one in people for number in range(50)]

    def text(self, count: int) -> str:
        """So many letters, or a few more."""
        draw, parts, length = self._random, [], 0
        while length < count:
            kind = draw.random()
            if kind < 0.06:
                part = [draw.choice(self._names)]
            elif kind < 0.1:
                part = [str(draw.randrange(100_000))]
            else:
                start = draw.randrange(len(self._syllables) - 8)
                part = self._syllables[start : start + draw.randrange(2, 9)]
            parts += part
            length += sum(map(len, part)) + len(part)
        return " ".join(parts)

    def readings(self, count: int) -> Iterator[dict[str, Any]]:
        """Rows of `reading`, in the order of a crawl: site by site, the newest first."""
        draw = self._random
        for number in range(1, count + 1):
            place = (number - 1) % max(1, count // SITES) / max(1, count // SITES)
            day = _FIRST + timedelta(days=int(_DAYS * (1 - place)))
            known = draw.random() > 0.02
            pictures = [{"url": f"http://b.vn/{number}.jpg"}] * draw.randrange(3)
            yield dict.fromkeys(column.name for column in reading.c) | {
                "id": number, "capture": number, "article": number,
                "extractor": "bench", "state": "accepted",
                "title": self.text(60), "lead": self.text(200), "text": self.text(_CHARS),
                "section": draw.choice(("Tin tức", "Kinh tế", "Văn hoá", "Xây dựng Đảng")),
                "published_at": f"{day}T{draw.randrange(24):02}:{draw.randrange(60):02}:00+07:00"
                if known else None,
                "published_precision": "minute" if known else None,
                "author": draw.choice(self._people) if draw.random() < 0.7 else None,
                "published_flags": '["weekday_agrees"]' if known else "[]",
                "images": json.dumps(pictures), "attachments": "[]", "date_candidates": "[]",
                "content_digest": str(number),
            }  # fmt: skip


def _texts() -> Iterator[str]:
    yield (ROOT / "crawler/demo/seed_article.txt").read_text(encoding="utf-8")
    if shared := os.environ.get("SHARED_DATA"):
        truth = Path(shared) / "nukeviet" / "ground-truth.json"
        yield from _strings(json.loads(truth.read_text(encoding="utf-8")))


def _strings(value: Any) -> Iterator[str]:
    """Every long text within JSON."""
    if isinstance(value, str) and len(value) > 200 and "<" not in value:
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _strings(one)


def fill(engine: Engine, count: int, batch: int = 5_000) -> None:
    """Keep so many articles, each in one version; they are not indexed yet."""
    districts = [one for one in gazetteer() if one.level == "district" and one.as_of == LAST_DAY]
    with engine.begin() as tx:
        for number in range(SITES):
            facts = {"district": districts[number].code, "district_from": LAST_DAY}
            save_site(tx, _site(number, facts))
        run = start_run(tx, "site-0", "crawl", "full").id
    rows = Writer().readings(count)
    while part := list(islice(rows, batch)):
        with engine.begin() as tx:
            _insert(tx, part, run, count)


def _site(number: int, facts: dict[str, str]) -> SiteRow:
    unknown: dict[str, Any] = dict.fromkeys(("province", "family", "since", "evidence"))
    organ = ("party", "people_committee")[number % 2]
    id_ = f"site-{number}"
    return SiteRow(id_, id_, organ, [], **facts, state="open", origin="declared", **unknown)


def _insert(tx: Any, part: list[dict[str, Any]], run: str, count: int) -> None:
    sites = [f"site-{(row['id'] - 1) // max(1, count // SITES) % SITES}" for row in part]
    both = list(zip(part, sites, strict=True))
    _TABLES["capture"].insert(tx, [_capture(row["id"], site, run) for row, site in both])
    _TABLES["article"].insert(tx, [_article(row["id"], site) for row, site in both])
    _TABLES["reading"].insert(tx, part)
    _TABLES["version"].insert(tx, [_version(row["id"]) for row in part])


def _article(key: int, site: str) -> dict[str, Any]:
    url = f"http://{site}.vn/{key}"
    seen = {"first_seen": _AT, "last_seen": _AT, "state": "live"}
    return {"key": key, "id": article_id(site, url), "site": site, "url": url} | seen


def _version(key: int) -> dict[str, Any]:
    number = {"id": key, "article": key, "number": 1, "reading": key}
    return number | {"from_at": _AT, "until_at": _AT}


def _capture(key: int, site: str, run: str) -> dict[str, Any]:
    return dict.fromkeys(column.name for column in capture.c) | {
        "id": key, "run": run, "site": site, "url": f"http://{site}.vn/{key}", "urlkey": str(key),
        "fetched_at": _AT, "status": 200, "block_digest": "", "warc_file": "f", "warc_offset": key,
        "warc_length": 1, "record_id": str(key), "record_type": "response", "provenance": "own",
        "reading": "done",
    }  # fmt: skip
