"""Rows of `job`, put in and looked at without the commands."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from storage import times
from storage.database import jobs
from storage.database.schema import job
from tests.conftest import TestArchive


def queue(archive: TestArchive, *sites: str, mode: str = "full") -> None:
    """A job that may begin now, for each site."""
    engine = archive.open().open_for_writing()
    with engine.begin() as tx:
        for site in sites:
            jobs.queue_job(tx, site, mode, times.now(), times.now())
    engine.dispose()


def rows(archive: TestArchive) -> list[Any]:
    """All of them, in their order."""
    opened = archive.open()
    with opened.reading() as connection:
        found = list(connection.execute(select(job).order_by(job.c.id)))
    opened.close()
    return found
