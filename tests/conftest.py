"""What tests share: archives in temporary folders, crawls as users start them, real servers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text

from storage.archive import Archive
from tests import databases
from tests.changing_portal import ChangingPortal
from tests.postgres import server

ROOT = Path(__file__).parent.parent

# No example has to be quick: a busy machine is no fault. What hypothesis finds by chance is for
# people to mend, not for a build to stumble over.
settings.register_profile("tinhuyen", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("tinhuyen")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="What the archives of the tests stand on: SQLite files, or a PostgreSQL server.",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--database") == "postgresql":
        for item in items:
            if mark := item.get_closest_marker("embedded"):
                item.add_marker(pytest.mark.skip(reason=f"SQLite only: {mark.args[0]}"))


@pytest.fixture(scope="session", autouse=True)
def all_databases(request: pytest.FixtureRequest) -> Iterator[None]:
    """Where the archives of all tests have their rows."""
    if request.config.getoption("--database") == "sqlite":
        yield
        return
    with databases.all_on(request.getfixturevalue("postgres")):
        yield


@pytest.fixture(autouse=True)
def databases_of_the_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test had made on the server goes with its folder."""
    mine = databases.on_server() and "tmp_path" in request.fixturenames
    folder = request.getfixturevalue("tmp_path") if mine else None
    yield
    databases.end_connections()
    if folder is not None:
        databases.drop_within(folder)


@dataclass(frozen=True)
class TestArchive:
    """An archive's folder, and commands over it."""

    __test__ = False

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        database = databases.database_of(self.folder)
        return (
            os.environ
            | ({"TINHUYEN_DATABASE": database} if database else {})
            | {
                "TINHUYEN_ARCHIVE": str(self.folder),
                "SCRAPY_SETTINGS_MODULE": "crawler.settings",
                "PYTHONWARNINGS": "error",
                "TINHUYEN_DISK_FLOOR_BYTES": str(64 << 20),  # a small disk fails no test
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            }
        )

    def declare(self, table: str) -> None:
        """A site of the archive's own."""
        sites = self.folder / "sites"
        sites.mkdir(parents=True, exist_ok=True)
        number = len(list(sites.glob("*.toml")))
        (sites / f"test-{number}.toml").write_text(f"[[site]]\n{table}", encoding="utf-8")

    def scrapy(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "ignore", "-m", "scrapy", *arguments]
        return self._run(command, timeout)

    def tinhuyen(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        if arguments[0] == "rebuild":
            databases.empty_for_rebuild(self.folder)
        command = [sys.executable, "-c", "from crawler.cli import main; main()", *arguments]
        return self._run(command, timeout)

    def here(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command within this process, for what needs no process of its own."""
        from typer.testing import CliRunner

        from crawler.cli import app
        from storage.errors import TinHuyenError

        if arguments[0] == "rebuild":
            databases.empty_for_rebuild(self.folder)
        done = CliRunner().invoke(app, ["--archive", str(self.folder), *arguments])
        error, code = done.stderr, done.exit_code
        if isinstance(done.exception, TinHuyenError):  # as crawler.cli.main has it
            error, code = error + str(done.exception), done.exception.exit_code
        elif done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(list(arguments), code, done.stdout, error)

    def _run(self, command: list[str], timeout: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=self.folder.parent,
        )

    def open(self) -> Archive:
        return Archive(self.folder)

    def copy(self, folder: Path) -> TestArchive:
        """The same archive in another folder, which must not be there."""
        shutil.copytree(self.folder, folder)
        databases.copy_database(self.folder, folder)
        return TestArchive(folder)

    def warc_files(self) -> list[Path]:
        return sorted(self.folder.glob("warc/*/*.warc.gz"))


@pytest.fixture
def archive(tmp_path: Path) -> TestArchive:
    folder = tmp_path / "archive"
    folder.mkdir()
    return TestArchive(folder)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real material; see CONTRIBUTING in README."""
    folder = os.environ.get("SHARED_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("SHARED_DATA names no folder with the real material")
    return (ROOT / folder).resolve()


@pytest.fixture(scope="session")
def demo_archive(tmp_path_factory: pytest.TempPathFactory) -> TestArchive:
    """The sample portal crawled once; tests only read it."""
    folder = tmp_path_factory.mktemp("demo") / "archive"
    folder.mkdir()
    made = TestArchive(folder)
    crawled = made.scrapy("crawl", "demo")
    assert crawled.returncode == 0, crawled.stderr
    return made


@pytest.fixture(scope="session")
def open_demo(demo_archive: TestArchive, tmp_path_factory: pytest.TempPathFactory) -> TestArchive:
    """The same with its attachments open, so that everything may go out; tests only read it."""
    from tests.kept import open_attachments

    made = demo_archive.copy(tmp_path_factory.mktemp("open") / "archive")
    open_attachments(made.open()).close()
    return made


@pytest.fixture(scope="session")
def living_archive(tmp_path_factory: pytest.TempPathFactory) -> TestArchive:
    """A portal crawled twice: article 0 changed in between, 1 to 3 are the same page at three
    addresses (so two are read from revisits), 4 is gone. Tests only read it."""
    made = TestArchive(tmp_path_factory.mktemp("living") / "archive")
    with SamePages(5) as portal:
        made.declare(portal.table)
        crawled = made.scrapy("crawl", "song")
        assert crawled.returncode == 0, crawled.stderr
        portal.edits[0] = 1
        portal.gone[4] = "404"
        portal.listed_gone = True
        crawled = made.scrapy("crawl", "song", "-s", "CRAWL_MODE=update")
        assert crawled.returncode == 0, crawled.stderr
    return made


class SamePages(ChangingPortal):
    """Articles 1 to 3 are one page."""

    def _article(self, number: int) -> tuple[int, str]:
        return super()._article(1 if number in (2, 3) else number)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL server; ends with the tests."""
    with server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """An empty database on it."""
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgres.rsplit("/", 1)[0] + f"/{name}"
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()
