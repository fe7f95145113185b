"""The data dictionary in docs/researchers.md against both databases: names, forms, nulls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, text

from storage.archive import Archive
from storage.database.views import VIEWS
from tests.conftest import ROOT, TestArchive
from tests.kept import open_attachments

PAGE = (ROOT / "docs" / "researchers.md").read_text(encoding="utf-8")
Column = tuple[str, str, str, str]


def described(view: str) -> list[Column]:
    """A view's columns as the dictionary has them: name, meaning, form, what null means."""
    section = PAGE.partition(f"### `{view}`\n")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \| (.+) \|$", section, re.MULTILINE)
    assert rows, f"docs/researchers.md has no section on {view}"
    return rows


FORMS = {
    "UTC": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"),
    "time": re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d:\d\d\+07:00)?)?)?"),
    "day": re.compile(r"\d{4}-\d\d-\d\d"),
    "article id": re.compile(r"[0-9a-f]{16}"),
    "sha256": re.compile(r"[0-9a-f]{64}"),
    "digest": re.compile(r"sha1:[A-Z2-7]{32}"),
    "record id": re.compile(r"<urn:uuid:[0-9a-f-]{36}>"),
    "URL": re.compile(r"https?://\S+"),
    "code": re.compile(r"\d+"),
    "text": re.compile(r".+", re.DOTALL),
}


def fits(value: Any, form: str) -> bool:
    name = re.split(r"[,:(]", form)[0].strip()
    if name == "number":
        return isinstance(value, int) and ("0 or 1" not in form or value in (0, 1))
    if form.startswith("one of"):
        return value in re.findall(r"`(\w+)`", form)
    if name.startswith("JSON"):
        kind: type = list if "list" in name else dict
        return isinstance(json.loads(value) if isinstance(value, str) else value, kind)
    return FORMS[name].fullmatch(value) is not None


def check(connection: Connection) -> None:
    for view in VIEWS:
        rows = connection.execute(text(f"SELECT * FROM {view}"))
        columns = described(view)
        assert list(rows.keys()) == [column[0] for column in columns], view
        for row in rows:
            for value, (name, _, form, null) in zip(row, columns, strict=True):
                if value is None:
                    assert not null.startswith("never"), (view, name)
                else:
                    assert fits(value, form), (view, name, value)


def test_every_column_is_as_described(demo_archive: TestArchive) -> None:
    with demo_archive.open().reading() as connection:
        check(connection)


@pytest.fixture
def served(postgres_url: str, archive: TestArchive) -> Iterator[Archive]:
    done = archive.scrapy("crawl", "demo", "-s", f"DATABASE={postgres_url}")
    assert done.returncode == 0, done.stderr
    noted = archive.tinhuyen("--database", postgres_url, "note", "demo", "tốt")
    assert noted.returncode == 0, noted.stderr
    made = open_attachments(Archive(archive.folder, postgres_url))
    yield made
    made.close()


@pytest.mark.postgres
def test_on_postgresql_too(served: Archive) -> None:
    with served.reading() as connection:
        check(connection)
    assert len(served.search_attachments("trạm bơm", limit=100)) == 7


def test_the_dictionary_has_no_view_that_is_not_there() -> None:
    named = set(re.findall(r"^### `(\w+)`$", PAGE, re.MULTILINE))
    assert named == set(VIEWS)
