"""What public archives caught of a site, rescued: kept as served, read as if we had crawled it."""

from __future__ import annotations

import gzip
import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from crawler.acquire.rescue.listing import Span
from crawler.acquire.rescue.run import Watch
from storage.database.connect import reading_engine
from storage.warc.verify.walk import record_at
from tests.compare import content_of, differences
from tests.conftest import TestArchive
from tests.damage.writer import packed
from tests.donated import HOST, SITE, answer, found, give, page, url
from tests.loopback import LoopbackPortal, send
from tests.public_archives import FILE, Caught, PublicArchives, rescued
from tests.test_attachments import docx, p

BOTH = ("commoncrawl", "wayback")
FIVE = [Caught(url(number), f"2024030{number + 1}030000", page(number)) for number in range(5)]


@pytest.fixture
def tin(archive: TestArchive) -> TestArchive:
    archive.declare(SITE)
    return archive


def captures(archive: TestArchive) -> list[dict[str, Any]]:
    return content_of(archive.open().database_url)["captures"]


def articles(archive: TestArchive) -> list[dict[str, Any]]:
    lines = archive.here("search", "--json").stdout.splitlines()
    ids = [json.loads(line)["id"] for line in lines]
    return [json.loads(archive.here("show", id_, "--json").stdout) for id_ in ids]


@pytest.mark.parametrize("name", BOTH)
def test_what_there_is_is_said_before_anything_is_fetched(tin: TestArchive, name: str) -> None:
    told = []
    with PublicArchives(FIVE) as theirs:

        def estimated(estimate: Any) -> None:
            told.append(estimate)
            assert not [path for path in theirs.asked if "crawl-data" in path or "/web/" in path]

        done = rescued(tin, theirs, name, watch=Watch(estimated=estimated))
    [estimate] = told
    assert (estimate.listed, estimate.held, estimate.to_fetch) == (5, 0, 5)
    assert (estimate.first, estimate.last) == ("20240301030000", "20240305030000")
    assert estimate.bytes > 0
    assert done.counts["articles"] == 5 and done.exit_code == 0


def test_a_limit_of_none_asks_the_index_only(tin: TestArchive) -> None:
    with PublicArchives(FIVE) as theirs:
        done = rescued(tin, theirs, "wayback", limit=0)
        assert all(path.startswith("/cdx/") for path in theirs.asked)
    assert (done.run, done.left, captures(tin)) == (None, 5, [])
    assert not content_of(tin.open().database_url)["runs"]


@pytest.mark.parametrize("name", BOTH)
def test_dated_by_the_index_and_kept_as_it_was_served(tin: TestArchive, name: str) -> None:
    with PublicArchives(FIVE) as theirs:
        rescued(tin, theirs, name)
        origin = theirs.url
    rows = {row["url"]: row for row in captures(tin)}
    row = rows[url(2)]
    assert row["fetched_at"] == "2024-03-03T03:00:00.000000Z"
    assert {one["provenance"] for one in rows.values()} == {name}
    assert row["ip"] == {"commoncrawl": "203.0.113.7", "wayback": None}[name]
    with record_at(tin.folder / row["warc_file"], row["warc_offset"]) as record:
        assert record is not None
        block = b"".join(record.block.pieces())
        assert block.startswith(b"HTTP/1.") and block.endswith(page(2))
        source, creation = record.get("warc-source-uri"), record.get("warc-creation-date")
        assert creation is not None and creation > "2026"
        if name == "wayback":
            assert source == f"{origin}/web/20240303030000id_/{url(2)}"
            assert b"\r\nX-Archive-Orig-Date:" in block and b"\r\nServer: BaseHTTP" in block
        else:
            assert source == f"{origin}/{FILE}"
            assert record.id == "<urn:uuid:00000000-0000-4000-8000-000000007002>"
            assert record.get("warc-payload-digest") == row["payload_digest"]


@pytest.mark.parametrize("name", BOTH)
def test_a_second_rescue_changes_nothing_and_a_rebuild_tells_it_again(
    tin: TestArchive, name: str
) -> None:
    with PublicArchives(FIVE) as theirs:
        rescued(tin, theirs, name)
        before, asked = content_of(tin.open().database_url), len(theirs.asked)
        again = rescued(tin, theirs, name)
        assert not [one for one in theirs.asked[asked:] if "/web/" in one or "crawl-data" in one]
    assert (again.exit_code, again.counts["captures"], found(again)) == (0, 0, {})
    assert (again.counts["listed"], again.counts["held"]) == (5, 5)
    after = content_of(tin.open().database_url)
    assert not differences(before | {"runs": []}, after | {"runs": []})
    assert len(list(tin.folder.glob("donated/**/*.warc.gz*"))) == 1

    assert tin.here("rebuild").returncode == 0
    assert not differences(after, content_of(tin.open().database_url))
    verified = tin.here("warc", "verify", "--all")
    assert verified.returncode == 0, verified.stdout


class OnePage(LoopbackPortal):
    """A portal whose list has one article."""

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        bodies = {"/": b'<html><a href="/bai-1">b\xc3\xa0i</a></html>', "/bai-1": page(1)}
        body = bodies.get(handler.path)
        send(handler, 404 if body is None else 200, "text/html", body or b"")


