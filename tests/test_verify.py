"""`warc verify` over an archive: its manifest, rows, index and replica; rounds, their log, the command."""

from __future__ import annotations

import json
import os
import shutil
import time
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from storage.lines import read_lines
from storage.store.file import WarcFile
from storage.warc.verify.bench import Verdict
from storage.warc.verify.pace import Pace
from storage.warc.verify.round import Round
from storage.warc.verify.rules import Rule
from storage.warc.verify.whole import Whole
from tests.conftest import TestArchive
from tests.damage.writer import packed, sound
from tests.databases import change, on_server


@pytest.fixture
def copy(demo_archive: TestArchive, tmp_path: Path) -> TestArchive:
    """A copy of the demo's archive, to be damaged."""
    return demo_archive.copy(tmp_path / "archive")


def errors(verdicts: list[Verdict]) -> dict[str, int]:
    """Rule and offset of every error."""
    return {
        flaw.rule.slug: flaw.offset
        for verdict in verdicts
        for flaw in verdict.flaws
        if flaw.rule.severity == "error"
    }


def everything(archive: TestArchive, replica: Path | None = None) -> list[Verdict]:
    opened = archive.open()
    try:
        return list(Round(opened, replica).everything())
    finally:
        opened.close()


def test_what_a_crawl_wrote_has_no_flaw(demo_archive: TestArchive, copy: TestArchive) -> None:
    verdicts = everything(copy)
    assert len(verdicts) == len(copy.warc_files()) == 1
    assert verdicts[0].flaws == () and verdicts[0].records > 100


FIRST = "SELECT warc_offset, record_id FROM capture WHERE reading = 'done' ORDER BY id LIMIT 1"


def test_a_changed_byte_anywhere_is_named(copy: TestArchive) -> None:
    """Even one that gzip does not notice: the manifest does."""
    [path] = copy.warc_files()
    data = bytearray(path.read_bytes())
    data[4] ^= 1  # the time stamp of the first member
    path.write_bytes(data)
    assert errors(everything(copy)) == {"sha256_differs": 0}


def test_a_file_cut_short(copy: TestArchive) -> None:
    [path] = copy.warc_files()
    os.truncate(path, size := path.stat().st_size - 100)
    found = errors(everything(copy))
    assert {"size_differs", "torn_tail", "row_without_record"} <= found.keys()
    assert found["size_differs"] == size


def test_a_missing_file(copy: TestArchive) -> None:
    [path] = copy.warc_files()
    path.unlink()
    [verdict] = everything(copy)
    assert errors([verdict]) == {"missing_file": 0} and verdict.file.endswith(path.name)


def test_a_file_that_only_rows_name(copy: TestArchive) -> None:
    change(
        copy.folder,
        "UPDATE capture SET warc_file = 'warc/demo/mat.warc.gz' WHERE id = (SELECT min(id) FROM capture)",
    )
    [found] = [v for v in everything(copy) if v.file == "warc/demo/mat.warc.gz"]
    if on_server():  # where it may be another machine's
        assert found.skipped and not found.flaws
    else:
        assert errors([found]) == {"row_without_record": 0}


def test_a_file_that_is_not_listed_is_a_finding(copy: TestArchive) -> None:
    (copy.folder / "donated").mkdir()
    (copy.folder / "donated" / "x-20240301030000-00000-y.warc.gz").write_bytes(packed(sound()))
    verdict = next(v for v in everything(copy) if v.file.startswith("donated/"))
    assert "not_listed" in {flaw.rule.slug for flaw in verdict.flaws} and not verdict.errors


ALONE = """
    SELECT max(id) FROM capture WHERE id NOT IN (SELECT capture FROM reading)
       AND id NOT IN (SELECT capture FROM failure WHERE capture IS NOT NULL)
       AND id NOT IN (SELECT capture FROM attachment WHERE capture IS NOT NULL)
       AND id NOT IN (SELECT capture FROM absence)"""

ROWS: dict[str, tuple[str, str]] = {
    "record_without_row": (  # of one that no other row speaks of
        f"DELETE FROM capture WHERE id = ({ALONE})",
        f"SELECT warc_offset FROM capture WHERE id = ({ALONE})",
    ),
    "row_without_record": (
        "UPDATE capture SET record_id = '<urn:uuid:khong-co>' WHERE id = 3",
        "SELECT warc_offset FROM capture WHERE id = 3",
    ),
    "row_differs": (
        "UPDATE capture SET payload_digest = 'sha1:KHAC' WHERE id = 3",
        "SELECT warc_offset FROM capture WHERE id = 3",
    ),
}


