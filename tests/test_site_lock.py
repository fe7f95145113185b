"""No commit without the lock, on PostgreSQL: who loses the connection that holds it commits no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, TextClause, create_engine, text

from crawler.acquire.run import import_files
from crawler.acquire.sources import find_sources
from crawler.availability import decided_about
from crawler.reextract.batches import Asked
from crawler.reextract.run import reextract
from storage.archive import Archive
from storage.errors import ArchiveBusy, ArchiveFault
from storage.takedown.rewrite import rewrite
from tests import donated
from tests.conftest import TestArchive
from tests.kept import article, keep
from tests.waiting import wait_for

pytestmark = pytest.mark.postgres

OTHERS = text(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
END_HOLDERS = text(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
TOLD = {"donor": "Lan", "terms": "CC BY 4.0"}


@pytest.fixture
def watcher(postgres_url: str) -> Iterator[Engine]:
    """The database's operator."""
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


@pytest.fixture
def shared(archive: TestArchive, postgres_url: str) -> Iterator[Archive]:
    archive.declare(donated.SITE)
    opened = Archive(archive.folder, postgres_url)
    yield opened
    opened.close()


@pytest.fixture
def given(tmp_path: Path) -> list[Path]:
    gift = tmp_path / "gift.warc.gz"
    [data] = donated.warc(*(donated.answer(number) for number in range(3))).values()
    gift.write_bytes(data)
    return [gift]


def asked(engine: Engine, statement: TextClause) -> int:
    """How many rows it has."""
    with engine.connect() as connection:
        return len(connection.execute(statement).all())


def ends_holders(engine: Engine) -> Callable[..., None]:
    """Told of any progress, it ends whoever holds a lock."""

    def end(*_: object) -> None:
        asked(engine, END_HOLDERS)

    return end


def test_a_rewriting_takedown_needs_every_site_on_all_machines(
    shared: Archive, postgres_url: str, tmp_path: Path
) -> None:
    keep(shared, [article(1, "Tin")], site="tin")
    other = Archive(tmp_path / "other", postgres_url)
    with other.site_lock("tin"), pytest.raises(ArchiveBusy, match="tin is held by process"):
        rewrite(shared, {"id": "none", "covers": []})
    assert rewrite(shared, {"id": "none", "covers": []})["files"] == []


def test_who_holds_a_site_has_one_connection(shared: Archive, watcher: Engine) -> None:
    assert decided_about(shared, "tin") is None
    wait_for(lambda: asked(watcher, OTHERS) == 0)  # the server lags behind a little
    with shared.site_lock("tin", ["tin.example"]), shared.import_lock():
        wait_for(lambda: asked(watcher, OTHERS) == 2)
    wait_for(lambda: asked(watcher, OTHERS) == 0)


def test_an_import_that_lost_its_lock_takes_in_no_more(
    shared: Archive, watcher: Engine, given: list[Path]
) -> None:
    with pytest.raises(ArchiveFault):
        import_files(shared, find_sources(given), **TOLD, advance=ends_holders(watcher))
    assert asked(watcher, text("SELECT 1 FROM run WHERE finished_at IS NOT NULL")) == 0
    again = import_files(shared, find_sources(given), **TOLD)  # type: ignore[arg-type]
    assert again.counts["articles"] == 3


def test_a_reextraction_that_lost_its_lock_proposes_no_more(
    shared: Archive, watcher: Engine, given: list[Path]
) -> None:
    import_files(shared, find_sources(given), **TOLD)  # type: ignore[arg-type]
    with pytest.raises(ArchiveFault):
        list(reextract(shared, Asked(), None, ends_holders(watcher)))
    ended = "SELECT 1 FROM run WHERE kind = 'reextract' AND finished_at IS NOT NULL"
    assert asked(watcher, text(ended)) == 0
