"""WACZ packages: what is in them, byte for byte, and what is said where something cannot be."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from warcio.archiveiterator import ArchiveIterator

from storage.archive import Archive
from storage.errors import NotFound, UsageError
from storage.folder import ArchiveFolder
from storage.query.open_captures import around, nearest
from storage.replay.outside import install
from storage.warc import index
from storage.warc.record import Fields, member, new_record_id
from storage.warc.wacz import records
from storage.warc.wacz.choose import Wanted
from storage.warc.wacz.make import make_wacz
from tests.changing_portal import ChangingPortal
from tests.conftest import TestArchive
from tests.kept import open_attachments

SEED = "308bbaf278198bcc"
SEED_URL = "http://demo.localhost/news/Pages/chi-tiet.aspx?CateID=13&ItemID=101"


@pytest.fixture
def copy(open_demo: TestArchive, tmp_path: Path) -> TestArchive:
    return open_demo.copy(tmp_path / "archive")


def pack(archive: TestArchive, out: Path, **wanted: str) -> zipfile.ZipFile:
    opened = archive.open()
    packed = make_wacz(opened, Wanted(**wanted), out)
    opened.close()
    assert not packed.flaws
    return zipfile.ZipFile(out)


def lines(package: zipfile.ZipFile) -> list[str]:
    found = gzip.decompress(package.read("indexes/index.cdx.gz")).decode().splitlines()
    assert found == sorted(found, key=str.encode)
    return found


def urls(package: zipfile.ZipFile) -> list[str]:
    return [json.loads(line.split(" ", 2)[2])["url"] for line in lines(package)]


def read_records(package: zipfile.ZipFile) -> Iterator[Any]:
    for name in package.namelist():
        if name.startswith("archive/"):
            yield from ArchiveIterator(io.BytesIO(package.read(name)), no_record_parse=True)


def read_pages(package: zipfile.ZipFile, name: str = "pages") -> list[dict[str, Any]]:
    first, *rest = map(json.loads, package.read(f"pages/{name}.jsonl").decode().splitlines())
    assert first["format"] == "json-pages-1.0"
    return rest


def check_package(package: zipfile.ZipFile) -> None:
    """Digests, storage and places are as the package says."""
    described = json.loads(package.read("datapackage.json"))
    assert described["wacz_version"] == "1.1.1"
    of_all = json.loads(package.read("datapackage-digest.json"))
    assert (
        of_all["hash"] == "sha256:" + hashlib.sha256(package.read("datapackage.json")).hexdigest()
    )
    listed = {one["path"]: one for one in described["resources"]}
    assert listed.keys() == set(package.namelist()) - {
        "datapackage.json",
        "datapackage-digest.json",
    }
    for path, one in listed.items():
        data = package.read(path)
        assert one["bytes"] == len(data)
        assert one["hash"] == "sha256:" + hashlib.sha256(data).hexdigest()
        if path.startswith("archive/") or path.endswith(".gz"):
            assert package.getinfo(path).compress_type == zipfile.ZIP_STORED
    check_index(package)


def check_index(package: zipfile.ZipFile) -> None:
    """Every line leads to its record, and the blocks of the index to their lines."""
    for line in lines(package):
        fields = json.loads(line.split(" ", 2)[2])
        data = package.read(f"archive/{fields['filename']}")
        start = int(fields["offset"])
        [record] = ArchiveIterator(io.BytesIO(data[start : start + int(fields["length"])]))
        assert record.rec_headers["WARC-Target-URI"] == fields["url"]
    blocks = package.read("indexes/index.idx").decode().splitlines()
    assert json.loads(blocks[0].split(" ", 2)[2])["filename"] == "index.cdx.gz"
    index_, there = package.read("indexes/index.cdx.gz"), []
    for block in blocks[1:]:
        place = json.loads(block[block.index("{") :])
        data = index_[place["offset"] : place["offset"] + place["length"]]
        there += gzip.decompress(data).decode().splitlines()
    assert there == lines(package)


def test_a_whole_archive_keeps_its_files_as_they_are(
    open_demo: TestArchive, tmp_path: Path
) -> None:
    package = pack(open_demo, tmp_path / "a.wacz", site="demo")
    check_package(package)
    [path] = open_demo.warc_files()
    assert package.read(f"archive/{path.name}") == path.read_bytes()
    assert lines(package) == index.index_file(path, path.name)
    shown = {page["id"]: page for page in read_pages(package)}
    assert len(shown) == 60
    seed = open_demo.open().article(SEED)
    page = shown[f"{SEED}-1"]
    assert (page["url"], page["title"]) == (SEED_URL, seed["title"])
    assert page["ts"] == seed["captured_at"][:19] + "Z" and seed["text"] in page["text"]
    others = {page["url"] for page in read_pages(package, "extraPages")}
    assert "http://demo.localhost/" in others and SEED_URL not in others


def test_the_same_captures_give_the_same_bytes(open_demo: TestArchive, tmp_path: Path) -> None:
    one, other = (pack(open_demo, tmp_path / f"{n}.wacz", articles=SEED) for n in "ab")
    for name in one.namelist():
        same = one.read(name) == other.read(name)
        assert same or name.startswith("datapackage"), name  # which says when it was made


def test_an_article_comes_with_all_that_it_is_drawn_with(
    open_demo: TestArchive, tmp_path: Path
) -> None:
    package = pack(open_demo, tmp_path / "a.wacz", articles=SEED)
    check_package(package)
    images = [image["url"] for image in open_demo.open().article(SEED)["images"]]
    drawn = [f"http://demo.localhost{path}" for path in (
        "/favicon.ico", "/style/portal.css", "/style/portal.js", "/style/logo.png",
        "/style/nen.png")]  # fmt: skip
    assert sorted(urls(package)) == sorted([SEED_URL, *images, *drawn])
    assert [page["url"] for page in read_pages(package)] == [SEED_URL]
    found = list(read_records(package))
    types = [record.rec_type for record in found]
    assert types[0] == "warcinfo" and types.count("request") == types.count("response") == 8
    asked = {r.rec_headers["WARC-Concurrent-To"] for r in found if r.rec_type == "request"}
    assert asked == {r.rec_headers["WARC-Record-ID"] for r in found if r.rec_type == "response"}


def test_articles_by_a_search(open_demo: TestArchive, tmp_path: Path) -> None:
    package = pack(open_demo, tmp_path / "a.wacz", articles='"thi đua khen thưởng" from:2023')
    found = open_demo.open().search('"thi đua khen thưởng" from:2023', limit=1000)
    assert {page["title"] for page in read_pages(package)} == {one["title"] for one in found}
    assert 0 < len(found) < 60


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestArchive, str, list[str]]:
    """A portal crawled twice: one article changed, the others answered 304."""
    archive = TestArchive(tmp_path_factory.mktemp("twice") / "archive")
    with ChangingPortal(4) as portal:
        archive.declare(portal.table)
        for _ in range(2):
            done = archive.tinhuyen("crawl", "song")
            assert done.returncode == 0, done.stderr
            portal.edits[1] = 1
        runs = [run["id"] for run in archive.open().runs()]
        return archive, portal.article_url(1), runs


def test_a_run_comes_with_what_its_revisits_refer_to(
    twice: tuple[TestArchive, str, list[str]], tmp_path: Path
) -> None:
    archive, _, (newest, _) = twice
    package = pack(archive, tmp_path / "a.wacz", run=newest)
    check_package(package)
    found = list(read_records(package))
    ids = {record.rec_headers["WARC-Record-ID"] for record in found}
    referred = {r.rec_headers["WARC-Refers-To"] for r in found if r.rec_type == "revisit"}
    assert referred and referred <= ids


def test_an_article_comes_in_all_its_versions(
    twice: tuple[TestArchive, str, list[str]], tmp_path: Path
) -> None:
    archive, url, _ = twice
    [id_] = [one["id"] for one in archive.open().search(limit=10) if one["url"] == url]
    package = pack(archive, tmp_path / "a.wacz", articles=id_)
    assert [page["url"] for page in read_pages(package)] == [url, url]
    assert ["Sửa lần 1." in page["text"] for page in read_pages(package)] == [False, True]


def test_since_is_a_day_of_capture(open_demo: TestArchive, tmp_path: Path) -> None:
    package = pack(open_demo, tmp_path / "a.wacz", since="2020-01-01")
    assert len(lines(package)) == 133
    opened = open_demo.open()
    with pytest.raises(NotFound):
        make_wacz(opened, Wanted(since="2100-01-01"), tmp_path / "b.wacz")
    opened.close()


def test_of_several_captures_the_nearest_sound_one_is_taken(copy: TestArchive) -> None:
    """What a page of 2020 showed is not what its image's address gave in 2026, nor an error."""
    url = "http://demo.localhost/Lists/Anh/101-1.jpg"
    opened = copy.open()
    engine = opened.open_for_writing()
    with engine.begin() as tx:
        for day, status in (("2020-01-01", 200), ("2020-01-03", 200), ("2020-01-02", 404)):
            tx.execute(text(_CAPTURED_ON), {"day": day, "status": status, "url": url})
    engine.dispose()
    with opened.reading() as tx:
        for at, day in (("2020-01-02", "2020-01-01"), ("2020-01-02T12", "2020-01-03"),
                        ("2019-05", "2020-01-01"), ("2100", "2026")):  # fmt: skip
            found = nearest(tx, url, at)
            assert found is not None and found.fetched_at.startswith(day), at
        assert [one.status for one in around(tx, url, "2020-01-02", 2)] == [404, 200]
        assert nearest(tx, "http://demo.localhost/nowhere", "2020") is None
    opened.close()


