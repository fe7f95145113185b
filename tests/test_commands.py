"""Commands as people give them: what they print, what they say to bad input, how they end."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from crawler.demo.content import party_articles
from crawler.demo.party import article as party_page
from tests.conftest import TestArchive
from tests.wire_server import Script, WireServer, page

ARTICLE_KEYS = {
    "id", "site", "organ", "url", "other_urls", "title", "title_raw", "lead", "text", "section",
    "published_at", "published_precision", "published_raw", "published_evidence",
    "published_flags", "byline_raw", "author", "office", "credit", "captured_at", "version",
    "versions", "images", "attachments", "place", "warc",
}  # fmt: skip


def lines(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("huyen uy binh giang", True),
        ("Huyện ủy", True),
        ("Huyện uỷ", True),
        ('"thi đua khen thưởng"', True),
        ("Lê Quý Tiệp", True),
        ("thi trấn Kẻ Sặt Lê Quý Tiệp", False),
    ],
)
def test_search_finds_the_seed(demo_archive: TestArchive, words: str, found: bool) -> None:
    done = demo_archive.tinhuyen("search", words, "--json", "--limit", "100")
    ids = [article["id"] for article in lines(done.stdout)]
    assert done.returncode == 0 and ("308bbaf278198bcc" in ids) is found


def test_search_tells_nam_from_nam(demo_archive: TestArchive) -> None:
    toned = lines(demo_archive.tinhuyen("search", "Đảng bộ", "--json").stdout)
    plain = lines(demo_archive.tinhuyen("search", "dang bo", "--json").stdout)
    assert toned and [a["id"] for a in toned] == [a["id"] for a in plain]


def test_the_article_has_the_stable_keys(demo_archive: TestArchive) -> None:
    [shown] = lines(demo_archive.tinhuyen("show", "308bb", "--json").stdout)
    [found] = lines(demo_archive.tinhuyen("search", "Quý Tiệp", "--json").stdout)
    assert shown == found and shown.keys() == ARTICLE_KEYS
    warc = shown["warc"]
    assert isinstance(warc, dict) and warc["provenance"] == "own"
    assert warc["payload_digest"].startswith("sha1:") and warc["record_id"].startswith("<urn:uuid:")


def test_every_listing_command_speaks_json(demo_archive: TestArchive) -> None:
    sites = lines(demo_archive.tinhuyen("sites", "list", "--json").stdout)
    assert {"demo", "binhgiang", "tinhuy-haiduong"} <= {site["id"] for site in sites}
    [site] = lines(demo_archive.tinhuyen("sites", "show", "binhgiang", "--json").stdout)
    assert site["district"] == "296" and site["listings"] == []
    [run] = lines(demo_archive.tinhuyen("runs", "list", "--json").stdout)
    [shown] = lines(demo_archive.tinhuyen("runs", "show", str(run["id"]), "--json").stdout)
    assert shown["outcome"] == "finished" and shown["failures"]
    assert demo_archive.tinhuyen("recover", "--json").stdout == ""


def test_scrapy_lists_every_site(archive: TestArchive) -> None:
    assert archive.scrapy("list").stdout.split() == ["binhgiang", "demo", "tinhuy-haiduong"]


def test_read_prints_the_article_of_a_saved_page(tmp_path: Path, archive: TestArchive) -> None:
    file, url = tmp_path / "trang.html", "http://portal.example/news/Pages/x.aspx?ItemID=101"
    for family in ("party_sharepoint", "plain"):
        file.write_text(seed_page(), encoding="utf-8")
        done = archive.tinhuyen(
            "read", str(file), "--url", url, "--family", family,
            "--fetched-at", "2024-03-01T10:00:00+07:00", "--json",
        )  # fmt: skip
        [article] = lines(done.stdout)
        assert article.keys() == ARTICLE_KEYS and article["warc"] is None
        assert article["published_at"] == "2023-01-10T16:33:00+07:00"
        assert article["author"] == "Hà Trang" and article["site"] == "host-portal.example"
        assert "2024-03-01" not in json.dumps(article | {"captured_at": None})


def seed_page() -> str:
    made = party_page(party_articles()[0].id)
    found = party_page(101)
    assert made and found
    return found


BAD = {
    "unknown site": (("crawl", "khong-co"), 2, "no site 'khong-co' is declared"),
    "site without an address": (("crawl", "binhgiang"), 5, "has no known address"),
    "unknown mode": (("crawl", "demo", "--mode", "fast"), 2, "no mode 'fast'"),
    "unknown command": (("crawll",), 2, "No such command"),
    "no database": (("--database", "nonsense", "search", "x"), 2, "is no database"),
    "no database to work": (("--database", "nonsense", "work"), 2, "is no database"),
    "no schedule's": (("--database", "nonsense", "schedule", "run"), 2, "is no database"),
    "no such file": (
        ("read", "khong-co.html", "--url", "http://a.vn/", "--family", "plain",
         "--fetched-at", "2024-03-01T10:00:00+07:00"), 2, "cannot read khong-co.html",
    ),
    "no time zone": (
        ("read", __file__, "--url", "http://a.vn/", "--family", "plain",
         "--fetched-at", "2024-03-01T10:00:00"), 2, "has no time zone",
    ),
    "no address": (
        ("read", __file__, "--url", "trang.html", "--family", "plain",
         "--fetched-at", "2024-03-01T10:00:00+07:00"), 2, "no http or https address",
    ),
    "no family": (
        ("read", __file__, "--url", "http://a.vn/", "--family", "drupal",
         "--fetched-at", "2024-03-01T10:00:00+07:00"), 2, "no family 'drupal'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_a_sentence(name: str, archive: TestArchive) -> None:
    arguments, code, sentence = BAD[name]
    done = archive.tinhuyen(*arguments)
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr and "Traceback" not in done.stderr


@pytest.fixture(
    params=[
        pytest.param("folder", marks=pytest.mark.embedded("a folder without a database")),
        pytest.param("server", marks=pytest.mark.postgres),
    ]
)
def not_begun(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Words that name a database in which nothing was ever kept."""
    on_server = request.param == "server"
    return ("--database", request.getfixturevalue("postgres_url")) if on_server else ()


