"""Import of files that are damaged or odd: read as far as they can be, and said, never a traceback."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bench.imported_files import archives, count
from tests.compare import content_of, differences
from tests.conftest import TestArchive
from tests.damage.writer import Rec, id_of, member, packed, plain, record, response, sha1
from tests.donated import HOST, SITE, answer, found, give, page, put, url, wacz

BODY = page(1)
CHUNKED = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in (BODY[:300], BODY[300:])) + b"0\r\n\r\n"  # fmt: skip
TARGET = ("WARC-Target-URI", url(1))
HTTP = ("Content-Type", "application/http;msgtype=response")
REVISIT = (
    "WARC-Profile",
    "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest",
)


@pytest.fixture
def tin(archive: TestArchive) -> TestArchive:
    archive.declare(SITE)
    return archive


def articles(archive: TestArchive) -> list[dict[str, Any]]:
    return content_of(archive.open().database_url)["articles"]


def of(body: bytes, *headers: str) -> bytes:
    return packed([answer(1, body, *headers)])


def off_by_two() -> bytes:
    """Common Crawl 2018-34: a Content-Length two too small, and an extra line break."""
    one = answer(1)
    return plain([replace(one, length=len(one.block) - 2, end=b"\r\n\r\n\r\n"), answer(2)])


def flipped(data: bytes) -> bytes:
    return data[:200] + bytes([data[200] ^ 255]) + data[201:]


STILL_READ: dict[str, tuple[bytes, set[str]]] = {
    "wget's brackets": (packed([answer(1).set("WARC-Target-URI", f"<{url(1)}>")]), {"bracketed_address"}),
    "spaces in an address": (packed([answer(1).set("WARC-Target-URI", url(1) + "?q=a b")]), {"loose_address"}),
    "bytes in an address": (packed([answer(1).set("WARC-Target-URI", url(1) + "?q=tiếng")]), {"loose_address"}),
    "lengths off by two": (off_by_two(), {"length_lies"}),
    "chunks as they came": (of(CHUNKED, "Transfer-Encoding: chunked"), set()),
    "chunks decoded": (of(BODY, "Transfer-Encoding: chunked"), {"decoded_chunks"}),
    "gzip decoded": (of(BODY, "Content-Encoding: gzip"), {"decoded_body"}),
    "brotli decoded": (of(BODY, "Content-Encoding: br"), {"decoded_body"}),
    "gzip as it came": (of(gzip.compress(BODY), "Content-Encoding: gzip"), set()),
    "a wrong block digest": (packed([answer(1).set("WARC-Block-Digest", sha1(b"?"))]), {"bad_block_digest"}),
    "a wrong payload digest": (packed([answer(1).set("WARC-Payload-Digest", sha1(b"?"))]), {"bad_payload_digest"}),
    "no id": (packed([answer(1).drop("WARC-Record-ID")]), {"no_record_id"}),
    "a day only the server tells": (
        packed([answer(1, None, "Date: Fri, 01 Mar 2024 03:00:00 GMT").drop("WARC-Date")]),
        {"date_of_server"},
    ),
    "renamed headers": (of(BODY, "X-Archive-Orig-Content-Type: text/html"), {"archive_orig_headers"}),
    "garbage between": (member(answer(1).data()) + b"\0" * 999 + packed([answer(2)]), {"garbage_between"}),
    "a torn last member": (packed([answer(1), answer(2)])[:-40], {"torn_tail"}),
    "damage in a member": (packed([answer(1)]) + flipped(packed([answer(2)])) + packed([answer(3)]), {"bad_gzip"}),
}  # fmt: skip


@pytest.mark.parametrize("what", STILL_READ)
def test_what_is_odd_is_read_and_said(tin: TestArchive, what: str) -> None:
    data, kinds = STILL_READ[what]

    done = give(tin, {"a.warc.gz": data})

    assert kinds <= set(found(done)), done.findings
    shown = [one for one in articles(tin) if one["url"].startswith(url(1))]
    assert [one["title"] for one in shown] == ["Hội nghị tổng kết công tác năm 2022, bài số 1"]
    for one in done.findings:
        assert all(len(place) == 3 for place in one["numbers"]["places"])


def test_what_could_not_be_read_ends_with_4_and_names_file_and_offset(tin: TestArchive) -> None:
    good = packed([answer(1)])
    path = put(tin, "a.warc.gz", good + b"no record at all" * 9)

    done = tin.tinhuyen("import", str(path), "--donor", "A", "--terms", "B")

    assert done.returncode == 4, done.stderr
    assert "trailing_garbage: 1 times" in done.stdout
    assert f"/a.warc.gz, offset {len(good)}: 144 bytes" in done.stdout


def revisit(number: int, *fields: tuple[str, str]) -> Rec:
    head = response(b"", f"Content-Length: {len(BODY)}")
    digest = ("WARC-Payload-Digest", sha1(BODY))
    one = record("revisit", number, head, TARGET, HTTP, REVISIT, digest, *fields)
    return one.set("WARC-Date", "2024-05-01T03:00:00Z")


@pytest.mark.parametrize(
    "fields",
    [
        (("WARC-Refers-To", id_of(1001)),),
        (("WARC-Refers-To-Target-URI", url(1)), ("WARC-Refers-To-Date", "2024-03-01T03:00:00Z")),
        (),
        (("WARC-Refers-To", id_of(77)),),
    ],
    ids=["by id", "by address and moment", "by digest", "by an id that nobody has"],
)
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_a_revisit_finds_its_original_wherever_it_stands(
    tin: TestArchive, fields: tuple[tuple[str, str], ...], first: bool
) -> None:
    records = [revisit(5, *fields), answer(1)]

    done = give(tin, {"a.warc.gz": packed(records if first else records[::-1])})

    assert done.exit_code == 0, done.findings
    content = content_of(tin.open().database_url)
    [article] = content["articles"]
    assert article["last_seen"].startswith("2024-05-01")
    assert tin.tinhuyen("rebuild").returncode == 0
    assert not differences(content, content_of(tin.open().database_url))


def test_a_revisit_whose_original_nobody_has_is_said(tin: TestArchive) -> None:
    done = give(tin, {"a.warc.gz": packed([revisit(5, ("WARC-Refers-To", id_of(9)))])})
    assert done.exit_code == 4
    assert found(done) == {"revisit_without_original": 1}


def test_a_record_without_a_day_gets_none(tin: TestArchive) -> None:
    done = give(tin, {"a.warc.gz": packed([answer(1).drop("WARC-Date"), answer(2)])})
    assert done.exit_code == 4
    assert found(done)["no_date"] == 1
    assert [one["url"] for one in articles(tin)] == [url(2)]


def test_a_damaged_package_is_refused_and_said(tin: TestArchive) -> None:
    whole = wacz({"a.warc.gz": packed([answer(1)])})
    done = give(tin, {"a.wacz": whole[:-30], "b.wacz": wacz({})})
    assert done.exit_code == 4
    assert found(done) == {"bad_package": 2}


def test_saved_pages(tin: TestArchive) -> None:
    single = f"<!--\n Page saved with SingleFile \n url: {url(2)} \n saved date: Fri Mar 01 2024 10:00:00 GMT+0700 (Indochina Time)\n-->".encode()  # fmt: skip
    mail = (
        f"From: <Saved by Blink>\r\nSnapshot-Content-Location: {url(3)}\r\n"
        "Date: Fri, 01 Mar 2024 03:00:00 -0000\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/related; type="text/html"; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: 8bit\r\nContent-Location: {url(3)}\r\n\r\n"
    ).encode() + page(3) + b"\r\n--b--\r\n"  # fmt: skip
    named = f"<!-- saved from url=(0030){url(1)} -->".encode()
    put(tin, "trang/bai_files/anh.png", b"\x89PNG\r\n")
    files = {
        "trang/bai.html": named + page(1),
        "trang/single.html": single + page(2),
        "trang/mail.mhtml": mail,
        "trang/khong-ro.html": page(4),
        "trang/ghi.txt": "Không rõ từ đâu".encode(),
        "trang/khac.bin": b"\0\1\2",
    }
    for name, data in files.items():
        os.utime(put(tin, name, data), (1_600_000_000, 1_600_000_000))

    done = give(tin, [Path(tin.folder.parent / "given" / "trang")])

    assert found(done) == {"date_of_file": 3, "left_alone": 1, "no_address": 2}
    assert done.exit_code == 4
    rows = {one["url"]: one["captured_at"][:19] for one in articles(tin)}
    assert rows == {
        url(1): "2020-09-13T12:26:40",
        url(2): "2024-03-01T03:00:00",
        url(3): "2024-03-01T03:00:00",
    }
    before = content_of(tin.open().database_url)
    assert tin.tinhuyen("rebuild").returncode == 0
    assert not differences(before, content_of(tin.open().database_url))


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_bytes_make_it_stumble(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    """Sound files of every packing with bytes changed, cut out or put in."""
    whole = data.draw(st.sampled_from([packed, plain]))([answer(1), answer(2)])
    at = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(at, min(len(whole), at + 300)))
    damaged = whole[:at] + data.draw(st.binary(max_size=40)) + whole[end:]
    made = TestArchive(tmp_path_factory.mktemp("a") / "archive")
    made.folder.mkdir()
    made.declare(SITE)

    done = give(made, {"a.warc.gz": damaged})

    assert done.exit_code in (0, 4)
    assert {one["site"] for one in articles(made)} <= {"tin", f"host-{HOST}"}


@pytest.mark.shared
def test_every_real_file_is_read_at_least_as_far_as_by_others(
    shared_data: Path, tmp_path: Path
) -> None:
    with_all = TestArchive(tmp_path / "archive").open()
    paths = archives(shared_data / "warc")
    assert len(paths) > 80
    for path in paths:
        row = count(path, with_all)
        assert row.ours >= max(row.warcio, row.fastwarc), path
        assert row.exit_code in (0, 4)
        assert row.ours or row.findings, path
    with_all.close()
