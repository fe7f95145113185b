"""`tinhuyen db copy`: the same rows on the other side, proved; or nothing, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, text

from storage.archive import Archive
from storage.copy.archive import CopyDiffers, copy_archive
from storage.copy.rows import Digest, batches, columns_of, write_rows
from storage.database.connect import open_database, open_for_reading
from storage.database.donations import donation
from storage.database.schema import frontier, image, metadata, run, site
from storage.database.views import VIEWS
from storage.errors import UsageError
from tests.compare import content_of, differences
from tests.conftest import TestArchive

WORDS = ("", "huyen uy binh giang", "Huyện uỷ", '"thi đua khen thưởng"', "đảng -xyz")


@contextmanager
def opened(*urls: str) -> Iterator[list[Engine]]:
    engines = [open_database(url) for url in urls]
    try:
        yield engines
    finally:
        for engine in engines:
            engine.dispose()


def copied(archive: TestArchive, *words: str, code: int = 0) -> str:
    done = archive.tinhuyen("db", "copy", *words)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.mark.embedded("the copy begins and ends in files")
@pytest.mark.postgres
def test_there_and_back_everything_is_the_same(
    open_demo: TestArchive, postgres_url: str, tmp_path: Path
) -> None:
    """The demo has images, attachments and notes of its dates; search finds the same, in order."""
    told = copied(open_demo, str(open_demo.folder), postgres_url, "--json")
    compared = [json.loads(line) for line in told.splitlines()]
    assert {one["name"] for one in compared} == {*metadata.tables, *VIEWS}
    assert all(one["equal"] and one["rows"] == one["rows_copied"] for one in compared)
    assert sum(one["rows"] for one in compared if one["name"] == "capture") == 133

    back = tmp_path / "back"
    said = copied(open_demo, postgres_url, str(back))
    assert "every table and view is equal" in said and "DIFFERS" not in said

    archives = [open_demo.open(), Archive(open_demo.folder, postgres_url), Archive(back)]
    first = archives[0]
    for other in archives[1:]:
        assert not differences(content_of(first.database_url), content_of(other.database_url))
        for words in WORDS:
            assert list(other.search(words)) == list(first.search(words)), words
        assert list(other.search_attachments("nghị quyết")) == list(
            first.search_attachments("nghị quyết")
        )
    for archive in archives:
        archive.close()


@pytest.mark.postgres
def test_a_crawl_goes_on_where_the_rows_went(
    demo_archive: TestArchive, postgres_url: str, tmp_path: Path
) -> None:
    """Its sequences stand behind the rows that came."""
    moved = demo_archive.copy(tmp_path / "archive")
    copied(moved, moved.open().database_url, postgres_url)
    again = moved.scrapy("crawl", "demo", "-s", f"DATABASE={postgres_url}")
    assert again.returncode == 0, again.stderr
    with open_for_reading(postgres_url).connect() as connection:
        count = select(func.count()).select_from(run)
        assert connection.execute(count).scalar() == 2
    connection.engine.dispose()


ROW = {
    "text": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    "int": st.integers(-(2**31), 2**31 - 1),
    "big": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "bytes": st.binary(max_size=40),
    "json": st.none()
    | st.recursive(
        st.none() | st.booleans() | st.text(st.characters(exclude_categories=["Cs"])) | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.just("đ"), inner),
    ).map(lambda value: json.dumps(value, ensure_ascii=False)),
}  # fmt: skip


@pytest.fixture(scope="module")
def three(postgres: str) -> Iterator[list[Engine]]:
    """SQLite, PostgreSQL, SQLite."""
    with opened(postgres) as [server], server.connect() as connection:
        admin = connection.execution_options(isolation_level="AUTOCOMMIT")
        admin.execute(text("CREATE DATABASE copied"))
        with opened("sqlite://", postgres.rpartition("/")[0] + "/copied", "sqlite://") as engines:
            yield engines
        admin.execute(text("DROP DATABASE copied WITH (FORCE)"))


NUMBER = {"text": "", "int": 0, "big": 0, "float": 0.0, "bytes": b"", "json": "7"}
"""JSON that is one number, which SQLite keeps as one."""


@pytest.mark.postgres
@example(rows=[NUMBER], nothing=False)
@given(
    rows=st.lists(st.fixed_dictionaries(ROW), min_size=1, max_size=8),
    nothing=st.booleans(),
)
@settings(max_examples=10, deadline=None)
def test_any_row_comes_through(
    three: list[Engine], rows: list[dict[str, Any]], nothing: bool
) -> None:
    """Text, numbers to the ends of their ranges, bytes, JSON that is null, and NULL."""
    for engine in three:
        with engine.begin() as tx:
            for table in reversed(metadata.sorted_tables):
                tx.execute(table.delete())
    first, second, third = three
    fill(first, rows, nothing=nothing)
    assert all(one.equal for one in copy_archive(first, second))
    assert all(one.equal for one in copy_archive(second, third))
    assert content(third) == content(first)


def fill(engine: Engine, rows: list[dict[str, Any]], *, nothing: bool) -> None:
    """Rows as any program may have left them: text(…) keeps SQLAlchemy's types out."""
    with engine.begin() as tx:
        for number, one in enumerate(rows):
            id_ = str(number)
            put(tx, site, id=id_, name=one["text"], organ="", hosts=one["json"] or "[]", state="",
                origin="", evidence=None if nothing else one["text"])  # fmt: skip
            put(tx, run, id=id_, site=id_, kind="", started_at="", counts=one["json"])
            put(tx, frontier, site=id_, url=one["text"], fingerprint=one["bytes"], origin="", role="",
                state="", priority=one["int"], depth=0, hops="", tries=0, crashes=0,
                due=one["float"], list_digest=None if nothing else one["bytes"])  # fmt: skip
            put(tx, image, sha256=id_, mime="", bytes=one["int"], data=one["bytes"])
            put(tx, donation, file=id_, name="", bytes=one["big"], sha256="", donor="", terms="",
                run=id_, given_at="", taken_in=0)  # fmt: skip


