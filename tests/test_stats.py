"""What a query finds, counted in full; words that set it apart; a picture of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.archive import Archive
from storage.query.facets import COUNTED_BY, STEPS, Value
from storage.query.plot import bars_svg
from storage.query.query import Query
from storage.query.stats_cli import By
from tests.conftest import TestArchive
from tests.kept import article, keep

FARMING = [
    article(n, "Vụ xuân", f"Nông dân gieo cấy, gieo cấy lúa; hội nghị {n}. Gọi 0912 345 678",
            published_at=f"2023-0{n}", author="Hà Trang" if n % 2 else "HÀ TRANG")
    for n in range(1, 6)
]  # fmt: skip
MEETING = [article(n, "Tổng kết", f"Hội nghị tổng kết, hội nghị {n}") for n in range(6, 12)]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    served = request.param == "postgresql"
    archive = Archive(tmp_path, request.getfixturevalue("postgres_url") if served else None)
    keep(archive, FARMING)
    keep(archive, MEETING, site="khac")
    yield archive
    archive.close()


def test_counts_and_telling_pairs(archive: Archive) -> None:
    assert [(one.value, one.count) for one in archive.count_by(Query(), "site")] == [
        ("khac", 6),
        ("thu", 5),
    ]
    [unknown, named] = archive.count_by(Query(), "author")
    assert (named.value, named.count, unknown.value, unknown.count) == ("Hà Trang", 5, None, 6)
    months = archive.count_by(Query.of(site="thu"), "month")
    assert [one.value for one in months] == [f"2023-0{n}" for n in range(1, 6)]
    assert {*COUNTED_BY, *STEPS} == set(By)
    for by in By:
        if by != "flag":
            assert sum(one.count for one in archive.count_by(Query.of("hội nghị"), by)) == 11, by
    found = archive.telling_pairs(Query.of("gieo cấy"), 50)
    assert (found.found, found.rest) == (5, 6)
    told = {one.pair: (one.found, one.rest) for one in found.pairs}
    assert told["gieo cấy"] == (5, 0) and "hội nghị" not in told and "tổng kết" not in told
    assert not any(char.isdigit() for pair in told for char in pair)
    assert found.pairs[0].score == pytest.approx(15.16, abs=0.01)  # 2·(5·ln(11/5) + 6·ln(11/6))
    assert archive.telling_pairs(Query.of("!!"), 5).pairs == []


@given(
    values=st.lists(st.tuples(st.text() | st.none(), st.integers(1, 10**9)), max_size=5),
    title=st.text(),
)
def test_any_counts_make_a_picture(values: list[tuple[str | None, int]], title: str) -> None:
    drawn = bars_svg(title, [Value(name, name, count) for name, count in values])
    tags = Counter(one.tag.rpartition("}")[2] for one in ElementTree.fromstring(drawn).iter())
    assert tags["rect"] == len(values) and tags["title"] == 1


def test_the_command(demo_archive: TestArchive, tmp_path: Path) -> None:
    picture = tmp_path / "thang.svg"
    done = demo_archive.tinhuyen("stats", "--by", "month", "--svg", str(picture), "đảng")
    assert done.returncode == 0 and "2023-01" in done.stdout
    assert ElementTree.parse(picture).getroot().get("role") == "img"
    refused = demo_archive.tinhuyen("stats", "--svg", str(tmp_path))
    assert refused.returncode == 2 and "cannot write" in refused.stderr