_CAPTURED_ON = """
INSERT INTO capture (run, site, url, urlkey, fetched_at, status, mime, block_digest, warc_file,
  warc_offset, warc_length, record_id, record_type, provenance, reading)
SELECT run, site, url, urlkey, :day || 'T00:00:00.000000Z', :status, mime, block_digest, warc_file,
  warc_offset, warc_length, record_id || :day, record_type, provenance, 'none'
FROM capture WHERE url = :url AND fetched_at LIKE '2026%'
"""


@pytest.mark.postgres
def test_the_same_from_postgresql(postgres_url: str, archive: TestArchive, tmp_path: Path) -> None:
    done = archive.scrapy("crawl", "demo", "-s", f"DATABASE={postgres_url}")
    assert done.returncode == 0, done.stderr
    opened = open_attachments(Archive(archive.folder, postgres_url))
    make_wacz(opened, Wanted(articles=SEED), tmp_path / "a.wacz")
    assert make_wacz(opened, Wanted(site="demo"), tmp_path / "b.wacz").captures == 133
    opened.close()
    package = zipfile.ZipFile(tmp_path / "a.wacz")
    check_package(package)
    assert len(urls(package)) == 8 and len(read_pages(package)) == 1


def test_what_is_damaged_is_left_out_and_said(copy: TestArchive, tmp_path: Path) -> None:
    [path] = copy.warc_files()
    image = next(line for line in index.index_file(path, "x") if "101-1.jpg" in line)
    place = json.loads(image.split(" ", 2)[2])
    data = bytearray(path.read_bytes())
    data[int(place["offset"]) + 2000] ^= 1
    path.write_bytes(data)
    done = copy.tinhuyen("wacz", "--articles", SEED, str(tmp_path / "a.wacz"))
    assert done.returncode == 6, done.stderr
    assert f"offset {place['offset']}" in done.stderr and "7 captures" in done.stdout
    package = zipfile.ZipFile(tmp_path / "a.wacz")
    check_package(package)
    assert not any("101-1.jpg" in url for url in urls(package))


