"""The SQL door: what it answers, and what it refuses or stops, on both databases."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from storage.archive import Archive
from storage.database.connect import upgrade
from storage.database.views import VIEWS
from storage.errors import RanAway, UsageError
from storage.query.sql.asked_child import answer
from storage.query.sql.door import Caps
from storage.query.sql.reader import READER
from tests.conftest import TestArchive
from tests.databases import on_server
from tests.kept import article, keep

ARTICLES = [
    article(1, "=cmd|' /C calc'!A0", "Một hai ba", published_at="2023-01-10"),
    article(2, "Bình Giang", published_flags=("weekday_agrees",)),
]

ANSWERED = [
    ("SELECT count(*) FROM articles", [[2]]),
    ("  -- how many\n SELECT count(*) AS n FROM articles;", [[2]]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT count(*) FROM r", [[5]]),
    ("WITH image AS (SELECT 1 AS data) SELECT data FROM image", [[1]]),
    ("SELECT q.s FROM (SELECT upper(site) AS s FROM articles) AS q", [["THU"], ["THU"]]),
    ("SELECT site, count(*) FROM articles GROUP BY site HAVING count(*) > 1", [["thu", 2]]),
    ("SELECT published_flags FROM articles WHERE title LIKE 'Bình%'", [['["weekday_agrees"]']]),
    ("SELECT published_at FROM articles ORDER BY COALESCE(published_at, '')", [[None], ["2023-01-10"]]),
    ("SELECT avg(version), sum(version) FROM articles", [[1.0, 2]]),
    ("SELECT row_number() OVER (ORDER BY id) FROM articles", [[1], [2]]),
    ("SELECT a.title FROM articles a JOIN article_versions v ON v.article_id = a.id WHERE a.title = 'Bình Giang'", [["Bình Giang"]]),
    ("SELECT 'pg_sleep(9); DROP TABLE article' AS words", [["pg_sleep(9); DROP TABLE article"]]),
    ("VALUES (1, 'a''b')", [[1, "a'b"]]),
    ("SELECT CASE WHEN EXISTS (SELECT 1 FROM runs) THEN 1 ELSE 0 END", [[1]]),
    ("SELECT 1 WHERE 1 = 0", []),
    ("SELECT site AS region FROM articles LIMIT 1", [["thu"]]),
]  # fmt: skip

HOSTILE = [
    "", "   ", ";", "--", "hello", "'", '"', "SELECT", "SELECT FROM", "SELECT * FROM", "SELECT 'a",
    "SELECT 1; SELECT 2", "SELECT 1;; ", "SELECT 1; DROP TABLE article", "SELECT 1 -- x\n; DELETE FROM note",
    "INSERT INTO note VALUES (1)", "UPDATE article SET url = ''", "DELETE FROM article",
    "DROP VIEW articles", "DROP TABLE article", "CREATE TABLE t (a int)", "CREATE TEMP TABLE t AS SELECT 1",
    "ALTER TABLE article ADD COLUMN x int", "REPLACE INTO note VALUES (1)", "TRUNCATE article",
    "WITH x AS (SELECT 1) DELETE FROM article", "WITH x AS (SELECT 1) INSERT INTO site SELECT * FROM x",
    "WITH d AS (DELETE FROM article RETURNING 1) SELECT * FROM d",
    "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT a", "RELEASE a", "ANALYZE", "REINDEX", "VACUUM",
    "VACUUM INTO '/tmp/tinhuyen-copy.db'", "ATTACH '/tmp/tinhuyen-other.db' AS o", "DETACH main",
    "PRAGMA query_only = OFF", "PRAGMA writable_schema = ON", "PRAGMA table_info(image)", "PRAGMA database_list",
    "EXPLAIN SELECT 1", "EXPLAIN QUERY PLAN SELECT * FROM articles",
    "SELECT * FROM article", "SELECT data FROM image", "SELECT * FROM reading", "SELECT * FROM capture",
    "SELECT * FROM attachment", "SELECT * FROM failure", "SELECT * FROM frontier", "SELECT * FROM search",
    "SELECT * FROM main.article", "SELECT * FROM public.article", 'SELECT * FROM "image"', "SELECT * FROM [image]",
    "SELECT * FROM `image`", "TABLE article", "SELECT * FROM alembic_version", "SELECT * FROM site",
    "WITH articles AS (SELECT * FROM image) SELECT * FROM articles",
    "WITH articles AS (SELECT data FROM image) SELECT count(*) FROM articles",
    "WITH article_images AS (SELECT i.data FROM image i) SELECT data FROM article_images",
    "SELECT (SELECT data FROM image LIMIT 1) FROM articles", "SELECT * FROM articles, image",
    "SELECT count(*) FROM image", "SELECT 1 FROM articles WHERE EXISTS (SELECT 1 FROM image)",
    "SELECT * FROM articles UNION SELECT data FROM image", "SELECT 1 ORDER BY (SELECT data FROM image)",
    "SELECT * FROM sqlite_master", "SELECT sql FROM sqlite_schema", "SELECT count(*) FROM sqlite_master",
    "SELECT * FROM sqlite_temp_master", "SELECT * FROM search_data", "SELECT * FROM search_content",
    "SELECT * FROM search WHERE search MATCH 'a'", "SELECT * FROM pragma_table_info('image')",
    "SELECT count(*) FROM pragma_database_list", "SELECT count(*) FROM pragma_table_list", "SELECT * FROM dbstat",
    "SELECT * FROM fts5vocab", "SELECT count(*) FROM bytecode('SELECT 1')",
    "SELECT load_extension('/tmp/x.so')", "SELECT readfile('/etc/passwd')", "SELECT writefile('/tmp/x', 'y')",
    "SELECT fts3_tokenizer('simple')", "SELECT sqlite_compileoption_get(1)", "SELECT sqlite_source_id()",
    "SELECT edit('a')", "SELECT last_insert_rowid()", "SELECT zeroblob(1000000000)", "SELECT randomblob(1000000000)",
    "SELECT printf('%.*c', 1000000000, 'x')", "SELECT format('%1000000000s', 'x')", "SELECT snippet(search)",
    "SELECT pg_sleep(10)", "SELECT pg_read_file('/etc/passwd')", "SELECT pg_ls_dir('/')", "SELECT lo_import('/etc/passwd')",
    "SELECT lo_get(1)", "SELECT lo_from_bytea(0, 'a')", "SELECT dblink('host=x', 'SELECT 1')",
    "SELECT * FROM dblink('host=x', 'SELECT 1') AS (a int)", "SELECT * FROM articles, dblink(title) AS (a int)",
    "SELECT set_config('role', 'test', false)", "SELECT current_setting('data_directory')", "SET ROLE test",
    "RESET ROLE", "SET SESSION AUTHORIZATION test", "SET statement_timeout = 0", "SHOW ALL", "DO $$ BEGIN END $$",
    "COPY articles TO '/tmp/x'", "COPY articles TO PROGRAM 'sh'", "COPY (SELECT 1) TO STDOUT", "LISTEN a", "NOTIFY a",
    "PREPARE p AS SELECT 1", "EXECUTE p", "DECLARE c CURSOR FOR SELECT 1", "LOCK TABLE article", "CALL f()",
    "GRANT ALL ON article TO PUBLIC", "CREATE ROLE x SUPERUSER", "LOAD 'x'", "CREATE EXTENSION dblink",
    "SELECT query_to_xml('SELECT * FROM image', true, true, '')", "SELECT table_to_xml('image', true, true, '')",
    "SELECT database_to_xml(true, true, '')", "SELECT * FROM pg_class", "SELECT * FROM pg_catalog.pg_class",
    "SELECT * FROM information_schema.tables", "SELECT * FROM pg_shadow", "SELECT * FROM pg_stat_activity",
    'SELECT * FROM "pg_class"', 'SELECT "pg_sleep"(10)', 'SELECT U&"pg\\005fsleep"(10)', 'SELECT * FROM U&"pg\\005fclass"',
    "SELECT 'image'::regclass", "SELECT * INTO t FROM articles",
    "SELECT * INTO TEMP t FROM articles", "SELECT id FROM articles FOR UPDATE", "SELECT repeat('x', 1000000000)",
    "SELECT lpad('x', 1000000000)", "SELECT rpad('x', 1000000000)", "SELECT $$a$$", "SELECT E'\\''", "SELECT /* /* */ pg_sleep(9) */ 1",
    "SELECT pg_sleep/**/(10)", "SELECT pg_sleep\n--\n(10)", "SELECT (pg_stat_get_activity(NULL)).query",
    "SELECT nextval('article_key_seq')", "SELECT txid_current()", "SELECT version()", "SELECT inet_server_addr()",
    "SELECT pg_advisory_lock(1)", "SELECT pg_terminate_backend(1)", "SELECT pg_notify('a', 'b')", "SELECT xmlparse(document 'a')",
    "SELECT '\0'", "SELECT \0", "SELECT \ud800", "SELECT * FROM " + "x" * 100_000,
]  # fmt: skip


def asked(url: str, statement: str, **caps: Any) -> list[Any]:
    """What the child would say, asked in this process: quicker."""
    statement = statement.encode("utf-8", "replace").decode()
    question = {"url": url, "statement": statement, "caps": asdict(Caps(**caps))}
    return list(answer(json.dumps(question).encode()))


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    if on_server():
        pytest.skip("SQLite only: SQLite's door; test_the_same_on_postgresql asks the other")
    archive = Archive(tmp_path_factory.mktemp("sql"))
    keep(archive, ARTICLES)
    yield archive
    archive.close()


@pytest.fixture
def served(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Archive, str]]:
    archive = Archive(tmp_path, postgres_url)
    keep(archive, ARTICLES)
    made = TestArchive(tmp_path).tinhuyen("--database", postgres_url, "db", "reader")
    assert made.returncode == 0, made.stderr
    name, _, url = made.stdout.strip().partition("=")
    monkeypatch.setenv(name, url)
    yield archive, url.replace("+psycopg", "")
    archive.close()


@pytest.mark.parametrize(("statement", "rows"), ANSWERED)
def test_a_select_over_the_views_is_answered(
    embedded: Archive, statement: str, rows: list[Any]
) -> None:
    columns, *found = asked(embedded.database_url, statement)
    assert columns["columns"]
    assert found == rows


@pytest.mark.parametrize("statement", HOSTILE)
def test_anything_else_is_refused_with_a_sentence(
    embedded: Archive, statement: str, tmp_path: Path
) -> None:
    [said] = asked(embedded.database_url, statement)
    assert len(said["refused"]) > 20


SHADOWS = (
    "WITH site(id, organ, district, district_from) AS (SELECT 'thu', 'x', 'x', 'x')"
    " SELECT organ, district FROM articles"
)


def test_a_name_given_in_a_statement_changes_no_view(embedded: Archive) -> None:
    """Else what a view leaves out could be brought back."""
    assert asked(embedded.database_url, SHADOWS)[1:] == [["other", None]] * 2


def test_what_is_nested_too_deep_is_refused(embedded: Archive) -> None:
    deep = "SELECT " + "(" * 5000 + "1" + ")" * 5000
    assert "refused" in asked(embedded.database_url, deep)[-1]


def test_nothing_was_written(embedded: Archive) -> None:
    before = {path.name for path in embedded.folder.root.iterdir()}
    for statement in HOSTILE:
        asked(embedded.database_url, statement)
    assert {path.name for path in embedded.folder.root.iterdir()} <= before | {
        "archive.db-wal", "archive.db-shm"
    }  # fmt: skip
    assert not list(Path("/tmp").glob("tinhuyen-copy.db")) + list(
        Path("/tmp").glob("tinhuyen-other.db")
    )
    with embedded.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM article")).scalar() == 2


@pytest.mark.postgres
def test_the_same_on_postgresql(served: tuple[Archive, str], postgres_url: str) -> None:
    _, url = served
    for statement, rows in ANSWERED:
        said = asked(url, statement)
        assert "columns" in said[0], (statement, said)
        assert said[1:] == rows, statement
    for statement in HOSTILE:
        if "\0" not in statement:  # refused before any child
            said = asked(url, statement)
            assert "refused" in said[-1], (statement, said)
    assert asked(url, SHADOWS)[1:] == [["other", None]] * 2
    assert "regclass" in asked(url, "SELECT CAST('image' AS regclass)")[0]["refused"]
    assert "permission denied" in asked(url, "SELECT * FROM image")[-1]["refused"]


@pytest.mark.postgres
def test_postgresql_gives_a_login_only_what_it_needs(
    served: tuple[Archive, str], postgres_url: str
) -> None:
    archive, url = served
    owner = create_engine(postgres_url)
    upgrade(owner)  # views made anew are still the reader's
    assert asked(url, "SELECT count(*) FROM articles")[1] == [2]
    with owner.begin() as tx:
        tx.execute(text(f"GRANT SELECT ON image TO {READER}"))
    assert "may read image" in asked(url, "SELECT 1")[0]["refused"]
    with owner.begin() as tx:
        tx.execute(text(f"REVOKE SELECT ON image FROM {READER}"))
    assert "superuser" in asked(postgres_url.replace("+psycopg", ""), "SELECT 1")[0]["refused"]
    with owner.begin() as tx:
        tx.execute(text("CREATE ROLE plain LOGIN"))
        tx.execute(text("GRANT ALL ON SCHEMA public TO plain"))
        tx.execute(text("GRANT ALL ON ALL TABLES IN SCHEMA public TO plain"))
    owner.dispose()
    plain = postgres_url.replace("//test@", "//plain@")
    told = TestArchive(archive.folder.root).tinhuyen("--database", plain, "db", "reader")
    assert told.returncode == 2 and f"ROLE {READER} LOGIN PASSWORD" in told.stderr


@pytest.mark.postgres
def test_postgresql_is_stopped_too(
    served: tuple[Archive, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, url = served
    bomb = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r"
    assert "stopped" in asked(url, bomb, seconds=0.5)[-1]
    cut = asked(url, "SELECT generate_series(1, 1000000000)", rows=10)
    assert len(cut) == 12 and "10 rows" in cut[-1]["cut"]
    giant = "'aaaaaaaaaa'"
    for letter in "abcdefg":
        giant = f"replace({giant}, '{letter}', '{chr(ord(letter) + 1) * 10}')"
    with pytest.raises(RanAway, match="MB of memory"):
        archive.sql(f"SELECT {giant}", Caps(memory_bytes=300 << 20))


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r", "more than 0.5 s"),
        ("SELECT count(*) FROM units a, units b, units c, units d", "more than 0.5 s"),
    ],
)  # fmt: skip
def test_what_does_not_end_is_stopped(embedded: Archive, statement: str, why: str) -> None:
    with pytest.raises(RanAway, match=why):
        embedded.sql(statement, Caps(seconds=0.5))


def test_what_fills_memory_is_stopped(embedded: Archive) -> None:
    """Sorting in memory, not on the disk: and memory has its cap."""
    long = "replace(replace(replace('aaaaaaaaaa', 'a', 'bbbbbbbbbb'), 'b', 'cccccccccc'), 'c', 'dddddddddd')"
    bomb = f"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT {long} || n AS t FROM r ORDER BY t"
    with pytest.raises(RanAway, match="MB of memory"):
        embedded.sql(bomb, Caps(memory_bytes=300 << 20))


def test_a_giant_value_is_never_made(embedded: Archive) -> None:
    everything = "SELECT group_concat(u.name) FROM units u, (SELECT 1 FROM units LIMIT 150) w"
    assert "larger than 16 MB" in asked(embedded.database_url, everything)[-1]["refused"]


def test_a_giant_answer_is_cut_and_said(embedded: Archive) -> None:
    url, many = embedded.database_url, "SELECT u.name FROM units u, units w"
    assert "first 10,000 rows" in asked(url, many)[-1]["cut"]
    assert "for their size" in asked(url, many, answer_bytes=1000)[-1]["cut"]
    assert embedded.sql("SELECT 1", Caps(rows=1)).cut is None


def test_a_query_while_a_crawl_writes(embedded: Archive) -> None:
    engine = embedded.open_for_writing()
    with engine.begin() as tx:
        tx.execute(text("UPDATE site SET name = 'x'"))
        assert embedded.sql("SELECT count(*) AS n FROM articles").rows == [[2]]
    engine.dispose()


@pytest.mark.embedded("PostgreSQL's door needs a login; `served` has one")
def test_csv_runs_no_formula(demo_archive: TestArchive) -> None:
    asked_ = "SELECT '=1+1' AS a, -1 AS b, '-1' AS c, NULL AS d, 'x,\"y' AS \"=e\""
    done = demo_archive.tinhuyen("sql", "--csv", asked_)
    assert list(csv.reader(io.StringIO(done.stdout))) == [
        ["a", "b", "c", "d", "'=e"], ["'=1+1", "-1", "'-1", "", 'x,"y'],
    ]  # fmt: skip
    assert "at most 10,000 rows and 30 s" in done.stderr


@pytest.mark.embedded("PostgreSQL's door needs a login; `served` has one")
def test_a_statement_from_a_file(demo_archive: TestArchive, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("SELECT count(*) AS n FROM articles", encoding="utf-8")
    done = demo_archive.tinhuyen("sql", "--json", "--file", str(tmp_path / "q.sql"))
    assert json.loads(done.stdout) == {"n": 60}
    assert demo_archive.tinhuyen("sql", "--file", str(tmp_path / "none.sql")).returncode == 2
    assert demo_archive.tinhuyen("db", "reader").returncode == 2


@pytest.mark.postgres
def test_a_login_that_is_no_address_is_said(
    served: tuple[Archive, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINHUYEN_SQL_DATABASE", "nonsense")
    with pytest.raises(UsageError, match="`tinhuyen db reader` prints one"):
        served[0].sql("SELECT 1")


def test_settings_are_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINHUYEN_SQL_ROWS", "5")
    assert Caps.from_environment().rows == 5
    for wrong in ("0", "-1", "viele", "٣", "1e9"):
        monkeypatch.setenv("TINHUYEN_SQL_ROWS", wrong)
        with pytest.raises(UsageError, match="TINHUYEN_SQL_ROWS"):
            Caps.from_environment()


def test_every_view_can_be_asked(embedded: Archive) -> None:
    for view in VIEWS:
        assert "columns" in asked(embedded.database_url, f"SELECT * FROM {view}")[0]
