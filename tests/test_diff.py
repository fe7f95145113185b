"""Versions of an article, what differs between them, and what changed between two days."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.archive import Archive
from storage.errors import NotFound, UsageError
from storage.query.changes import first_moment, last_moment
from storage.query.diff import sentences, text_changes
from storage.query.query import Query
from tests.conftest import TestArchive
from tests.kept import article, keep

MARCH, APRIL, SEPTEMBER = (f"2024-{month:02}-15T03:00:00.000000Z" for month in (3, 4, 9))
ONE = "Sáng 10/01, huyện uỷ họp. Có 26/38 chỉ tiêu vượt kế hoạch."
OTHER = "Sáng 10/01, huyện uỷ họp. Có 27/38 chỉ tiêu vượt kế hoạch. Hội nghị bế mạc."


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    archive = Archive(tmp_path_factory.mktemp("khac"))
    yield from filled(archive)


def filled(archive: Archive) -> Iterator[Archive]:
    urls = {number: article(number, "", "").url for number in range(9)}
    keep(archive, [article(n, f"Bài {n}", ONE) for n in (1, 2, 3, 4)], at=MARCH)
    keep(archive, [], at=APRIL, absent=[urls[4]])
    keep(archive, [article(1, "Bài 1", OTHER), article(4, "Bài 4", ONE), article(5, "Bài 5", "mới")],
         at=SEPTEMBER, absent=[urls[2]])  # fmt: skip
    keep(archive, [article(6, "Bài nơi khác", "mới")], site="khac", at=SEPTEMBER)
    yield archive
    archive.close()


@pytest.fixture
def served(postgres_url: str, tmp_path: Path) -> Iterator[Archive]:
    yield from filled(Archive(tmp_path, postgres_url))


def id_of(archive: Archive, number: int) -> str:
    [found] = [one["id"] for one in archive.search() if one["url"].endswith(f"/{number}")]
    return str(found)


def test_two_versions_differ_by_word_and_sentence(archive: Archive) -> None:
    id_ = id_of(archive, 1)
    old, new, [replaced, added] = archive.diff(id_)
    assert (old["version"], new["version"]) == (1, 2)
    assert [(piece.side, piece.text) for piece in replaced.words] == [
        ("both", "Có"), ("old", "26/38"), ("new", "27/38"), ("both", "chỉ tiêu vượt kế hoạch."),
    ]  # fmt: skip
    assert (added.field, added.kind, added.new) == ("text", "added", "Hội nghị bế mạc.")
    assert archive.diff(id_, (2, 2))[2] == []
    with pytest.raises(NotFound, match="it has 2"):
        archive.diff(id_, (1, 3))


def test_versions_are_listed_with_their_captures(archive: Archive) -> None:
    first, second = archive.versions(id_of(archive, 1))
    assert (first["from_at"], first["until_at"], second["from_at"]) == (MARCH, MARCH, SEPTEMBER)


def told(archive: Archive, since: str, until: str, **filters: Any) -> dict[str, tuple[str, str]]:
    found = archive.changes(Query.of("", **filters), since, until)
    assert len({(one["article"], one["what"]) for one in found}) == len(found)
    return {one["title"].removeprefix("Bài "): (one["what"], one["said"]) for one in found}


CHANGES = {
    "1": ("changed", "version 1 on 2024-03-15, version 2 on 2024-09-15"),
    "2": ("gone", "present in March 2024, absent in September 2024 (404)"),
    "4": ("back", "absent in April 2024, present in September 2024"),
    "5": ("new", "first seen on 2024-09-15"),
}


def test_what_changed_between_two_days(archive: Archive) -> None:
    assert told(archive, "2024-05", "2024-09", site="thu") == CHANGES
    assert told(archive, "2024-09-15", "2024", site="khac").keys() == {"nơi khác"}
    assert told(archive, "2024-04-01", "2024-04-30") == {
        "4": ("gone", "present in March 2024, absent in April 2024 (404)")
    }
    assert told(archive, "2024-09-16", "2025") == {}
    assert len(told(archive, "2024-03", "2024-03")) == 4


@pytest.mark.postgres
def test_the_same_changes_on_postgresql(served: Archive) -> None:
    assert told(served, "2024-05", "2024-09", site="thu") == CHANGES
    assert len(served.diff(id_of(served, 1))[2]) == 2


def test_days_are_local() -> None:
    assert first_moment("2024-03") == "2024-02-29T17:00:00.000000Z"
    assert last_moment("2024-12") == last_moment("2024") == "2024-12-31T16:59:59.999999Z"
    for wrong in ("tháng ba", "2024-02-30", "0001", "9999"):
        with pytest.raises(UsageError, match="2024-03-31"):
            last_moment(wrong)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Đạt 1.950 tỷ. Bằng 13,76%.", ["Đạt 1.950 tỷ.", "Bằng 13,76%."]),
        ("Tại TP. Hải Dương. Hết", ["Tại TP. Hải Dương.", "Hết"]),
        ("Lượt xem: 1.234\nBài hết.", ["Bài hết."]),
        ("Thứ sáu, ngày 1/3/2024\nĐã họp.", ["Đã họp."]),
        ("Ông nói: “Tốt.” Rồi về.", ["Ông nói: “Tốt.”", "Rồi về."]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_counters_and_clocks_are_no_change() -> None:
    assert not list(text_changes("text", "Đã họp.\nLượt xem: 12", "Đã họp.\nLượt xem: 13"))


TEXTS = st.lists(st.sampled_from("Họp xong. Rồi về. Có 5 xã. Lượt xem: 3\n".split(" "))).map(
    " ".join
)


@given(old=TEXTS, new=TEXTS)
def test_both_texts_can_be_put_together_again(old: str, new: str) -> None:
    """What stays, goes and comes gives every sentence of both, each once."""
    found = list(text_changes("text", old, new))
    gone = [one.old for one in found if one.old is not None]
    came = [one.new for one in found if one.new is not None]
    before, after = sentences(old), sentences(new)
    assert sorted([*before, *came]) == sorted([*after, *gone])
    for one in found:
        if one.words:
            assert (
                " ".join(p.text for p in one.words if p.side != "new").split()
                == (one.old or "").split()
            )
            assert (
                " ".join(p.text for p in one.words if p.side != "old").split()
                == (one.new or "").split()
            )


def test_the_commands(archive: Archive, tmp_path: Path) -> None:
    desk = TestArchive(archive.folder.root)
    shown = desk.tinhuyen("diff", id_of(archive, 1), "--versions", "1", "2")
    assert shown.returncode == 0, shown.stderr
    assert "Có [-26/38-] {+27/38+} chỉ tiêu" in shown.stdout
    assert "never captured otherwise" in desk.tinhuyen("diff", id_of(archive, 3)).stdout
    asked = ("changes", "--from", "2024-05", "--to", "2024-09", "--site", "thu")
    changed = desk.tinhuyen(*asked)
    assert "1 new, 1 changed, 1 gone, 1 back" in changed.stdout
    assert "present in March 2024, absent in September 2024" in changed.stdout
