"""Officials in their posts, only when asked for; private numbers, never found."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.archive import Archive
from storage.errors import UsageError
from storage.query.persons import SETTING, officials
from storage.query.private_numbers import private_numbers, without_private_numbers
from tests.conftest import ROOT, TestArchive
from tests.kept import article, keep

NAMED = [
    ("đồng chí Lê Quý Tiệp - TUV, Bí thư Huyện uỷ Bình Giang ghi nhận",
     [("Lê Quý Tiệp", "TUV, Bí thư Huyện uỷ Bình Giang")]),
    ("Bí thư Huyện ủy Bình Giang Lê Quý Tiệp phát biểu",
     [("Lê Quý Tiệp", "Bí thư Huyện ủy Bình Giang")]),
    ("Phó Chủ tịch Thường trực UBND huyện, đồng chí Phạm Minh Đức chủ trì",
     [("Phạm Minh Đức", "Phó Chủ tịch Thường trực UBND huyện")]),
    ("ông Lường Văn Thắng – Trưởng phòng Nội vụ huyện cho biết",
     [("Lường Văn Thắng", "Trưởng phòng Nội vụ huyện")]),
    ("Vũ Đình Chiến, Giám đốc Sở Y tế; Lê Văn Hiệu - Phó Bí thư Tỉnh uỷ, Chủ tịch HĐND tỉnh",
     [("Vũ Đình Chiến", "Giám đốc Sở Y tế"),
      ("Lê Văn Hiệu", "Phó Bí thư Tỉnh uỷ, Chủ tịch HĐND tỉnh")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), NAMED, ids=[case[0][:30] for case in NAMED])
def test_officials_are_named_with_their_posts(text: str, expected: list[tuple[str, str]]) -> None:
    found = list(officials(text))
    assert [(one.name, one.post) for one in found] == expected
    assert all(text[one.start : one.end] == one.name for one in found)


@pytest.mark.parametrize(
    "text",
    [
        "trao quà cho bà Trần Thị Bé, hộ nghèo xã Cổ Bì",
        "ông Hoàng Văn Tư, nông dân sản xuất giỏi",
        "đồng chí Nguyễn Văn An",
        "đường Trần Hưng Đạo, Chủ tịch xã Nguyễn Lương Bằng",
        "Tư tưởng của Chủ tịch Hồ Chí Minh",
        "Bí thư Đoàn Thanh niên Cộng sản Hồ Chí Minh",
    ],
)
def test_private_people_and_places_are_not(text: str) -> None:
    assert list(officials(text)) == []


def test_the_seed_names_one_official() -> None:
    seed = (ROOT / "crawler/demo/seed_article.txt").read_text(encoding="utf-8")
    assert [one.name for one in officials(seed)] == ["Lê Quý Tiệp"]


@given(st.text() | st.text(alphabet="Bí thư Lê Quý Tiệp-, đồng chí"))
def test_any_text_may_be_asked(text: str) -> None:
    assert all(text[one.start : one.end] == one.name for one in officials(text))


NUMBERS = [
    ("liên hệ 0912345678.", "phone", "0912345678"),
    ("ĐT: 0912.345.678, gặp", "phone", "0912.345.678"),
    ("SĐT 091 234 5678", "phone", "091 234 5678"),
    ("(0220) 3777 123", "phone", "(0220) 3777 123"),
    ("+84 912 345 678", "phone", "+84 912 345 678"),
    ("CMND 141234567", "identity_card", "141234567"),
    ("CCCD số 030085001234 cấp", "identity_card", "030085001234"),
    ("căn cước 030 085 001 234", "identity_card", "030 085 001 234"),
    ("ông A, 030085001234", "identity_card", "030085001234"),
    ("số tài khoản: 0341 0012 34567 tại", "bank_account", "0341 0012 34567"),
    ("STK 19034567890123", "bank_account", "19034567890123"),
]


@pytest.mark.parametrize(("text", "kind", "digits"), NUMBERS, ids=[case[0] for case in NUMBERS])
def test_private_numbers_are_flagged_and_left_out(text: str, kind: str, digits: str) -> None:
    [found] = private_numbers(text)
    assert (found.kind, text[found.start : found.end]) == (kind, digits)
    assert not set("0123456789") & set(without_private_numbers(text))


@pytest.mark.parametrize(
    "text",
    [
        "1.250.000.000 đồng", "123456789 đồng", "12 500 000 000 đồng", "nhiệm kỳ 2020-2025", "10/01/2023",
        "ngày 01/01/2023 - 02/02/2023", "7/38; 26/38; 05/39", "18,42%", "số 123456789/QĐ-UBND", "20230110",
        "diện tích 123456789 m2",
    ],
)  # fmt: skip
def test_figures_and_dates_are_not_private(text: str) -> None:
    assert list(private_numbers(text)) == []
    assert without_private_numbers(text) == text


@given(st.text() | st.text(alphabet="0123456789 .-()+đồngSTK"))
def test_numbers_of_any_text(text: str) -> None:
    kept = without_private_numbers(text)
    assert all(text[one.start : one.end] not in kept.split("\n") for one in private_numbers(text))


@pytest.fixture
def kept(tmp_path: Path) -> Archive:
    archive = Archive(tmp_path)
    keep(archive, [article(1, "Họp", f"{NAMED[0][0]}. Gọi 0912345678")])
    return archive


def test_persons_are_off_until_an_operator_turns_them_on(
    kept: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    [found] = kept.search()
    assert "persons" not in found
    monkeypatch.delenv(SETTING, raising=False)
    with pytest.raises(UsageError, match=SETTING):
        kept.article(found["id"], with_persons=True)
    monkeypatch.setenv(SETTING, "1")
    assert "persons" not in kept.article(found["id"]) and "persons" not in kept.search()[0]
    [person] = kept.article(found["id"], with_persons=True)["persons"]
    assert (person["field"], person["name"]) == ("text", "Lê Quý Tiệp")
    assert found["text"][person["start"] : person["end"]] == person["name"]


def test_the_archivist_sees_where_private_numbers_stand_but_not_the_digits(kept: Archive) -> None:
    [number] = kept.private_numbers()
    assert (number["kind"], number["field"], number["end"] - number["start"]) == (
        "phone",
        "text",
        10,
    )
    assert "0912345678" not in str(number)


def test_the_commands(demo_archive: TestArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    done = demo_archive.tinhuyen("show", "308bb", "--with-persons")
    assert done.returncode == 2 and SETTING in done.stderr
    monkeypatch.setenv(SETTING, "1")
    assert (
        "TUV, Bí thư Huyện uỷ Bình Giang"
        in demo_archive.tinhuyen("show", "308bb", "--with-persons").stdout
    )
    assert demo_archive.tinhuyen("private-numbers", "--json").returncode == 0
