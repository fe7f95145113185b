"""Records looked into and found; articles checked against their records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crawler.check import check_article
from storage.archive import Archive
from storage.errors import NotFound, WarcError
from storage.query.records import locate
from storage.warc.inspect import describe_record, lines
from tests.conftest import TestArchive
from tests.damage.kinds import KINDS
from tests.damage.writer import PAGE, Rec, offset, packed, response, sound
from tests.databases import change

SEED = "308bbaf278198bcc"


def found(archive: TestArchive, what: str) -> list[dict[str, Any]]:
    with archive.open().reading() as tx:
        return locate(tx, what)


def test_an_article_an_address_and_digests_lead_to_the_same_record(
    demo_archive: TestArchive,
) -> None:
    page, *files = found(demo_archive, SEED)
    assert page["what"] == "page" and {one["what"] for one in files} == {"image"}
    shown = demo_archive.open().article(SEED)
    for what in (page["url"], page["record_id"], shown["warc"]["payload_digest"]):
        assert page["record_id"] in [one["record_id"] for one in found(demo_archive, what)]
    image = shown["images"][0]
    assert {one["url"] for one in found(demo_archive, image["sha256"])} == {image["url"]}


@pytest.mark.parametrize("what", ["http://khong.co/", "0" * 64, "sha1:KHONG", "<urn:uuid:0>"])
def test_what_was_never_captured_is_not_found(demo_archive: TestArchive, what: str) -> None:
    with pytest.raises(NotFound, match="was it ever captured"):
        found(demo_archive, what)


def test_a_record_leads_back_to_its_rows(demo_archive: TestArchive) -> None:
    archive = demo_archive.open()
    page, *images = found(demo_archive, SEED)
    told = describe_record(archive, page["file"], page["offset"])
    assert [row["row"] for row in told["rows"]] == ["capture", "article"]
    assert told["rows"][1]["id"] == SEED
    assert told["digests"] == {"block": "holds", "payload": "holds"} and told["flaws"] == []
    assert "Lê Quý Tiệp" in told["body"]["text"]
    image = describe_record(archive, images[0]["file"], images[0]["offset"])
    assert image["body"]["text"] is None
    assert [(r["row"], r["id"]) for r in image["rows"][1:]] == [("shown in", SEED)]


def described(tmp_path: Path, records: list[Rec], index: int) -> dict[str, Any]:
    path = tmp_path / "thu-20240301030000-00000-may.warc.gz"
    path.write_bytes(packed(records))
    return describe_record(Archive(tmp_path / "no"), str(path), offset(records, index))


def test_files_without_an_archive_can_be_looked_into(tmp_path: Path) -> None:
    told = described(tmp_path, sound(), 1)
    assert told["type"] == "request" and told["http"]["start"] == "GET /tin HTTP/1.1"
    assert told["http"]["fields"] == [["Host", "a.vn"]] and told["rows"] == []
    assert described(tmp_path, sound(), 0)["body"]["text"].startswith("software: thu/1")
    assert described(tmp_path, sound(), 5)["digests"]["payload"].startswith("of the record")


def test_a_body_that_is_dangerous_to_a_terminal_is_shown_safely(tmp_path: Path) -> None:
    records = sound()
    evil = b"\x1b]0;tieu de\x07\x1b[31m do \xc2\x9b2J [bold] <p>" + b"dai" * 500
    records[3] = records[3].with_block(response(evil)).drop("WARC-Payload-Digest")
    path = tmp_path / "thu-20240301030000-00000-may.warc.gz"
    path.write_bytes(packed(records))
    done = TestArchive(tmp_path / "no").tinhuyen("warc", "show", str(path), str(offset(records, 3)))
    assert done.returncode == 0 and "[bold] <p>" in done.stdout
    assert not set(done.stdout) & set("\x1b\x07\x9b")
    assert max(map(len, done.stdout.splitlines())) < 300


@pytest.mark.parametrize(
    "kind", ["block changed", "length too long", "decoded body under Content-Encoding"]
)
def test_damage_is_said_of_the_record(tmp_path: Path, kind: str) -> None:
    damaged = KINDS[kind]()
    path = tmp_path / damaged.name
    path.write_bytes(damaged.data)
    told = describe_record(Archive(tmp_path / "no"), str(path), damaged.offset)
    said = "\n".join(lines(told, 3))
    assert "DOES NOT HOLD" in said or "not checked" in said or "coding_differs" in said


@pytest.mark.parametrize("at", [1, 10**9])
def test_where_no_record_begins(tmp_path: Path, at: int) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(packed(sound()))
    with pytest.raises(WarcError, match=f"offset {at}: no whole record begins here"):
        describe_record(Archive(tmp_path / "no"), str(path), at)


def test_every_row_of_a_crawl_follows_from_its_record(demo_archive: TestArchive) -> None:
    archive = demo_archive.open()
    checks = [check_article(archive, article["id"]) for article in archive.search(limit=1000)]
    assert checks and all(check.follows for check in checks)


@pytest.fixture
def copy(demo_archive: TestArchive, tmp_path: Path) -> TestArchive:
    return demo_archive.copy(tmp_path / "archive")


@pytest.mark.parametrize(
    ("column", "value"),
    [("author", "Ai đó"), ("published_at", None), ("images", "[]"), ("title", "Tin khác")],
)
def test_a_row_that_was_changed_does_not_follow(copy: TestArchive, column: str, value: Any) -> None:
    row = "(SELECT key FROM article WHERE id = :id)"
    set_it = f"UPDATE reading SET {column} = :value WHERE article = {row}"
    change(copy.folder, set_it, value=value, id=SEED)
    done = copy.tinhuyen("check", SEED, "--json")
    told = json.loads(done.stdout)
    differing = [name for name, one in told["fields"].items() if not one["follows"]]
    assert done.returncode == 6 and differing == [column] and not told["problems"]
    assert f"{column:<20}  DIFFERS" in copy.tinhuyen("check", SEED).stdout


def test_a_row_whose_record_is_damaged_cannot_be_proven(copy: TestArchive) -> None:
    page = found(copy, SEED)[0]
    path = copy.folder / page["file"]
    data = bytearray(path.read_bytes())
    data[page["offset"] + 900] ^= 1
    path.write_bytes(data)
    done = copy.tinhuyen("check", SEED)
    assert done.returncode == 6 and "no whole record stands there" in done.stdout
    path.unlink()
    done = copy.tinhuyen("check", SEED)
    assert done.returncode == 6 and "was it moved away" in done.stdout


def test_an_article_that_is_not_there(demo_archive: TestArchive) -> None:
    done = demo_archive.tinhuyen("check", "ffffff")
    assert done.returncode == 1 and "tinhuyen search" in done.stderr


def test_pages_are_decoded_by_their_charset(tmp_path: Path) -> None:
    records = sound()
    page = PAGE.decode().encode("utf-16")
    records[3] = records[3].with_block(
        response(page).replace(b"text/html", b"text/html; charset=utf-16")
    )
    assert "Huyện uỷ" in described(tmp_path, records, 3)["body"]["text"]
