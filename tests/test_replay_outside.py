"""pywb and ReplayWeb.page over the archive, as Chromium draws it; and what they cannot reach."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Frame, Page
from sqlalchemy import text

from storage.archive import Archive
from storage.errors import NotFound, UsageError
from storage.lines import append_lines
from storage.query.captures import Captures
from storage.replay.outside import index_server, install, replaywebpage
from storage.replay.outside.start import Program, start
from storage.takedown.decide import take_down, undo
from storage.warc.index import as_json
from tests import browser
from tests.bench import wget_replay
from tests.changing_portal import ChangingPortal
from tests.conftest import TestArchive
from tests.hostile_portal import TITLE as HOSTILE
from tests.hostile_portal import HostilePortal
from tests.nukeviet_portal import NukeVietPortal
from tests.replay_programs import Replayed, find_replayed, serving

SEED = "http://demo.localhost/news/Pages/chi-tiet.aspx?CateID=13&ItemID=101"
SEED_TITLE = "Huyện Bình Giang tổ chức hội nghị"
SECRET = "bí mật của phòng đọc"
PROGRAMS = ("pywb", "replaywebpage")


@dataclass(frozen=True)
class Gathered:
    """An archive of several portals, and the reading room over it."""

    archive: TestArchive
    view: str
    changed: str
    hostile: str
    nukeviet: str | None


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    """Installed once, beside the environment of the tests."""
    install.install()


@pytest.fixture(scope="module")
def gathered(
    open_demo: TestArchive, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gathered]:
    folder = tmp_path_factory.mktemp("gathered") / "archive"
    archive = open_demo.copy(folder)
    with serving(archive, "serve") as (view, _):
        with ExitStack() as portals:
            changing = portals.enter_context(ChangingPortal(3))
            hostile = portals.enter_context(HostilePortal(view))
            nukeviet = _nukeviet(portals)
            tables = [changing.table, hostile.table, *([nukeviet.site] if nukeviet else [])]
            for table in tables:
                archive.declare(table)
            _crawl(archive, "song", "doc", *(["nukeviet"] if nukeviet else []))
            changing.edits[1] = 1
            _crawl(archive, "song")
        changed = changing.article_url(1)
        real = f"http://{nukeviet.host}" if nukeviet else None
        yield Gathered(archive, view, changed, hostile.url + "/", real)


def _crawl(archive: TestArchive, *sites: str) -> None:
    done = archive.tinhuyen("crawl", *sites)
    assert done.returncode in (0, 4), done.stderr


def _nukeviet(portals: ExitStack) -> NukeVietPortal | None:
    material = os.environ.get("SHARED_DATA")
    if not material or not Path(material).is_dir():
        return None
    return portals.enter_context(NukeVietPortal(Path(material) / "nukeviet"))


@pytest.fixture(scope="module")
def replays(gathered: Gathered) -> Iterator[dict[str, Replayed]]:
    with ExitStack() as stack:
        started = {
            name: stack.enter_context(serving(gathered.archive, "replay", "--with", name))
            for name in PROGRAMS
        }
        yield {name: Replayed(name, root) for name, (root, _) in started.items()}


@pytest.fixture(scope="module")
def chromium() -> Iterator[browser.Browser]:
    with browser.chromium() as started:
        yield started
    assert not started.outside, "something beyond loopback was asked for"


@pytest.fixture(params=PROGRAMS)
def replayed(request: pytest.FixtureRequest, replays: dict[str, Replayed]) -> Replayed:
    return replays[request.param]


def stamps(archive: TestArchive, url: str) -> list[str]:
    """The times of all captures of an address, oldest first."""
    opened = archive.open()
    found = Captures(opened).every(url)
    opened.close()
    return [one.stamp for one in found]


def test_an_article_is_drawn(
    replayed: Replayed, gathered: Gathered, chromium: browser.Browser
) -> None:
    [stamp] = stamps(gathered.archive, SEED)
    page: Any = replayed.open(chromium, SEED, stamp, SEED_TITLE)
    assert SEED_TITLE in page.evaluate("document.body.innerText")
    assert browser.style(page, "body", "maxWidth") == "960px"
    widths = browser.widths(page)
    assert len(widths) == 3 and min(widths.values()) > 0, widths


def test_both_versions_of_a_changed_page(
    replayed: Replayed, gathered: Gathered, chromium: browser.Browser
) -> None:
    first, second = stamps(gathered.archive, gathered.changed)
    for stamp, there in ((first, False), (second, True)):
        page = replayed.open(chromium, gathered.changed, stamp, "Tin")
        assert ("Sửa lần 1." in page.evaluate("document.body.innerText")) is there


def test_a_redirect_is_followed(
    replayed: Replayed, gathered: Gathered, chromium: browser.Browser
) -> None:
    [stamp] = stamps(gathered.archive, "http://demo.localhost/ubnd/vi/")
    page = replayed.open(chromium, "http://demo.localhost/ubnd/vi/", stamp, "Tin tức")
    assert page.url.endswith("/http://demo.localhost/ubnd/vi/news/")


def test_pages_of_a_real_cms(
    replayed: Replayed, gathered: Gathered, chromium: browser.Browser
) -> None:
    """Its images and styles were not saved with the pages; what is there is drawn."""
    if gathered.nukeviet is None:
        pytest.skip("SHARED_DATA names no folder with the real material")
    opened = gathered.archive.open()
    [article] = opened.search(site="nukeviet", limit=1)
    opened.close()
    [stamp, *_] = stamps(gathered.archive, article["url"])
    page = replayed.open(chromium, article["url"], stamp, article["title"])
    assert article["title"] in page.evaluate("document.body.innerText")


def test_readers_see_the_articles_by_their_titles(
    replays: dict[str, Replayed], gathered: Gathered, chromium: browser.Browser
) -> None:
    """The page list that we write is the one that ReplayWeb.page shows."""
    page = chromium.context.new_page()
    page.goto(replays["replaywebpage"].root)
    listed = page.frame_locator("replay-web-page iframe")
    listed.locator("wr-page-entry").first.wait_for()
    entries = listed.locator("wr-page-entry")
    shown = str(entries.first.evaluate("entry => entry.shadowRoot.textContent"))
    opened = gathered.archive.open()
    assert any(one["title"] in shown for one in opened.search(limit=1000)), shown
    opened.close()


def test_a_hostile_page_reads_nothing_of_the_reading_room(
    replayed: Replayed, gathered: Gathered, chromium: browser.Browser
) -> None:
    """It is opened from the reading room, so that it has an opener to reach for."""
    room = enter_room(chromium, gathered.view)
    [stamp] = stamps(gathered.archive, gathered.hostile)
    with room.expect_popup() as opened:
        room.evaluate("at => { window.open(at) }", replayed.address(gathered.hostile, stamp))
    loot = loot_of(find_replayed(opened.value, HOSTILE))
    assert len(loot) == 14
    for name, taken in loot.items():
        assert SECRET not in taken and SEED_TITLE not in taken, f"{name}: {taken[:200]}"
    assert loot["opener"].startswith("refused") and loot["opener_of_top"].startswith("refused")
    workers = "navigator.serviceWorker.getRegistrations().then(found => found.length)"
    assert room.evaluate(workers) == 0


def test_what_shares_the_host_of_the_reading_room_would_read_it(
    gathered: Gathered, chromium: browser.Browser
) -> None:
    """The same page on another port, not replayed: cookies know no ports. So the test can fail."""
    room = enter_room(chromium, gathered.view)
    with HostilePortal(gathered.view) as portal:
        with room.expect_popup() as opened:
            room.evaluate("at => { window.open(at) }", portal.url)
        assert SECRET in loot_of(opened.value.main_frame)["cookies"]


def enter_room(chromium: browser.Browser, view: str) -> Page:
    room = chromium.open(view)
    room.evaluate(f"document.cookie = 'secret={SECRET}'; localStorage.secret = '{SECRET}'")
    return room


def loot_of(page: Frame) -> dict[str, str]:
    page.wait_for_selector("body[data-loot]", timeout=60_000, state="attached")
    loot: dict[str, str] = json.loads(page.get_attribute("body", "data-loot") or "")
    return loot


def test_ranges_and_hosts(replays: dict[str, Replayed]) -> None:
    root = replays["replaywebpage"].root
    port = root.rstrip("/").rpartition(":")[2]
    local, host = f"http://127.0.0.1:{port}", {"Host": f"{replaywebpage.HOST}:{port}"}
    with urlopen(Request(f"{local}/", headers=host)) as answer:
        page = answer.read().decode()
    source = page.partition('source="')[2].partition('"')[0]
    asked = Request(f"{local}{source}", headers=host | {"Range": "bytes=0-3"})
    with urlopen(asked) as answer:
        assert answer.status == 206 and answer.read() == b"PK\x03\x04"
    with urlopen(Request(f"{local}/replay/index.html", headers=host)) as answer:
        assert b"<replay-app-main>" in answer.read()
    with pytest.raises(HTTPError) as refused:  # another name would share cookies with others
        urlopen(f"{local}/")
    assert refused.value.code == 400
    refused.value.close()


@pytest.mark.parametrize(
    ("program", "number"),
    [("pywb", signal.SIGINT), ("pywb", signal.SIGKILL), ("replaywebpage", signal.SIGINT),
     ("replaywebpage", signal.SIGTERM)],
)  # fmt: skip
def test_it_ends_with_us(
    open_demo: TestArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    program: str, number: signal.Signals,
) -> None:  # fmt: skip
    """And leaves nothing lying about, unless we are killed."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with serving(open_demo, "replay", "--with", program) as (url, process):
        port = int(url.split("/")[2].rpartition(":")[2])
        assert list(tmp_path.iterdir())
        process.send_signal(number)
        assert process.wait(20) == (0 if number != signal.SIGKILL else -number)
        until = time.monotonic() + 20
        while _answers(port):
            assert time.monotonic() < until, f"{program} still answers"
            time.sleep(0.05)
    assert number == signal.SIGKILL or not list(tmp_path.iterdir())


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_what_is_not_there_is_said(
    open_demo: TestArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = open_demo.open()
    with pytest.raises(UsageError, match="--with replaywebpage"):
        start(archive, Program.PYWB, Path("x.wacz"), 0)
    with pytest.raises(UsageError, match=r"ends in \.wacz"):
        start(archive, Program.REPLAYWEBPAGE, Path("x.txt"), 0)
    with pytest.raises(UsageError, match="closed or taken down"):
        start(archive, Program.REPLAYWEBPAGE, open_demo.warc_files()[0], 0)
    monkeypatch.setenv(install.SETTING, str(tmp_path / "tools"))
    for program in Program:
        with pytest.raises(UsageError, match="make install-replay"):
            start(archive, program, None, 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="apt-get install npm"):
        install._install_replaywebpage(tmp_path / "r")


@pytest.mark.embedded("a folder without a database")
@pytest.mark.parametrize("program", Program)
def test_a_folder_without_an_archive_is_not_served(tmp_path: Path, program: Program) -> None:
    with pytest.raises(NotFound, match="holds no archive"):
        start(Archive(tmp_path / "none"), program, None, 0)


@pytest.mark.postgres
@pytest.mark.parametrize("program", Program)
def test_a_database_without_an_archive_is_not_served(
    tmp_path: Path, postgres_url: str, program: Program
) -> None:
    with pytest.raises(NotFound, match="holds no archive"):
        start(Archive(tmp_path, postgres_url), program, None, 0)


def test_the_package_is_made_anew_after_every_decision(
    open_demo: TestArchive, tmp_path: Path
) -> None:
    """A crawl is none; a takedown is, and what was packed before it is gone."""
    opened = open_demo.copy(tmp_path / "archive").open()
    package = replaywebpage.ArchivePackage(opened, tmp_path)
    first, path = package.current()
    append_lines(opened.folder.journal, [{"kind": "run_started"}])
    assert package.current() == (first, path)
    taken, _ = take_down(opened, SEED, "hide", "asked for", "on request", "Thư viện")
    second, new = package.current()
    assert second != first and new.exists() and not path.exists()
    assert package.current() == (second, new)
    undo(opened, taken.id, "a mistake", "Thư viện")
    third, last = package.current()
    assert third != second and last.exists() and not new.exists()
    opened.close()


def test_what_was_open_is_gone_even_if_nothing_can_be_packed_anew(
    open_demo: TestArchive, tmp_path: Path
) -> None:
    opened = open_demo.copy(tmp_path / "archive").open()
    package = replaywebpage.ArchivePackage(opened, tmp_path)
    _, path = package.current()
    take_down(opened, SEED, "hide", "asked for", "on request", "Thư viện")
    _write(opened, "UPDATE capture SET warc_file = 'nowhere'", {})
    for _ in range(2):
        with pytest.raises(NotFound):
            package.current()
        assert not path.exists()
    opened.close()


def test_the_index_is_asked_each_time(twin: tuple[Archive, Any]) -> None:
    archive, ask = twin
    [line] = ask(url=SEED)
    assert line["filename"].startswith("warc/demo/") and line["mime"] == "text/html"
    everything = ask(url="http://demo.localhost/", matchType="host")
    assert len(everything) == 133 == len(ask(url="http://localhost/", matchType="domain"))
    lists = [line for line in everything if line["urlkey"].startswith("localhost,demo)/lists/")]
    assert ask(url="http://demo.localhost/lists/", matchType="prefix") == lists != []
    assert len(ask(url="http://demo.localhost/", matchType="host", limit="5")) == 5
    for year in ("2020", "2031"):  # two more captures of the article
        _write(archive, _ANOTHER, {"year": year, "url": SEED})
    stamps_ = [line["timestamp"][:4] for line in ask(url=SEED, closest="20220101000000")]
    assert stamps_[0] == "2020" and sorted(stamps_) == ["2020", line["timestamp"][:4], "2031"]
    [(path)] = (archive.folder.root / "warc" / "demo").glob("*.gz")
    path.unlink()
    assert ask(url=SEED) == []
    with pytest.raises(ValueError, match="does not match format"):
        ask(url=SEED, closest="now")


def _write(archive: Archive, statement: str, values: dict[str, str]) -> None:
    """Behind the archive's back."""
    engine = archive.open_for_writing()
    with engine.begin() as tx:
        tx.execute(text(statement), values)
    engine.dispose()


_ANOTHER = """
INSERT INTO capture (run, site, url, urlkey, fetched_at, status, mime, payload_digest, block_digest,
  warc_file, warc_offset, warc_length, record_id, record_type, provenance, reading)
SELECT run, site, url, urlkey, :year || substr(fetched_at, 5), status, mime, payload_digest,
  block_digest, warc_file, warc_offset, warc_length, record_id || :year, record_type, provenance,
  'none' FROM capture WHERE url = :url AND fetched_at NOT LIKE '2020%'
"""


@pytest.fixture
def twin(open_demo: TestArchive, tmp_path: Path) -> Iterator[tuple[Archive, Any]]:
    """A copy of the demo's archive, and its index server's answers."""
    archive = open_demo.copy(tmp_path / "archive").open()

    def ask(**query: str) -> list[dict[str, str]]:
        with archive.reading() as connection:
            found = index_server.index_lines(connection, archive.folder, query)
            return [as_json(line) for line in found]

    yield archive, ask
    archive.close()


def test_what_wget_crawled_and_what_we_crawled_replay_the_same(
    open_demo: TestArchive, tmp_path: Path
) -> None:
    table = wget_replay.compare(open_demo, tmp_path, at_most=12)
    for kind, line in table.items():
        assert line.both and not line.differ, (kind, line.differ)
        assert line.ours <= line.wget, kind
