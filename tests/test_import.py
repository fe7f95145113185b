"""Import: every form of file gives the same articles; twice changes nothing; a rebuild is equal."""

from __future__ import annotations

import gzip
import shutil
from typing import Any

import pytest

from crawler.acquire.recognise import recognise
from storage.records import Record
from tests.compare import content_of, differences
from tests.conftest import TestArchive
from tests.damage.writer import packed, plain, response
from tests.donated import (
    SITE,
    answer,
    arc,
    found,
    give,
    one_stream,
    page,
    url,
    wacz,
    warc,
    zstd,
)  # fmt: skip

THREE = [answer(number) for number in range(3)]
HTTP = [(url(n), response(page(n), f"Content-Length: {len(page(n))}")) for n in range(3)]
FORMS: dict[str, dict[str, bytes]] = {
    "gzip": {"a.warc.gz": packed(THREE)},
    "plain": {"a.warc": plain(THREE)},
    "no ending": {"a": packed(THREE)},
    "one stream": {"a.warc.gz": one_stream(THREE)},
    "zstd": {"a.warc.zst": zstd(THREE, with_dictionary=False)},
    "zstd, dictionary": {"a.warc.zst": zstd(THREE, with_dictionary=True)},
    "arc": {"a.arc": arc(HTTP)},
    "arc.gz": {"a.arc.gz": b"".join(map(gzip.compress, (arc(HTTP[:2]), arc(HTTP[2:]))))},
    "wacz": {"a.wacz": wacz({"a.warc.gz": packed(THREE)})},
    "wacz 1.0": {"a.wacz": wacz({"a.warc": plain(THREE)}, "1.0.0")},
    "multi-wacz": {"all.wacz": wacz({"b.wacz": wacz({"data.warc.gz": packed(THREE)})}, folder="")},
    "1.0": {"a.warc": plain([*THREE]).replace(b"WARC/1.1", b"WARC/1.0")},
    "0.17": {"a.warc": plain([*THREE]).replace(b"WARC/1.1", b"WARC/0.17")},
}


@pytest.fixture
def tin(archive: TestArchive) -> TestArchive:
    archive.declare(SITE)
    return archive


def content(archive: TestArchive) -> dict[str, Any]:
    return content_of(archive.open().database_url)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_articles(tin: TestArchive, form: str) -> None:
    done = give(tin, FORMS[form])

    assert done.exit_code == 0, done.findings
    rows = content(tin)["articles"]
    assert [row["url"] for row in sorted(rows, key=lambda row: row["url"])] == [
        url(number) for number in range(3)
    ]
    assert {row["published_at"] for row in rows} == {"2023-01-10T16:33:00+07:00"}
    assert {row["captured_at"] for row in rows} == {"2024-03-01T03:00:00.000000Z"}
    assert {row["provenance"] for row in rows} == {"donated"}
    opened = tin.open()
    for row in rows:  # what the database names can be read again
        record = Record(row["warc_file"], row["warc_offset"], row["warc_length"], row["record_id"])
        assert opened.capture(record).body() == page(int(row["url"][-1]))
    opened.close()


@pytest.mark.parametrize("form", ["gzip", "one stream", "arc", "wacz", "zstd"])
def test_a_rebuild_is_equal_and_a_second_import_changes_nothing(
    tin: TestArchive, form: str
) -> None:
    files = FORMS[form]
    give(tin, files)
    before = content(tin)

    again = give(tin, files)

    assert found(again) == {"known_file": 1}
    after = content(tin)
    assert len(after["runs"]) == 2
    for name in set(before) - {"runs"}:
        assert before[name] == after[name]
    done = tin.tinhuyen("rebuild")
    assert done.returncode == 0, done.stderr
    assert not differences(after, content(tin))


def test_the_donated_file_is_kept_as_it_was_given_and_listed(tin: TestArchive) -> None:
    done = give(tin, FORMS["gzip"], donor="Nguyễn Văn A", terms="thư ngày 1/3/2024")

    [file] = done.files
    assert (tin.folder / file).read_bytes() == FORMS["gzip"]["a.warc.gz"]
    assert file in (tin.folder / "manifest.jsonl").read_text()
    journal = (tin.folder / "journal.jsonl").read_text()
    assert "Nguyễn Văn A" in journal and "thư ngày 1/3/2024" in journal
    assert (tin.folder / "cdx" / f"{file}.cdxj").read_text().count("\n") == 3


def test_the_same_capture_in_another_file_is_not_taken_in_twice(tin: TestArchive) -> None:
    give(tin, FORMS["gzip"])
    before = content(tin)

    done = give(tin, FORMS["arc"] | FORMS["zstd"])

    assert found(done) == {"known_capture": 6}
    assert content(tin)["captures"] == before["captures"]


