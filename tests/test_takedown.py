"""`tinhuyen takedown`: what it covers, undone, and taken out of WARC files whatever happens."""

from __future__ import annotations

import gzip
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from storage.archive import Archive
from storage.errors import NotFound, Withdrawn
from storage.query.access import Audience
from storage.query.records import locate
from storage.takedown import decide
from storage.warc.members import Member, walk
from tests.compare import content_of, differences
from tests.conftest import TestArchive
from tests.doors import room

SEED = "308bbaf278198bcc"
TEXT = "Lê Quý Tiệp"


@pytest.fixture
def desk(demo_archive: TestArchive, tmp_path: Path) -> TestArchive:
    return demo_archive.copy(tmp_path / "archive")


def takedown(desk: TestArchive, *words: str) -> dict[str, Any]:
    done = desk.tinhuyen("takedown", *words, "--reason", "gia đình yêu cầu", "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_hidden_article_is_not_found_and_comes_back(desk: TestArchive) -> None:
    shown = desk.open().article(SEED)
    told = takedown(desk, SEED[:5], "--basis", "dữ liệu cá nhân")
    assert ["article", SEED] in told["covers"] and ["url", shown["url"]] in told["covers"]
    assert told["lists"]  # they may show its title, and it says so

    refused = desk.tinhuyen("show", SEED)
    assert refused.returncode == 1 and "dữ liệu cá nhân" in refused.stderr
    assert "gia đình" not in refused.stderr + refused.stdout
    archive = desk.open()
    assert not archive.search(f'"{TEXT}"')
    with pytest.raises(NotFound):  # no article shows it any more
        archive.image(shown["images"][0]["sha256"])
    with room(archive) as address:
        answer = httpx.get(f"{address}/article/{SEED}")
        assert answer.status_code == 410 and "dữ liệu cá nhân" in answer.text
    assert "gia đình yêu cầu" in desk.tinhuyen("takedown", "report").stdout

    undone = desk.tinhuyen("takedown", "undo", told["takedown"][:4], "--reason", "đã đồng ý")
    assert undone.returncode == 0, undone.stderr
    assert archive.article(SEED) == shown
    again = desk.tinhuyen("takedown", "undo", told["takedown"], "--reason", "x")
    assert again.returncode == 2 and "was undone" in again.stderr
    archive.close()


def test_an_address_covers_its_article_and_a_digest_the_bytes(desk: TestArchive) -> None:
    archive = desk.open()
    shown = archive.article(SEED)
    one, other = (image["sha256"] for image in shown["images"][:2])
    told = takedown(desk, shown["images"][0]["url"].replace("http://", "https://"))
    assert ["sha256", one] in told["covers"] and told["captures"] == 1
    assert [image["sha256"] for image in archive.article(SEED)["images"]] == [other]
    takedown(desk, other)
    assert archive.article(SEED)["images"] == []
    assert takedown(desk, shown["url"])["captures"] == 1
    with pytest.raises(NotFound):
        archive.article(SEED)
    ahead = desk.tinhuyen("takedown", "http://demo.localhost/chua-co", "--reason", "x")
    assert "none yet" in ahead.stdout
    archive.close()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("ffff", "--reason", "x"), 1, "no article"),
        ((SEED, "--reason", " "), 2, "--reason must not be empty"),
        ((SEED, "--reason", "x", "--how", "burn"), 2, "there are hide, tombstone, rewrite"),
        (("undo", "ffff", "--reason", "x"), 1, "no takedown"),
    ],
)
def test_bad_input_gets_a_sentence(
    words: tuple[str, ...], code: int, sentence: str, demo_archive: TestArchive
) -> None:
    done = demo_archive.tinhuyen("takedown", *words)
    assert done.returncode == code and sentence in done.stderr, done.stderr


def test_a_tombstone_is_for_good_and_its_records_stay(desk: TestArchive) -> None:
    before = records(desk)
    id_ = takedown(desk, SEED, "--how", "tombstone")["takedown"]
    assert records(desk) == before
    refused = desk.tinhuyen("takedown", "undo", id_, "--reason", "x")
    assert refused.returncode == 2 and "for good" in refused.stderr


# --- rewriting WARC files


def records(desk: TestArchive) -> dict[str, bytes]:
    """Every member of every closed file by its record id, as it stands there."""
    found = {}
    for path in desk.warc_files():
        data = path.read_bytes()
        for one in walk(path):
            assert isinstance(one, Member)
            id_ = one.fields["warc-record-id"]
            assert id_ not in found
            found[id_] = data[one.offset : one.offset + one.length]
    return found


def covered_records(archive: Archive, id_: str) -> set[str]:
    with archive.reading(Audience.STAFF) as tx:
        return {one["record_id"] for one in locate(tx, id_)}


def bytes_of(folder: Path) -> Iterator[bytes]:
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            yield gzip.decompress(data) if path.suffix == ".gz" else data