@pytest.mark.parametrize("rule", ROWS)
def test_rows_and_records_are_compared(copy: TestArchive, rule: str) -> None:
    altered, where = ROWS[rule]
    [offset] = change(copy.folder, where)
    change(copy.folder, altered)
    assert errors(everything(copy))[rule] == offset


def test_a_revisit_without_its_original_in_our_files(copy: TestArchive) -> None:
    folder = copy.folder / "warc" / "khac"
    folder.mkdir()
    (folder / "khac-20240301030000-00000-y-1.warc.gz").write_bytes(packed(sound()[4:]))
    verdict = next(v for v in everything(copy) if "/khac/" in v.file)
    assert "dangling_revisit" in errors([verdict])


def test_an_exchange_of_ours_without_its_metadata(copy: TestArchive) -> None:
    folder = copy.folder / "warc" / "khac"
    folder.mkdir()
    records = [record for n, record in enumerate(sound()) if n != 2]
    (folder / "khac-20240301030000-00000-y-1.warc.gz").write_bytes(packed(records))
    verdict = next(v for v in everything(copy) if "/khac/" in v.file)
    assert "no_metadata" in {flaw.rule.slug for flaw in verdict.flaws}


def test_a_file_far_over_a_gigabyte_is_a_finding() -> None:
    [flaw] = Whole("x-20240301030000-00000-y.warc.gz", 3 * 10**9, ours=False).end()
    assert flaw.rule is Rule.TOO_LARGE


def test_an_original_in_a_later_file_is_found(copy: TestArchive) -> None:
    donated = copy.folder / "donated"
    donated.mkdir()
    (donated / "a-20240301030000-00000-y.warc.gz").write_bytes(packed(sound()[4:]))
    (donated / "b-20240301030000-00000-y.warc.gz").write_bytes(packed(sound()[:4]))
    rules = {flaw.rule.slug for verdict in everything(copy) for flaw in verdict.flaws}
    assert "original_elsewhere" not in rules and "duplicate_id" not in rules


def test_a_stale_index_is_a_finding(copy: TestArchive) -> None:
    [index] = copy.folder.glob("cdx/warc/*/*.cdxj")
    lines = index.read_text(encoding="utf-8").splitlines(keepends=True)
    index.write_text("".join(lines[:-1]), encoding="utf-8")
    [verdict] = everything(copy)
    assert [flaw.rule.slug for flaw in verdict.flaws] == ["index_differs"] and not verdict.errors


def test_a_replica_is_compared_byte_by_byte(copy: TestArchive, tmp_path: Path) -> None:
    replica = tmp_path / "ban-sao"
    shutil.copytree(copy.folder, replica)
    assert not errors(everything(copy, replica))
    [path] = replica.glob("warc/*/*.warc.gz")
    data = bytearray(path.read_bytes())
    data[70_000] ^= 1
    path.write_bytes(data)
    assert errors(everything(copy, replica)) == {"replica_differs": 70_000}
    path.unlink()
    assert errors(everything(copy, replica)) == {"replica_missing": 0}


def add_files(archive: TestArchive, count: int) -> None:
    (archive.folder / "donated").mkdir()
    for number in range(count):
        name = f"x-2024030103000{number}-00000-y.warc.gz"
        records = packed(sound(name, first=1 + 10 * number))
        (archive.folder / "donated" / name).write_bytes(records)


def test_the_longest_unverified_come_first(copy: TestArchive) -> None:
    add_files(copy, 3)
    archive = copy.open()
    seen = [[v.file for v in Round(archive).oldest(1)] for _ in range(5)]
    archive.close()
    names = [archive.folder.name_of(path) for path in archive.folder.warc_files()]
    assert seen == [[name] for name in (*names, names[0])]


def test_a_file_being_written_takes_no_room_in_a_round(copy: TestArchive) -> None:
    add_files(copy, 1)
    [path] = copy.folder.glob("donated/*")
    path.rename(path.with_name(path.name + ".open"))
    archive = copy.open()
    seen = {v.file: v.skipped for v in Round(archive).oldest(1)}
    archive.close()
    assert sorted(map(bool, seen.values())) == [False, True]