def test_crawled_imported_and_rescued_give_the_same_article(tmp_path: Path) -> None:
    made = {name: TestArchive(tmp_path / name) for name in ("live", "given", *BOTH)}
    with OnePage() as portal:
        table = (
            SITE.replace(HOST, portal.host) + 'allow_addresses = ["127.0.0.0/8"]\ndelay_seconds = 0'
        )
        for one in made.values():
            one.folder.mkdir()
            one.declare(table)
        crawled = made["live"].scrapy("crawl", "tin")
        assert crawled.returncode == 0, crawled.stderr
        address = f"{portal.url}/bai-1"
    give(made["given"], {"a.warc.gz": packed([answer(1, host=address[7:-6])])})
    with PublicArchives([Caught(address, "20240301030000", page(1))]) as theirs:
        for name in BOTH:
            rescued(made[name], theirs, name)
    of_capture = ("captured_at", "warc")
    shown = {name: articles(one) for name, one in made.items()}
    for name, [article] in shown.items():
        assert article["warc"]["provenance"] == {"live": "own", "given": "donated"}.get(name, name)
        for field in of_capture:
            del article[field]
    assert shown["live"] == shown["given"] == shown["commoncrawl"] == shown["wayback"]


def test_one_article_of_several_archives_with_dated_versions(tin: TestArchive) -> None:
    changed = [
        Caught(url(1), "20200101000000", page(1)),
        Caught(url(1), "20220101000000", page(1, "Đã sửa một lần.")),
    ]
    with PublicArchives(changed[:1]) as one, PublicArchives(changed[1:]) as other:
        rescued(tin, other, "wayback")
        rescued(tin, one, "commoncrawl")
    give(tin, {"a.warc.gz": packed([answer(1, page(1, "Đã sửa hai lần."))])})
    [article] = articles(tin)
    assert article["versions"] == 3
    shown = tin.here("show", article["id"]).stdout
    for line in (
        "seen 2020-01-01 1 capture(s), commoncrawl, given by Archive commoncrawl",
        "seen 2022-01-01 1 capture(s), wayback, given by Archive wayback",
        "seen 2024-03-01 1 capture(s), donated, given by Thư viện tỉnh",
    ):
        assert line in " ".join(shown.split())
    ledger = json.loads(tin.here("coverage", "tin", "--json").stdout.splitlines()[0])
    assert {"commoncrawl", "wayback", "donated"} <= set(
        json.dumps(ledger).replace('"', " ").split()
    )


def test_an_archive_is_not_asked_for_what_another_gave(tin: TestArchive) -> None:
    give(tin, {"a.warc.gz": packed([answer(0, date="2024-03-01T03:00:00Z")])})
    with PublicArchives(FIVE) as theirs:
        first = rescued(tin, theirs, "commoncrawl", limit=2)
        second = rescued(tin, theirs, "wayback")
    assert (first.estimate.held, first.left, first.counts["captures"]) == (1, 2, 2)
    assert (second.estimate.held, second.counts["captures"]) == (3, 2)
    assert len(captures(tin)) == 5


def test_http_and_https_at_one_moment_are_two_captures(tin: TestArchive) -> None:
    pair = [
        Caught(
            f"http://{HOST}/bai-1", "20240301030000", b"", 301, (f"Location: https://{HOST}/bai-1",)
        ),
        Caught(f"https://{HOST}/bai-1", "20240301030000", page(1)),
    ]
    with PublicArchives(pair) as theirs:
        assert rescued(tin, theirs, "wayback").counts["captures"] == 2
    by_url = {row["url"]: row for row in captures(tin)}
    assert by_url[f"http://{HOST}/bai-1"]["location"] == f"https://{HOST}/bai-1"


def test_days_bound_what_is_listed_in_vietnams_time(tin: TestArchive) -> None:
    late = [Caught(url(1), "20240301165959", page(1)), Caught(url(2), "20240301170000", page(2))]
    with PublicArchives([*FIVE, *late]) as theirs:
        day = Span("2024-03-02", "2024-03-02")
        for name in BOTH:
            assert rescued(tin, theirs, name, day, limit=0).estimate.to_fetch == 2
        assert "CC-MAIN-2013-20" not in " ".join(theirs.asked)
        assert rescued(tin, theirs, "wayback", Span("2024-03-05"), limit=0).estimate.listed == 1


def test_a_page_that_is_gzipped_and_not_said_to_be_is_read(tin: TestArchive) -> None:
    packed_page = gzip.compress(page(1), mtime=0)
    caught = Caught(url(1), "20240301030000", packed_page, headers=("Content-Encoding: gzip",))
    with PublicArchives([caught]) as theirs:
        assert rescued(tin, theirs, "wayback").counts["articles"] == 1


