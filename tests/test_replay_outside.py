"""pywb and ReplayWeb.page over the archive, as Chromium draws it; and what they cannot reach."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
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

from storage.replay.outside import install, replaywebpage
from tests import browser
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
    demo_archive: TestArchive, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gathered]:
    folder = tmp_path_factory.mktemp("gathered") / "archive"
    shutil.copytree(demo_archive.folder, folder)
    archive = TestArchive(folder)
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
        yield Gathered(archive, view, changed, hostile.url, real)


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
    found = archive.tinhuyen("warc", "locate", url, "--json")
    times = [json.loads(line)["fetched_at"] for line in found.stdout.splitlines()]
    return ["".join(filter(str.isdigit, at))[:14] for at in times]


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
    if first == second:
        pytest.skip("both within one second")
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
    if gathered.nukeviet is None:
        pytest.skip("SHARED_DATA names no folder with the real material")
    url = f"{gathered.nukeviet}/vi/news/"
    [stamp] = stamps(gathered.archive, url)
    page: Any = replayed.open(chromium, url, stamp, "Tin")
    assert "NukeViet" in page.evaluate("document.body.innerText")


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_pywb_ends_with_us(demo_archive: TestArchive, number: signal.Signals) -> None:
    with serving(demo_archive, "replay", "--with", "pywb") as (url, process):
        port = int(url.split("/")[2].rpartition(":")[2])
        process.send_signal(number)
        assert process.wait(20) == (0 if number != signal.SIGKILL else -number)
        until = time.monotonic() + 20
        while _answers(port):
            assert time.monotonic() < until, "pywb still answers"
            time.sleep(0.05)


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_what_is_not_there_is_said(demo_archive: TestArchive, tmp_path: Path) -> None:
    empty = TestArchive(tmp_path / "none")
    environment = demo_archive.environment | {install.SETTING: str(tmp_path / "tools")}
    [own] = demo_archive.warc_files()
    cases = [
        (demo_archive, ["--with", "pywb"], "make install-replay", environment),
        (empty, ["--with", "pywb"], "holds no archive", None),
        (demo_archive, ["--with", "pywb", "x.wacz"], "--with replaywebpage", None),
        (demo_archive, ["--with", "replaywebpage", "x.txt"], "ends in .wacz", None),
        (demo_archive, ["--with", "replaywebpage", str(own)], "closed or taken down", None),
    ]
    for archive, arguments, said, environ in cases:
        done = subprocess.run(
            [sys.executable, "-c", "from crawler.cli import main; main()", "replay", *arguments],
            env=environ or archive.environment, capture_output=True, text=True, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode in (1, 2) and said in done.stderr, done
