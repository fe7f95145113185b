"""The gazetteer: whole, honest about days, and found by what people type; places of articles."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from crawler.demo.party import article as party_page
from crawler.normalise.places import read_district
from storage.archive import Archive
from storage.database.connect import open_database
from storage.errors import NotFound, UsageError
from storage.places.gazetteer import (
    DISTRICTS_2023,
    LAST_DAY,
    NEW_DAY,
    Unit,
    gazetteer,
    split_kind,
)
from storage.places.lookup import districts_of, find_units, label
from storage.places.shown import as_shown, place
from tests.conftest import ROOT, TestArchive
from tests.kept import article, keep

UNITS = gazetteer()


def unit(code: str, day: str = LAST_DAY) -> Unit:
    found = UNITS.on(code, day)
    assert found is not None
    return found


def test_every_unit_of_both_days_is_there() -> None:
    assert Counter((one.as_of, one.level) for one in UNITS) == {
        (DISTRICTS_2023, "province"): 1,
        (DISTRICTS_2023, "district"): 25,
        (LAST_DAY, "province"): 63,
        (LAST_DAY, "district"): 696,
        (LAST_DAY, "commune"): 10_035,
        (NEW_DAY, "province"): 34,
        (NEW_DAY, "commune"): 3_321,
    }


def test_nothing_of_the_old_is_lost_and_nothing_of_the_new_comes_from_nowhere() -> None:
    for one in UNITS:
        if one.as_of == NEW_DAY:
            assert UNITS.predecessors(one), one
        else:
            assert UNITS.successors(one), one
        assert UNITS.province(one).level == "province"


@pytest.mark.shared
def test_no_pair_of_the_published_table_is_missing(shared_data: Path) -> None:
    ours = {
        (one.code, into.unit.code) for one in UNITS if one.level == "district" and one.as_of == LAST_DAY
        for into in UNITS.successors(one)
    }  # fmt: skip
    with (shared_data / "district_successors.tsv").open(encoding="utf-8") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        theirs = {(row["district_code"], row["new_commune_code"]) for row in rows}
    named = {pair for pair in theirs if pair[1]}
    assert named <= ours
    assert len({new for _, new in ours - named}) == 16  # those that it names no successor for


@pytest.mark.parametrize(
    ("old", "new"),
    [("phường Sa Pả, Lào Cai", "phường Sa Pa"), ("xã Trực Hùng, Nam Định", "xã Trực Ninh"),
     ("thị trấn Cẩm Giang, Hải Dương", "xã Cẩm Giang")],
)  # fmt: skip
def test_names_that_differ_by_a_mark_are_kept_apart(old: str, new: str) -> None:
    [one] = find_units(old)
    assert UNITS.successors(one)
    assert label(one).startswith(old)


def test_codes_are_used_again() -> None:
    assert unit("10966").name == "xã Tân Việt"
    assert unit("10966", NEW_DAY).name == "xã Bình Giang"
    assert unit("682", "2022-01-01").name == "huyện Đạ Tẻh"
    assert unit("682", "2025-01-01").name == "huyện Đạ Huoai"
    assert UNITS.on("999", LAST_DAY) is None


def test_doubtful_pairs_are_marked_and_not_followed() -> None:
    """The source gave both communes Thạnh Quới, 100 km apart, each other's successors."""
    [mine] = find_units("huyện Vĩnh Thạnh, Cần Thơ")
    assert {one.unit.name: one.doubtful for one in UNITS.successors(mine)}["xã Gia Hòa"]
    assert "xã Gia Hòa" not in {
        one["name"] for one in place(mine.code, LAST_DAY, "site")["successors"]
    }
    assert mine not in districts_of("xã Gia Hòa, Cần Thơ")


