"""What docs/succession.md gives to those who have nothing but Python's standard library."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.conftest import ROOT, TestArchive


@pytest.fixture
def script(tmp_path: Path) -> Path:
    page = (ROOT / "docs" / "succession.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code
    path = tmp_path / "read_archive.py"
    path.write_text(code[1], encoding="utf-8")
    return path


def read(script: Path, archive: TestArchive, *arguments: str) -> bytes:
    # -I and -S: no package of this environment is to be had.
    command = [sys.executable, "-I", "-S", str(script), str(archive.folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


def test_it_lists_every_capture(script: Path, demo_archive: TestArchive) -> None:
    listed = [line.split() for line in read(script, demo_archive).decode().splitlines()]
    with demo_archive.open().reading() as connection:
        kept = connection.execute(text("SELECT fetched_at, status, url FROM capture")).all()
    assert sorted((status, url) for _, status, url in listed) == sorted(
        (str(status), url) for _, status, url in kept
    )


def test_it_writes_out_a_page_and_an_image(script: Path, demo_archive: TestArchive) -> None:
    url = "http://demo.localhost/news/Pages/chi-tiet.aspx?CateID=13&ItemID=101"
    page = read(script, demo_archive, url).decode()
    assert "Huyện Bình Giang tổ chức hội nghị tổng kết công tác xây dựng Đảng" in page
    with demo_archive.open().reading() as connection:
        row = connection.exec_driver_sql(
            "SELECT i.url, i.sha256 FROM article_images i WHERE i.sha256 IS NOT NULL LIMIT 1"
        ).one()
    mime, data = demo_archive.open().image(row.sha256)
    assert read(script, demo_archive, row.url) == data, mime


def test_it_follows_a_revisit(script: Path, archive: TestArchive) -> None:
    for _ in range(2):
        assert archive.scrapy("crawl", "demo").returncode == 0
    with archive.open().reading() as connection:
        row = connection.exec_driver_sql(
            "SELECT c.url, i.sha256 FROM captures c JOIN article_images i ON i.url = c.url"
            " WHERE c.record_type = 'revisit' AND i.sha256 IS NOT NULL LIMIT 1"
        ).one()
    assert read(script, archive, row.url) == archive.open().image(row.sha256)[1]


def test_it_names_a_file_that_is_not_as_listed(
    script: Path, demo_archive: TestArchive, tmp_path: Path
) -> None:
    assert b"DIFFERS" not in read(script, demo_archive, "--check")
    copy = demo_archive.copy(tmp_path / "copy")
    (file,) = copy.warc_files()
    with file.open("r+b") as bytes_:
        bytes_.seek(1000)
        bytes_.write(b"\x00\x01")
    assert b"DIFFERS" in read(script, copy, "--check")