@pytest.mark.parametrize("words", ["search x", "show ffff", "alike"])
def test_of_an_archive_that_was_not_begun_it_is_said(
    archive: TestArchive, not_begun: tuple[str, ...], words: str
) -> None:
    done = archive.here(*not_begun, *words.split())
    assert done.returncode == 1 and "holds no archive yet" in done.stderr


@pytest.mark.parametrize("words", ["sites list", "sites show demo", "sites state demo", "plan"])
def test_what_is_declared_is_shown_before_an_archive_is_begun(
    archive: TestArchive, not_begun: tuple[str, ...], words: str
) -> None:
    done = archive.here(*not_begun, *words.split())
    assert done.returncode == 0 and done.stdout, done.stderr


def test_a_wrong_declaration_ends_every_command(archive: TestArchive) -> None:
    archive.declare('id = "x"')
    for done in (archive.tinhuyen("sites", "list"), archive.scrapy("list")):
        assert done.returncode == 2 and "test-0.toml: site x: " in done.stderr
        assert "Traceback" not in done.stderr


def declare(archive: TestArchive, url: str) -> None:
    archive.declare(
        f'id = "thu"\nname = "Thử"\norgan = "other"\nlistings = ["{url}"]\n'
        'layouts = [{ family = "plain" }]\ndelay_seconds = 0\nallow_addresses = ["127.0.0.0/8"]'
    )


def failures(archive: TestArchive) -> dict[str, str]:
    found = archive.open()
    return {f["kind"]: f["message"] for f in found.run(found.runs()[0]["id"])["failures"]}


