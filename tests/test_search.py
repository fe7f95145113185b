"""Search on both databases: what people type, and what they find."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.archive import Archive
from storage.database.search_index import index_again
from storage.errors import NotFound, UsageError
from storage.query.asked import MAX_WORDS, read_query
from storage.query.query import Query
from tests.conftest import TestArchive
from tests.hostile_queries import HOSTILE
from tests.kept import article, keep

SEED = article(
    1,
    "Huyện Bình Giang tổ chức hội nghị tổng kết công tác xây dựng Đảng",
    "Sáng ngày 10/01/2023, Ban Thường vụ Huyện uỷ Bình Giang. Văn phòng HĐND-UBND huyện;"
    " đạt tỷ lệ 18,42%. Ban thi đua - khen thưởng. Đảng bộ huyện.",
    published_at="2023-01-10T16:33:00+07:00",
)
OTHERS = [
    article(2, "Việt Nam", "Nước Cộng hoà xã hội chủ nghĩa", published_at="2022-05"),
    article(3, "Uỷ ban nhân dân xã họp", "đạt tỉ lệ cao", published_at="2021"),
    article(4, "Tỉnh Đắc Lắc", "Mặt trận Tổ quốc", published_at="2022-07-01"),
    article(5, "Không ngày", "UBMTTQ xã Cẩm Giàng; gọi 0912 345 678, CCCD 030085001234"),
    article(6, "Bình Giang", "Giang Bình", published_at="2020-01-01"),
]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    archive = Archive(tmp_path_factory.mktemp("tim"))
    yield from filled(archive)


def filled(archive: Archive) -> Iterator[Archive]:
    keep(archive, [SEED, *OTHERS])
    keep(archive, [article(7, "Huyện khác", "xã", published_at="2023-01-11")], site="khac")
    yield archive
    archive.close()


@pytest.fixture
def served(postgres_url: str, tmp_path: Path) -> Iterator[Archive]:
    yield from filled(Archive(tmp_path, postgres_url))


def numbers(archive: Archive, words: str, **options: Any) -> list[int]:
    """Which of the articles are found, in order."""
    found = archive.search(words, limit=100, **options)
    return [int(one["url"].rpartition("/")[2]) for one in found]


CASES = [
    ("huyen uy binh giang", [1]),
    ("Huyện ủy", [1]),
    ("Huyện uỷ", [1]),
    ("dang bo", [1]),
    ("Đảng bộ", [1]),
    ("năm", []),
    ("nam", [2]),
    ("UBND", [3, 1]),
    ("ubnd", [3, 1]),
    ("uỷ ban nhân dân", [3, 1]),
    ('"UBND huyện"', [1]),
    ('"uỷ ban nhân dân huyện"', [1]),
    ("uy ban nhan dan", [3, 1]),
    ("BTV huyện", [1]),
    ("MTTQ", [4]),
    ("mttq", [4]),
    ("mặt trận tổ quốc", [4]),
    ("tỷ lệ", [1, 3]),
    ("tỉ lệ", [1, 3]),
    ("ti le", [1, 3]),
    ("Đắk Lắk", [4]),
    ("dak lak", [4]),
    ('"thi đua khen thưởng"', [1]),
    ('"khen thưởng thi đua"', []),
    ("“thi đua”", [1]),
    ('"thi đua', [1]),
    ("bình giang", [1, 6]),
    ('"giang bình"', [6]),
    ('"Bình Giang Giang"', []),
    ("huyện -đảng", [7]),
    ('huyện -"Bình Giang"', [7]),
    ("-huyện -xã", [4, 6]),
    ("huyện site:thu", [1]),
    ("site:khac", [7]),
    ("site:Nobody", []),
    ("from:2022 to:2022", [4, 2]),
    ("from:2022-06 to:2023-01-10", [1, 4]),
    ("FROM:2023-01-11", [7]),
    ("HĐND-UBND", [1]),
    ("18,42%", [1]),
    ("10/01/2023", [1]),
    ("Cẩm Giang", []),
    ("Cẩm Giàng", [5]),
    ("", [7, 1, 4, 2, 3, 6, 5]),
    ("  ", [7, 1, 4, 2, 3, 6, 5]),
    ("!!! -- ''", []),
    ("-", []),
    ('""', []),
]


@pytest.mark.parametrize(("words", "expected"), CASES, ids=[case[0] for case in CASES])
def test_what_is_found_first_to_last(embedded: Archive, words: str, expected: list[int]) -> None:
    assert numbers(embedded, words) == expected


@pytest.mark.postgres
def test_the_same_on_postgresql(served: Archive) -> None:
    for words, expected in CASES:
        assert numbers(served, words) == expected, words


def test_marks_of_a_phrase_do_not_bind_the_words_beside_it(embedded: Archive) -> None:
    assert numbers(embedded, 'binh giang "Huyện uỷ"') == [1]
    assert numbers(embedded, '"huyen uy" Bình Giang') == [1]
    assert numbers(embedded, "binh giang Huyện") == []


@pytest.mark.parametrize("words", ["0912345678", "0912 345 678", "030085001234", '"345 678"'])
def test_private_numbers_find_nobody(embedded: Archive, words: str) -> None:
    assert numbers(embedded, words) == []


def test_indexing_again_changes_nothing(embedded: Archive) -> None:
    engine = embedded.open_for_writing()
    with engine.begin() as tx:
        index_again(tx)
        index_again(tx, "thu")
    engine.dispose()
    for words, expected in CASES:
        assert numbers(embedded, words) == expected


def test_words_around_a_private_number_are_found(embedded: Archive) -> None:
    assert numbers(embedded, '"xã Cẩm Giàng" gọi') == [5]


def test_options_and_fields_narrow_together(embedded: Archive) -> None:
    assert numbers(embedded, "to:2022", since="2022-07") == [4]
    assert numbers(embedded, "site:thu", site="khac") == []
    with pytest.raises(UsageError, match="2022-01-31"):
        embedded.search(since="hôm qua")
    with pytest.raises(UsageError, match="2022-01-31"):
        embedded.search(until="2022-13")


def test_what_is_not_understood_is_said() -> None:
    assert read_query("huyện from:2022").notes == ()
    for words in ("from:hôm-qua", "to:2022-02-30", "site:Ủy", "from:20220101"):
        [note] = read_query(words).notes
        assert note.split("'")[1] == words
    long = read_query(" ".join(f"chữ{number}" for number in range(1000)))
    assert len(long.terms) == MAX_WORDS and str(MAX_WORDS) in long.notes[0]


assert len(HOSTILE) >= 200


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_text_finds_something_or_nothing(embedded: Archive, number: int) -> None:
    """As words, and as the value of every filter that takes any text: results, or a sentence."""
    words = HOSTILE[number]
    known = set(range(1, 8))
    assert set(numbers(embedded, words)) <= known
    for name in ("site", "section"):
        assert numbers(embedded, "", **{name: words}) == []
    assert embedded.facets(Query(words)).counted == len(numbers(embedded, words))
    try:
        assert set(numbers(embedded, "", since=words)) <= known
    except UsageError as refused:
        assert "2022-01-31" in str(refused)


ANYTHING = st.text() | st.text(alphabet="\"“”-–:'()*&|!<>\\\0\ud800 aăđuỷ0129sitefromto/%\n")


@given(words=ANYTHING)
def test_any_text_is_a_query(embedded: Archive, words: str) -> None:
    embedded.search(words)


@pytest.mark.postgres
def test_any_text_finds_the_same_on_both(embedded: Archive, served: Archive) -> None:
    for words in HOSTILE:
        assert numbers(served, words) == numbers(embedded, words), words
        for name in ("site", "section"):
            assert numbers(served, "", **{name: words}) == []

    @given(words=ANYTHING)
    @settings(max_examples=100)
    def same(words: str) -> None:
        assert numbers(served, words) == numbers(embedded, words)

    same()


@pytest.mark.postgres
def test_texts_too_long_for_postgresql_are_kept_and_found_by_their_beginning(
    postgres_url: str, tmp_path: Path
) -> None:
    texts = [
        "đầu " + "chữ " * 300_000,
        "đầu " + "x" * 300_000,
        "đầu " + "字" * 300_000,
        "đầu " + "𐌀 " * 99_999,
    ]
    many = [article(number, "Dài", text) for number, text in enumerate(texts)]
    for archive in (Archive(tmp_path), Archive(tmp_path, postgres_url)):
        keep(archive, many)
        assert sorted(numbers(archive, "đầu")) == [0, 1, 2, 3]
        archive.close()


def test_a_unit_nobody_knows_is_answered_with_help(embedded: Archive) -> None:
    with pytest.raises(NotFound, match="huyện Bình Giang"):
        embedded.search(unit="huyen binh giang")
    with pytest.raises(UsageError, match="Kiên Giang"):
        embedded.search(unit="huyện Châu Thành")


def test_the_command_says_what_it_did_not_understand(demo_archive: TestArchive) -> None:
    done = demo_archive.tinhuyen("search", "from:hôm-qua", "--json")
    assert done.returncode == 0 and "from:hôm-qua" in done.stderr and not done.stdout
