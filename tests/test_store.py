"""Finished WARC files in an object store: a real S3 server, a proxy before it that misbehaves."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import NotFound, NotHere, StoreFault, UsageError
from storage.folder import ArchiveFolder
from storage.query.access import Audience
from storage.records import Record
from storage.store.file import FIRST_BYTES, StoredFile, StoredStat, sha256_of
from storage.store.machines import all_lines, ship_beside
from storage.store.objects import Store, named_store, store_at
from storage.store.ship import ship
from storage.warc import index
from storage.warc.manifest import Entry, list_given, own_entries, read_entries
from storage.warc.verify.bench import Bench
from storage.warc.verify.pace import Pace
from storage.warc.verify.rules import Rule
from tests.compare import content_of
from tests.conftest import TestArchive
from tests.donated import SITE, answer, give, put, warc
from tests.s3 import S3, moto
from tests.serving import served


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    with moto() as port:
        yield port


@pytest.fixture
def s3(server: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """A part of the bucket of its own, named in the environment."""
    with S3(server) as proxy:
        for name, value in proxy.environment(uuid.uuid4().hex).items():
            monkeypatch.setenv(name, value)
        yield proxy
    store_at.cache_clear()


@pytest.fixture
def shipped(demo_archive: TestArchive, tmp_path: Path, s3: S3) -> TestArchive:
    """The demo with its WARC file in the store only."""
    made = demo_archive.copy(tmp_path / "archive")
    done = made.here("warc", "ship")
    assert done.returncode == 0, done.stderr
    assert not made.warc_files()
    return made


def store() -> Store:
    found = named_store()
    assert found is not None
    return found


def large_file(folder: ArchiveFolder, size: int, name: str = "warc/a/a-1.warc.gz") -> Entry:
    """A finished file of random bytes."""
    path = folder.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(random.Random(name).randbytes(size))
    entry = Entry(name, size, sha256_of(path), "a", None)
    list_given(folder, entry)
    return entry


# Reading by ranges.


@given(st.data())
def test_a_stored_file_reads_as_a_local_one(data: st.DataObject) -> None:
    size = data.draw(st.integers(0, 3 * FIRST_BYTES))
    held = random.Random(size).randbytes(size)
    file = StoredFile("x://y", "y", StoredStat(size, 0), lambda start, end: held[start:end])
    with file.open("rb") as stream:
        for _ in range(data.draw(st.integers(1, 8))):
            at, length = data.draw(st.integers(0, size + 9)), data.draw(st.integers(-1, 2 * size))
            stream.seek(at)
            assert stream.read(length) == held[at:][: length if length >= 0 else None]


def test_one_record_of_a_large_file_costs_one_range(
    archive: TestArchive, demo_archive: TestArchive, s3: S3
) -> None:
    """A record in the middle of 20 MB: less than 300 KB move, in one request for bytes."""
    folder = ArchiveFolder(archive.folder)
    [warc] = demo_archive.warc_files()
    piece = warc.read_bytes()
    path = folder.root / "warc" / "demo" / warc.name
    path.parent.mkdir(parents=True)
    path.write_bytes(piece * (20_000_000 // len(piece) + 1))
    list_given(folder, Entry(folder.name_of(path), path.stat().st_size, sha256_of(path), "a", None))
    assert [one.what for one in ship(folder, store())] == ["shipped"]
    line = json.loads(index.index_file(warc, "x")[40].split(" ", 2)[2])
    offset = 11 * len(piece) + int(line["offset"])
    s3.asked.clear()
    store_at.cache_clear()
    shown = archive.here("warc", "show", f"warc/demo/{warc.name}", str(offset), "--json")
    assert json.loads(shown.stdout)["digests"]["block"] == "holds"
    read = s3.of("GET")
    assert len(read) == 1 and read[0].range is not None
    assert sum(one.bytes for one in s3.asked) < 300_000


def test_reading_through_asks_for_more_each_time(archive: TestArchive, s3: S3) -> None:
    folder = ArchiveFolder(archive.folder)
    entry = large_file(folder, 20 << 20)
    list(ship(folder, store()))
    s3.asked.clear()
    assert store().sha256_of(entry.file) == entry.sha256
    assert len(s3.of("GET")) < 20


# Everything that reads WARC files reads them from there.


def test_every_verb_reads_from_the_store(shipped: TestArchive, tmp_path: Path) -> None:
    for words, said in {
        "check 308bbaf278198bcc": "the row follows from it",
        "warc verify --all": "records, sound",
        "warc manifest --check": "as listed",
        "warc index": "0 file(s) indexed",
        "reextract --dry-run": "82 page(s) read again, nothing changed",
        f"wacz {tmp_path}/a.wacz": "131 captures from 1 WARC file(s)",
        f"export --format warc {tmp_path}/subset hội": "45 article(s) in",
        f"warc bag {tmp_path}/bag": "1 WARC file(s)",
        "status": "all shipped",
    }.items():
        done = shipped.here(*words.split())
        assert done.returncode == 0, (words, done.stderr)
        assert said in done.stdout, words
    assert not shipped.warc_files()


def test_a_capture_is_the_same_from_there(shipped: TestArchive, demo_archive: TestArchive) -> None:
    there, here = shipped.open(), demo_archive.open()
    told = here.article("308bbaf278198bcc")["warc"]
    record = Record(told["file"], told["offset"], told["length"], told["record_id"])
    captured = there.capture(record, Audience.STAFF)
    assert captured == here.capture(record, Audience.STAFF)
    assert b"2023" in captured.body()


def test_a_file_comes_back_for_programs_of_others(shipped: TestArchive) -> None:
    [entry] = own_entries(ArchiveFolder(shipped.folder))
    fetched = shipped.here("warc", "fetch", entry.file)
    assert fetched.returncode == 0, fetched.stderr
    assert sha256_of(shipped.folder / entry.file) == entry.sha256
    assert shipped.here("warc", "ship").stdout.startswith(f"{entry.file}: was there\n")


def test_damage_in_the_store_is_found(shipped: TestArchive, tmp_path: Path) -> None:
    [entry] = own_entries(ArchiveFolder(shipped.folder))
    spoiled = tmp_path / "spoiled"
    spoiled.write_bytes(store().look_up(entry.file).open("rb").read()[:-10])
    store().put(spoiled, entry.file)
    verified = shipped.here("warc", "verify", "--all")
    assert verified.returncode == 6 and "torn_tail" in verified.stdout
    assert shipped.here("warc", "manifest", "--check").returncode == 6
    assert shipped.here("warc", "fetch", entry.file).returncode == 1
    store().remove(entry.file)
    verified = shipped.here("warc", "verify", "--all")
    assert verified.returncode == 6 and "the whole file is missing" in verified.stdout


def test_a_file_that_no_machine_shipped_is_said_to_be_so(archive: TestArchive, s3: S3) -> None:
    name = "warc/a/a-20240101000000-00000-may-chu-2-812.warc.gz"
    with pytest.raises(NotHere, match="the machine may-chu-2 may still be writing it"):
        ArchiveFolder(archive.folder).file(name)


def test_the_reading_room_shows_it_from_there_and_says_when_it_cannot(
    shipped: TestArchive, s3: S3
) -> None:
    """Without words of the store's own: they name machines."""
    record = shipped.open().article("308bbaf278198bcc")["warc"]
    place = {"file": record["file"], "offset": record["offset"]}
    with served(shipped) as server:
        page = server.room.get("/record", params=place)
        assert page.status_code == 200 and "308bb" in page.text
        stamp = "/wayback/20990101000000/http://demo.localhost/"
        assert server.replay.get(stamp, follow_redirects=True).status_code == 200
    with served(shipped) as server:
        s3.spoil["GET"] = "503"
        for answer_ in (
            server.room.get("/record", params=place),
            server.replay.get(stamp, follow_redirects=True),
        ):
            assert answer_.status_code == 503 and "try again later" in answer_.text
            assert "127.0.0.1" not in answer_.text