def put(tx: Any, table: Any, **values: Any) -> None:
    write_rows(tx, table.name, list(values), [tuple(values.values())])


def content(engine: Engine) -> dict[str, list[Any]]:
    with engine.connect() as connection:
        return {
            table.name: [
                row for part in batches(connection, table.name, columns_of(table)) for row in part
            ]
            for table in metadata.sorted_tables
        }


@given(st.lists(st.tuples(st.none() | st.text() | st.binary() | st.integers())), st.randoms())
def test_a_digest_knows_no_order_and_nothing_else_is_lost_on_it(
    rows: list[Any], chance: Any
) -> None:
    rows = [row for row in rows if not isinstance(row[0], str) or is_text(row[0])]
    shuffled = chance.sample(rows, len(rows))
    assert digest(shuffled) == digest(rows)
    assert digest([*rows, ("thêm",)]) != digest(rows)
    if rows:
        assert digest([*rows[1:], rows[0] * 2]) != digest(rows)


def is_text(value: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in value)


def digest(rows: list[Any]) -> str:
    made = Digest()
    made.add(rows)
    return made.hex


def test_what_differs_is_not_kept(tmp_path: Path) -> None:
    """A database of somebody's that changes rows as they come."""
    with opened(f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/b.db") as [source, target]:
        fill(source, [{"text": "x", "int": 1, "big": 1, "float": 1.0, "bytes": b"", "json": None}],
             nothing=False)  # fmt: skip
        with target.begin() as tx:
            tx.execute(text("CREATE TRIGGER t AFTER INSERT ON run BEGIN"
                            " UPDATE run SET kind = 'khác'; END"))  # fmt: skip
        with pytest.raises(CopyDiffers, match="in: run, runs; nothing of it was kept") as raised:
            copy_archive(source, target)
        assert raised.value.exit_code == 6
        assert [one.name for one in raised.value.compared if not one.equal] == ["run", "runs"]
        with target.connect() as connection:
            assert connection.execute(select(site)).all() == []


@pytest.mark.postgres
def test_text_that_postgresql_cannot_hold_is_named(postgres_url: str) -> None:
    with opened("sqlite://", postgres_url) as [source, target]:
        with source.begin() as tx:
            put(tx, site, id="a", name="x\0y", organ="", hosts="[]", state="", origin="")
        with pytest.raises(UsageError, match=r"site\.name of row 'a' holds a NUL"):
            copy_archive(source, target)


def test_what_may_not_be_copied_is_said(
    demo_archive: TestArchive, archive: TestArchive, tmp_path: Path
) -> None:
    demo = demo_archive.open().database_url
    refused = copied(archive, demo, demo, code=2)
    assert "holds an archive already" in refused and "Traceback" not in refused
    assert "holds no archive.db" in copied(archive, str(tmp_path / "none"), demo, code=1)
    for wrong in ("x://", "mysql://h/x"):
        assert "is no database" in copied(archive, demo, wrong, code=2)
    assert "holds no archive yet" in copied(archive, f"sqlite:///{tmp_path}/new.db", demo, code=1)
    for held in (demo_archive, archive):  # either: where it comes from, and where it goes
        with held.open().folder.whole_lock():
            told = copied(archive, str(demo_archive.folder), str(archive.folder), code=7)
        assert "the archive is in use" in told


@pytest.mark.embedded("a folder's own database")
def test_a_folder_is_not_copied_onto_itself(
    demo_archive: TestArchive, archive: TestArchive
) -> None:
    itself = copied(archive, str(demo_archive.folder), str(demo_archive.folder), code=2)
    assert "holds an archive already" in itself


def test_a_copy_that_is_killed_leaves_an_empty_database(
    demo_archive: TestArchive, tmp_path: Path
) -> None:
    import subprocess
    import sys

    target = f"sqlite:///{tmp_path}/b.db"
    demo = demo_archive.open().database_url
    killed = (
        "import os, storage.copy.archive as c\n"
        "c.index_pages = lambda tx: os.kill(os.getpid(), 9)\n"
        "from crawler.cli import main; main()"
    )
    words = [sys.executable, "-c", killed, "db", "copy", demo, target]
    assert subprocess.run(words, env=demo_archive.environment).returncode == -9
    with opened(target) as [engine], engine.connect() as connection:
        assert connection.execute(select(run.c.id)).all() == []
    copied(demo_archive, demo, target)