def test_where_no_record_can_be_read_there_is_no_package(copy: TestArchive, tmp_path: Path) -> None:
    [path] = copy.warc_files()
    path.unlink()
    done = copy.tinhuyen("wacz", str(tmp_path / "a.wacz"))
    assert done.returncode == 1 and "warc verify" in done.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["archive"]


@pytest.mark.parametrize(
    ("out", "wanted", "error", "said"),
    [
        ("there.wacz", {}, UsageError, "is there already"),
        ("a.zip", {}, UsageError, "does not end in .wacz"),
        ("none/a.wacz", {}, UsageError, "there is no folder"),
        ("a.wacz", {"site": "nope"}, NotFound, "no site nope"),
        ("a.wacz", {"run": "nope"}, NotFound, "no run nope"),
        ("a.wacz", {"since": "2020-13-01"}, UsageError, "is no day"),
        ("a.wacz", {"articles": "0123456789abcdef"}, NotFound, "no article"),
        ("a.wacz", {"articles": "chữ không có đâu"}, NotFound, "no capture fits"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left(
    open_demo: TestArchive, tmp_path: Path, out: str, wanted: dict[str, str],
    error: type[Exception], said: str,
) -> None:  # fmt: skip
    (tmp_path / "there.wacz").write_text("mine")
    opened = open_demo.open()
    with pytest.raises(error, match=said):
        make_wacz(opened, Wanted(**wanted), tmp_path / out)
    opened.close()
    assert [one.name for one in tmp_path.iterdir()] == ["there.wacz"]
    assert (tmp_path / "there.wacz").read_text() == "mine"


def test_no_room_left(open_demo: TestArchive, tmp_path: Path) -> None:
    limit = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))\n"
        "from crawler.cli import main; main()"
    )
    command = [sys.executable, "-c", limit, "wacz", str(tmp_path / "a.wacz")]
    done = open_demo._run(command, 60)
    assert done.returncode == 3 and "no room left" in done.stderr, done.stderr
    assert not list(tmp_path.iterdir())


