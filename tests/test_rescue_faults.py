"""Public archives as they are on a bad day: slow, torn, moved, wrong, and led astray."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from crawler import settings
from crawler.acquire.rescue.listing import Span
from crawler.acquire.rescue.run import Watch
from crawler.acquire.rescue.service import Service, TooLarge
from crawler.acquire.rescue.wire import exchange
from storage.errors import PublicArchiveUnavailable, UsageError
from tests.compare import content_of, differences
from tests.conftest import TestArchive
from tests.damage.writer import member, sha1
from tests.donated import SITE, found, page, url
from tests.public_archives import FILE, Caught, PublicArchives, rescued
from tests.test_rescue import BOTH, FIVE, captures

DATA = {"commoncrawl": FILE, "wayback": "/web/"}


@pytest.fixture
def tin(archive: TestArchive, monkeypatch: pytest.MonkeyPatch) -> TestArchive:
    monkeypatch.setattr(settings, "RETRY_SECONDS", 0.0)
    archive.declare(SITE)
    return archive


@pytest.fixture
def theirs() -> Iterator[PublicArchives]:
    with PublicArchives(FIVE) as portal:
        yield portal


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("fault", ["429 0", "503", "torn", "long", "reset", "500"])
def test_asked_again_until_it_is_whole(
    tin: TestArchive, theirs: PublicArchives, name: str, fault: str
) -> None:
    theirs.faults = {DATA[name]: [fault, fault], "page=0": ["503"]}
    waits: list[str] = []
    done = rescued(tin, theirs, name, watch=Watch(waiting=waits.append))
    assert done.exit_code == 0 and done.counts["articles"] == 5 and not found(done)
    assert len(waits) == 3 and len(captures(tin)) == 5


def test_requests_are_a_delay_apart_and_retry_after_is_waited_for(
    theirs: PublicArchives, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("crawler.acquire.rescue.service.time.sleep", slept.append)
    theirs.faults = {"collinfo": ["", "", "429 7"]}
    service = Service(100.0)
    for _ in range(3):
        service.ask(f"{theirs.url}/collinfo.json")
    begun, first, second, told, third = slept
    assert begun == 0 and told == 7
    assert all(90 < wait <= 100 for wait in (first, second, third))


def test_a_record_whose_length_is_off_is_the_same_live_and_rebuilt(tin: TestArchive) -> None:
    """As Common Crawl wrote them in 2018: two bytes more than the record says."""
    with PublicArchives(FIVE[:1]) as theirs:
        whole = theirs._record(0, FIVE[0])
        stated = re.search(rb"Content-Length: (\d+)", whole)
        assert stated is not None
        short = b"Content-Length: %d" % (int(stated[1]) - 2)
        data = member(whole.replace(stated[0], short, 1))
        theirs.places[0] = (len(theirs.file), len(data))
        theirs.file += data
        rescued(tin, theirs, "commoncrawl")
    before = content_of(tin.open().database_url)
    assert len(before["captures"]) == 1
    assert tin.here("rebuild").returncode == 0
    assert not differences(before, content_of(tin.open().database_url))


def test_what_is_too_large_is_asked_for_once(
    tin: TestArchive, theirs: PublicArchives, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.acquire.rescue.wire.MESSAGE_MAX_BYTES", 300)
    service = Service(0.0)
    with pytest.raises(TooLarge, match="more than 300 bytes"):
        service.ask(f"{theirs.url}/web/{FIVE[0].moment}id_/{FIVE[0].url}")
    assert len(theirs.asked) == 1


def test_a_length_that_is_too_short(tin: TestArchive, theirs: PublicArchives) -> None:
    """Of a range it shows; of a page only by the index's digest, and then it is said."""
    theirs.faults = {FILE: ["short"]}
    assert not found(rescued(tin, theirs, "commoncrawl", limit=1))
    theirs.faults = {"/web/": ["short"]}
    assert found(rescued(tin, theirs, "wayback")) == {"not_as_indexed": 1}