def check_taken_out(desk: TestArchive, before: dict[str, bytes], out: set[str]) -> None:
    """Only these are gone, with what was captured with them; all else is byte for byte there."""
    after = records(desk)
    gone = before.keys() - after.keys()
    assert out <= gone and len(gone) == 3 * len(out)
    assert all(after[id_] == before[id_] for id_ in before.keys() - gone)
    stones = after.keys() - before.keys()
    told = b"".join(gzip.decompress(after[id_]) for id_ in stones)
    assert len(stones) == len(out) and all(id_.encode() in told for id_ in out)
    assert not any(TEXT.encode() in data for data in bytes_of(desk.folder / "warc"))
    verified = desk.tinhuyen("warc", "verify", "--all", "--json")
    assert verified.returncode == 0, verified.stdout
    manifest = desk.tinhuyen("warc", "manifest", "--check")
    assert manifest.returncode == 0, manifest.stdout


def test_a_rewrite_takes_out_records_and_nothing_else(desk: TestArchive) -> None:
    archive = desk.open()
    before, out = records(desk), covered_records(archive, SEED)
    untouched = archive.article(archive.search(limit=5)[-1]["id"])
    told = takedown(desk, SEED, "--how", "rewrite")
    assert set(told["rewritten"]["records"]) == out and len(out) == 3
    check_taken_out(desk, before, out)

    now = desk.open().article(untouched["id"])
    assert now["warc"]["file"] == told["rewritten"]["files"][0]["file"]
    assert now | {"warc": None} == untouched | {"warc": None}
    assert desk.tinhuyen("check", untouched["id"]).returncode == 0
    assert SEED[:6] in desk.tinhuyen("show", SEED[:6]).stderr
    assert not any(TEXT.encode() in data for data in bytes_of(desk.folder))  # the rows as well

    rows = content_of(archive.database_url)
    assert desk.tinhuyen("rebuild").returncode == 0
    assert not differences(rows, content_of(archive.database_url))
    assert desk.tinhuyen("takedown", "report", "--json").stdout.count(told["takedown"]) == 1
    archive.close()


STEPS = (
    "files.rename",  # the new file is written
    "manifest.list_file",  # ... has its name
    "append_lines",  # ... is listed
    "purge",  # ... is in the journal
    "_move_rows",  # within the transaction
    "_remove",  # rows are moved
    "note_rewritten",  # the old file is gone, the log is in the journal
)


def test_a_rewrite_that_is_killed_again_and_again_is_finished_by_the_same_command(
    desk: TestArchive,
) -> None:
    """At every step once, each time over what the kill before it left."""
    archive = desk.open()
    before, out = records(desk), covered_records(archive, SEED)
    words = ("takedown", SEED, "--how", "rewrite", "--reason", "toà án")
    for step in STEPS:
        code = (
            "import storage.takedown.rewrite as r, os\n"
            f"r.{step} = lambda *_, **__: os.kill(os.getpid(), 9)\n"
            "from crawler.cli import main; main()"
        )
        killed = desk._run([sys.executable, "-c", code, *words], 60)
        assert killed.returncode == -signal.SIGKILL, (step, killed.stderr)
        with pytest.raises(Withdrawn):  # hidden before anything else
            archive.article(SEED)
        archive.close()
        if step == "_remove":  # a rebuild in between takes the new file for the old one
            assert desk.tinhuyen("rebuild").returncode == 0
    assert "UNFINISHED" in desk.tinhuyen("takedown", "report").stdout

    finished = desk.tinhuyen(*words, "--json")
    assert finished.returncode == 0, finished.stderr
    told = json.loads(finished.stdout)["rewritten"]
    assert set(told["records"]) == out and len(told["files"]) == 1
    check_taken_out(desk, before, out)
    with archive.reading(Audience.STAFF) as tx:
        [row] = decide.report(tx)
        assert row["rewritten"] == told
    archive.close()


def test_a_site_that_is_being_crawled_is_not_rewritten(desk: TestArchive) -> None:
    with desk.open().folder.site_lock("demo"):
        refused = desk.tinhuyen("takedown", SEED, "--how", "rewrite", "--reason", "x")
    assert refused.returncode == 7, refused.stderr
    assert desk.tinhuyen("show", SEED).returncode == 1  # but hidden it is


def test_revisits_to_what_is_taken_out_go_too_and_others_keep_their_original(
    desk: TestArchive,
) -> None:
    """A second crawl repeats every page: its records refer to those of the first."""
    crawled = desk.scrapy("crawl", "demo")
    assert crawled.returncode == 0, crawled.stderr
    archive = desk.open()
    before, out = records(desk), covered_records(archive, SEED)
    told = takedown(desk, SEED, "--how", "rewrite")
    assert set(told["rewritten"]["records"]) == out and len(out) == 6
    assert len(told["rewritten"]["files"]) == 2
    check_taken_out(desk, before, out)
    archive.close()
