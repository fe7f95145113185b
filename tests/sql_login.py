"""The login that `tinhuyen sql` asks with, where an archive's rows are on a server."""

from __future__ import annotations

from storage.query.sql.reader import make_reader
from tests.conftest import TestArchive
from tests.databases import on_server


def sql_login(archive: TestArchive) -> dict[str, str]:
    """What `tinhuyen db reader` prints, for the environment; SQLite needs none."""
    if not on_server():
        return {}
    engine = archive.open().open_for_writing()
    address = make_reader(engine).render_as_string(hide_password=False)
    engine.dispose()
    return {"TINHUYEN_SQL_DATABASE": address}
