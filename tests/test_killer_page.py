"""A page that ends the process that reads it: found, tried alone, set aside; the rest is kept."""

from __future__ import annotations

import os
import signal

from storage.records import Page
from tests.conftest import TestArchive
from tests.crawling import crawl
from tests.databases import change
from tests.torture.checks import rows

PAGE = "http://demo.localhost/news/Pages/chi-tiet.aspx?CateID=14&ItemID=127"
BEFORE = (
    "import crawler.settings as s\n"
    's.ITEM_PIPELINES = s.ITEM_PIPELINES | {"tests.test_killer_page.Killer": 850}'
)


class Killer:
    """A pipeline that dies as a decoder with a fault in its C code would."""

    def process_item(self, item: Page) -> Page:
        if item.row.url == PAGE:
            os.kill(os.getpid(), signal.SIGKILL)
        return item


def crashes(archive: TestArchive) -> int:
    query = f"SELECT crashes FROM frontier WHERE url = '{PAGE}'"
    [(count,)] = rows(archive.folder / "archive.db", query)
    return int(count)


def test_it_is_set_aside_after_twenty_crashes_and_all_else_is_kept(archive: TestArchive) -> None:
    for count in range(5):
        killed = crawl(archive, before=BEFORE)
        assert killed.returncode == -signal.SIGKILL
        if count:
            assert crashes(archive) == count
    alone = rows(
        archive.folder / "archive.db",
        "SELECT url FROM frontier WHERE state IN ('queued', 'claimed')",
    )
    assert alone == [(PAGE,)]  # from the third crash on: everything else was kept before it
    set_crashes(archive, 18)  # fourteen more would do the same
    assert crawl(archive, before=BEFORE).returncode == -signal.SIGKILL

    ended = crawl(archive, before=BEFORE)

    assert ended.returncode == 4, ended.stderr
    assert crashes(archive) == 20
    [run] = archive.open().runs("demo")
    assert run["counts"]["failed"]["crashes"] == 1
    assert run["counts"]["articles"] == 59


def set_crashes(archive: TestArchive, count: int) -> None:
    set_it = "UPDATE frontier SET crashes = :count WHERE url = :url"
    change(archive.folder, set_it, count=count, url=PAGE)


def test_a_page_that_ends_recovery_too_is_not_read_again_for_ever(archive: TestArchive) -> None:
    """Its bytes are kept, then the process dies before the commit, and whenever it is read."""
    dies_at_saving = (
        "import os, crawler.recover, storage.keeper\n"
        "from tests.test_killer_page import PAGE\n"
        "def save(tx, frontier, site, run, kept):\n"
        "    if any(one.page.row.url == PAGE for one in kept): os.kill(os.getpid(), 9)\n"
        "    return real(tx, frontier, site, run, kept)\n"
        "real = storage.keeper.save_pages\n"
        "storage.keeper.save_pages = crawler.recover.save_pages = save"
    )
    for _ in range(3):
        assert crawl(archive, before=dies_at_saving).returncode == -signal.SIGKILL
    assert crashes(archive) == 2
    set_crashes(archive, 19)

    assert archive.scrapy("crawl", "demo").returncode == 4  # no more reading: 19 and this one

    query = f"SELECT reading FROM capture WHERE url = '{PAGE}'"
    assert rows(archive.folder / "archive.db", query) == [("failed",)]
    [run] = archive.open().runs("demo")
    assert run["counts"]["failed"]["crashes"] == 1
