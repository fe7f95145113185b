"""The two folded forms: what meets, what stays apart, and that any text may come."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.query.folding import fold, fold_both, has_marks, tone_key, words

MARKS = "\u0300\u0301\u0302\u0303\u0306\u0309\u031b\u0323"
TEXT = st.text() | st.text(alphabet="aăâeêioôơuưyđĐÐqkAEIOUY 0159-_'’\u00a0\u200b" + MARKS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("uỷ", "ủy"), ("hoá", "hóa"), ("hoạt", "họat"), ("Ðảng", "Đảng"), ("HUYỆN UỶ", "huyện ủy"),
        ("thuỷ", "thủy"), ("quý", "QUÝ"), ("khoẻ", "khỏe"), ("nông\u00adthôn", "nôngthôn"),
    ],
)  # fmt: skip
def test_spellings_of_one_word_meet(one: str, other: str) -> None:
    assert tone_key(one) == tone_key(other)
    assert tone_key(unicodedata.normalize("NFD", one)) == tone_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("năm", "nam"), ("dân", "dần"), ("đa", "da"), ("Cẩm Giang", "Cẩm Giàng"), ("Sa Pa", "Sa Pả"),
     ("thị", "thi"), ("Trực Hưng", "Trực Hùng"), ("tỷ", "tỉ"), ("Lắk", "Lắc")],
)  # fmt: skip
def test_different_words_stay_apart(one: str, other: str) -> None:
    assert tone_key(one) != tone_key(other)


def test_the_plain_fold_has_no_marks() -> None:
    assert fold("Đảng bộ huyện Bình Giang, 13,76%") == "dang bo huyen binh giang 13 76"
    assert fold("Ðắk Lắk — ƯỚC") == "dak lak uoc"


def test_words_are_parted_by_anything_that_is_no_letter() -> None:
    assert words("HĐND-UBND; 7/38_x’y") == ["HĐND", "UBND", "7", "38", "x", "y"]


def test_a_tone_survives_a_second_pass() -> None:
    assert tone_key(tone_key("Huyện uỷ")) == tone_key("Huyện uỷ") == "huyên5 uy3"


@given(TEXT)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert tone_key(tone_key(text)) == tone_key(text)


@given(TEXT)
def test_both_at_once_are_what_each_is_alone(text: str) -> None:
    assert fold_both(text) == (tone_key(text), fold(text))


@given(TEXT)
def test_both_forms_have_the_same_words(text: str) -> None:
    """So that a phrase has the same places in either index."""
    assert len(fold(text).split()) == len(tone_key(text).split()) == len(words(text))


@given(TEXT)
def test_a_text_without_marks_has_none_in_its_key(text: str) -> None:
    if not has_marks(text):
        assert tone_key(text) == fold(text)


@pytest.mark.shared
def test_real_queries_find_what_they_must_and_nothing_else(shared_data: Path) -> None:
    found = {True: [0, 0], False: [0, 0]}
    with (shared_data / "folding.tsv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            text = row["text"].replace("\\u200b", "\u200b")
            form = tone_key if has_marks(row["query"]) else fold
            hit = f" {form(row['query'])} " in f" {form(text)} "
            must = row["must_match"] == "1"
            found[must][hit] += 1
    assert found[True] == [0, sum(found[True])]
    assert found[False][0] >= 0.97 * sum(found[False])