def test_binh_giang_has_five_successors_two_of_them_shared() -> None:
    [shown] = map(as_shown, find_units("huyện Bình Giang"))
    assert (shown["code"], shown["province"], shown["valid_to"]) == ("296", "Hải Dương", LAST_DAY)
    assert {
        one["name"]: [o["name"] for o in one["shared_with"]] for one in shown["successors"]
    } == {
        "xã Kẻ Sặt": [],
        "xã Bình Giang": [],
        "xã Đường An": [],
        "xã Thượng Hồng": ["huyện Thanh Miện"],
        "xã Nguyễn Lương Bằng": ["huyện Thanh Miện"],
    }
    assert {one["province"] for one in shown["successors"]} == {"Hải Phòng"}


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        ("296", ["296"]),
        ("Huyện Bình Giang", ["296"]),
        ("HUYỆN BÌNH GIANG, Hải Dương", ["296"]),
        ("xã Đường An, Hải Phòng", ["10972"]),
        ("Đường An, thành phố Hải Phòng", ["10972"]),
        ("TP Hải Dương", ["288"]),
        ("huyện Bình Giang, Hải Phòng", ["296"]),
        ("xã Thúc Kháng, huyện Bình Giang", ["10969"]),
        ("huyện Châu Thành, Kiên Giang", ["905"]),
        ("huyện Hoà An", ["051"]),
        ("huyện Đắk Đoa", ["626"]),
        ("682", ["682", "682"]),
    ],
)
def test_units_are_found_as_people_name_them(asked: str, codes: list[str]) -> None:
    assert [one.code for one in find_units(asked)] == codes


def test_several_units_of_one_name_are_all_found() -> None:
    found = find_units("huyện Châu Thành")
    assert len({UNITS.province(one).bare_name for one in found}) == 10
    with pytest.raises(UsageError, match="huyện Châu Thành, Kiên Giang \\(905\\)"):
        districts_of("huyện Châu Thành")


@pytest.mark.parametrize(
    ("asked", "near"),
    [("huyen binh giang", "huyện Bình Giang, Hải Dương (296)"), ("huyện Bình Giảng", "Bình Giang"),
     ("xyzzy", "296"), ("", "296"), ("huyện Bình Giang, Hà Nội", "huyện Bình Giang, Hải Dương")],
)  # fmt: skip
def test_unknown_names_are_answered_with_near_ones(asked: str, near: str) -> None:
    with pytest.raises(NotFound) as error:
        find_units(asked)
    assert near in str(error.value)


@given(st.text() | st.text(alphabet="huyện xãBình Giang,0123456789 "))
def test_any_name_is_found_or_answered(asked: str) -> None:
    try:
        assert find_units(asked)
    except NotFound as error:
        assert str(error)


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        ("xã Đường An, Hải Phòng", {"296"}),
        ("xã Thượng Hồng", {"296", "300"}),
        ("xã Thúc Kháng", {"296"}),
        ("xã Cẩm Giàng, Hải Phòng", {"295"}),
        ("296", {"296"}),
    ],
)
def test_the_districts_of_a_unit(asked: str, codes: set[str]) -> None:
    assert {one.code for one in districts_of(asked)} == codes


def test_a_province_is_all_its_districts() -> None:
    assert len(districts_of("tỉnh Hải Dương")) == 12
    after = {one.code for one in districts_of("Hải Phòng")}
    assert {"296", "303"} <= after


def test_a_kind_is_told_from_a_name() -> None:
    assert split_kind("Thị Xã Việt Yên") == ("thị xã", "Việt Yên")
    with pytest.raises(ValueError, match="no kind"):
        split_kind("Bình Giang")


# What an article's own words say

