"""Filters, facets and histograms: the same on both databases, and their counts agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storage.archive import Archive
from storage.database.runs import SiteRow, save_site
from storage.errors import NotFound, UsageError
from storage.query.facets import Value
from storage.query.query import Query
from storage.records import ArticleImage
from tests.conftest import TestArchive
from tests.kept import article, keep

MINUTE = {"published_precision": "minute", "published_flags": ("weekday_agrees", "relative")}
PICTURE = (ArticleImage("http://thu.vn/anh.jpg"),)
PARTY = [
    article(1, "Hội nghị", "huyện uỷ", published_at="2023-01-10T16:33:00+07:00", author="Hà Trang",
            section="Tin hoá học", images=PICTURE, **MINUTE),
    article(2, "Hội thi", "huyện uỷ", published_at="2023-01-10T09:00:00+07:00", author="HÀ TRANG",
            section="Tin hóa học", office="Huyện uỷ", **MINUTE),
    article(3, "Ngày hội", "văn hoá", published_at="2022", published_precision="year"),
    article(4, "Không ngày", "huyện uỷ", credit="Báo Hải Dương"),
]  # fmt: skip
COUNCIL = [
    article(5, "Kỳ họp", "huyện", published_at="2022-06", published_precision="month",
            district="180", district_from="2025-06-30", district_evidence="title"),
    article(6, "Kỳ họp nữa", "huyện", published_at="2022-06-30", published_precision="day",
            images=PICTURE),
]  # fmt: skip


def filled(archive: Archive) -> Iterator[Archive]:
    facts = {"organ": "party", "district": "296", "district_from": "2025-06-30"}
    keep(archive, PARTY, **facts)
    keep(archive, COUNCIL, site="khac", organ="council", province="Lạng Sơn")
    yield archive
    archive.close()


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    yield from filled(Archive(tmp_path_factory.mktemp("loc")))


@pytest.fixture
def served(postgres_url: str, tmp_path: Path) -> Iterator[Archive]:
    yield from filled(Archive(tmp_path, postgres_url))


def numbers(archive: Archive, query: Query) -> list[int]:
    return [int(one["url"].rpartition("/")[2]) for one in archive.find(query, None)]


CASES: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [1, 2, 6, 5, 3, 4]),
    ({"site": "khac"}, [6, 5]),
    ({"site": ["khac", "thu"]}, [1, 2, 6, 5, 3, 4]),
    ({"organ": "party"}, [1, 2, 3, 4]),
    ({"district": "huyện Bình Giang, Hải Dương"}, [1, 2, 3, 4]),
    ({"district": "296", "words": "hội"}, [1, 2, 3]),
    ({"province": "Hải Dương"}, [1, 2, 3, 4]),
    ({"province": "Hải Phòng"}, [1, 2, 3, 4]),
    ({"province": "Lạng Sơn"}, [6, 5]),
    ({"district": "180"}, [5]),
    ({"unit": "xã Đường An, Hải Phòng"}, [1, 2, 3, 4]),
    ({"section": "tin hóa học"}, [1, 2]),
    ({"author": "Hà Trang"}, [1, 2]),
    ({"author": "Ha Trang"}, []),
    ({"office": "Huyện ủy"}, [2]),
    ({"credit": "Báo Hải Dương"}, [4]),
    ({"since": "2022-06"}, [1, 2, 6, 5]),
    ({"since": "2022", "until": "2022-06"}, [6, 5, 3]),
    ({"until": "2023-01-10", "words": "kỳ"}, [6, 5]),
    ({"precision": ["month", "year"]}, [5, 3]),
    ({"flag": ["weekday_agrees", "relative"]}, [1, 2]),
    ({"flag": ["weekday_agrees", "url_only"]}, []),
    ({"having": "images"}, [1, 6]),
    ({"having": ["images", "author"]}, [1]),
    ({"lacking": "date"}, [4]),
    ({"lacking": ["author", "images"], "organ": "party"}, [3, 4]),
    ({"provenance": "own", "words": "huyện uỷ"}, [1, 2, 4]),
    ({"provenance": "wayback"}, []),
    ({"words": "hội -thi"}, [1, 3]),
    ({"words": "-hội", "organ": "party"}, [4]),
    ({"words": "văn hội", "order": "date"}, [3]),
    ({"words": "site:khac kỳ", "site": "thu"}, []),
]  # fmt: skip


def asked(given: dict[str, Any]) -> Query:
    return Query.of(given.get("words", ""), **{k: v for k, v in given.items() if k != "words"})


@pytest.mark.parametrize(("given", "expected"), CASES, ids=[str(case[0]) for case in CASES])
def test_filters(embedded: Archive, given: dict[str, Any], expected: list[int]) -> None:
    assert numbers(embedded, asked(given)) == expected


@pytest.mark.postgres
def test_filters_facets_and_histograms_on_postgresql(served: Archive, embedded: Archive) -> None:
    for given, expected in CASES:
        query = asked(given)
        assert numbers(served, query) == expected, given
        assert served.facets(query) == embedded.facets(query), given
        assert served.count_by(query, "month") == embedded.count_by(query, "month"), given
        assert served.undated(query) == embedded.undated(query), given


def test_places_that_are_none_are_refused(embedded: Archive) -> None:
    with pytest.raises(UsageError, match="--unit"):
        embedded.search(district="xã Đường An, Hải Phòng")
    with pytest.raises(UsageError, match="--unit"):
        embedded.search(province="huyện Bình Giang")
    with pytest.raises(NotFound):
        embedded.search(district="huyện Không Có")


FILTER_OF = {"year": ("since", "until"), "images": None}


def test_a_facet_counts_what_its_filter_finds(embedded: Archive) -> None:
    for given, _ in CASES:
        query = asked(given)
        facets = embedded.facets(query)
        assert facets.complete and facets.counted == len(numbers(embedded, query))
        for name, values in facets.values.items():
            if name not in FILTER_OF:
                check(embedded, query, name, values)


def check(archive: Archive, query: Query, name: str, values: list[Value]) -> None:
    for one in values:
        if one.value is None:
            lacking = "date" if name == "precision" else name
            narrowed = query.narrowed(lacking=lacking)
        elif getattr(query, name) and name != "flag":
            narrowed = replace(query, **{name: (one.value,)})  # type: ignore[arg-type]
        else:
            narrowed = query.narrowed(**{name: one.value})
        if one.value is None and lacking == "province":
            continue  # no filter for it
        assert len(numbers(archive, narrowed)) == one.count, (query, name, one)


def test_spellings_that_are_found_together_are_counted_together(embedded: Archive) -> None:
    [section, unknown] = embedded.facets(Query.of(organ="party")).values["section"]
    assert (section.count, unknown.value, unknown.count) == (2, None, 2)
    assert [one.count for one in embedded.facets(Query()).values["author"]] == [4, 2]


def test_the_undated_are_counted_never_dropped(embedded: Archive) -> None:
    years = embedded.facets(Query()).values["year"]
    assert [(one.value, one.count) for one in years] == [("2023", 2), ("2022", 3), (None, 1)]
    months = embedded.count_by(Query(), "month")
    assert [(one.value, one.count) for one in months] == [
        ("2022", 1), ("2022-06", 2), ("2023-01", 2), (None, 1),
    ]  # fmt: skip
    assert embedded.undated(Query.of("huyện", since="2022")) == 1
    assert embedded.undated(Query.of("from:2022 huyện")) == 1
    assert embedded.undated(Query.of("huyện")) == 0


def test_a_site_that_moves_takes_its_articles_along(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    keep(archive, PARTY, organ="party")
    engine = archive.open_for_writing()
    with engine.begin() as tx:
        none: dict[str, Any] = dict.fromkeys(("province", "family", "since", "evidence"))
        where = {"district": "180", "district_from": "2025-06-30"}
        save_site(
            tx, SiteRow("thu", "Thử", "front", [], **where, state="open", origin="declared", **none)
        )
    engine.dispose()
    assert numbers(archive, Query.of(organ="front", province="Lạng Sơn")) == [1, 2, 3, 4]
    assert (
        numbers(archive, Query.of(organ="party"))
        == numbers(archive, Query.of(district="296"))
        == []
    )
    assert numbers(archive, Query.of("huyện uỷ")) == [1, 2, 4]
    archive.close()


def test_the_commands(demo_archive: TestArchive) -> None:
    shown = demo_archive.tinhuyen("search", "--facets", "--since", "2023", "đảng")
    assert shown.returncode == 0 and "weekday_agrees" in shown.stdout
    bars = demo_archive.tinhuyen("search", "--histogram", "month", "--json")
    assert bars.returncode == 0 and '"month": "2023-01"' in bars.stdout