def test_whether_files_are_missing_is_asked_once(archive: TestArchive, s3: S3) -> None:
    """Not file by file: a bucket has tens of thousands."""
    folder = ArchiveFolder(archive.folder)
    for number in range(20):
        large_file(folder, 100, f"warc/a/a-{number}.warc.gz")
    list(ship(folder, store()))
    store().remove("warc/a/a-7.warc.gz")
    with closing(archive.open()) as opened, Bench(opened, None, Pace(None)) as bench:
        s3.asked.clear()
        assert [one.file for one in bench.missing_files()] == ["warc/a/a-7.warc.gz"]
    assert len([one for one in s3.asked if "/warc" in one.path]) < 5


def test_an_index_that_is_here_costs_the_store_nothing(archive: TestArchive, s3: S3) -> None:
    folder = ArchiveFolder(archive.folder)
    for number in range(9):
        large_file(folder, 100, f"warc/a/a-{number}.warc.gz")
    list(ship(folder, store()))
    assert len(index.update_all(folder)) == 9
    s3.asked.clear()
    assert index.update_all(folder) == []
    assert not any("/warc/a/" in one.path for one in s3.asked)


def test_a_file_that_another_machine_has_still_is_skipped(
    archive: TestArchive, tmp_path: Path, s3: S3
) -> None:
    """What this machine itself listed is missing."""
    other = ArchiveFolder(tmp_path / "other")
    name = "warc/a/a-20240101000000-00000-may-chu-2-812.warc.gz"
    large_file(other, 100, name)
    ship_beside(other, store())
    with closing(archive.open()) as opened, Bench(opened, None, Pace(None)) as bench:
        [told] = bench.missing_files()
    assert told.file == name and not told.flaws
    assert told.skipped is not None and "the machine may-chu-2" in told.skipped
    (archive.folder / "manifest.jsonl").write_bytes(other.manifest.read_bytes())
    with closing(archive.open()) as opened, Bench(opened, None, Pace(None)) as bench:
        [told] = bench.missing_files()
    assert [flaw.rule for flaw in told.flaws] == [Rule.MISSING_FILE]