def test_retry_after_is_obeyed(tin: TestArchive, theirs: PublicArchives) -> None:
    theirs.faults = {"/web/": ["429 1"]}
    waits: list[str] = []
    rescued(tin, theirs, "wayback", limit=1, watch=Watch(waiting=waits.append))
    assert waits == [f"{theirs.host}: HTTP 429; asked again in 1 s"]


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("fault", ["503", "reset", "403"])
def test_turned_away_again_and_again_it_stops_and_goes_on_later(
    tin: TestArchive, theirs: PublicArchives, name: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "BUSY_ANSWERS_MAX", 3)
    theirs.faults = {DATA[name]: ["", "", *[fault] * 3]}
    with pytest.raises(PublicArchiveUnavailable, match="goes on later"):
        rescued(tin, theirs, name)
    assert len(captures(tin)) == 2
    [run] = json.loads(f"[{tin.here('runs', 'list', '--json').stdout.strip()}]")
    assert run["finished_at"] is None
    assert not list(tin.folder.glob("donated/**/*.open"))

    done = rescued(tin, theirs, name)
    assert (done.exit_code, done.run, len(captures(tin))) == (0, run["id"], 5)


@pytest.mark.parametrize("name", BOTH)
def test_what_the_archive_lists_and_has_no_more(
    tin: TestArchive, theirs: PublicArchives, name: str
) -> None:
    theirs.faults = {DATA[name]: ["", "404", "403"]}
    done = rescued(tin, theirs, name)
    assert done.exit_code == 4 and found(done) == {"not_there": 1, "not_given": 1}
    assert len(captures(tin)) == 3
    again = rescued(tin, theirs, name)
    assert again.exit_code == 0 and len(captures(tin)) == 5


def test_a_redirect_to_another_capture_is_not_dated_as_what_was_asked(
    tin: TestArchive, theirs: PublicArchives
) -> None:
    there = f"/web/20200101000000id_/{url(0)}"
    theirs.faults = {"/web/20240301": [f"302 {there}"]}
    done = rescued(tin, theirs, "wayback")
    assert found(done) == {"another_capture": 1} and done.exit_code == 4
    assert there not in theirs.asked and url(0) not in {row["url"] for row in captures(tin)}


def test_a_page_of_another_moment_is_not_dated_as_what_was_asked(tin: TestArchive) -> None:
    with PublicArchives(FIVE) as theirs:
        theirs.misdated = "20240301030000"
        done = rescued(tin, theirs, "wayback")
    assert found(done) == {"another_capture": 1} and len(captures(tin)) == 4


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("place", ["index", "capture"])
def test_no_redirect_leads_to_a_private_address(
    tin: TestArchive, theirs: PublicArchives, name: str, place: str
) -> None:
    with socket.create_server(("127.0.0.2", 0)) as inside:
        inside.setblocking(False)
        away = f"301 http://127.0.0.2:{inside.getsockname()[1]}/web/20240301030000id_/{url(0)}"
        if place == "index":
            theirs.faults = {"page=0": [away]}
            with pytest.raises(PublicArchiveUnavailable, match="HTTP 301"):
                rescued(tin, theirs, name)
        else:
            theirs.faults = {DATA[name]: [away]}
            assert len(found(rescued(tin, theirs, name))) == 1
            assert len(captures(tin)) == 4
        with pytest.raises(BlockingIOError):
            inside.accept()


@pytest.mark.parametrize("name", BOTH)
def test_a_wrong_digest_is_kept_and_said(tin: TestArchive, name: str) -> None:
    wrong = sha1(b"another page").removeprefix("sha1:")
    with PublicArchives(
        [FIVE[0], Caught(url(1), "20240302030000", page(1), digest=wrong)]
    ) as theirs:
        done = rescued(tin, theirs, name)
    assert done.exit_code == 0 and found(done) == {"not_as_indexed": 1}
    before = content_of(tin.open().database_url)
    assert [row["kind"] for row in before["failures"]] == ["not_as_indexed"]
    assert len(before["articles"]) == 2
    assert tin.here("rebuild").returncode == 0
    assert not differences(before, content_of(tin.open().database_url))


def test_a_range_that_holds_another_record(tin: TestArchive) -> None:
    with PublicArchives(FIVE) as theirs:
        theirs.places[0], theirs.places[1] = theirs.places[1], theirs.places[0]
        theirs.places[2] = (theirs.places[2][0] + 7, theirs.places[2][1])
        done = rescued(tin, theirs, "commoncrawl")
    assert found(done) == {"bad_record": 3} and done.exit_code == 4
    assert {row["url"] for row in captures(tin)} == {url(3), url(4)}


def test_an_archived_503_is_a_capture_and_no_reason_to_wait(tin: TestArchive) -> None:
    with PublicArchives([Caught(url(1), "20240301030000", b"busy", 503)]) as theirs:
        done = rescued(tin, theirs, "wayback")
        assert len([path for path in theirs.asked if "/web/" in path]) == 1
    assert done.counts["by_status"] == {"503": 1}


