"""Exports: as many as the query counts, whole or not there, and read by others."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.archive import Archive
from storage.export.fields import FIELDS, as_row, dictionary
from storage.export.found import find_all
from storage.export.lines import write_csv, write_jsonl
from storage.export.parquet import write_parquet
from storage.export.warc import write_warc
from storage.query.query import Query
from tests.conftest import ROOT, TestArchive

QUERIES = {
    "everything": [],
    "words": ["hội nghị"],
    "a year": ["--since", "2022", "--until", "2022"],
    "a place": ["--unit", "huyện Bình Giang", "--site", "demo"],
}


@pytest.mark.parametrize("options", QUERIES.values(), ids=QUERIES)
def test_every_article_that_search_finds_is_there_once(
    demo_archive: TestArchive, tmp_path: Path, options: list[str]
) -> None:
    found = demo_archive.here("search", *options, "--limit", "1000", "--json").stdout
    out = tmp_path / "ra.jsonl"
    done = demo_archive.here("export", "--format", "jsonl", str(out), *options)
    assert done.returncode == 0, done.stderr
    lines = out.read_text("utf-8").splitlines()
    assert sorted(lines) == sorted(found.splitlines()) and len(lines) > 0
    assert done.stdout == f"{len(lines)} article(s) in {out}\n"


def test_the_formats_agree(demo_archive: TestArchive, tmp_path: Path) -> None:
    articles = all_of(demo_archive.open())
    write_csv(tmp_path / "ra.csv", articles)
    write_parquet(tmp_path / "ra", articles)
    with (tmp_path / "ra.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    frame = pd.read_parquet(tmp_path / "ra")
    rows = {row["id"]: row for row in map(as_row, articles)}
    assert len(table) == len(frame) == len(rows) == 60
    for line in table:
        row = rows[line["id"]]
        for name, cell in line.items():
            value = row[name]
            shown = json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
            assert cell.removeprefix("'") == ("" if value in (None, []) else str(shown)), name
    for line in frame.to_dict("records"):
        row = rows[line["id"]]
        assert line["title"] == row["title"] and line["year"] == row["year"]
        assert line["province"] == row["province"] == "Hải Dương"
        assert [image["sha256"] for image in line["images"]] == [
            image["sha256"] for image in row["images"]
        ]
        assert f"{line['captured_at']:%Y-%m-%dT%H:%M:%S.%fZ}" == row["captured_at"]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def ask(query: str) -> list[tuple[Any, ...]]:
    relation = duckdb.sql(query)
    assert relation is not None
    return relation.fetchall()


def all_of(archive: Archive) -> list[dict[str, Any]]:
    with find_all(archive, Query()) as found:
        return list(found.articles())


def test_the_schema_is_documented_field_by_field(demo_archive: TestArchive, tmp_path: Path) -> None:
    """The files, DuckDB and docs/researchers.md say the same."""
    write_parquet(tmp_path / "ra", all_of(demo_archive.open()))
    pattern = f"{tmp_path}/ra/**/*.parquet"
    described = ask(f"DESCRIBE SELECT * FROM read_parquet('{pattern}')")
    assert [row[0] for row in described] == [field.name for field in FIELDS]
    assert dictionary() in (ROOT / "docs" / "researchers.md").read_text("utf-8")
    [path, *_] = sorted((tmp_path / "ra").rglob("*.parquet"))
    for field in pq.read_schema(path):
        [about] = [one.about for one in FIELDS if one.name == field.name]
        assert field.metadata == {b"about": about.encode()}


def test_the_example_of_the_docs_runs(
    demo_archive: TestArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "researchers.md").read_text("utf-8")
    [code] = [one for one in re.findall(r"```python\n(.*?)```", page, re.S) if "duckdb" in one]
    write_parquet(tmp_path / "bai-viet", all_of(demo_archive.open()))
    monkeypatch.chdir(tmp_path)
    made: dict[str, Any] = {}
    exec(code, made)
    assert made["by_year"].sum() == 60
    assert len(made["pictures"]) == sum(
        len(one["images"]) for one in demo_archive.open().search(since="2023", limit=None)
    )


def made_up(**values: Any) -> dict[str, Any]:
    """An article with hardly anything known."""
    nothing = dict.fromkeys(
        "title title_raw lead text section published_at published_precision published_raw "
        "published_evidence byline_raw author office credit place".split()
    )
    known = {
        "id": "0" * 16, "site": "a", "organ": "party", "url": "http://a.vn/", "other_urls": [],
        "published_flags": [], "captured_at": "2024-03-01T03:00:00.000000Z", "version": 1,
        "versions": 1, "images": [], "attachments": [],
        "warc": {"file": "warc/a/a.warc.gz", "offset": 0, "length": 9, "record_id": "<urn:uuid:a>",
                 "payload_digest": None, "provenance": "own"},
    }  # fmt: skip
    return nothing | known | values


def test_what_is_unknown_is_null_in_a_folder_of_its_own(tmp_path: Path) -> None:
    write_parquet(
        tmp_path / "ra",
        [
            made_up(published_at="2023-01", id="1" * 16),
            made_up(published_at="2022", id="2" * 16),
            made_up(id="3" * 16),
        ],
    )
    found = ask(
        "SELECT id[1], province, year, published_day, absent_on, title"
        f" FROM read_parquet('{tmp_path}/ra/**/*.parquet') ORDER BY id"
    )
    assert found == [
        ("1", None, 2023, None, None, None),
        ("2", None, 2022, None, None, None),
        ("3", None, None, None, None, None),
    ]
    frame = pd.read_parquet(tmp_path / "ra").sort_values("id")
    assert frame["province"].isna().all() and list(frame["year"].isna()) == [False, False, True]
    write_parquet(tmp_path / "khong ngay", [made_up(), made_up(published_flags=["two_digit_year"])])
    frame = pd.read_parquet(tmp_path / "khong ngay")
    assert len(frame) == 2 and frame["year"].isna().all()


def test_a_year_that_comes_again_gets_a_file_of_its_own(tmp_path: Path) -> None:
    years = ("2023-01-01", "2022-01-01", "2023-02-02")
    write_parquet(tmp_path / "ra", [made_up(published_at=year) for year in years])
    assert len(list((tmp_path / "ra").rglob("year-2023/part-?.parquet"))) == 2
    assert len(pd.read_parquet(tmp_path / "ra")) == 3


def test_the_same_articles_give_the_same_bytes(demo_archive: TestArchive, tmp_path: Path) -> None:
    articles = all_of(demo_archive.open())
    digests = []
    for name in ("a", "b"):
        write_parquet(tmp_path / name, articles)
        paths = sorted((tmp_path / name).rglob("*.parquet"))
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in paths])
    assert digests[0] == digests[1] and len(digests[0]) == 3


@given(st.text())
def test_no_cell_is_a_formula_and_each_is_given_back(text: str) -> None:
    from storage.export.lines import _cell

    cell = _cell(text)
    assert cell.lstrip()[:1] not in tuple("=+-@＝＋－＠|%") or cell[:1] == "'"
    assert cell.removeprefix("'") == text.replace("\0", "") if cell[:1] == "'" else True
    assert cell == text.replace("\0", "") or cell == f"'{text.replace(chr(0), '')}"


@pytest.mark.parametrize("text", ["=1+1", "+84", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "'=1"])
def test_formulas_are_text_to_a_spreadsheet(tmp_path: Path, text: str) -> None:
    write_csv(tmp_path / "ra.csv", [made_up(title=text, author=f"Hà {text}")])
    with (tmp_path / "ra.csv").open(encoding="utf-8-sig", newline="") as file:
        [row] = csv.DictReader(file)
    assert row["title"] == f"'{text}" and row["author"] == f"Hà {text}"


def test_images_are_files_named_by_their_digest(demo_archive: TestArchive, tmp_path: Path) -> None:
    out, images = tmp_path / "ra.jsonl", tmp_path / "anh"
    done = demo_archive.here("export", "--format", "jsonl", str(out), "--images", str(images))
    assert done.returncode == 0, done.stderr
    shown = {
        image["sha256"]
        for line in out.read_text("utf-8").splitlines()
        for image in json.loads(line)["images"]
    } - {None}
    paths = [path for path in images.rglob("*") if path.is_file()]
    assert {path.stem for path in paths} == shown and len(paths) == len(shown) > 0
    for path in paths:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
        assert path.suffix in (".jpg", ".png", ".gif", ".webp", ".svg")


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_killed_export_leaves_nothing_under_its_name(
    demo_archive: TestArchive, tmp_path: Path, form: str
) -> None:
    """SIGKILL after 30 of 60 articles; the same export then begins again and is whole."""
    out = tmp_path / "ra"
    code = (
        "import os, signal, sys; from pathlib import Path; from storage.archive import Archive\n"
        "from storage.export.cli import _writer; from storage.export.found import find_all\n"
        "from storage.query.query import Query\n"
        "def half(articles):\n"
        "    for number, article in enumerate(articles):\n"
        "        if number == 30: os.kill(os.getpid(), signal.SIGKILL)\n"
        "        yield article\n"
        "with find_all(Archive(), Query()) as found:\n"
        f"    _writer({form!r})(Path({str(out)!r}), half(found.articles()))\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], env=demo_archive.environment)
    assert killed.returncode == -signal.SIGKILL
    assert not out.exists() and names_in(tmp_path) == ["ra.unfinished"]
    done = demo_archive.here("export", "--format", form, str(out), "--json")
    assert json.loads(done.stdout)["articles"] == 60
    assert names_in(tmp_path) == ["ra"]


def test_what_is_there_is_not_written_over(demo_archive: TestArchive, tmp_path: Path) -> None:
    out = tmp_path / "ra.csv"
    out.write_text("của tôi")
    for form in ("jsonl", "csv", "parquet", "warc"):
        done = demo_archive.here("export", "--format", form, str(out))
        assert done.returncode == 2 and "is there already" in done.stderr
    assert out.read_text() == "của tôi" and names_in(tmp_path) == ["ra.csv"]


def test_nothing_found_is_said(demo_archive: TestArchive, tmp_path: Path) -> None:
    out = str(tmp_path / "ra")
    done = demo_archive.here("export", "--format", "csv", out, "khôngcótừnày")
    assert done.returncode == 1 and "nothing was written" in done.stderr
    done = demo_archive.here("export", "--format", "xlsx", out)
    assert done.returncode == 2 and "jsonl, csv, parquet, warc" in done.stderr
    done = demo_archive.here("export", "--format", "warc", out, "--images", f"{out}2")
    assert done.returncode == 2 and not names_in(tmp_path)


@pytest.mark.embedded("a writer beside a reader of one file")
def test_an_export_shows_one_moment(demo_archive: TestArchive, tmp_path: Path) -> None:
    """What is written meanwhile is not in it."""
    copy = demo_archive.copy(tmp_path / "archive")
    with find_all(copy.open(), Query()) as found:
        writer = sqlite3.connect(tmp_path / "archive" / "archive.db")
        writer.execute("UPDATE reading SET title = 'khác'")
        writer.commit()
        writer.close()
        assert "khác" not in {article["title"] for article in found.articles()}


def test_no_export_names_persons(
    demo_archive: TestArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINHUYEN_PERSONS", "1")
    write_jsonl(tmp_path / "ra.jsonl", all_of(demo_archive.open()))
    assert '"persons"' not in (tmp_path / "ra.jsonl").read_text("utf-8")
    assert "persons" not in {field.name for field in FIELDS}


@pytest.mark.postgres
def test_postgresql_exports_the_same(
    demo_archive: TestArchive, postgres_url: str, tmp_path: Path
) -> None:
    copy = demo_archive.copy(tmp_path / "archive")
    assert copy.tinhuyen("--database", postgres_url, "rebuild").returncode == 0
    archive = Archive(copy.folder, postgres_url)
    assert all_of(archive) == all_of(demo_archive.open())
    with find_all(archive, Query()) as found:
        assert write_warc(tmp_path / "phan", found, archive.folder, "tất cả") > 60
    archive.close()