def test_another_tool_calls_it_valid(open_demo: TestArchive, tmp_path: Path) -> None:
    install.install()
    validator = install.pywb_folder() / "bin" / "wacz"
    for name, wanted in (("whole", {}), ("one", {"articles": SEED})):
        out = tmp_path / f"{name}.wacz"
        pack(open_demo, out, **wanted).close()
        done = subprocess.run([validator, "validate", "-f", out], capture_output=True, text=True)
        assert done.returncode == 0 and "is valid" in done.stdout, done


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("request_first", [False, True])
def test_files_of_others(tmp_path: Path, *, plain: bool, request_first: bool) -> None:
    """The request beside its response, before or behind it, named by either of them."""
    path = tmp_path / "warc" / "x" / ("a.warc" if plain else "a.warc.gz")
    path.parent.mkdir(parents=True)
    ids = {name: (new_record_id(), new_record_id()) for name in "abc"}
    with path.open("wb") as file:
        for name, pair in ids.items():
            two = write_pair(name, *pair)
            for data in two if request_first else reversed(two):
                file.write(gzip.decompress(data) if plain else data)
    folder = ArchiveFolder(tmp_path)
    places = records.places_of(folder, folder.name_of(path))
    assert len(places) == 3
    [middle] = [
        place for place in places if json.loads(place.line.split(" ", 2)[2])["url"][-1] == "b"
    ]
    copied = list(records.parts(path, places, {middle.offset: ids["b"][0]}))
    data = b"".join(piece for part in copied for piece in records.member(path, part))
    found = [
        (record.rec_type, record.rec_headers["WARC-Target-URI"][-1], record.content_stream().read())
        for record in ArchiveIterator(io.BytesIO(data))
    ]
    assert sorted(found) == [("request", "b", b""), ("response", "b", b"noi dung b")]


def write_pair(name: str, response_id: str, request_id: str) -> tuple[bytes, bytes]:
    """Request and response; `b`'s response names its request, the other requests name theirs."""
    common: Fields = [
        ("WARC-Date", "2023-01-10T09:33:00Z"),
        ("WARC-Target-URI", f"http://k.vn/{name}"),
    ]
    sent = f"GET /{name} HTTP/1.1\r\nHost: k.vn\r\n\r\n".encode()
    came = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nnoi dung {name}".encode()
    to_request = request_id if name == "b" else None
    to_response = None if name == "b" else response_id
    request = [("WARC-Type", "request"), ("WARC-Record-ID", request_id), *common,
               ("WARC-Concurrent-To", to_response), ("Content-Type", "application/http;msgtype=request")]  # fmt: skip
    response = [("WARC-Type", "response"), ("WARC-Record-ID", response_id), *common,
                ("WARC-Concurrent-To", to_request), ("Content-Type", "application/http;msgtype=response")]  # fmt: skip
    return b"".join(member(request, [sent], len(sent))), b"".join(
        member(response, [came], len(came))
    )