@pytest.mark.parametrize("name", BOTH)
def test_lines_of_an_index_that_name_no_capture(tin: TestArchive, name: str) -> None:
    odd = [
        Caught("ftp://tin.example/bai-7", "20240301030000", page(7)),
        Caught(url(8), "20241399", b""),
    ]
    with PublicArchives(FIVE) as theirs:
        theirs.listed = [*FIVE, *odd]
        done = rescued(tin, theirs, name)
    assert found(done) == {"bad_index_line": 2} and done.counts["articles"] == 5


def test_an_index_leads_to_no_other_host(tin: TestArchive) -> None:
    with PublicArchives(FIVE[:1]) as theirs:
        theirs.crawls = "https://elsewhere.example//other.example/"
        theirs.named = "http://other.example/a.warc.gz"
        assert rescued(tin, theirs, "commoncrawl").estimate.listed == 0
        assert theirs.asked[-1].startswith("/other.example/CC-MAIN-2013-20-index?")
        theirs.crawls = ""
        assert found(rescued(tin, theirs, "commoncrawl")) == {"not_there": 1}
        assert theirs.asked[-1] == "/http%3A//other.example/a.warc.gz"


def test_an_index_that_is_none(tin: TestArchive, theirs: PublicArchives) -> None:
    for name, path, says in (
        ("commoncrawl", "collinfo", "no list of crawls"), ("wayback", "showNumPages", "gave no index"),
        ("commoncrawl", "page=0", "gave no index"),
    ):  # fmt: skip
        theirs.faults = {path: ["200"]}
        if path == "page=0":
            theirs.faults = {path: ["404"]}
        with pytest.raises(PublicArchiveUnavailable, match=says):
            rescued(tin, theirs, name)
    assert not captures(tin)


def test_pages_of_an_index_without_captures_do_not_end_it(tin: TestArchive) -> None:
    """The Machine's server answers `[]` for them, in between and behind the last alike."""
    old = [Caught(f"http://tin.example/aa-{n}", "20100101000000", b"") for n in range(7)]
    with PublicArchives([*old, *FIVE]) as theirs:
        done = rescued(tin, theirs, "wayback", Span("2024-01-01"))
    assert done.counts["captures"] == 5


@pytest.mark.parametrize(
    "days", [("2024-3-1", None), ("2024-03-02", "2024-03-01"), (None, "9999-12-31")]
)
def test_days_that_are_none(
    tin: TestArchive, theirs: PublicArchives, days: tuple[str, str]
) -> None:
    with pytest.raises(UsageError):
        rescued(tin, theirs, "wayback", Span(*days))


def test_a_message_ends_where_its_framing_says() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    until_close = b"HTTP/1.0 200 OK\r\n\r\nabc"
    for sent, whole, kept in (
        (chunked + b"more", True, chunked),
        (chunked[:-3], False, chunked[:-3]),
        (until_close, True, until_close),
        (b"HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", True, None),
        (b"no http at all", False, None),
        (b"", False, b""),
    ):
        with Talker(sent) as address:
            answer = exchange(address)
        assert (answer.whole, answer.message) == (whole, sent if kept is None else kept)


def test_a_certificate_must_be_one_of_the_roots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.cert_pem.write_to_path(tmp_path / "roots.pem")
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
    with Talker(said, context) as address, pytest.raises(ssl.SSLCertVerificationError):
        exchange(address)
    monkeypatch.setattr(settings, "TLS_ROOTS_FILE", str(tmp_path / "roots.pem"))
    with Talker(said, context) as address:
        assert exchange(address).message == said


class Talker:
    """Says these bytes to whoever connects, and hangs up."""

    def __init__(self, sent: bytes, context: ssl.SSLContext | None = None) -> None:
        self._sent, self._context = sent, context

    def __enter__(self) -> str:
        self._server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._say, daemon=True).start()
        scheme = "https" if self._context else "http"
        return f"{scheme}://127.0.0.1:{self._server.getsockname()[1]}/a?b=1"

    def _say(self) -> None:
        connection, _ = self._server.accept()
        with suppress(ssl.SSLError), connection:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += connection.recv(4096)
            connection.sendall(self._sent)
            connection.close()

    def __exit__(self, *_: object) -> None:
        self._server.close()
