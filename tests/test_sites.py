"""Declarations: what the tables say, and what a wrong one is answered with."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from crawler.pages import FAMILIES
from crawler.sites import find_site, load_sites
from storage.errors import SiteError

GOOD = """
[[site]]
id = "thu"
name = "Thử"
organ = "party"
listings = ["http://thu.example/"]
layouts = [{ family = "plain", until = 2022-05-31 }, { family = "nukeviet" }]
"""


def load(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    load_sites(folder)


def test_the_portal_of_hai_duong_and_binh_giang() -> None:
    sites = load_sites()
    portal, seed = sites["tinhuy-haiduong"], sites["binhgiang"]
    assert portal.organ == "party" and portal.district is None and portal.state == "unknown"
    assert portal.listings == ("http://tinhuyhaiduong.vn/news/Pages/new.aspx?CateID=13&Page=1",)
    assert portal.evidence is not None
    assert seed.district == "296" and seed.listings == () and seed.state == "unknown"


def test_an_archive_declares_sites_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(GOOD, encoding="utf-8")
    site = load_sites(tmp_path)["thu"]
    assert site.layout_on("http://thu.example/a", date(2022, 5, 31)).family == "plain"
    assert site.layout_on("http://thu.example/a", date(2022, 6, 1)).family == "nukeviet"
    assert site.covers("http://www.thu.example/b") and not site.covers("http://khac.example/")


def test_a_layout_may_hold_for_one_path() -> None:
    demo = load_sites()["demo"]
    day = date(2024, 3, 1)
    assert demo.layout_on("http://demo.localhost/ubnd/vi/", day).family == "nukeviet"
    assert demo.layout_on("http://demo.localhost/news/", day).family == "party_sharepoint"


WRONG = {
    "not_toml": ("[[site", "not TOML"),
    "stray_table": ('[page]\na = "b"', "only `province` and"),
    "unknown_key": (GOOD + 'colour = "red"', "unknown key 'colour'"),
    "no_name": (GOOD.replace('name = "Thử"', ""), "'name' is missing"),
    "no_layouts": (GOOD.replace("[{ family", "[] # [{ family"), "'layouts' is empty"),
    "bad_id": (GOOD.replace('"thu"', '"Thử 1"'), "an id has only a-z"),
    "bad_organ": (GOOD.replace('"party"', '"church"'), "organ 'church' is not one of"),
    "bad_family": (GOOD.replace('"nukeviet"', '"drupal"'), "no family 'drupal'"),
    "bad_address": (GOOD.replace('"http://thu', '"ftp://thu'), "no http or https address"),
    "bad_date": (GOOD.replace("2022-05-31", '"2022"'), "'until' must be a date"),
    "no_until": (GOOD.replace(", until = 2022-05-31", ""), "each but the last must have 'until'"),
    "impolite": (GOOD + "delay_seconds = 0.1", "is less than 1.0"),
    "bad_network": (GOOD + 'allow_addresses = ["10.0.0.0/99"]', "allow_addresses"),
    "number_for_text": (GOOD + "district = 296", "'district' must be text in quotes"),
    "bad_district": (GOOD + 'district = "29"', "no GSO code"),
    "closed_without_evidence": (GOOD + 'state = "closed"', "since when and by what evidence"),
    "double_in_one_file": (GOOD + GOOD, "declared already in"),
    "double_of_built_in": (GOOD.replace('"thu"', '"demo"'), "declared already in"),
    "address_claimed_twice": (GOOD + GOOD.replace('"thu"', '"hai"'), "is claimed by thu too"),
    "text_for_a_list": (GOOD.replace('["http://thu.example/"]', '"http://x/"'), "must be a list"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_declaration_names_file_and_reason(name: str, tmp_path: Path) -> None:
    text, reason = WRONG[name]
    with pytest.raises(SiteError) as caught:
        load(tmp_path, wrong=text)
    assert "wrong.toml" in str(caught.value) and reason in str(caught.value)


def test_an_unknown_site_is_answered_with_those_that_come_near() -> None:
    with pytest.raises(SiteError, match="did you mean binhgiang"):
        find_site(load_sites(), "binhgian")


def test_every_family_is_documented() -> None:
    page = (Path(__file__).parent.parent / "docs" / "add-a-family.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in FAMILIES)
