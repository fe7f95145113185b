"""Titles and text: damage mended, everything else left alone."""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from viparse.normalize.encodings import AUTO_DETECT_CHARMAPS

from crawler.normalise import normalise
from crawler.normalise.encodings import find_repair
from crawler.normalise.titles import clean_text, clean_title, mend_text
from storage.query.folding import fold, tone_key
from storage.records import Found, FoundImage, Paragraph
from tests.layouts import PARAGRAPHS, TITLE

SITE = "Trang thông tin điện tử huyện Bình Giang"


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        ("Huy&#7879;n u&#7927; B&igrave;nh Giang", "Huyện uỷ Bình Giang"),
        ("&amp;quot;Học tập&amp;quot; và làm theo", '"Học tập" và làm theo'),
        ("Thu chi ngân sách &lt;100 tỷ", "Thu chi ngân sách <100 tỷ"),
        ("Hậu TPP&#x3A; cơ hội&#33;", "Hậu TPP: cơ hội!"),
        ("GD&amp;amp;ĐT và R&D, H&M", "GD&ĐT và R&D, H&M"),
        (unicodedata.normalize("NFD", TITLE), TITLE),
        (TITLE.encode().decode("latin-1"), TITLE),
        (TITLE.encode().decode("cp1252", "replace").replace("\ufffd", "\x81"), None),
        ("Ðảng bộ xã Ðại Ðồng", "Đảng bộ xã Đại Đồng"),
        ("Huyện\u00a0uỷ \n Bình\u200b Giang\ufeff\u00ad", "Huyện uỷ Bình Giang"),
        (f"Hội nghị tổng kết | {SITE}", "Hội nghị tổng kết"),
        (f"{SITE} - Hội nghị tổng kết", "Hội nghị tổng kết"),
        (f"Hội nghị tổng kết :: {SITE}", "Hội nghị tổng kết"),
        (f"Hội nghị tổng kết-{SITE}", "Hội nghị tổng kết"),
        ("Trang chủ / Tin tức / Hội nghị", "Hội nghị"),
        ("C¸c bµi viÕt", "Các bài viết"),
        ("Hội nghị Ä\x91áº§u nÄ\x83m", "Hội nghị đầu năm"),
        ("Hội\x00 nghị\x01", "Hội nghị"),
        (f"Hội nghị tổng kết - {SITE.upper()}", "Hội nghị tổng kết"),
        ("Trang chủ » Tin tức » Trong huyện » Hội nghị", "Hội nghị"),
        ("TRANG CHỦ >> Tin tức >> Hội nghị tổng kết", "Hội nghị tổng kết"),
        ("§¶ng bé vµ chÝnh quyÒn nh©n d©n huyÖn B×nh Giang", "Đảng bộ và chính quyền nhân dân huyện Bình Giang"),
        ("Ñaûng boä vaø chính quyeàn nhaân daân huyeän", "Đảng bộ và chính quyền nhân dân huyện"),
        ("Ðäng bµ và chính quy«n nhân dân huy®n", "Đảng bộ và chính quyền nhân dân huyện"),
    ],
)  # fmt: skip
def test_damage_is_mended(raw: str, title: str | None) -> None:
    cleaned = clean_title(raw, site_names=[SITE])
    assert cleaned == title or title is None


@pytest.mark.parametrize(
    "title",
    [
        "Hà Trang - Văn phòng Huyện uỷ Bình Giang",
        "Tin tức - Hội nghị tổng kết",
        "HUYỆN UỶ BÌNH GIANG TỔ CHỨC HỘI NGHỊ",
        "Văn hóa, văn hoá; ủy ban, uỷ ban; tỷ lệ, tỉ lệ; sinh họat",
        "“Học tập” và \"làm theo\" – 2021 … ,  ".strip(),
        "Krông Pắk, M’Đrắk, Đắk R'lấp",
        "Les élèves français à Hà Nội", "Les élèves français", "Müller & Söhne GmbH", "São João não é",
        "Coração, pão e café", "Mañana señor", "Für Öl", "Élève", "à la carte", "Café Nguyên",
        "Bà Rịa", "Hà Tây", "Cô Tô", "Hà Nam, Lào Cai", "CỬA LÒ À", "05/39 chi bộ, 13,76%", "½ diện tích, 25 m²",
        "A <b>đậm</b> & C",
    ],
)  # fmt: skip
def test_what_an_author_wrote_stays(title: str) -> None:
    assert clean_title(title, site_names=[SITE]) == title