def test_two_captures_under_one_id_are_both_kept(
    tin: TestArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Far apart in one file, so that the first is saved before the second is looked at."""
    monkeypatch.setattr("crawler.acquire.take_in._SAVED_AT_ONCE", 1)
    monkeypatch.setattr("crawler.acquire.take_in._AT_ONCE", 1)
    same = [one.set("WARC-Record-ID", "<urn:uuid:1>") for one in THREE]

    done = give(tin, {"a.warc.gz": packed(same)})

    assert found(done) == {"same_id": 2}
    before = content(tin)
    assert len(before["articles"]) == 3
    assert tin.tinhuyen("rebuild").returncode == 0
    assert not differences(before, content(tin))


def test_an_undeclared_host_is_listed_and_read_only_when_asked(tin: TestArchive) -> None:
    there = [answer(n, host="khac.example") for n in range(3)]
    done = give(tin, warc(*there))
    assert found(done) == {"undeclared_host": 1}
    assert done.hosts == {"host-khac.example": 3}
    assert content(tin)["articles"] == []

    done = give(tin, warc(*there), read_as="auto")

    assert found(done) == {"known_file": 1, "read_as": 1}
    [told] = [one["numbers"]["places"][0][2] for one in done.findings if one["check"] == "read_as"]
    assert told == "plain: no known CMS names itself in its pages"
    after = content(tin)
    assert {row["site"] for row in after["articles"]} == {"host-khac.example"}
    assert tin.tinhuyen("rebuild").returncode == 0
    assert not differences(after, content(tin))


def test_a_cms_is_recognised_by_what_its_pages_say() -> None:
    generator = '<meta name="generator" content="NukeViet v4.5">'
    assert recognise(page(1, generator=generator)) == (
        "nukeviet",
        "its pages say 'NukeViet v4.5'",
    )
    sharepoint = page(1, generator='<script src="/_layouts/15/core.js"></script>')
    assert recognise(sharepoint) == ("party_sharepoint", "its pages say '_layouts/15/'")
    assert recognise(page(1)) is None


def test_captures_of_one_address_become_versions_in_any_order(tin: TestArchive) -> None:
    dates = ("2021-01-01T00:00:00Z", "2023-01-01T00:00:00Z", "2022-01-01T00:00:00Z")
    for number, date in enumerate(dates):
        body = page(1, f"Bản {date[:4]}.")
        one = answer(1, body, date=date).set("WARC-Record-ID", f"<urn:uuid:{number}>")
        give(tin, {f"{number}.warc.gz": packed([one])}, donor=f"Người {number}")

    rows = content(tin)["article_versions"]
    assert [row["from_at"][:4] for row in rows] == ["2021", "2022", "2023"]
    shown = tin.tinhuyen("show", rows[0]["article_id"])
    assert "Người 2" in shown.stdout
    assert "2021-01-01" in shown.stdout and "2023-01-01" in shown.stdout


def test_a_broken_body_never_replaces_a_sound_one(tin: TestArchive) -> None:
    whole = page(1)
    give(tin, {"a.warc.gz": packed([answer(1, date="2021-01-01T00:00:00Z")])})
    cut = answer(1, whole[:-200], f"Content-Length: {len(whole)}", date="2022-01-01T00:00:00Z")

    done = give(tin, {"b.warc.gz": packed([cut.set("WARC-Record-ID", "<urn:uuid:b>")])})

    assert found(done) == {"body_cut": 1}
    [row] = content(tin)["articles"]
    assert row["captured_at"].startswith("2021")
    assert row["text"].endswith("năm.")
    assert row["last_seen"].startswith("2022")


@pytest.mark.postgres
def test_on_postgresql_the_rows_are_the_same(tin: TestArchive, postgres_url: str) -> None:
    give(tin, FORMS["wacz"])
    path = tin.folder.parent / "given" / "a.wacz"
    other = tin.folder.parent / "other"
    shutil.copytree(tin.folder / "sites", other / "sites")
    words = ["--archive", str(other), "--database", postgres_url]
    told = ["--donor", "Thư viện tỉnh", "--terms", "CC BY 4.0"]

    done = tin.tinhuyen(*words, "import", str(path), *told)

    assert done.returncode == 0, done.stderr
    there, here = content_of(postgres_url), content(tin)
    for name in ("articles", "article_versions", "captures"):
        assert [{**one, "run": ""} for one in there[name]] == [
            {**one, "run": ""} for one in here[name]
        ]


def test_without_donor_or_terms_nothing_begins(tin: TestArchive) -> None:
    refused = tin.tinhuyen("import", str(tin.folder), "--donor", "A")
    assert refused.returncode == 2
    assert "--terms" in refused.stderr
    assert not (tin.folder / "donated").exists()


def test_a_family_that_there_is_not_is_refused_before_anything_is_kept(tin: TestArchive) -> None:
    given = tin.folder.parent / "trang.html"
    given.write_text("<p>trang</p>", encoding="utf-8")
    words = ("--donor", "Lan Anh", "--terms", "none", "--read-as", "plane")
    refused = tin.tinhuyen("import", str(given), *words)
    assert refused.returncode == 2 and "no family 'plane'; there are auto" in refused.stderr
    assert not (tin.folder / "donated").exists()