def test_an_unreachable_host(archive: TestArchive) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    declare(archive, f"http://127.0.0.1:{port}/")
    done = archive.scrapy("crawl", "thu", "-s", "RETRY_SECONDS=0.01")
    assert done.returncode == 5 and "no listing of thu could be read" in done.stderr
    assert "refused" in failures(archive) and "Traceback" not in done.stderr


def html(body: bytes, mime: bytes = b"text/html") -> Script:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
    return Script((head % (mime, len(body)) + body,))


LIST = {
    "not HTML": (html(b"%PDF-1.4 ...", b"application/pdf"), "not_html"),
    "an empty body": (html(b" \n "), "empty_body"),
    "without links": (html(b"<html><body>Dang cap nhat"), "empty_list"),
    "links of others only": (html(b'<a href="http://khac.example/">x</a>'), "empty_list"),
}


@pytest.mark.parametrize("name", LIST)
def test_a_listing_that_yields_nothing_is_an_error(name: str, archive: TestArchive) -> None:
    script, kind = LIST[name]
    with WireServer({"/": script}) as server:
        declare(archive, f"{server.url}/")
        done = archive.scrapy("crawl", "thu", "-s", "RETRY_SECONDS=0.01")
    assert done.returncode == 4, done.stderr
    assert kind in failures(archive) and "Traceback" not in done.stderr


TEXT = "Sáng ngày 10/01/2023, Huyện uỷ tổ chức hội nghị tổng kết công tác năm. " * 8
ARTICLE = (
    "<html><head><title>Hội nghị tổng kết công tác năm 2022</title></head><body>"
    "<h1>Hội nghị tổng kết công tác năm 2022</h1><p>10/01/2023 16:33</p>"
    f'<p>{TEXT}</p><p><img src="/anh.jpg"></p></body></html>'
)


def test_odd_pages_are_read_or_said(archive: TestArchive) -> None:
    """A wrong charset header is overruled; an image that is HTML, an empty page are failures."""
    link = '<a href="/%s">Huyện uỷ tổ chức hội nghị tổng kết %s</a>'
    listing = "".join(link % (name, name) for name in ("bai", "trong", "tep")).encode()
    scripts = {
        "/": html(listing),
        "/bai": html(ARTICLE.encode(), b"text/html; charset=iso-8859-1"),
        "/trong": html(b""),
        "/tep": html(b"PK\x03\x04", b"application/zip"),
        "/anh.jpg": html(b"<html>khong co"),
    }
    with WireServer(scripts) as server:
        declare(archive, f"{server.url}/")
        done = archive.scrapy("crawl", "thu", "-s", "RETRY_SECONDS=0.01")
    assert done.returncode == 4, done.stderr
    [article] = archive.open().search()
    assert article["title"] == "Hội nghị tổng kết công tác năm 2022"
    assert article["published_at"] == "2023-01-10T16:33:00+07:00"
    assert article["images"][0]["sha256"] is None
    assert {"empty_body", "not_html", "not_an_image"} <= failures(archive).keys()


def test_a_list_that_never_ends_does(archive: TestArchive) -> None:
    """A server that answers every page number with the same page is left after the second."""
    script = page("/bai-1", "/?trang=1", "/?trang=2", "/?trang=3", "/?trang=4")
    numbered = {f"/?trang={n}": page("/bai-1", f"/?trang={n + 1}") for n in range(1, 400)}
    with WireServer({"/": script, **numbered}) as server:
        declare(archive, f"{server.url}/")
        done = archive.scrapy("crawl", "thu", timeout=60)
    assert done.returncode in (0, 4), done.stderr
    captures = archive.open().runs()[0]["counts"]["captures"]
    assert captures < 400


def test_a_second_crawl_of_a_site_waits_for_nobody(archive: TestArchive) -> None:
    with archive.open().folder.site_lock("demo"):
        done = archive.tinhuyen("crawl", "demo")
    assert done.returncode == 7 and "is being crawled by" in done.stderr
