"""Archives in Python: what docs/researchers.md shows runs and prints that."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest

from storage.errors import UsageError
from storage.query.results import Results
from tests.conftest import ROOT, TestArchive
from tests.sql_login import sql_login
from tests.test_docs import matches

PAGE = (ROOT / "docs" / "researchers.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"```python\n((?:(?!```).)*)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("code", "printed"), SHOWN)
def test_what_the_docs_show(demo_archive: TestArchive, code: str, printed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=demo_archive.folder.parent, env=demo_archive.environment | sql_login(demo_archive),
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert matches(printed.rstrip("\n").split("\n"), done.stdout), done.stdout


def test_there_are_examples() -> None:
    """Each is run: here, or with the tables that it reads (test_export)."""
    elsewhere = PAGE.count("```python\nimport duckdb")
    assert len(SHOWN) + elsewhere == PAGE.count("```python") >= 4


def test_results_are_a_sequence_that_loads_what_it_must(demo_archive: TestArchive) -> None:
    loaded: list[int] = []

    def load(keys: list[int]) -> list[dict[str, Any]]:
        loaded.extend(keys)
        return [{"id": str(key)} for key in keys]

    found = Results(list(range(1000)), load)
    assert len(found) == 1000 and found and not loaded
    assert found[3] == {"id": "3"} and loaded == [3]
    assert [one["id"] for one in found[-2:]] == ["998", "999"] and len(loaded) == 3
    assert next(iter(found))["id"] == "0" and len(loaded) == 103
    assert len(list(found)) == 1000 and not Results([], load)
    archive = demo_archive.open()
    assert len(archive.search()) == 60 and len(archive.search(limit=7)) == 7
    assert [a["id"] for a in archive.search()[:7]] == [a["id"] for a in archive.search(limit=7)]


def test_a_table_of_nothing_is_a_table(demo_archive: TestArchive) -> None:
    assert len(demo_archive.open().search("không có gì như thế").to_pandas()) == 0


def test_without_pandas_it_is_said(
    demo_archive: TestArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match=r"tinhuyen\[pandas\]"):
        demo_archive.open().search(limit=1).to_pandas()