# Shipping.


def test_shipping_again_costs_nothing_and_keep_local_keeps(archive: TestArchive, s3: S3) -> None:
    folder = ArchiveFolder(archive.folder)
    entry = large_file(folder, 100_000)
    assert [(one.what, one.is_here) for one in ship(folder, store(), keep_local=True)] == [
        ("shipped", True)
    ]
    s3.asked.clear()
    assert list(ship(folder, store(), keep_local=True)) == []
    assert not s3.of("PUT") and not any(entry.file in one.path for one in s3.asked)
    assert [(one.what, one.is_here) for one in ship(folder, store())] == [("was there", False)]
    assert any(entry.file in one.path for one in s3.of("GET"))  # read back before it went
    assert list(ship(folder, store())) == []


@pytest.mark.parametrize("how", ["503", "cut"])
def test_a_store_that_fails_costs_nothing_but_time(archive: TestArchive, s3: S3, how: str) -> None:
    folder = ArchiveFolder(archive.folder)
    entry = large_file(folder, 6 << 20)  # in parts
    s3.spoil["PUT"] = how
    with pytest.raises(StoreFault, match="the store does not do it"):
        list(ship(folder, store()))
    assert sha256_of(folder.root / entry.file) == entry.sha256
    assert store().size_of(entry.file) is None
    s3.spoil["PUT"] = "once 503"
    assert [one.what for one in ship(folder, store())] == ["shipped"]


def test_wrong_bytes_in_the_store_take_no_local_copy(archive: TestArchive, s3: S3) -> None:
    folder = ArchiveFolder(archive.folder)
    large_file(folder, 1000)
    list(ship(folder, store(), keep_local=True))  # manifest and journal are there
    entry = large_file(folder, 1000, "warc/a/a-2.warc.gz")
    store().put(folder.manifest, f"machines/{folder.machine}/manifest.jsonl")
    s3.spoil["PUT"] = "wrong"
    done = archive.here("warc", "ship", "--keep-local")
    assert done.returncode == 6
    assert "the store gave other bytes back" in done.stdout and "1 NOT" in done.stdout
    assert store().size_of(entry.file) is None and (folder.root / entry.file).exists()


def test_a_read_that_is_cut_is_a_fault_of_the_store(shipped: TestArchive, s3: S3) -> None:
    s3.spoil["GET"] = "cut"
    done = shipped.here("warc", "verify", "--all")
    assert done.returncode == 1 and "the store does not do it" in done.stderr


def test_a_damaged_local_file_is_not_shipped(archive: TestArchive, s3: S3) -> None:
    folder = ArchiveFolder(archive.folder)
    entry = large_file(folder, 1000)
    (folder.root / entry.file).write_bytes(b"x" * 1000)
    [one] = ship(folder, store())
    assert one.why is not None and "the local file is not as the manifest lists it" in one.why
    assert store().size_of(entry.file) is None