damaged = st.lists(
    st.sampled_from(
        [
            "Huyện uỷ",
            "HuyÖn",
            "Huyá»‡n",
            "&amp;",
            "&",
            "amp;",
            "lt;",
            "\u00ad",
            "\u200b",
            " - ",
            "Ð",
            "\u0301",
            "»",
            ">>",
            "Trang chủ",
            SITE,
            "é",
            "á",
            "µ",
            " ",
        ]
    ),
    max_size=8,
).map("".join)


@given(st.one_of(st.text(max_size=80), damaged))
def test_cleaning_and_folding_twice_change_nothing_more(text: str) -> None:
    title = clean_title(text, site_names=[SITE])
    assert clean_title(title, site_names=[SITE]) == title
    assert clean_text(title) == title
    assert fold(fold(text)) == fold(text)
    assert tone_key(tone_key(text)) == tone_key(text)


@given(st.text(max_size=200))
def test_text_keeps_its_spaces(text: str) -> None:
    assert mend_text("\u00a0a  b\u00a0") == "\u00a0a  b\u00a0"
    assert isinstance(mend_text(text), str)


def in_letters_of(encoding: str, text: str) -> str:
    """As a page shows it that was typed for a font of that encoding."""
    letters: dict[str, str] = {}
    for shown, meant in AUTO_DETECT_CHARMAPS[encoding].pairs:
        letters.setdefault(meant, shown)
    return "".join(letters.get(char, char) for char in unicodedata.normalize("NFC", text))


@pytest.mark.parametrize("encoding", sorted(AUTO_DETECT_CHARMAPS))
def test_a_whole_page_tells_its_encoding_and_its_title_follows(encoding: str) -> None:
    plain = [re.sub("[“”]", '"', text.replace("\u00a0", " ")).strip() for text in PARAGRAPHS]
    flow = [Paragraph(in_letters_of(encoding, text)) for text in plain]
    picture = FoundImage("http://x/a.jpg", caption_raw=in_letters_of(encoding, "Quang cảnh"))
    title = in_letters_of(encoding, "Huyện uỷ")  # too short to tell anything alone
    article = normalise(
        Found(
            "article",
            "http://x/",
            datetime(2024, 3, 1, tzinfo=UTC),
            "plain",
            title,
            flow=(*flow, picture),
        )
    )
    assert (article.title, article.title_raw) == ("Huyện uỷ", title)
    assert article.text is not None
    assert article.text.split("\n")[:3] == plain[:3]
    assert article.images[0].caption == "Quang cảnh"


def test_a_page_in_unicode_or_in_another_language_needs_no_repair() -> None:
    assert find_repair(PARAGRAPHS) is None
    assert find_repair(["Les élèves de la forêt où l’été paraît très long", "déjà vu"]) is None
    assert find_repair(["Die Müllers können über Öl und Füße hören, natürlich täglich"]) is None
    assert find_repair(["A informação não é só da região, são também opiniões"]) is None
    assert find_repair(["El niño soñó con la montaña y el corazón del señor Núñez"]) is None
    assert find_repair(["ascii only", ""]) is None


@pytest.mark.shared
def test_titles_of_real_pages(shared_data: Path) -> None:
    names = ["Trang thông tin điện tử huyện Bình Giang - tỉnh Hải Dương"]
    with (shared_data / "titles.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            raw, title = json.loads(row["raw_json"]), json.loads(row["expected_json"])
            assert clean_title(raw, site_names=names) == title, row["why"]