READ = [
    ({"office": "Văn phòng Huyện uỷ Bình Giang"}, "296", "office: Huyện uỷ Bình Giang"),
    ({"office": "Hà Trang", "title": "HUYỆN BÌNH GIANG HỌP"}, "296", "title: HUYỆN BÌNH GIANG"),
    ({"lead": "Sáng nay, HĐND-UBND huyện Bình Giang"}, "296", "lead: huyện Bình Giang"),
    ({"title": "Huyện ủy Cẩm Giàng"}, "295", "title: Huyện ủy Cẩm Giàng"),
    ({"title": "TP.Chí Linh và TP. Chí Linh"}, "290", "title: TP.Chí Linh"),
    ({"title": "Thành uỷ Hải Dương"}, "288", "title: Thành uỷ Hải Dương"),
    ({"title": "TX Kinh Môn", "province": "Hải Phòng"}, "292", "title: TX Kinh Môn"),
    ({"title": "Huyện Châu Thành", "province": "Kiên Giang"}, "905", "title: Huyện Châu Thành"),
    ({"title": "Huyện Châu Thành (Kiên Giang)"}, "905", "title: Huyện Châu Thành"),
    ({"title": "Huyện Châu Thành, tỉnh An Giang"}, "892", "title: Huyện Châu Thành"),
    ({"title": "huyện Tân Phú đông dân", "province": "Đồng Nai"}, "734", "title: huyện Tân Phú"),
    ({"title": "huyện Tân Phú Đông họp"}, "825", "title: huyện Tân Phú Đông"),
    ({"title": "thành phố Phan Rang - Tháp Chàm"}, "582", "title: thành phố Phan Rang - Tháp Chàm"),
    ({"title": "huyện Ia H'Drai"}, "618", "title: huyện Ia H'Drai"),
    ({"title": "Quận 1 họp"}, "760", "title: Quận 1"),
    ({"title": "Họp", "lead": "huyện Mỹ Lộc (Nam Định)"}, "358", "lead: huyện Mỹ Lộc"),
]


@pytest.mark.parametrize(("texts", "code", "evidence"), READ, ids=[case[2] for case in READ])
def test_the_district_that_words_name(texts: dict[str, str], code: str, evidence: str) -> None:
    read = read_district(**{"office": None, "title": None, "lead": None} | texts)
    assert read is not None and (read.code, read.evidence) == (code, evidence)


@pytest.mark.parametrize(
    "texts",
    [
        {"title": "huyen binh giang"},
        {"title": "huyện Binh Giang"},
        {"title": "huyện bình giang"},
        {"title": "xã Bình Giang"},
        {"title": "huyện Châu Thành"},
        {"title": "huyện Bình Giang và huyện Thanh Miện", "lead": "huyện Bình Giang"},
        {"title": "huyện Mai Sơn", "lead": "huyện Bình Giang", "province": "Hải Dương"},
        {"title": "thành phố Huế"},
        {"title": "thành phố Hồ Chí Minh"},
        {"title": "cấp huyện. Sáng nay"},
        {"title": "huyện"},
        {"title": "Tphcm", "lead": "TP", "office": ""},
    ],
)
def test_what_names_no_district_or_several_is_not_guessed(texts: dict[str, str]) -> None:
    assert read_district(**{"office": None, "title": None, "lead": None} | texts) is None


@given(st.text() | st.text(alphabet="huyện TPthịxãBình Giang,.-(Hải Dương"), st.none() | st.text())
def test_any_text_may_be_asked(title: str, province: str | None) -> None:
    read_district(office=None, title=title, lead=title, province=province)


def test_a_page_of_a_portal_of_many_districts_is_placed_by_its_words(
    archive: TestArchive, tmp_path: Path
) -> None:
    page = party_page(101)  # the seed
    assert page is not None
    (tmp_path / "trang.html").write_text(page, encoding="utf-8")
    read = (
        "read",
        str(tmp_path / "trang.html"),
        "--fetched-at",
        "2024-03-01T10:00:00+07:00",
        "--json",
    )
    url = "http://tinhuyhaiduong.vn/news/Pages/chi-tiet.aspx?ItemID=101"
    done = archive.tinhuyen(*read, "--url", url, "--site", "tinhuy-haiduong")
    found = json.loads(done.stdout)["place"]
    assert (found["district_code"], found["evidence"]) == ("296", "office: Huyện uỷ Bình Giang")
    done = archive.tinhuyen(*read, "--url", url, "--site", "binhgiang")
    assert json.loads(done.stdout)["place"] == place("296", LAST_DAY, "site")


# In the archive


@pytest.fixture
def kept(tmp_path: Path) -> Archive:
    archive = Archive(tmp_path)
    keep(archive, [article(1, "Họp")], site="binhgiang", district="296", district_from=LAST_DAY)
    named = {
        "district": "682",
        "district_from": DISTRICTS_2023,
        "district_evidence": "title: huyện Đạ Tẻh",
    }
    keep(archive, [article(2, "Huyện Đạ Tẻh", **named), article(3, "Khác")], site="tinh")
    return archive


