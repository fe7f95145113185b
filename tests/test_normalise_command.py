"""`tinhuyen normalise`: one JSON object a line, from a file or from standard input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import TestArchive


def test_dates_of_a_file(archive: TestArchive, tmp_path: Path) -> None:
    file = tmp_path / "dates.txt"
    file.write_text(
        "Thứ Ba 10/01/2023 16:33\nHội nghị ngày 10/01/2023\n3 giờ trước\n05/39\n\n", "utf-8"
    )
    done = archive.tinhuyen(
        "normalise", "dates", str(file), "--fetched-at", "2024-03-01T10:00:00+07:00"
    )
    assert done.returncode == 0, done.stderr
    first, event, relative, figure, empty = map(json.loads, done.stdout.splitlines())
    assert (first["value"], first["flags"]) == ("2023-01-10T16:33:00+07:00", ["weekday_agrees"])
    assert first["date_line"] and not event["date_line"]
    assert event["before"] == "Hội nghị ngày "
    assert relative["value"] == "2024-03-01T07:00:00+07:00"
    assert figure["value"] is empty["value"] is None


def test_titles_of_standard_input(archive: TestArchive) -> None:
    command = [sys.executable, "-c", "from crawler.cli import main; main()", "normalise", "titles"]
    command += ["--site-name", "Huyện uỷ Bình Giang"]
    raw = "H&#7897;i ngh&#7883;  - Huyện uỷ Bình Giang\nHội nghị\n".encode()
    done = subprocess.run(command, input=raw, env=archive.environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    mended, clean = map(json.loads, done.stdout.decode().splitlines())
    assert (mended["title"], mended["repairs"]) == ("Hội nghị", ["entities", "spaces", "site name"])
    assert (clean["title"], clean["repairs"]) == ("Hội nghị", [])


def test_bad_input_is_said(archive: TestArchive, tmp_path: Path) -> None:
    file = tmp_path / "dates.txt"
    file.write_bytes(b"\xff\xfe 10/01/2023\n")
    assert archive.tinhuyen("normalise", "dates", str(file)).returncode == 0
    for arguments in (
        ("normalise", "dates", "no-such-file"),
        ("normalise", "dates", str(file), "--order", "YMD"),
        ("normalise", "dates", str(file), "--fetched-at", "yesterday"),
    ):
        done = archive.tinhuyen(*arguments)
        assert done.returncode == 2 and done.stderr and "Traceback" not in done.stderr
