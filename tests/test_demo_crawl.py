"""The whole chain on the sample portal: what is kept, what it says, and that it says it again."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Any

from sqlalchemy import text

from crawler import settings
from crawler.demo.content import council_articles, party_articles, seed_article
from crawler.outcome import Limits, read_capture
from crawler.sites import load_sites
from crawler.steps import STEPS
from storage.archive import Archive
from storage.records import FrontierRow, Page, Record
from storage.urls import article_id
from tests.checkers import assert_sound
from tests.conftest import TestArchive


def seed(archive: Archive) -> dict[str, Any]:
    [found] = archive.search('"Lê Quý Tiệp"')
    return found


def test_the_seed_s_article(demo_archive: TestArchive) -> None:
    article = seed(demo_archive.open())
    assert article["title"] == seed_article().title
    assert article["published_at"] == "2023-01-10T16:33:00+07:00"
    assert article["published_raw"] == "Thứ Ba 10/01/2023 16:33"
    assert article["published_precision"] == "minute"
    assert article["published_flags"] == ["weekday_agrees"]
    assert article["published_evidence"] == "printed"
    assert article["byline_raw"] == "Hà Trang - Văn phòng Huyện uỷ Bình Giang"
    assert article["author"] == "Hà Trang"
    assert article["office"] == "Văn phòng Huyện uỷ Bình Giang"
    first, second = article["images"]
    assert first["caption"] == "Toàn cảnh hội nghị" and second["caption"] is None
    assert first["mime"] == "image/jpeg" and (first["width"], first["height"]) == (320, 200)


def test_the_seed_s_text_is_verbatim(demo_archive: TestArchive) -> None:
    text = seed(demo_archive.open())["text"]
    written = [" ".join(p.split(" ")).strip() for p in seed_article().paragraphs]
    kept = [line for line in text.split("\n") if line != "Toàn cảnh hội nghị"]
    assert [one_space(line) for line in kept] == [one_space(line) for line in written]
    for misprint in ("05/39", "sinh họat", "cấp ủy", "cấp uỷ", "xã hội hội", "\u00a0"):
        assert misprint in text
    for chrome in ("Xem với cỡ chữ", "CÁC BÀI VIẾT KHÁC", "16:33", "Hà Trang", "Giấy phép"):
        assert chrome not in text


def one_space(line: str) -> str:
    return " ".join(line.split(" ")).replace("  ", " ")


def test_every_article_once_in_both_families(demo_archive: TestArchive) -> None:
    found = demo_archive.open().search(limit=1000)
    published = [*party_articles(), *council_articles()]
    assert sorted(a["title"] for a in found) == sorted(a.title for a in published)
    times = {a["published_at"][:16] for a in found}
    assert times == {f"{a.published:%Y-%m-%dT%H:%M}" for a in published}
    doubled = [a for a in found if len(a["other_urls"]) == 1]
    assert len(doubled) == sum(a.id % 10 == 5 and a.id % 4 != 0 for a in council_articles())


def test_what_was_skipped_and_failed_is_said(demo_archive: TestArchive) -> None:
    archive = demo_archive.open()
    run = archive.run(archive.runs()[0]["id"])
    assert run["outcome"] == "finished" and run["counts"]["articles"] == 60
    kinds = {failure["kind"] for failure in run["failures"]}
    assert kinds == {"robots", "not_an_image"}
    assert run["counts"]["by_status"]["404"] == 1, "the broken link is a capture"


def test_files_are_kept_once_and_bound_to_their_articles(demo_archive: TestArchive) -> None:
    archive = demo_archive.open()
    files = [file for a in archive.search(limit=1000) for file in a["attachments"]]
    assert files and {file["mime"] for file in files} == {"application/pdf"}
    assert len({file["sha256"] for file in files}) == 1
    assert all(image["sha256"] or "hong" in image["url"] for image in images(archive))


def images(archive: Archive) -> list[dict[str, Any]]:
    return [image for a in archive.search(limit=1000) for image in a["images"]]


def test_what_a_page_needs_to_be_drawn_is_there(demo_archive: TestArchive) -> None:
    with demo_archive.open().reading() as connection:
        urls = set(
            connection.execute(text("SELECT url FROM captures WHERE status = 200")).scalars()
        )
    for name in ("style/portal.css", "style/portal.js", "style/logo.png", "style/nen.png"):
        assert f"http://demo.localhost/{name}" in urls
    assert "http://demo.localhost/robots.txt" in urls


def test_others_accept_every_file(demo_archive: TestArchive) -> None:
    files = demo_archive.warc_files()
    assert files and not list(demo_archive.folder.glob("warc/*/*.open"))
    for path in files:
        assert_sound(path)


def test_stored_and_live_read_the_same(demo_archive: TestArchive) -> None:
    """Every row that follows from a page follows from its record again."""
    archive = demo_archive.open()
    readings, files = stored_rows(archive)
    with archive.reading() as connection:
        rows = (
            connection.execute(text("SELECT * FROM captures ORDER BY record_id")).mappings().all()
        )
    seen = set()
    for row in rows:
        page = read_again(archive, dict(row))
        assert page.capture is not None
        if page.article is not None:
            id_ = article_id("demo", page.article.url)
            seen.add((id_, row["record_id"]))
            assert (id_, row["record_id"]) in readings, row["url"]
            assert readings[id_, row["record_id"]] == shown(page.article), row["url"]
        assert files[row["record_id"]] == page.body_sha256 or page.body_sha256 is None
    assert seen == readings.keys()


FIELDS = ("title", "title_raw", "lead", "text", "section", "published_at", "published_utc",
          "published_precision", "published_raw", "byline_raw", "author", "office", "credit")  # fmt: skip


def stored_rows(archive: Archive) -> tuple[dict[Any, Any], dict[str, str | None]]:
    with archive.reading() as connection:
        readings = connection.execute(
            text(
                "SELECT a.id AS article_id, c.record_id, r.* FROM reading r JOIN capture c ON c.id = r.capture"
                " JOIN article a ON a.key = r.article"
            )
        ).mappings()
        found = {(r["article_id"], r["record_id"]): tuple(r[f] for f in FIELDS) for r in readings}
        captures = connection.execute(text("SELECT record_id, body_sha256 FROM captures"))
        return found, {record_id: sha256 for record_id, sha256 in captures}


def shown(article: Any) -> tuple[Any, ...]:
    return tuple(getattr(article, field) for field in FIELDS)


def read_again(archive: Archive, row: dict[str, Any]) -> Page:
    record = Record(row["warc_file"], row["warc_offset"], row["warc_length"], row["record_id"])
    capture = archive.capture(record)
    assert (capture.url, capture.status) == (row["url"], row["status"])
    frontier_row = FrontierRow(0, capture.url, "", "page", 0, "", None, 0)
    page = read_capture(frontier_row, capture, load_sites()["demo"], Limits())
    return reduce(lambda read, step: step(read), STEPS, page)


def test_the_capture_s_day_is_nowhere_but_in_the_capture(demo_archive: TestArchive) -> None:
    for article in demo_archive.open().search(limit=1000):
        assert article["published_at"][:10] != article["captured_at"][:10]
        assert article["captured_at"][:10] not in (article["text"] or "")


def test_an_unchanged_site_costs_little_the_second_time(tmp_path: Path) -> None:
    archive = TestArchive(tmp_path / "archive")
    assert archive.scrapy("crawl", "demo").returncode == 0
    assert archive.scrapy("crawl", "demo", "-s", "CRAWL_MODE=update").returncode == 0
    assert archive.scrapy("crawl", "demo").returncode == 0
    full, update, first = archive.open().runs()
    looked_at_again = settings.UPDATE_NEWEST_ARTICLES + settings.UPDATE_OTHER_ARTICLES
    besides = update["counts"]["captures"] - looked_at_again
    assert besides < first["counts"]["captures"] / 10
    assert full["counts"]["captures"] == first["counts"]["captures"]
    assert full["counts"]["new_versions"] == 0, "the header's clock makes no new version"
    assert full["counts"]["warc_bytes"] < first["counts"]["warc_bytes"] / 2, "images are revisits"
    assert all(a["versions"] == 1 for a in archive.open().search(limit=1000))
    for path in archive.warc_files():
        assert_sound(path)
