"""The shape of the code: what loads what, what is shipped, how long things are."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from importlib import import_module
from pathlib import Path

import pytest
from scrapy.utils.misc import load_object
from sqlalchemy import create_engine

from crawler import settings
from storage.database.connect import newest_revision, open_database
from storage.database.schema import metadata
from tests.conftest import ROOT, TestArchive

SOURCES = sorted(path for top in ("crawler", "storage") for path in (ROOT / top).rglob("*.py"))
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCES
    if "migrations" not in path.parts and path.name != "__main__.py"
]


@pytest.mark.parametrize("name", MODULES)
def test_every_module_can_be_imported(name: str) -> None:
    import_module(name)


def test_search_loads_no_crawler(demo_archive: TestArchive) -> None:
    """Researchers do not wait for Scrapy, nor for a parser or a web framework."""
    code = (
        "import sys; from crawler.cli import app\n"
        "try: app(['search', 'huyện uỷ'])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=demo_archive.environment, capture_output=True, text=True
    )
    assert done.returncode == 0 and "308bbaf278198bcc" in done.stdout, done.stderr
    loaded = set(ast.literal_eval(done.stderr.splitlines()[-1]))
    assert not loaded & {"scrapy", "twisted", "selectolax", "PIL", "fastapi", "alembic", "warcio"}


def test_settings_name_things_that_exist() -> None:
    named = [settings.SCHEDULER, settings.SPIDER_LOADER_CLASS, *settings.ITEM_PIPELINES]
    named += [path for path in settings.DOWNLOAD_HANDLERS.values() if path]
    named += list(settings.EXTENSIONS_BASE)
    for path in named:
        assert load_object(path)


def test_a_wheel_holds_all_that_runs_and_no_tests(tmp_path: Path) -> None:
    """Built from what git tracks, with the environment's own setuptools: offline."""
    clone = tmp_path / "clone"
    clone.mkdir()
    copy = f"git ls-files -z | xargs -0 cp --parents -t {clone}"
    subprocess.run(copy, shell=True, cwd=ROOT, check=True)
    code = "import sys, setuptools.build_meta as b; b.build_wheel(sys.argv[1])"
    command = [sys.executable, "-c", code, str(tmp_path)]
    built = subprocess.run(command, cwd=clone, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "crawler/sites/demo.toml",
        "crawler/demo/seed_article.txt",
        "storage/database/migrations/script.py.mako",
        "storage/database/migrations/versions/0001_first_tables.py",
        "storage/places/data/units.tsv.gz",
        "storage/replay/outside/pins.txt",
        "storage/replay/templates/banner.html",
        "storage/web/templates/index.html",
    ):
        assert name in names
    assert not any(name.startswith("tests") for name in names)


def test_migrations_end_where_the_tables_are_declared(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _ours})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == newest_revision()
    engine.dispose()


@pytest.mark.postgres
def test_migrations_on_postgresql_too(postgres_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    open_database(postgres_url).dispose()
    engine = create_engine(postgres_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _ours})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def _ours(thing: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
    """The search index is made by the migration alone: each database has its own kind."""
    return not (name or "").startswith(("search", "ix_search"))


MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 45


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_and_functions_are_short(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= MAX_FILE_LINES
    if "migrations" in path.parts:
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"
