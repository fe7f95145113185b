"""Traps end at a bound, and a person sees which: calendars, sessions, loops, depth, many files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from storage.bounds import Bounds, Traps, goes_round, pattern_of, without_session
from storage.database.frontier import Frontier
from storage.database.runs import SiteRow, save_site
from storage.records import Link
from storage.urls import fingerprint
from tests.conftest import TestArchive
from tests.misbehaving import MisbehavingServer, page
from tests.test_faults import Faulty, declare, options

BOUNDS = {"MAX_DEPTH": 12, "PATTERN_MAX_ADDRESSES": 20, "PAGE_MAX_FILES": 25}


@pytest.fixture(scope="module")
def trapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    archive = TestArchive(tmp_path_factory.mktemp("traps") / "archive")
    archive.folder.mkdir()
    with MisbehavingServer() as server:
        links = ("/calendar", "/session", "/tag/", "/deep/", "/many-images")
        server.pages["/"] = page("Bẫy", *links)
        declare(archive, f"{server.url}/")
        crawled = archive.scrapy("crawl", "bad", *options(**BOUNDS))
        yield Faulty(archive, server, crawled.returncode, crawled.stderr)


def test_a_calendar_ends_at_the_budget_of_its_pattern(trapped: Faulty) -> None:
    days = [path for path in trapped.captures if path.startswith("/calendar?")]
    assert len(days) == BOUNDS["PATTERN_MAX_ADDRESSES"]
    with trapped.archive.open().open_for_writing().begin() as tx:
        found = tx.execute(text("SELECT message FROM failure WHERE kind = 'pattern_spent'"))
        messages = list(found.scalars())
    assert messages
    said = f"20 addresses like {trapped.server.url}/calendar?day&month were queued; named by"
    assert all(message.startswith(said) for message in messages)


def test_a_page_under_many_session_ids_is_one_page(trapped: Faulty) -> None:
    assert [path for path in trapped.captures if "session" in path] == ["/session"]


def test_paths_that_go_round_are_left(trapped: Faulty) -> None:
    assert "/tag/tag/" in trapped.captures
    assert "/tag/tag/tag/" not in trapped.captures
    assert trapped.failures["/tag/tag/tag/"] == {"path_loop"}


def test_depth_ends_a_chain(trapped: Faulty) -> None:
    depth = BOUNDS["MAX_DEPTH"]
    assert f"/deep/{depth - 1}" in trapped.captures
    assert trapped.failures[f"/deep/{depth}"] == {"too_deep"}


def test_a_page_brings_only_so_many_files(trapped: Faulty) -> None:
    images = [path for path in trapped.captures if path.startswith("/small-")]
    assert len(images) == BOUNDS["PAGE_MAX_FILES"]
    assert trapped.failures["/many-images"] == {"too_many_files"}


def test_traps_are_skips_and_no_page_is_missed(trapped: Faulty) -> None:
    with trapped.archive.open().open_for_writing().begin() as tx:
        assert tx.execute(text("SELECT count(*) FROM failure WHERE skipped = 0")).scalar() == 0


@pytest.mark.parametrize(
    ("url", "rest"),
    [
        ("http://a.vn/x;jsessionid=0A1B?id=1", "http://a.vn/x?id=1"),
        ("http://a.vn/x?PHPSESSID=abcdefghij0123456789abcdef&id=1", "http://a.vn/x?id=1"),
        ("http://a.vn/x?id=1&sid=0123456789abcdef0123456789abcdef", "http://a.vn/x?id=1"),
        ("http://a.vn/(S(abcdefghijklmnopqrstuvwx))/x.aspx", "http://a.vn/x.aspx"),
        # PHP-Nuke and old NukeViet: the story's number
        ("http://a.vn/modules.php?name=News&sid=1234", "http://a.vn/modules.php?name=News&sid=1234"),
        ("http://a.vn/x?side=0123456789abcdef0123456789abcdef", "http://a.vn/x?side=0123456789abcdef0123456789abcdef"),
    ],
)  # fmt: skip
def test_session_ids_go_and_nothing_else(url: str, rest: str) -> None:
    assert without_session(Link(url, "article")).url == rest
    assert without_session(Link(url, "article", "R")).url == url  # a server may insist on its own


@given(st.from_regex(r"http://a\.vn/[a-z0-9/;?=&()]{0,60}", fullmatch=True))
def test_taking_a_session_id_away_twice_is_as_good_as_once(url: str) -> None:
    once = without_session(Link(url, "page"))
    assert without_session(once) == once


def test_what_goes_round_is_a_segment_three_times() -> None:
    assert goes_round("http://a.vn/tin/a/tin/b/tin/c")
    assert not goes_round("http://a.vn/tin/a/tin/b")
    assert not goes_round("http://a.vn/2023/01/01/01/01/bai-viet")  # dates


def test_articles_and_files_of_one_pattern_may_be_many() -> None:
    traps = Traps(Bounds(max_pattern=2))
    for number in range(10):
        for role in ("article", "image", "list"):
            traps.count(Link(f"http://a.vn/chi-tiet?id={number}", role))
    new = "http://a.vn/chi-tiet?id=99"
    assert traps.why_not(Link(new, "article"), 0) is None
    assert traps.why_not(Link(new, "image", "E"), 0) is None
    assert traps.why_not(Link(new, "list"), 0) == (
        "pattern_spent",
        "2 addresses like http://a.vn/chi-tiet?id were queued",
    )


def test_a_pattern_has_no_numbers_and_no_values() -> None:
    assert pattern_of("http://a.vn/2023/x-12?b=1&a=2&a=3") == "http://a.vn/N/x-N?a&b"


def test_the_next_page_of_a_list_is_no_deeper(archive: TestArchive) -> None:
    """300 list pages, each naming only the next: MAX_DEPTH does not end them."""
    with archive.open().open_for_writing().begin() as tx:
        save_site(tx, SiteRow("a", "A", "other", [], None, None, None, None, "open", None, None, "declared"))  # fmt: skip
        frontier = Frontier("a", "run", update_only=False, bounds=Bounds(max_depth=3))
        frontier.add(tx, [Link("http://a.vn/tin/", "list")], None)
        row = frontier.find(tx, fingerprint("http://a.vn/tin/"))
        for number in range(2, 300):
            url = f"http://a.vn/tin/page-{number}/"
            frontier.add(tx, [Link(url, "list", paging=True)], row)
            row = frontier.find(tx, fingerprint(url))
            assert row is not None and (row.depth, row.hops) == (0, "N")
