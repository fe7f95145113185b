"""The ledger of what is captured and missing, and the estimate of how much there was."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crawler.coverage.estimate import estimate
from crawler.coverage.numbers import numbers_of
from tests.bench.coverage import calibrate
from tests.conftest import TestArchive


def ledger(archive: TestArchive) -> dict[str, Any]:
    done = archive.tinhuyen("coverage", "demo", "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_whole_crawl_misses_the_dead_link_only(demo_archive: TestArchive) -> None:
    found = ledger(demo_archive)
    assert (found["seen"], found["captured"]) == (61, 60)
    assert [one["number"] for one in found["missing"]] == [999]
    assert found["missing"][0]["named_by"] == ["lists"]
    assert {row["source"] for row in found["sources"]} == {"feeds", "links", "lists", "own"}
    assert sum(month["captured"] for month in found["months"]) == 60
    assert found["estimate"]["low"] <= 61 <= found["estimate"]["high"]


def test_what_a_stopped_crawl_did_not_get_is_named_with_its_month(archive: TestArchive) -> None:
    stopped = archive.scrapy("crawl", "demo", "-s", "RUN_MAX_REQUESTS=60")
    assert stopped.returncode == 4, stopped.stderr
    part = ledger(archive)
    assert 0 < part["captured"] < 60
    assert part["seen"] == part["captured"] + len(part["missing"])
    archive.scrapy("crawl", "demo")
    whole = ledger(archive)
    assert {one["url"] for one in part["missing"]} <= {row["url"] for row in addresses(archive)}
    months = {row["url"]: row["month"] for row in addresses(archive)}
    guessed = [one for one in part["missing"] if one["month"]]
    assert all(one["month"] == months[one["url"]] for one in guessed)
    assert whole["captured"] == 60


def addresses(archive: TestArchive) -> list[dict[str, str]]:
    done = archive.tinhuyen("coverage", "demo", "--csv")
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_csv_has_every_address_with_what_saw_it(demo_archive: TestArchive) -> None:
    rows = addresses(demo_archive)
    assert len(rows) == 61
    assert sum(row["captured_by"] == "own" for row in rows) == 60
    assert all(row["named_by"] or row["captured_by"] for row in rows)


def test_the_number_of_an_address_is_the_one_that_differs() -> None:
    pages = [f"http://a.vn/tin/2023/chi-tiet.aspx?CateID=13&ItemID={n}" for n in (101, 102, 105)]
    others = ["http://a.vn/gioi-thieu", "http://a.vn/lich-2023"]
    assert {number for _, number in numbers_of(pages + others).values()} == {101, 102, 105}


def test_what_differs_seldom_is_no_number() -> None:
    assert numbers_of([f"http://a.vn/tin-{n % 2}/bai-{c}" for n, c in enumerate("abcdef")]) == {}


@given(st.lists(st.text(max_size=40), max_size=12))
def test_any_addresses_have_numbers_or_none(texts: list[str]) -> None:
    urls = [f"http://a.vn/{text}" for text in texts]
    assert set(numbers_of(urls)) <= set(urls)


def test_one_source_says_nothing() -> None:
    assert estimate(np.array([0.0, 50.0])) is None
    assert estimate(np.zeros(4)) is None


def test_two_sources_that_agree_leave_little_out_and_two_that_do_not_leave_much() -> None:
    agree = estimate(np.array([0, 5, 5, 500.0]))
    differ = estimate(np.array([0, 250, 250, 10.0]))
    assert agree is not None
    assert differ is not None
    assert agree.high < 540
    assert differ.low > 1000
    assert differ.published > 3000  # 260 x 260 / 10, if they were independent


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """A short form of `python -m tests.bench.coverage`, the same portals every time."""
    held = [holds for _, _, holds, _ in calibrate(45, 2)]
    assert sum(held) >= 0.88 * len(held)