def test_a_round_that_was_stopped_goes_on(copy: TestArchive) -> None:
    add_files(copy, 3)
    archive = copy.open()
    first = [verdict.file for verdict in islice(Round(archive).everything(), 2)]
    rest = [verdict.file for verdict in Round(archive).everything()]
    again = [verdict.file for verdict in Round(archive).everything()]
    archive.close()
    assert len(first) == len(rest) == 2 and not {*first} & {*rest} and {*first, *rest} == {*again}
    log = list(read_lines(copy.folder / "logs" / "verify.jsonl"))
    assert [line["round"] for line in log if "round" in line] == ["begun", "ended"] * 2


def test_a_file_being_written_is_skipped(copy: TestArchive) -> None:
    [path] = copy.warc_files()
    path.rename(path.with_name(path.name + ".open"))
    [verdict] = everything(copy)
    assert verdict.skipped is not None and not verdict.errors


def test_a_disk_that_gives_no_bytes_is_an_error(copy: TestArchive) -> None:
    def fail(path: WarcFile) -> Any:
        raise OSError(5, "Input/output error", str(path))

    pace = Pace(None)
    pace.open = fail  # type: ignore[method-assign]
    archive = copy.open()
    verdicts = list(Round(archive, pace=pace).everything())
    archive.close()
    assert errors(verdicts) == {"unreadable": 0}


def test_a_pace_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    path = tmp_path / "x"
    path.write_bytes(bytes(500_000))
    with Pace(1_000_000).open(path) as file:
        assert len(file.read()) == 500_000
    assert 0.4 < max(slept) < 0.6  # so long to wait for the last piece, nobody having slept


def verify(archive: TestArchive, *arguments: str) -> tuple[int, str, str]:
    done = archive.tinhuyen("warc", "verify", *arguments)
    return done.returncode, done.stdout, done.stderr


def test_the_command_says_what_to_do_and_ends_with_6(copy: TestArchive) -> None:
    [path] = copy.warc_files()
    assert verify(copy, "--all")[0] == 0
    size = path.stat().st_size
    os.truncate(path, size - 10)
    for way in (["--all"], ["--oldest", "1GB", "--rate", "900MB"], [str(path)]):
        code, said, _ = verify(copy, *way)
        assert code == 6 and "torn_tail" in said and "restore the file from another copy" in said
    code, said, _ = verify(copy, "--all", "--json")
    [told] = map(json.loads, said.splitlines())
    assert code == 6 and told["errors"] == sum(f["severity"] == "error" for f in told["flaws"])
    assert {"offset", "rule", "severity", "detail", "meaning", "advice"} == told["flaws"][0].keys()


BAD: dict[str, tuple[list[str], str]] = {
    "nothing": ([], "give files, or --all, or --oldest"),
    "both": (["--all", "--oldest", "1GB"], "give files, or --all, or --oldest"),
    "no size": (["--oldest", "many"], "is no size"),
    "no replica": (["--all", "--against", "khong-co"], "is no folder"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_a_sentence(archive: TestArchive, name: str) -> None:
    arguments, sentence = BAD[name]
    code, _, said = verify(archive, *arguments)
    assert code == 2 and sentence in said and "Traceback" not in said


def test_no_such_file(archive: TestArchive) -> None:
    code, _, said = verify(archive, "khong-co.warc.gz")
    assert code == 1 and "is not in" in said


@pytest.mark.parametrize(
    "command",
    [("index", "khong-co"), ("stamp", "khong-co", "--root", "x"), ("show", "khong-co", "0")],
)
def test_other_commands_need_their_files(archive: TestArchive, command: tuple[str, ...]) -> None:
    done = archive.tinhuyen("warc", *command)
    assert done.returncode in (1, 2) and "Traceback" not in done.stderr


@pytest.mark.postgres
def test_rows_on_postgresql_are_compared_too(archive: TestArchive, postgres_url: str) -> None:
    on_it = ("--database", postgres_url)
    assert archive.tinhuyen(*on_it, "demo", "--no-serve").returncode == 0
    done = archive.tinhuyen(*on_it, "warc", "verify", "--all")
    assert done.returncode == 0 and "sound" in done.stdout, done.stdout
    located = archive.tinhuyen(*on_it, "warc", "locate", "308bb", "--json").stdout.splitlines()
    page = json.loads(located[0])
    shown = archive.tinhuyen(*on_it, "warc", "show", page["file"], str(page["offset"]))
    assert "article: id 308bbaf278198bcc" in shown.stdout
    assert archive.tinhuyen(*on_it, "check", "308bb").returncode == 0
