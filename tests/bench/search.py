"""Search over many articles: how long answers take, and how fast articles become findable.

    python -m tests.bench.search [--articles 1000000] [--postgres] [--keep DIR]

Times are the best of two, of every query with every filter: CPU time of SQLite, which works within
this process, wall clock of PostgreSQL. `plain` is the database's own full text
beside it (FTS5 with bm25, tsvector with ts_rank), over the same texts in the same run. `--keep DIR`
leaves the database there and uses it again. Articles: tests.bench.many_articles.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text

from storage.database.connect import open_database, reading_engine
from storage.database.search_index import index_readings
from storage.query.facets import count_facets, histogram
from storage.query.query import Query
from storage.query.search import find
from tests.bench.many_articles import fill
from tests.postgres import server

WORDS = (
    "huyện", "12345", "hội nghị", "năm 2022", "đảng uỷ huyện", "xã đường an", "cong tac dang",
    "hội giang mục", "thi đua khen thưởng", "huyện bình giang hội", '"hội nghị tổng kết"',
    '"huyện bình giang"', '"giang bình"', '"uỷ ban nhân dân huyện"', "-huyện", "xã thái -huyện",
    '"thái bình" -xã', "ubnd huyện", "tỷ lệ",
)  # fmt: skip
FILTERS: tuple[dict[str, Any], ...] = (
    {}, {"site": "site-7"}, {"organ": "party"}, {"since": "2015", "until": "2015-06"},
    {"author": "Hà Trang 7"}, {"having": "images", "section": "Văn hoá"},
)  # fmt: skip
_BATCH = 1_000
_PLAIN = ("huyện", "hội nghị", '"hội nghị tổng kết"', "huyện bình giang")


def main() -> None:
    """Fill a database, index it, ask."""
    options = _options()
    with _database(options) as url:
        engine = open_database(url)
        count = _count(engine) or options.articles
        if not _count(engine):
            fill(engine, count)
            show("indexed", f"{_index(engine, count):10,.0f} articles/s (CPU)")
        show("articles", f"{count:10,}")
        engine.dispose()
        reading = reading_engine(url)
        with reading.connect() as connection:
            _ask(connection)
        reading.dispose()
        if options.plain:
            _ask_plain(open_database(url))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=20_000)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--no-plain", dest="plain", action="store_false")
    return parser.parse_args()


@contextmanager
def _database(options: argparse.Namespace) -> Iterator[str]:
    if options.postgres:
        with server() as url:
            yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{options.keep or Path(folder)}/bench.db"


def _count(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM shelf")).scalar_one())


def _index(engine: Engine, count: int) -> float:
    """Articles a second of CPU time, folding and all."""
    begun = time.process_time()
    for start in range(1, count + 1, _BATCH):
        keys = range(start, min(start + _BATCH, count + 1))
        with engine.begin() as tx:
            index_readings(tx, dict(zip(keys, keys, strict=True)), keys)
    return count / (time.process_time() - begun)


def _ask(connection: Connection) -> None:
    for order in ("date", "rank"):
        taken = []
        for words in WORDS:
            for filters in FILTERS:
                query = Query.of(words, order=order, **filters)
                taken.append((best(connection, partial(find, connection, query)), query))
        taken.sort(key=lambda one: one[0])
        show_times(f"by {order}", [one for one, _ in taken])
        for one, query in taken[:-4:-1]:
            show("", f"{one:10.1f} ms  {query.as_command()}")
    for words in ("", "huyện", "hội nghị"):
        query = Query.of(words)
        show(
            f"facets of {words!r}",
            f"{best(connection, partial(count_facets, connection, query)):10.1f} ms",
        )
        show(
            f"months of {words!r}",
            f"{best(connection, partial(histogram, connection, query, 'month')):10.1f} ms",
        )


def _ask_plain(engine: Engine) -> None:
    """The database's own way: its tokenizer, its rank."""
    sqlite = engine.dialect.name == "sqlite"
    with engine.begin() as tx:
        for statement in _PLAIN_SQLITE if sqlite else _PLAIN_POSTGRES:
            tx.execute(text(statement))
    asked = _RANKED_SQLITE if sqlite else _RANKED_POSTGRES
    with engine.connect() as connection:
        for words in _PLAIN:
            values = {"words": words if sqlite or '"' not in words else words.strip('"')}
            taken = best(connection, partial(_rows, connection, asked, values))
            ours = best(connection, partial(find, connection, Query.of(words)))
            show("plain, ranked", f"{taken:10.1f} ms, here {ours:.1f} ms  {words}")
    engine.dispose()


def _rows(connection: Connection, asked: str, values: dict[str, str]) -> list[Any]:
    return list(connection.execute(text(asked), values))


_PLAIN_SQLITE = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS plain USING fts5(title, text, content='reading',"
    " content_rowid='id', tokenize='unicode61 remove_diacritics 2')",
    "INSERT INTO plain(plain) VALUES ('rebuild')",
)
_RANKED_SQLITE = "SELECT rowid FROM plain WHERE plain MATCH :words ORDER BY rank LIMIT 20"
_PLAIN_POSTGRES = (
    "CREATE TABLE plain AS SELECT id, to_tsvector('simple', title || ' ' || text) AS words FROM reading",
    "CREATE INDEX ix_plain ON plain USING gin (words)",
    "ANALYZE plain",
)
_RANKED_POSTGRES = (
    "SELECT id FROM plain WHERE words @@ phraseto_tsquery('simple', :words)"
    " ORDER BY ts_rank(words, phraseto_tsquery('simple', :words)) DESC LIMIT 20"
)


def best(connection: Connection, call: Callable[[], object], times: int = 2) -> float:
    """Milliseconds."""
    clock = time.process_time if connection.dialect.name == "sqlite" else time.perf_counter
    taken = []
    for _ in range(times):
        begun = clock()
        call()
        taken.append(clock() - begun)
    return min(taken) * 1000


def show_times(name: str, taken: list[float]) -> None:
    """Median, 95th percentile, longest."""
    middle, most = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
    show(name, f"{middle:10.1f} ms median, {most:.1f} p95, {taken[-1]:.1f} longest of {len(taken)}")


def show(name: str, value: str) -> None:
    """One line."""
    sys.stdout.write(f"{name:<24}{value}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
