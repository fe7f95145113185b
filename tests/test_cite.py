"""Citations: what they say, how programs for references read them, and that they stay true."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import httpx
import pytest
import rispy
from hypothesis import given
from hypothesis import strategies as st
from pybtex.database import parse_string

from storage.archive import Archive
from storage.cite.citation import Citation, cite
from storage.cite.styles import STYLES, as_bibtex, as_csl, as_plain, as_ris
from storage.errors import NotFound, UsageError
from storage.web.app import make_app
from tests.conftest import TestArchive

SEED = "308bbaf278198bcc"
CITED = Citation(
    id="308bbaf278198bcc/20240301030000",
    address=None,
    archive="Tin Huyện",
    url="http://huyen.example/tin?id=1&x={a}",
    title="Tổng kết 50% & {chỉ tiêu} #1_2 ~ ^ \\ $",
    author="Hà Trang",
    office="Văn phòng Huyện uỷ Bình Giang",
    site="Huyện uỷ Bình Giang",
    published_at="2023-01-10T16:33:00+07:00",
    captured_at="2024-03-01T03:00:00.000000Z",
    captured_by=None,
    record_id="urn:uuid:2e489d0d-c717-4073-bc6b-01e789956e53",
    payload_digest="sha1:LPDQZ2B4V5JY73TKP2MY3WIR3RM24D5H",
)
UNKNOWN = replace(CITED, title=None, author=None, office=None, published_at=None)


def test_an_article_is_cited_with_its_record(demo_archive: TestArchive) -> None:
    article = demo_archive.open().article(SEED)
    done = demo_archive.here("cite", SEED[:5])
    assert done.returncode == 0
    for said in (
        "Hà Trang",
        "“Huyện Bình Giang tổ chức hội nghị",
        "2023-01-10 16:33",
        article["captured_at"][:19],
        article["warc"]["record_id"].strip("<>"),
        article["warc"]["payload_digest"],
    ):
        assert said in done.stdout


def test_what_was_cited_is_found_again_though_numbers_change(living_archive: TestArchive) -> None:
    archive = living_archive.open()
    [changed] = [one for one in archive.search() if one["versions"] == 2]
    first, second = (cite(archive, changed["id"], number) for number in (1, 2))
    assert archive.article(first.id)["version"] == 1
    assert archive.article(second.id)["version"] == 2
    assert archive.article(f"{changed['id']}/29990101000000")["version"] == 2
    assert cite(archive, first.id) == first
    with pytest.raises(NotFound, match="no capture of 20150101000000 or before"):
        archive.article(f"{changed['id']}/20150101000000")
    for stamp in ("2024", "20241301000000", "hôm qua", "2024111111"):
        with pytest.raises(UsageError, match="14 digits"):
            archive.article(f"{changed['id']}/{stamp}")


def test_the_address_is_served(
    living_archive: TestArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = living_archive.open()
    [changed] = [one for one in archive.search() if one["versions"] == 2]
    monkeypatch.setenv("TINHUYEN_ADDRESS", "https://archive.example/doc/")
    monkeypatch.setenv("TINHUYEN_NAME", "Thư viện tỉnh")
    cited = cite(archive, changed["id"], 1)
    assert cited.address == f"https://archive.example/doc/article/{cited.id}"
    assert "kept by Thư viện tỉnh as" in as_plain(cited)
    pages = [f"/article/{id_}" for id_ in (cited.id, changed["id"], f"{changed['id']}/1")]
    first, newest, wrong = asyncio.run(fetch(archive, pages))
    assert "Sửa lần" not in first.text and "Sửa lần" in newest.text
    assert (first.status_code, wrong.status_code) == (200, 404)


async def fetch(archive: Archive, pages: list[str]) -> list[httpx.Response]:
    transport = httpx.ASGITransport(make_app(archive))
    async with httpx.AsyncClient(transport=transport, base_url="http://room") as room:
        return [await room.get(page) for page in pages]


def test_bibtex_is_read_by_others() -> None:
    [entry] = parse_string(as_bibtex(CITED), "bibtex").entries.values()
    assert entry.type == "misc" and entry.fields["year"] == "2023"
    assert entry.fields["month"] == "January" and entry.fields["urldate"] == "2024-03-01"
    assert entry.fields["url"] == "http://huyen.example/tin?id=1&x=%7Ba%7D"
    assert entry.fields["title"] == (
        r"{Tổng kết 50\% \& \textbraceleft{}chỉ tiêu\textbraceright{} \#1\_2"
        r" \textasciitilde{} \textasciicircum{} \textbackslash{} \$}"
    )
    [author] = entry.persons["author"]
    assert str(author) == "{Hà Trang}"  # one name, not family and given name


def test_ris_is_read_by_others() -> None:
    [entry] = rispy.loads(as_ris(CITED))
    assert entry["type_of_reference"] == "ELEC" and entry["title"] == CITED.title
    assert entry["authors"] == ["Hà Trang"] and entry["date"] == "2023/01/10/"
    assert entry["urls"] == [CITED.url] and entry["accession_number"] == CITED.record_id


def test_csl_has_dates_as_numbers() -> None:
    [item] = json.loads(as_csl(replace(CITED, published_at="2023-01")))
    assert item["issued"] == {"date-parts": [[2023, 1]]}
    assert item["accessed"] == {"date-parts": [[2024, 3, 1]]}
    assert item["author"] == [{"literal": "Hà Trang"}] and item["title"] == CITED.title


def test_what_is_unknown_is_left_out() -> None:
    [entry] = parse_string(as_bibtex(UNKNOWN), "bibtex").entries.values()
    assert not entry.persons and not {"title", "year", "month", "organization"} & set(entry.fields)
    [ris] = rispy.loads(as_ris(UNKNOWN))
    assert not {"title", "authors", "year", "date", "publisher"} & set(ris)
    [item] = json.loads(as_csl(UNKNOWN))
    assert not {"title", "author", "issued", "publisher"} & set(item)
    assert as_plain(UNKNOWN).startswith("Huyện uỷ Bình Giang. http://huyen.example/")
    assert "None" not in as_plain(UNKNOWN)
    whole_year = replace(CITED, published_at="2023")
    assert "DA  - 2023///\r\n" in as_ris(whole_year) and "month" not in as_bibtex(whole_year)


@given(st.text(), st.text())
def test_no_text_breaks_out_of_its_field(title: str, author: str) -> None:
    cited = replace(CITED, title=title or None, author=author or None)
    [entry] = parse_string(as_bibtex(cited), "bibtex").entries.values()
    assert entry.fields["year"] == "2023" and entry.fields["url"].startswith("http://huyen")
    lines = as_ris(cited).split("\r\n")
    assert [line for line in lines if line[:2] == "ER"] == ["ER  - "]
    assert all(line[2:6] == "  - " for line in lines)
    assert json.loads(as_csl(cited))[0]["URL"] == CITED.url
    assert "\n" not in as_plain(cited)


def test_a_style_that_is_none_is_refused(demo_archive: TestArchive) -> None:
    done = demo_archive.here("cite", SEED, "--format", "mla")
    assert done.returncode == 2 and ", ".join(STYLES) in done.stderr
