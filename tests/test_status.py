"""One screen over the archive, and failures counted so that a trap is seen."""

from __future__ import annotations

import json

from storage.query.runs import by_pattern
from tests.conftest import TestArchive
from tests.damage.writer import packed
from tests.donated import SITE, answer, give


def test_status_tells_each_site_and_what_is_due(archive: TestArchive) -> None:
    assert archive.scrapy("crawl", "demo").returncode == 0
    for site in ("demo", "tinhuy-haiduong"):
        assert archive.tinhuyen("schedule", "add", site, "--every", "6h").returncode == 0
    assert archive.tinhuyen("schedule", "pause", "demo").returncode == 0
    lines = archive.tinhuyen("status", "--json").stdout.splitlines()
    crawled, waiting = map(json.loads, lines)
    assert crawled["site"] == "demo" and crawled["state"] == "open"
    assert crawled["articles"] == crawled["new_versions"] == 60
    assert crawled["gone"] == crawled["changed"] == 0 and crawled["failed"] == 1
    assert crawled["disk_free_bytes"] > 0
    assert crawled["last_good_at"] and crawled["warc_bytes"] > 0
    assert crawled["next_due"] is None, "it is paused"
    assert waiting["site"] == "tinhuy-haiduong" and waiting["state"] is None
    assert waiting["run"] is None and waiting["next_due"]
    shown = archive.tinhuyen("status").stdout
    assert shown.startswith("1 never crawled, 1 open") and "GB of disk left" in shown


def test_a_trap_is_one_line() -> None:
    days = [f"http://a.example/lich?thang={m}&nam={y}" for y in range(9) for m in range(12)]
    failures = [{"skipped": True, "kind": "too_deep", "url": url} for url in days]
    failures.append({"skipped": False, "kind": "http_500", "url": "http://a.example/tin/7"})
    assert by_pattern(failures) == [
        {
            "skipped": True, "kind": "too_deep", "pattern": "http://a.example/lich?nam&thang",
            "count": 108, "example": days[0],
        },
        {
            "skipped": False, "kind": "http_500", "pattern": "http://a.example/tin/N?",
            "count": 1, "example": "http://a.example/tin/7",
        },
    ]  # fmt: skip


def test_failed_shows_patterns(demo_archive: TestArchive) -> None:
    done = demo_archive.tinhuyen("runs", "show", "demo-", "--failed", "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found and all(one["count"] >= 1 and one["example"] for one in found)


def test_what_was_imported_counts_at_its_own_site(archive: TestArchive) -> None:
    archive.declare(SITE)
    give(archive, {"a.warc.gz": packed([answer(1)])})
    told = archive.here("status", "--json").stdout.splitlines()
    sizes = {one["site"]: one["warc_bytes"] for one in map(json.loads, told)}
    assert sizes["tin"] > 0 and sizes["imports"] == 0
