"""Every fault of a misbehaving server, in one real crawl: what is kept, and what is said of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType
from sqlalchemy import text

from storage.http import DECODED_MAX_BYTES
from tests.conftest import TestArchive
from tests.misbehaving import FAULTS, MisbehavingServer, article, page

IMAGES = ("/bomb.png", "/image-that-is-html.jpg")
HOSTILE = (
    "/page/../../../etc/passwd",
    "/page/%2e%2e/%2e%2e/passwd",
    "/page/\u202egnp.exe",
    "/page/nul%00byte",
    "/page/" + "d" * 255,
    f"/page/{'x' * 4000}",
    "http://tên-miền.example/page",
    "http://user:secret@{host}/page/userinfo",
    "http://khong-co.invalid/page",
    "http://127.0.0.1:1/page",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "ftp://example.org/page",
)
# All but those that need a crawl of their own (test_nesting, test_traps).
PATHS = tuple(
    path for path in FAULTS
    if path not in (*IMAGES, "/image-inside.png", "/nested", "/redirect-b", "/calendar", "/session", "/tag/", "/busy/", "/deep/", "/many-images")
)  # fmt: skip
CAPS = {
    "DOWNLOAD_TIMEOUT": 3,
    "RESPONSE_MAX_BYTES": 2_000_000,
    "MAX_TRIES": 2,
    "MAX_REDIRECTS": 5,
    "RETRY_SECONDS": 0.01,
    "RETRY_AFTER_MAX_SECONDS": 0.3,
    "SLOWEST_DELAY_SECONDS": 0.02,
}

SITE = """
id = "{id}"
name = "Misbehaving"
organ = "other"
listings = ["{listing}"]
hosts = {hosts}
layouts = [{{ family = "plain" }}]
delay_seconds = {delay}
allow_addresses = {allow}
"""


def declare(archive: TestArchive, listing: str, **more: Any) -> None:
    values = {"id": "bad", "hosts": [], "delay": 0, "allow": ["127.0.0.0/8"]} | more
    archive.declare(SITE.format(listing=listing, **values))


def options(**settings: Any) -> list[str]:
    return [part for name, value in settings.items() for part in ("-s", f"{name}={value}")]


@dataclass
class Faulty:
    """A crawl that is over: what it stored, by path."""

    archive: TestArchive
    server: MisbehavingServer
    code: int
    log: str
    failures: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    captures: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    readings: dict[str, str] = field(default_factory=dict)
    """Titles read, by path."""

    def __post_init__(self) -> None:
        with self.archive.open().open_for_writing().begin() as tx:
            for row in tx.execute(text("SELECT url, kind FROM failure")):
                self.failures[self.path(row.url)].add(row.kind)
            for row in tx.execute(text("SELECT * FROM capture ORDER BY id")):
                self.captures[self.path(row.url)].append(row)
            joined = "SELECT url, title FROM reading r JOIN capture c ON c.id = r.capture"
            for row in tx.execute(text(joined)):
                self.readings[self.path(row.url)] = row.title

    def path(self, url: str) -> str:
        return url.removeprefix(self.server.url)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    archive = TestArchive(tmp_path_factory.mktemp("faults") / "archive")
    archive.folder.mkdir()
    with MisbehavingServer() as server:
        links = [link.format(host=f"127.0.0.1:{server.port}") for link in (*PATHS, *HOSTILE)]
        server.pages["/"] = page("Máy chủ hư", *links, images=IMAGES)
        server.pages["/_layouts/15/Authenticate.aspx"] = page("Đăng nhập")
        declare(archive, f"{server.url}/", hosts=["khong-co.invalid", "127.0.0.1:1"])
        crawled = archive.scrapy("crawl", "bad", *options(**CAPS))
        yield Faulty(archive, server, crawled.returncode, crawled.stderr)


CUT = {
    "/drip": "time",
    "/endless-body": "length",
    "/length-too-long": "disconnect",
    "/bad-chunk": "unspecified",
    "/cut-body": "disconnect",
    "/header-without-end": "unspecified",
    "/garbage": "unspecified",
}


def test_the_crawl_ends_by_itself_and_says_that_pages_are_missing(faulty: Faulty) -> None:
    assert faulty.code == 4, faulty.log
    assert "`tinhuyen runs show` names them" in faulty.log
    assert "Traceback" not in faulty.log


@pytest.mark.parametrize("path", CUT)
def test_what_was_cut_is_kept_up_to_there_and_said(faulty: Faulty, path: str) -> None:
    captures = faulty.captures[path]
    assert captures and {capture.truncated for capture in captures} == {CUT[path]}
    assert {capture.payload_digest for capture in captures} == {None}  # no revisit can aim at it
    kind = "no_http" if path in ("/garbage", "/header-without-end") else f"truncated_{CUT[path]}"
    assert kind in faulty.failures[path]


def test_a_cap_on_bytes_is_met_exactly(faulty: Faulty) -> None:
    [(fields, block)] = records(faulty.archive.warc_files(), faulty.server.url + "/endless-body")
    assert fields["WARC-Truncated"] == "length"
    assert len(block) == CAPS["RESPONSE_MAX_BYTES"]


def test_a_whole_try_takes_the_place_of_one_that_was_cut(faulty: Faulty) -> None:
    cut, whole = faulty.captures["/cut-once"]
    assert (cut.truncated, whole.truncated) == ("disconnect", None)
    assert faulty.failures["/cut-once"] == set()
    assert faulty.readings["/cut-once"] == "Hội nghị tổng kết công tác cut-once"


KINDS = {
    "/no-answer": "timeout",
    "/reset": "connection_or_disconnect",
    "/redirect-self": "redirect_loop",
    "/redirect-b": "redirect_loop",
    "/redirect/5": "too_many_redirects",
    "/tin/bai-viet-da-mat-ve-trang-chu.html": "redirect_home",
    "/redirect-login": "redirect_login",
    "/redirect-other-host": "redirect_off_site",
    "/redirect-file": "forbidden_scheme",
    "/gzip-bomb": "undecodable",
    "/broken-gzip": "undecodable",
    "/soft-404": "soft_404",
    "/empty": "empty_body",
    "/not-html": "not_html",
    "/image-that-is-html.jpg": "not_an_image",
    "/busy-for-ever": "http_503",
    "file:///etc/passwd": "forbidden_scheme",
    "ftp://example.org/page": "forbidden_scheme",
    "/page/" + "x" * 4000: "url_too_long",
}


@pytest.mark.parametrize("path", KINDS, ids=lambda path: path[:40])
def test_every_fault_is_a_stored_failure_and_no_article(faulty: Faulty, path: str) -> None:
    expected = {KINDS[path]}
    if path == "/reset":  # a reset may be seen as a lost connection, or as no answer
        expected = {"disconnect"}
    assert faulty.failures[path] == expected
    assert path not in faulty.readings


def test_each_hop_of_an_endless_redirect_is_archived(faulty: Faulty) -> None:
    hops = [faulty.captures[f"/redirect/{n}"] for n in ("", 1, 2, 3, 4, 5)]
    assert all(hop[0].status == 302 for hop in hops)
    assert "/redirect/6" not in faulty.captures


def test_the_login_page_is_not_asked_for(faulty: Faulty) -> None:
    assert not any("Authenticate" in asked.path for asked in faulty.server.requests)


def test_a_bomb_is_kept_as_it_came(faulty: Faulty) -> None:
    [(_, block)] = records(faulty.archive.warc_files(), faulty.server.url + "/gzip-bomb")
    assert block.endswith(faulty.server.bomb())
    assert len(faulty.server.bomb()) < 400_000 < 300 << 20 > DECODED_MAX_BYTES


def test_a_picture_too_large_to_decode_is_kept_with_the_reason(faulty: Faulty) -> None:
    with faulty.archive.open().open_for_writing().begin() as tx:
        [image] = tx.execute(text("SELECT bytes, problem FROM image")).all()
    assert image.bytes < 14_000
    assert "too large to decode" in image.problem


def test_more_bytes_than_said_are_no_part_of_the_page(faulty: Faulty) -> None:
    [capture] = faulty.captures["/length-too-short"]
    [(_, block)] = records(faulty.archive.warc_files(), faulty.server.url + "/length-too-short")
    assert capture.truncated is None
    assert block.partition(b"\r\n\r\n")[2] == article("length-too-short")[:-20]


def test_a_wrong_charset_is_seen_through(faulty: Faulty) -> None:
    assert faulty.readings["/wrong-charset"] == "Hội nghị tổng kết công tác sai bảng mã"


@pytest.mark.parametrize("path", ["/busy-seconds", "/busy-date", "/busy-absurd"])
def test_a_busy_server_is_asked_again_and_its_excuse_is_no_article(
    faulty: Faulty, path: str
) -> None:
    first, second = (asked.at for asked in faulty.server.requests if asked.path == path)
    assert second - first >= CAPS["RETRY_AFTER_MAX_SECONDS"]
    assert faulty.failures[path] == set()
    assert [capture.status for capture in faulty.captures[path]][1:] == [200]
    assert faulty.readings[path] == f"Hội nghị tổng kết công tác {path}"


def test_a_page_nested_50_000_deep_is_kept_and_holds_nothing_up(archive: TestArchive) -> None:
    """It is read to its end, and said; the page behind it is there."""
    with MisbehavingServer() as server:
        server.pages["/"] = page("Lồng nhau", "/nested", "/page/after")
        declare(archive, f"{server.url}/")
        crawled = archive.scrapy("crawl", "bad")
        deep = Faulty(archive, server, crawled.returncode, crawled.stderr)
    [(_, block)] = records(archive.warc_files(), server.url + "/nested")
    assert block.endswith(b"<p>chu o cuoi</p></body></html>")
    assert "/page/after" in deep.readings
    assert deep.failures["/nested"] == {"nested_too_deep"}
    [found] = [one for one in archive.open().search() if one["url"].endswith("/nested")]
    assert "chu o cuoi" in found["text"]


def test_a_feed_is_read_without_its_entities(faulty: Faulty) -> None:
    assert "/page/of-feed" in faulty.readings
    assert faulty.failures["/feed-bomb"] == set()


def test_hosts_that_are_not_there_are_said(faulty: Faulty) -> None:
    """Their robots.txt could not be had, and that is why their pages were not asked for."""
    for host, kind in (("http://khong-co.invalid", "dns"), ("http://127.0.0.1:1", "refused")):
        assert faulty.failures[f"{host}/robots.txt"] == {kind}
        assert faulty.failures[f"{host}/page"] == {"robots_unreachable"}


def test_hostile_names_name_no_files(faulty: Faulty) -> None:
    root = faulty.archive.folder
    inside = {path.relative_to(root).parts[0] for path in root.rglob("*")}
    assert inside <= {"archive.db", "archive.db-wal", "archive.db-shm", "journal.jsonl",
                      "manifest.jsonl", "sites", "warc", "cdx", ".lock"}  # fmt: skip
    assert [path.name for path in root.parent.iterdir()] == ["archive"]


def test_no_secret_leaves_us_and_none_is_kept(faulty: Faulty) -> None:
    [asked] = [asked for asked in faulty.server.requests if asked.path == "/page/userinfo"]
    assert b"secret" not in asked.head
    names = {
        line.partition(b":")[0].lower()
        for asked in faulty.server.requests
        for line in asked.head.split(b"\r\n")[1:]
        if line
    }
    assert names == {b"host", b"user-agent", b"accept", b"accept-language", b"accept-encoding"}
    sent = records(faulty.archive.warc_files(), kind=WarcRecordType.request)
    kept = {faulty.path(fields["WARC-Target-URI"]) for fields, _ in sent}
    assert kept == {asked.path for asked in faulty.server.requests} - {"/no-answer", "/reset"}
    for _, block in sent:
        assert not re.search(rb"(?i)cookie|authorization|proxy-|secret", block)


def records(
    files: list[Path], url: str | None = None, kind: WarcRecordType = WarcRecordType.response
) -> list[tuple[dict[str, str], bytes]]:
    """Records of an address, or of all: fields and block."""
    found = []
    for path in files:
        with path.open("rb") as file:
            for record in ArchiveIterator(file, kind, parse_http=False):
                if url in (None, record.headers.get("WARC-Target-URI")):
                    fields: dict[str, str] = {}
                    for name, value in record.headers.items():  # WARC-Protocol stands twice
                        fields[name] = f"{fields[name]}, {value}" if name in fields else value
                    found.append((fields, record.reader.read()))
    return found