def test_a_page_that_was_unchanged_then_is_read_again_from_its_original(tin: TestArchive) -> None:
    """Common Crawl's revisits have no body; the record that they stand for is another."""
    first, second = (
        Caught(url(1), "20240301030000", page(1)),
        Caught(url(1), "20240401030000", b"", 304),
    )
    with PublicArchives([first, second]) as theirs:
        done = rescued(tin, theirs, "commoncrawl")
    assert (done.exit_code, done.counts["captures"], found(done)) == (0, 2, {})
    assert [row["record_type"] for row in captures(tin)] == ["response", "revisit"]
    [article] = articles(tin)
    assert article["versions"] == 1


@pytest.mark.parametrize("name", BOTH)
def test_a_file_that_a_page_links_to_is_read_too(tin: TestArchive, name: str) -> None:
    linking = page(1, f'<a href="http://{HOST}/nghi-quyet.docx">Nghị quyết</a>')
    mime = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    paper = docx(p("Nghị quyết số 12 của Huyện uỷ"))
    both = [
        Caught(url(1), "20240301030000", linking),
        Caught(f"http://{HOST}/nghi-quyet.docx", "20240301030001", paper, mime=mime),
    ]
    with PublicArchives(both) as theirs:
        assert not found(rescued(tin, theirs, name))
    content = content_of(tin.open().database_url)
    assert [row["text"] for row in content["attachment_pages"]] == ["Nghị quyết số 12 của Huyện uỷ"]


def test_a_site_without_an_address_says_what_to_do(archive: TestArchive) -> None:
    done = archive.here("rescue", "binhgiang", "--from", "wayback")
    assert done.returncode == 5
    assert "hosts = [" in done.stderr and "hai-duong.toml" in done.stderr


def test_what_cannot_run_is_not_queued(archive: TestArchive) -> None:
    assert archive.here("rescue", "binhgiang", "--from", "wayback", "--queue").returncode == 5
    archive.declare(SITE)
    done = archive.here("rescue", "tin", "--from", "wayback", "--since", "gist", "--queue")
    assert done.returncode == 2 and "--since is a day" in done.stderr


def test_a_closed_site_is_rescued_all_the_same(archive: TestArchive) -> None:
    archive.declare(SITE + 'state = "closed"\nsince = "2025-07-01"\nevidence = "it is gone"')
    with PublicArchives(FIVE[:1]) as theirs:
        assert rescued(archive, theirs, "wayback").counts["articles"] == 1


def test_the_command(tin: TestArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    with PublicArchives(FIVE) as theirs:
        for name, value in theirs.environment.items():
            monkeypatch.setenv(name, value)
        asked = tin.tinhuyen("rescue", "tin", "--from", "wayback", "--limit", "0")
        done = tin.tinhuyen("rescue", "tin", "--from", "wayback", "--json")
        nothing = tin.tinhuyen("rescue", "tin", "--from", "gist")
    assert asked.stdout == (
        "wayback: 5 capture(s) of 2024-03-01 to 2024-03-05, 0 held; 5 to fetch, "
        "about 4.5 kB, 0 seconds at least\n"
    )
    told = json.loads(done.stdout)
    assert (done.returncode, told["exit_code"], told["counts"]["articles"]) == (0, 0, 5)
    assert told["estimate"]["to_fetch"] == 5
    assert nothing.returncode == 2 and "commoncrawl, wayback" in nothing.stderr


def test_what_a_takedown_took_out_stays_out_of_a_rebuild(tin: TestArchive) -> None:
    given = {"a.warc.gz": packed([answer(7), answer(8)])}
    give(tin, given)
    with PublicArchives(FIVE) as theirs:
        rescued(tin, theirs, "wayback")
        for number in (1, 7):
            told = ("--reason", "toà án", "--basis", "luật", "--how", "rewrite")
            done = tin.tinhuyen("takedown", "add", url(number), *told)
            assert done.returncode == 0, done.stderr
        before = content_of(tin.open().database_url)
        rebuilt = tin.tinhuyen("rebuild")
        assert rebuilt.returncode == 0, rebuilt.stderr
        assert not differences(before, content_of(tin.open().database_url))
        assert found(give(tin, given)) == {"known_file": 1}

        assert rescued(tin, theirs, "wayback").counts["captures"] == 1  # as a crawl would; hidden
    assert url(1) not in tin.tinhuyen("search", "--json").stdout


@pytest.mark.postgres
def test_on_postgresql_too(tin: TestArchive, postgres_url: str) -> None:
    from crawler.acquire.rescue.run import rescue
    from crawler.sites import load_sites
    from storage.archive import Archive

    archive = Archive(tin.folder, postgres_url)
    site = load_sites(tin.folder / "sites")["tin"]
    with PublicArchives(FIVE) as theirs:
        first = rescue(archive, site, theirs.archive("commoncrawl"), Span())
        second = rescue(archive, site, theirs.archive("wayback"), Span())
    archive.close()
    assert (first.counts["articles"], second.counts["captures"]) == (5, 0)
    engine = reading_engine(postgres_url)
    with engine.connect() as connection:
        by = connection.execute(text("SELECT provenance, count(*) FROM capture GROUP BY 1")).all()
    engine.dispose()
    assert [tuple(row) for row in by] == [("commoncrawl", 5)]
