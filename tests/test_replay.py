"""Stored pages over a real server: which capture, what is said of it, and what is not let through."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.datastructures import URL

from storage.errors import UsageError
from storage.query.captures import Captures
from storage.replay.addresses import read_address, read_stamp
from storage.times import parse_utc
from storage.warc import index
from storage.warc.exchange_records import Original
from storage.web.hosts import replay_of, room_of
from tests.conftest import TestArchive
from tests.serving import Served, served
from tests.stored import Keeper, keeping

SPRING, AUTUMN = "2024-03-01T03:00:00Z", "2024-09-01T03:00:00Z"


def page(title: str, body: str = "") -> str:
    return f'<!DOCTYPE html><html><head><title>{title}</title></head><body>{body}<a href="/khac">x</a></body></html>'


def fill(keeper: Keeper) -> None:
    first = keeper.keep("http://thu.vn/", page("Mùa xuân"), at=SPRING)
    keeper.keep("http://thu.vn/", page("Mùa thu"), at=AUTUMN)
    same = Original(first.record_id, "http://thu.vn/", SPRING)
    keeper.keep("http://thu.vn/", page("Mùa xuân"), at="2024-12-01T03:00:00Z", original=same)
    keeper.keep("http://thu.vn/Hoa", page("Chữ hoa"), at=SPRING)
    keeper.keep("http://thu.vn/hoa", page("Chữ thường"), at=AUTUMN)
    keeper.keep("http://thu.vn/cu", "", status=301, headers=("Location: /moi",))
    keeper.keep("http://thu.vn/moi", page("Mới"))
    keeper.keep("http://nang.vn/", "", status=301, headers=("Location: https://nang.vn/",))
    keeper.keep("https://nang.vn/", page("An toàn"), at="2024-03-01T03:00:01Z")
    keeper.keep("http://mot.vn/", "", status=302, headers=("Location: https://mot.vn/",))
    keeper.keep("http://thu.vn/a", "", status=302, headers=("Location: /b",))
    keeper.keep("http://thu.vn/b", "", status=302, headers=("Location: /a",))
    keeper.keep("http://thu.vn/loi", page("Có"), at=SPRING)
    keeper.keep("http://thu.vn/loi", page("Lỗi"), at=AUTUMN, status=503)
    keeper.keep("http://thu.vn/mat", page("Mất"), status=404)
    keeper.keep("http://thu.vn/dut", page("Đứt"), cut="disconnect")
    keeper.keep("http://thu.vn/tin/", page("Mục"))
    keeper.keep(
        "http://thu.vn/1258", "Tiê\u0301ng Đ".encode("cp1258"), "text/html; charset=windows-1258"
    )
    keeper.keep("http://thu.vn/sai", page("Đúng"), "text/html; charset=iso-8859-1")
    keeper.keep("http://thu.vn/16", page("Mười sáu").encode("utf-16"), "text/html")
    keeper.keep("http://thu.vn/khong", page("Không loại"), mime="")
    keeper.keep("http://thu.vn/tcvn", b"<p>Ti\xd5ng Vi\xd6t", "text/html; charset=tcvn-5712")
    keeper.keep("http://thu.vn/http", b"220 ftp ready", head=b"")
    keeper.keep("http://thu.vn/van-ban.pdf", b"%PDF-1.4", "application/pdf")
    keeper.keep("http://thu.vn/phim.mp4", bytes(range(256)), "video/mp4")
    keeper.keep("http://thu.vn/nen", "khong nen", headers=("Content-Encoding: br",))
    keeper.keep("http://thu.vn/s.css", "a{b:url(x.png)}", "text/plain")
    keeper.keep("http://thu.vn/v.svg", '<svg><a href="http://live.vn/"/></svg>', "image/svg+xml")
    keeper.keep("http://thu.vn/di", '<meta http-equiv=refresh content="0;url=/moi"><p>')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("stored") / "archive"
    with keeping(folder) as keeper:
        fill(keeper)
    with served(TestArchive(folder), "replay") as server:
        yield server


@pytest.fixture(scope="module")
def replay(server: Served) -> httpx.Client:
    return server.replay


def title(answer: httpx.Response) -> str:
    found = re.search("<title>(.*?)</title>", answer.text)
    return found[1] if found else ""


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("20240301030000/http://thu.vn/", "Mùa xuân"),
        ("2024/http://thu.vn/", "Mùa xuân"),
        ("202408/http://thu.vn/", "Mùa thu"),
        ("2025/http://thu.vn", "Mùa xuân"),  # a revisit: the bytes of spring
        ("2025/thu.vn/", "Mùa xuân"),
        ("2024/http:/thu.vn/", "Mùa xuân"),
        ("2024/http://www.thu.vn/", "Mùa xuân"),
        ("2024/http://thu.vn/hoa", "Chữ thường"),  # not the other page, though nearer in time
        ("2024/http://thu.vn/HOA", "Chữ hoa"),  # never kept so: what shares its sort key
        ("2024/http://nang.vn/", "An toàn"),
        ("202410/http://thu.vn/loi", "Có"),
        ("20240901030000/http://thu.vn/loi", "Lỗi"),
    ],
)
def test_the_capture_that_is_shown(replay: httpx.Client, address: str, expected: str) -> None:
    assert title(replay.get(f"/wayback/{address}")) == expected


def test_the_banner_says_what_when_from_whom_and_how_near(replay: httpx.Client) -> None:
    shown = replay.get("/wayback/20240905030000/http://thu.vn/").text
    assert "2024-09-01 10:00:00 +07:00" in shown and "4 days earlier" in shown
    assert "crawled by this archive (site thu, run thu-" in shown
    assert '/wayback/20240301030000/http://thu.vn/">earlier' in shown
    assert '/wayback/20241201030000/http://thu.vn/">later' in shown
    assert '/wayback/20240901030000/http://thu.vn/khac"' in shown
    exact = replay.get("/wayback/20240901030000/http://thu.vn/").text
    assert "Nearest" not in exact
    assert (
        "Only a part of it is kept</b>: the connection broke"
        in replay.get("/wayback/2024/thu.vn/dut").text
    )
    assert "error 404" in replay.get("/wayback/2024/thu.vn/mat").text
    assert (
        'on <a href="/wayback/20240301030000/http://thu.vn/moi"'
        in replay.get("/wayback/2024/thu.vn/di").text
    )
    assert "<tinhuyen-banner" not in replay.get("/wayback/2024if_/http://thu.vn/").text


def test_redirects_lead_on_within_the_archive(replay: httpx.Client) -> None:
    there = replay.get("/wayback/2024/http://thu.vn/cu")
    assert there.status_code == 301
    assert there.headers["location"] == "/wayback/20240301030000/http://thu.vn/moi"
    for circle in ("http://thu.vn/a", "http://mot.vn/"):
        answer = replay.get(f"/wayback/2024/{circle}")
        assert answer.status_code == 404 and "from there back" in answer.text


def test_what_was_not_kept_is_said_with_what_is_near(replay: httpx.Client) -> None:
    answer = replay.get("/wayback/2024/http://thu.vn/tin/bai-1.html?x=1")
    assert answer.status_code == 404 and "memento-datetime" not in answer.headers
    assert "was not kept" in answer.text and "http://thu.vn/tin/bai-1.html?x=1" in answer.text
    near = re.findall(r'<li><a href="/wayback/\d{14}/([^"]+)"', answer.text)
    assert near == ["http://thu.vn/tin/", "http://thu.vn/"]
    small = replay.get("/wayback/2024im_/http://thu.vn/x.png")
    assert small.status_code == 404 and small.text == "not kept\n"


@pytest.mark.parametrize(
    ("path", "content_type", "text"),
    [
        ("1258", "text/html; charset=windows-1258", "Tiê\u0301ng Đ"),
        ("sai", "text/html; charset=utf-8", "Đúng"),
        ("16", "text/html; charset=utf-8", "Mười sáu"),
        ("khong", "text/html; charset=utf-8", "Không loại"),
        ("tcvn", "text/html", "Ti\xd5ng"),
    ],
)
def test_charsets(replay: httpx.Client, path: str, content_type: str, text: str) -> None:
    answer = replay.get(f"/wayback/2024/http://thu.vn/{path}")
    assert answer.headers["content-type"] == content_type
    declared = content_type.partition("charset=")[2].replace("windows-", "cp") or "latin-1"
    assert text in answer.content.decode(declared, "replace")


def test_bytes_as_kept_and_parts_of_them(replay: httpx.Client) -> None:
    raw = replay.get("/wayback/2024id_/http://thu.vn/1258")
    assert raw.content == "Tiê\u0301ng Đ".encode("cp1258")
    assert raw.headers["content-disposition"] == "attachment"  # its links would lead away
    film = "/wayback/2024oe_/http://thu.vn/phim.mp4"
    part = replay.get(film, headers={"Range": "bytes=16-31"})
    assert part.status_code == 206 and part.content == bytes(range(16, 32))
    assert part.headers["content-range"] == "bytes 16-31/256"
    assert replay.get(film, headers={"Range": "bytes=-2"}).content == b"\xfe\xff"
    assert replay.get(film, headers={"Range": "bytes=256-"}).status_code == 416
    assert replay.get(film, headers={"Range": "x"}).status_code == 200
    assert replay.get("/wayback/2024/thu.vn/van-ban.pdf").headers["content-disposition"]
    sheet = replay.get("/wayback/2024cs_/http://thu.vn/s.css")
    assert sheet.headers["content-type"].startswith("text/css") and "im_/http" in sheet.text
    assert "live.vn/" not in replay.get("/wayback/2024/thu.vn/v.svg").text.replace(
        "/http://live.vn/", ""
    )


def test_what_cannot_be_shown_is_explained(replay: httpx.Client) -> None:
    assert "was no HTTP" in replay.get("/wayback/2024/thu.vn/http").text
    coded = replay.get("/wayback/2024/thu.vn/nen")
    assert coded.status_code == 500 and "not coded as its headers say" in coded.text
    assert replay.post("/wayback/2024/thu.vn/").status_code == 405
    for bad in (
        "2024/ftp://thu.vn/",
        "20241301/thu.vn/",
        "1/thu.vn/",
        "2024/http://",
        "*/javascript:1",
    ):
        assert replay.get(f"/wayback/{bad}").status_code in (400, 404), bad
    assert replay.get("/robots.txt").status_code == 404


def test_every_answer_is_fenced_and_sets_no_cookie(replay: httpx.Client) -> None:
    paths = ["/", "/wayback/2024/thu.vn/", "/wayback/2024/x.vn/", "/wayback/*/thu.vn/", "/x"]
    paths += [
        "/wayback/thu.vn/",
        "/wayback/2024im_/thu.vn/phim.mp4",
        "/wayback/timemap/link/thu.vn/",
    ]
    for path in paths:
        headers = replay.get(path).headers
        policy = headers["content-security-policy"]
        assert "script-src 'none'" in policy and "default-src 'none'" in policy
        assert policy.startswith("sandbox ") and "allow-scripts" not in policy
        assert headers["x-dns-prefetch-control"] == "off" and "set-cookie" not in headers
        assert headers["x-content-type-options"] == "nosniff"


def test_the_calendar(replay: httpx.Client) -> None:
    shown = replay.get("/wayback/*/http://thu.vn/").text
    assert "3 captures" in shown and "<caption>2024-09</caption>" in shown
    assert shown.count('class="day"') == 3 and "http://thu.vn/hoa" not in shown
    assert "1 capture of 202409" in replay.get("/wayback/202409*/http://thu.vn/").text
    assert replay.get("/", params={"url": "thu.vn"}).headers["location"] == "/wayback/*/thu.vn"


def test_each_name_answers_for_itself(server: Served) -> None:
    """The replay is not at the room's name, nor the room at the replay's."""
    path = "/wayback/2024/http://thu.vn/"
    assert server.room.get(path).status_code == 404
    for name in ("replay.thu.localhost", "REPLAY.localhost", "replay.archive.vn:80"):
        host = {"Host": name}
        assert title(server.room.get(path, headers=host)) == "Mùa xuân"
        assert server.room.get("/record?file=warc/x&offset=0", headers=host).status_code == 404
    for name in ("replay.localhost:x", "replay.a b", '"', "replay.localhost/@x"):
        assert server.room.get(path, headers={"Host": name}).status_code == 400
    for name in ("localhost", "thu.localhost", "xreplay.localhost", "localhost.replay"):
        assert server.room.get(path, headers={"Host": name}).status_code == 404


@pytest.mark.parametrize("how", ["flipped", "torn", "missing"])
def test_damage_is_a_page_with_file_and_offset(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "archive"
    with keeping(folder) as keeper:
        keeper.keep("http://thu.vn/", page("Xuân"), at=SPRING)
        record = keeper.keep("http://thu.vn/", page("Thu"), at=AUTUMN)
    [path] = folder.glob("warc/thu/*.warc.gz")
    data = bytearray(path.read_bytes())
    if how == "flipped":
        data[record.offset + record.length // 2] ^= 1
    path.write_bytes(data[: record.offset + 99] if how == "torn" else data)
    if how == "missing":
        path.unlink()
    with served(TestArchive(folder)) as server:
        answer = server.replay.get("/wayback/20240901/http://thu.vn/")
        assert answer.status_code == 500 and "cannot be read" in answer.text
        assert record.file in answer.text and f"offset {record.offset}" in answer.text
        assert '/wayback/20240301030000/http://thu.vn/">The capture before it' in answer.text
        small = server.replay.get("/wayback/20240901im_/http://thu.vn/")
        assert small.status_code == 500 and record.file in small.text


def test_files_that_the_database_does_not_know_are_served_by_their_index(tmp_path: Path) -> None:
    with keeping(tmp_path / "other") as keeper:
        keeper.keep("http://thu.vn/", page("Của người khác"), at="2010-03-01T03:00:00Z")
        keeper.keep("http://thu.vn/z", page("Z"))
    with keeping(tmp_path / "archive") as keeper:
        keeper.keep("http://thu.vn/", page("Của mình"), at=AUTUMN)
    archive = keeper.archive
    [path] = (tmp_path / "other").glob("warc/thu/*.warc.gz")
    target = archive.folder.root / "donated" / "x.warc.gz"
    target.parent.mkdir()
    shutil.copy(path, target)
    index.update(archive.folder, "donated/x.warc.gz")
    found = Captures(archive).near("http://thu.vn/", parse_utc(SPRING))
    assert [(one.stamp[:4], one.provenance) for one in found] == [("2010", None), ("2024", "own")]
    assert archive.capture(found[0].record).body().decode() == page("Của người khác")
    assert [one.stamp[:4] for one in Captures(archive).every("http://thu.vn/z")] == ["2024"]
    assert not Captures(archive).every("http://thu.vn/y")


@pytest.mark.postgres
def test_postgresql_finds_the_same(tmp_path: Path, postgres_url: str) -> None:
    found: list[list[object]] = []
    for database in (None, postgres_url):
        with keeping(tmp_path / str(len(found)), database) as keeper:
            fill(keeper)
        captures = Captures(keeper.archive)
        near = captures.near("http://thu.vn/", parse_utc(AUTUMN))
        every = captures.every("http://thu.vn/hoa")
        found.append([(one.url, one.fetched_at, one.status) for one in near + every])
        assert captures.by_record(near[0].record.record_id) == near[0]
        keeper.archive.close()
    assert found[0] == found[1] and len(found[0]) == 4


def test_a_page_with_many_captures_names_the_first_and_the_last(tmp_path: Path) -> None:
    with keeping(tmp_path / "archive") as keeper:
        for day in range(1, 29):
            for month in range(1, 8):
                keeper.keep("http://thu.vn/", "x", at=f"2024-{month:02}-{day:02}T00:00:00Z")
    found = Captures(keeper.archive).near("http://thu.vn/", parse_utc("2024-04-01T00:00:00Z"))
    stamps = [one.stamp[:8] for one in found]
    assert stamps[0] == "20240101" and stamps[-1] == "20240728" and stamps == sorted(set(stamps))
    assert "20240401" in stamps


@pytest.mark.parametrize(
    ("room", "replay"),
    [
        ("http://127.0.0.1:8080/x", "http://replay.localhost:8080"),
        ("http://[::1]:8080/", "http://replay.localhost:8080"),
        ("http://localhost:8080/", "http://replay.localhost:8080"),
        ("http://thu.localhost/", "http://replay.thu.localhost"),
        ("https://archive.vn/", "https://replay.archive.vn"),
        ("http://192.0.2.7:8080/", None),
    ],
)
def test_siblings(room: str, replay: str | None) -> None:
    assert replay_of(URL(room)) == replay
    if replay and "127" not in room and "::" not in room:
        assert room.startswith(room_of(URL(replay)))


@pytest.mark.parametrize(
    ("digits", "moment"),
    [("2024", "2024-01-01T00:00:00Z"), ("202403", "2024-03-01T00:00:00Z"),
     ("20240301030000", SPRING), ("2024030103", SPRING)],
)  # fmt: skip
def test_stamps(digits: str, moment: str) -> None:
    assert read_stamp(digits) == parse_utc(moment)


@pytest.mark.parametrize(
    "digits",
    [
        "1",
        "202",
        "20241",
        "0999",
        "9999",
        "99991231235959",
        "20241301",
        "20240230",
        "20240301250000",
    ],
)
def test_stamps_that_are_none(digits: str) -> None:
    with pytest.raises(UsageError, match="14"):
        read_stamp(digits)


def test_addresses_keep_their_query_and_case() -> None:
    asked = read_address("/wayback/2024im_/http://thu.vn/A%20b/?X=1&y=%2F")
    assert (asked.url, asked.modifier) == ("http://thu.vn/A%20b/?X=1&y=%2F", "im_")
    assert read_address("/wayback/2024*/thu.vn/x*").listed == "2024"