def test_without_a_store_it_says_what_to_set(
    archive: TestArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TINHUYEN_STORE", raising=False)
    done = archive.here("warc", "ship")
    assert done.returncode == 2 and "TINHUYEN_STORE" in done.stderr
    monkeypatch.setenv("TINHUYEN_STORE", "nichts://x")
    with pytest.raises(UsageError, match="names no store"):
        named_store()


def test_kills_lose_nothing(archive: TestArchive, tmp_path: Path) -> None:
    """Into a folder, where copying is ours: killed at random moments, then shipped to the end."""
    folder = ArchiveFolder(archive.folder)
    entries = [large_file(folder, 1 << 20, f"warc/a/a-{n}.warc.gz") for n in range(8)]
    environment = archive.environment | {"TINHUYEN_STORE": f"file://{tmp_path}/store"}
    command = [sys.executable, "-c", "from crawler.cli import main; main()", "warc", "ship"]
    chance, hits = random.Random(9), 0
    for delay in (0, chance.random() * 0.05, chance.random() * 0.05):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()  # it has begun
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        hits += process.wait() == -signal.SIGKILL and bool(archive.warc_files())
        process.stdout.close()
        for entry in entries:
            copies = (folder.root / entry.file, tmp_path / "store" / entry.file)
            assert entry.sha256 in [sha256_of(path) for path in copies if path.exists()]
    assert hits  # it was killed while files were yet to be shipped
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not archive.warc_files()
    for entry in entries:
        assert sha256_of(tmp_path / "store" / entry.file) == entry.sha256


# Many machines, one store.


def test_everything_is_rebuilt_from_the_store_alone(
    living_archive: TestArchive, tmp_path: Path, s3: S3
) -> None:
    """Two machines: one crawled twice, one took in what others gave."""
    one = living_archive.copy(tmp_path / "one")
    other = TestArchive(tmp_path / "other")
    other.declare(SITE)
    give(other, warc(answer(1), answer(2)))
    for machine in (one, other):
        assert machine.here("warc", "ship").returncode == 0
        assert not list(machine.folder.rglob("*.warc.gz"))
    fresh = TestArchive(tmp_path / "fresh")
    rebuilt = fresh.here("rebuild")
    assert rebuilt.returncode == 0, rebuilt.stderr
    content = content_of(fresh.open().database_url)
    parts = [content_of(machine.open().database_url) for machine in (one, other)]
    for name, rows in content.items():
        expected = parts[0][name] + parts[1][name]
        assert sorted(map(repr, rows)) == sorted(map(repr, expected)), name


def test_a_folder_from_an_older_copy_writes_over_nothing(archive: TestArchive, s3: S3) -> None:
    folder = ArchiveFolder(archive.folder)
    large_file(folder, 1000)
    older = folder.manifest.read_bytes()
    large_file(folder, 1000, "warc/a/a-2.warc.gz")
    list(ship(folder, store()))
    folder.manifest.write_bytes(older)
    refused = archive.here("warc", "ship")
    assert refused.returncode == 2 and "put back from an older copy" in refused.stderr
    (archive.folder / "machine").unlink()
    assert archive.here("warc", "ship").returncode == 0
    assert [one.file for one in read_entries(folder)] == [
        "warc/a/a-1.warc.gz",
        "warc/a/a-2.warc.gz",
    ]
    assert len(list(all_lines(folder, "manifest.jsonl"))) == 2  # what both tell, once


def test_a_takedown_reaches_the_store_and_other_machines(
    shipped: TestArchive, tmp_path: Path
) -> None:
    """The file of another machine, which still has its local copy, is rewritten here."""
    here = shipped.copy(tmp_path / "here")
    for name in ("machine", "manifest.jsonl", "journal.jsonl"):
        (here.folder / name).unlink()
    [entry] = own_entries(ArchiveFolder(shipped.folder))
    assert shipped.here("warc", "fetch", entry.file).returncode == 0
    words = ("--how", "rewrite", "--reason", "án 12", "--basis", "court order")
    taken = here.here("takedown", "add", "308bb", *words)
    assert taken.returncode == 0, taken.stderr
    assert store().size_of(entry.file) is None
    new = entry.file.replace(".warc.gz", "-r1.warc.gz")
    assert store().size_of(new) == (here.folder / new).stat().st_size
    [told] = map(json.loads, shipped.here("warc", "ship", "--json").stdout.splitlines())
    assert told["what"] == "withdrawn"
    assert not shipped.warc_files() and store().size_of(entry.file) is None
    assert here.here("warc", "ship").returncode == 0
    assert here.here("warc", "verify", "--all").returncode == 0


def test_a_machine_answers_for_the_files_that_it_listed(
    shipped: TestArchive, tmp_path: Path
) -> None:
    """Those of others are checked and packed where they were listed, and proven there."""
    here = shipped.copy(tmp_path / "here")
    for name in ("machine", "manifest.jsonl", "journal.jsonl"):
        (here.folder / name).unlink()
    mine = large_file(ArchiveFolder(here.folder), 1000)
    checked = here.here("warc", "manifest", "--check")
    assert checked.returncode == 0 and checked.stdout == f"{mine.file}: as listed\n"
    assert len(here.here("warc", "manifest", "--json").stdout.splitlines()) == 2
    assert here.here("warc", "bag", f"{tmp_path}/bag").stdout.startswith("1 WARC file(s)")
    [entry] = own_entries(ArchiveFolder(shipped.folder))
    machine = ArchiveFolder(shipped.folder).machine
    refused = here.here("cite", "308bb", "--proof", f"{tmp_path}/proof.json")
    assert refused.returncode == 1
    assert f"{entry.file} is listed by the machine {machine}" in refused.stderr


def test_a_takedown_elsewhere_while_files_are_shipped_is_seen_before_the_next_one(
    archive: TestArchive, tmp_path: Path, s3: S3
) -> None:
    """Between the look at the manifests with which shipping began, and the turn of the file."""
    folder, other = ArchiveFolder(archive.folder), ArchiveFolder(tmp_path / "other")
    for number in (1, 2, 3):
        entry = large_file(folder, 1000, f"warc/a/a-{number}.warc.gz")
    shipping = ship(folder, store())
    assert next(shipping).what == "shipped"
    list_given(other, replace(entry, file="warc/a/a-2-r1.warc.gz", replaces="warc/a/a-2.warc.gz"))
    ship_beside(other, store())
    assert [(one.file, one.what) for one in shipping] == [
        ("warc/a/a-2.warc.gz", "withdrawn"),
        ("warc/a/a-3.warc.gz", "shipped"),
    ]
    assert store().size_of("warc/a/a-2.warc.gz") is None
    assert not (folder.root / "warc/a/a-2.warc.gz").exists()


def test_other_machines_manifests_are_read_once_not_for_every_file(
    archive: TestArchive, tmp_path: Path, s3: S3
) -> None:
    folder, other = ArchiveFolder(archive.folder), ArchiveFolder(tmp_path / "other")
    large_file(other, 1000, "warc/a/a-0.warc.gz")
    other.sites.mkdir()
    (other.sites / "a.toml").write_text(SITE)
    ship_beside(other, store())
    for number in range(1, 9):
        large_file(folder, 1000, f"warc/a/a-{number}.warc.gz")
    s3.asked.clear()
    assert len(list(ship(folder, store()))) == 8
    there = f"/machines/{other.machine}/manifest.jsonl"
    assert len([one for one in s3.of("GET") if one.path.endswith(there)]) == 1
    s3.asked.clear()
    ship_beside(folder, store())  # nothing is new: one listing tells
    assert not any(one.path.endswith(".jsonl") for one in s3.asked)


# Import from there.


def test_import_takes_files_and_folders_of_a_store(archive: TestArchive, s3: S3) -> None:
    archive.declare(SITE)
    for name, number in (("gift/a.warc.gz", 1), ("gift/in/b.warc.gz", 2)):
        [(_, data)] = warc(answer(number)).items()
        store().put(put(archive, "x.warc.gz", data), name)
    url = os.environ["TINHUYEN_STORE"]
    words = ("--donor", "Lan", "--terms", "CC0", "--json")
    first = json.loads(archive.here("import", f"{url}/gift/a.warc.gz", *words).stdout)
    assert first["counts"]["articles"] == 1
    both = json.loads(archive.here("import", f"{url}/gift", *words).stdout)
    assert len(both["files"]) == 2 and both["counts"]["articles"] == 1
    given_first = archive.folder / first["files"][0]
    assert hashlib.sha256(given_first.read_bytes()).hexdigest()[:16] in first["files"][0]
    done = archive.here("import", f"{url}/nothing", *words)
    assert done.returncode == 2 and "there is no file or folder" in done.stderr
    with pytest.raises(NotFound):
        store().look_up("gift")
