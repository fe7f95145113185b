"""Records looked into in the browser: told whole, shown safely, and only those of the archive."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from storage.errors import NotFound, WarcError
from storage.query.records import locate
from storage.warc.verify.walk import RawRecord, walk
from storage.web.record import describe
from tests.conftest import TestArchive
from tests.serving import served
from tests.stored import keeping

SEED = "308bbaf278198bcc"


@pytest.fixture(scope="module")
def room(demo_archive: TestArchive) -> Iterator[httpx.Client]:
    with served(demo_archive) as server:
        yield server.room


def follow(room: httpx.Client, page: str, text: str) -> str:
    """The page that a link with this text leads to."""
    found = re.search(rf'<a href="([^"]+)">{text}</a>', page)
    assert found is not None, text
    answer = room.get(html.unescape(found[1]))
    assert answer.status_code == 200
    return answer.text


def test_from_an_article_to_its_record_and_on(room: httpx.Client) -> None:
    record = follow(room, room.get(f"/article/{SEED}").text, "record")
    assert "<h1>response record</h1>" in record and "block: holds" in record
    assert "<th>WARC-Target-URI</th>" in record and "HTTP/1.1 200 OK" in record
    assert f'<a href="/article/{SEED}">Huyện Bình Giang' in record
    assert "&lt;!DOCTYPE html&gt;" in record and "<script>" not in record
    assert re.search(r'href="http://replay\.localhost:\d+/wayback/\d{14}/http://demo', record)
    request = follow(room, record, "the next record")
    assert "<h1>request record</h1>" in request and "GET /" in request
    assert "response record" in follow(room, request, "the capture that it belongs to")


def test_pictures_are_shown_as_bytes(room: httpx.Client, demo_archive: TestArchive) -> None:
    with demo_archive.open().reading() as tx:
        image = next(one for one in locate(tx, SEED) if one["what"] == "image")
    page = room.get("/record", params={"file": image["file"], "offset": image["offset"]}).text
    assert "00000000  ff d8 ff" in page and "shown in: " in page


def test_every_record_of_the_archive_is_told(demo_archive: TestArchive) -> None:
    archive = demo_archive.open()
    [path] = demo_archive.warc_files()
    name = archive.folder.name_of(path)
    offsets = [one.offset for one in walk(path) if isinstance(one, RawRecord)]
    types = [describe(archive, name, offset)["type"] for offset in offsets[:40]]
    assert types[0] == "warcinfo" and set(types) == {"warcinfo", "request", "metadata", "response"}


@pytest.mark.parametrize(
    "file",
    ["archive.db", "/etc/passwd", "warc/../archive.db", "../x", "", "warc/khong.warc.gz",
     "journal.jsonl", "warc\0", "sites/x.toml"],
)  # fmt: skip
def test_no_other_file_is_looked_into(
    room: httpx.Client, demo_archive: TestArchive, file: str
) -> None:
    with pytest.raises(NotFound):
        describe(demo_archive.open(), file, 0)
    assert room.get("/record", params={"file": file, "offset": 0}).status_code == 404


def test_a_path_of_the_working_folder_is_none_of_the_archive(
    demo_archive: TestArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "warc").mkdir()
    (tmp_path / "warc" / "x.warc.gz").write_bytes(demo_archive.warc_files()[0].read_bytes())
    with pytest.raises(NotFound):
        describe(demo_archive.open(), "warc/x.warc.gz", 0)


def test_where_no_record_begins_it_says_so(room: httpx.Client, demo_archive: TestArchive) -> None:
    archive = demo_archive.open()
    name = archive.folder.name_of(demo_archive.warc_files()[0])
    with pytest.raises(WarcError, match="no whole record begins here"):
        describe(archive, name, 1)
    answer = room.get("/record", params={"file": name, "offset": 1})
    assert answer.status_code == 404 and "offset 1" in answer.json()["error"]
    assert room.get("/record", params={"file": name, "offset": "x"}).status_code == 422
    assert room.get("/record", params={"file": name, "offset": 1 << 70}).status_code == 422


def test_a_record_that_wants_to_run_is_text(tmp_path: Path) -> None:
    with keeping(tmp_path / "archive") as keeper:
        evil = "<script>alert(1)</script>"
        record = keeper.keep(
            "http://thu.vn/", evil, headers=(f"X-A: {evil}", "Content-Security-Policy: x")
        )
    with served(TestArchive(tmp_path / "archive")) as server:
        page = server.room.get("/record", params={"file": record.file, "offset": record.offset})
    assert page.text.count("&lt;script&gt;alert(1)") == 2 and "<script" not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