def test_an_article_has_its_sites_district_or_its_own(kept: Archive) -> None:
    places = {one["title"]: one["place"] for one in kept.search()}
    assert places["Khác"] is None
    assert places["Họp"] == place("296", LAST_DAY, "site")
    assert places["Họp"]["district"] == "huyện Bình Giang"
    assert [one["code"] for one in places["Họp"]["successors"]] == [
        "10945", "10966", "10972", "10993", "11242",
    ]  # fmt: skip
    own = places["Huyện Đạ Tẻh"]
    assert (own["district"], own["province"], own["evidence"]) == (
        "huyện Đạ Tẻh", "Lâm Đồng", "title: huyện Đạ Tẻh",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "titles"),
    [
        ("xã Đường An, Hải Phòng", ["Họp"]),
        ("huyện Bình Giang", ["Họp"]),
        ("296", ["Họp"]),
        ("tỉnh Hải Dương", ["Họp"]),
        ("xã Cẩm Giàng, Hải Phòng", []),
        ("huyện Đạ Tẻh", ["Huyện Đạ Tẻh"]),
        ("huyện Đạ Huoai, Lâm Đồng", None),
        ("thành phố Hà Nội", []),
    ],
)
def test_search_by_unit(kept: Archive, asked: str, titles: list[str] | None) -> None:
    if titles is None:  # one name, two units, one after the other
        with pytest.raises(UsageError, match=r"681.*682"):
            kept.search(unit=asked)
    else:
        assert [one["title"] for one in kept.search(unit=asked)] == titles


def test_researchers_have_the_units_in_sql(kept: Archive) -> None:
    asked = (
        "SELECT n.name FROM unit_successors s JOIN units n ON n.code = s.successor"
        " AND n.as_of = s.successor_as_of WHERE s.code = '296' AND s.doubtful = 0 ORDER BY n.code"
    )
    with kept.reading() as connection:
        names = list(connection.execute(text(asked)).scalars())
        districts = connection.execute(text("SELECT title, district FROM articles")).all()
    assert names[0] == "xã Kẻ Sặt" and len(names) == 5
    assert {tuple(row) for row in districts} == {
        ("Họp", "296"),
        ("Huyện Đạ Tẻh", "682"),
        ("Khác", None),
    }


def test_the_query_that_the_docs_give(demo_archive: TestArchive) -> None:
    page = (ROOT / "docs" / "researchers.md").read_text(encoding="utf-8")
    [asked] = re.findall(r"```sql\n(.*?);\n```", page, re.DOTALL)
    with demo_archive.open().reading() as connection:
        rows = connection.execute(text(asked)).all()
    assert {row.code for row in rows} == {"10945", "10966", "10972", "10993", "11242"}


def test_the_rows_are_loaded_once_however_often_the_schema_is_upgraded(tmp_path: Path) -> None:
    from storage.database.connect import upgrade

    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM unit")).scalar() == len(list(UNITS))
    engine.dispose()


def test_units_show(demo_archive: TestArchive) -> None:
    done = demo_archive.tinhuyen("units", "show", "xã Đường An, Hải Phòng")
    assert "took in    huyện Bình Giang, Hải Dương (296)" in done.stdout
    done = demo_archive.tinhuyen("units", "show", "Châu Thành", "--json")
    assert len([json.loads(line) for line in done.stdout.splitlines()]) >= 10
    done = demo_archive.tinhuyen("units", "show", "huyen binh giang")
    assert done.returncode == 1 and "huyện Bình Giang" in done.stderr


def test_search_by_unit_finds_the_demo(demo_archive: TestArchive) -> None:
    done = demo_archive.tinhuyen("search", "--unit", "xã Đường An, Hải Phòng", "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert any(one["published_at"].startswith("2023") for one in found)
    assert {one["place"]["district"] for one in found} == {"huyện Bình Giang"}
