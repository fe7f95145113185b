"""A portal dies in the middle of a crawl: what is kept by then are articles and their images."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import func, select

from storage.database.schema import article, frontier, image, run
from tests.conftest import TestArchive
from tests.dying_portal import ARTICLES, PAGES, SECTIONS, DyingPortal

LIVES_FOR = 60
SETTINGS = (
    "-s", "CONCURRENT_REQUESTS=1", "-s", "CLAIMED_PER_HOST_WITHOUT_DELAY=4", "-s",
    "RETRY_SECONDS=0.1", "-s", "BUSY_ANSWERS_MAX=8", "-s", "KEEP_GROUP_DELAY_SECONDS=0",
)  # fmt: skip


def crawl(archive: TestArchive, mode: str) -> Any:
    return archive.scrapy("crawl", "hap-hoi", "-s", f"CRAWL_MODE={mode}", *SETTINGS)


def kept(archive: TestArchive) -> dict[str, int]:
    opened = archive.open()
    with opened.reading() as connection:
        found = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (article, image, run)
        }
    opened.close()
    return found


def killed_crawl(archive: TestArchive, mode: str) -> DyingPortal:
    portal = DyingPortal(LIVES_FOR)
    portal.__enter__()
    archive.declare(portal.table)
    done = crawl(archive, mode)
    if mode == "full":
        assert done.returncode == 4, "each address has failed"
    else:
        assert done.returncode == 5 and "does not answer" in done.stderr, done.stderr
    return portal


def test_more_is_kept_than_by_an_ordinary_crawl_and_a_second_start_goes_on(
    archive: TestArchive, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = TestArchive(tmp_path_factory.mktemp("other"))
    ordinary = killed_crawl(other, "full")
    portal = killed_crawl(archive, "last-chance")
    assert len(ordinary.answered) == len(portal.answered) == LIVES_FOR
    usual, dying = kept(other), kept(archive)
    asked = portal.counts()
    assert set(asked) <= {"robots.txt", "", "muc", "bai", "anh", "tep", "giao-dien"}
    assert asked["tep"] + asked["giao-dien"] <= 4, "the first few were claimed before any list came"
    assert dying["article"] + dying["image"] >= 1.4 * (usual["article"] + usual["image"])
    portal.lives_for = None
    before = len(portal.answered)
    again = crawl(archive, "last-chance")
    assert again.returncode == 0, again.stderr
    assert kept(archive) == {"article": ARTICLES, "image": ARTICLES, "run": 1}
    assert not set(portal.answered[1:before]) & set(portal.answered[before:]) - {"/robots.txt"}
    order = [path.split("/")[1] for path in portal.answered]
    last = max(n for n, kind in enumerate(order) if kind in ("bai", "anh"))
    assert "tep" in order[last:] and order[last:].count("tep") > ARTICLES
    for one in (ordinary, portal):
        one.__exit__()


def test_what_is_kept_is_not_asked_for_again(archive: TestArchive) -> None:
    with DyingPortal() as portal:
        archive.declare(portal.table)
        assert crawl(archive, "full").returncode == 0
        before = len(portal.answered)
        assert crawl(archive, "last-chance").returncode == 0
        again = {path.split("/")[1] for path in portal.answered[before:]}
    assert again == {"robots.txt", "", "muc"}, "lists only, to their ends"
    assert sum("/muc/" in path for path in portal.answered[before:]) == SECTIONS * PAGES


def test_the_queue_of_an_ordinary_crawl_is_taken_over_in_the_new_order(
    archive: TestArchive,
) -> None:
    with DyingPortal() as portal:
        archive.declare(portal.table)
        assert (
            archive.scrapy("crawl", "hap-hoi", "-s", "RUN_MAX_REQUESTS=20", *SETTINGS).returncode
            == 4
        )
        done = archive.tinhuyen(
            "crawl", "hap-hoi", "--last-chance", "--max-requests", "2", "--max-hours", "1", "--json"
        )
        assert done.returncode == 4, done.stderr
        assert json.loads(done.stdout)["message"].endswith("--last-chance` goes on")
        opened = archive.open()
        with opened.reading() as connection:
            ranks = {
                tuple(row)
                for row in connection.execute(select(frontier.c.role, frontier.c.priority))
            }
            modes = connection.execute(
                select(run.c.mode, run.c.outcome).order_by(run.c.started_at)
            ).all()
        opened.close()
    assert ("attachment", 15) in ranks and ("attachment", 45) not in ranks
    assert list(map(tuple, modes)) == [("full", "superseded"), ("last-chance", None)]


def test_hours_are_a_budget_too(archive: TestArchive) -> None:
    with DyingPortal() as portal:
        archive.declare(portal.table.replace("delay_seconds = 0", "delay_seconds = 0.2"))
        command = ("crawl", "hap-hoi", "-s", "CRAWL_MODE=last-chance", "-s", "RUN_MAX_SECONDS=1.5")
        done = archive.scrapy(*command)
    assert done.returncode == 4 and "stopped at RUN_MAX_SECONDS = 1.5 with" in done.stderr
    assert 1 < len(portal.answered) < ARTICLES


def test_it_is_a_mode_of_its_own(archive: TestArchive) -> None:
    done = archive.tinhuyen("crawl", "demo", "--last-chance", "--mode", "update")
    assert done.returncode == 2 and "a mode of its own" in done.stderr
