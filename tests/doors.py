"""Every way out of an archive: each door gives all that it lets out, as text.

A new way out gets a line in DOORS, and every test of access and takedown asks it too.
"""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import uvicorn
from sqlalchemy import select, text

from storage.archive import Archive
from storage.cite.proof import make_proof
from storage.database.schema import article, capture, image, reading
from storage.database.views import VIEWS
from storage.errors import NotFound, UsageError
from storage.export.found import find_all
from storage.export.lines import write_jsonl
from storage.export.warc import write_warc
from storage.query.access import Audience
from storage.query.query import Query
from storage.query.records import locate
from storage.records import Record
from storage.replay.app import make_replay
from storage.replay.outside.index_server import index_lines
from storage.warc.inspect import describe_record
from storage.warc.wacz.choose import Wanted
from storage.warc.wacz.make import make_wacz
from storage.web.app import make_app
from storage.web.hosts import ByHost


@dataclass(frozen=True)
class Known:
    """What somebody who knew the archive before may ask for by name."""

    articles: list[str]
    titles: list[str]
    urls: list[str]
    images: list[str]
    records: list[tuple[str, int]]
    """File and offset."""
    captures: list[Record]


def known_in(archive: Archive) -> Known:
    with archive.reading(Audience.STAFF) as tx:
        names = ("warc_file", "warc_offset", "warc_length", "record_id")
        captures = [
            Record(*row) for row in tx.execute(select(*(capture.c[name] for name in names)))
        ]
        return Known(
            sorted(tx.execute(select(article.c.id)).scalars()),
            sorted({title for title in tx.execute(select(reading.c.title)).scalars() if title}),
            sorted(set(tx.execute(select(capture.c.url)).scalars())),
            sorted(tx.execute(select(image.c.sha256)).scalars()),
            [(one.file, one.offset) for one in captures],
            captures,
        )


Door = Callable[[Archive, Known], Iterator[str]]


def search(archive: Archive, known: Known) -> Iterator[str]:
    for words in ("", *known.titles):
        yield from map(_json, archive.search(f'"{words}"' if words else "", limit=10_000))


def show(archive: Archive, known: Known) -> Iterator[str]:
    for id_ in known.articles:
        yield from map(_json, _if_let(lambda id_=id_: archive.article(id_)))  # type: ignore[misc]
        yield from map(_json, archive.notes("article", id_))


def images(archive: Archive, known: Known) -> Iterator[str]:
    for sha256 in known.images:
        for mime, data in _if_let(lambda sha256=sha256: archive.image(sha256)):  # type: ignore[misc]
            yield f"{sha256} {mime} {data.hex()}"


def views(archive: Archive, known: Known) -> Iterator[str]:
    with archive.reading() as tx:
        for view in VIEWS:
            for row in tx.execute(text(f"SELECT * FROM {view}")):
                yield str(tuple(row))


def failures(archive: Archive, known: Known) -> Iterator[str]:
    for run in archive.runs(limit=100):
        yield from map(_json, archive.run(run["id"])["failures"])


def bodies(archive: Archive, known: Known) -> Iterator[str]:
    """The bytes of records: whose id somebody may have noted."""
    for record in known.captures:
        for got in _if_let(lambda record=record: archive.capture(record)):  # type: ignore[misc]
            yield f"{record.record_id} {got.url}"


def private_numbers(archive: Archive, known: Known) -> Iterator[str]:
    yield from map(_json, archive.private_numbers())


def records(archive: Archive, known: Known) -> Iterator[str]:
    with archive.reading() as tx:
        for what in (*known.articles, *known.urls, *known.images):
            for found in _if_let(lambda what=what: locate(tx, what)):  # type: ignore[misc]
                yield from map(_json, found)


def inspector(archive: Archive, known: Known) -> Iterator[str]:
    for file, offset in known.records:
        if (archive.folder.root / file).exists():
            yield from map(
                _json,
                _if_let(lambda at=(file, offset): describe_record(archive, *at)),  # type: ignore[misc]
            )


def web(archive: Archive, known: Known) -> Iterator[str]:
    with room(archive) as address, httpx.Client(base_url=address, timeout=30) as client:
        paths = ["/", *(f"/article/{id_}" for id_ in known.articles)]
        paths += [f"/image/{sha256}" for sha256 in known.images]
        for path in paths:
            answer = client.get(path)
            if answer.status_code == 200:
                kind = answer.headers["content-type"]
                yield path + (answer.text if kind.startswith("text/") else answer.content.hex())


def replay(archive: Archive, known: Known) -> Iterator[str]:
    """Each capture at its own second, as it was kept."""
    with room(archive) as address, httpx.Client(base_url=address, timeout=30) as client:
        for (stamp, url), ids in moments(archive).items():
            answer = client.get(f"/wayback/{stamp}id_/{url}", headers=_REPLAY)
            if answer.headers.get("Content-Location") is None and answer.status_code < 400:
                yield from ids


def timemaps(archive: Archive, known: Known) -> Iterator[str]:
    when = moments(archive)
    with room(archive) as address, httpx.Client(base_url=address, timeout=30) as client:
        for url in known.urls:
            answer = client.get(f"/wayback/timemap/link/{url}", headers=_REPLAY)
            if answer.status_code == 200:
                for stamp, shown in re.findall(r"/wayback/(\d{14})/([^>]+)>", answer.text):
                    yield from when.get((stamp, shown), [])


def moments(archive: Archive) -> dict[tuple[str, str], list[str]]:
    """Record ids by 14 digits and address."""
    found: dict[tuple[str, str], list[str]] = {}
    with archive.reading(Audience.STAFF) as tx:
        columns = (capture.c.fetched_at, capture.c.url, capture.c.record_id)
        for at, url, record in tx.execute(select(*columns)):
            found.setdefault((re.sub(r"\D", "", at)[:14], url), []).append(record)
    return found


_REPLAY = {"Host": "replay.localhost"}


def wacz(archive: Archive, known: Known) -> Iterator[str]:
    """Pages with their texts, and every record of the package."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "all.wacz"
        try:
            make_wacz(archive, Wanted(), out)
        except NotFound:
            return
        with zipfile.ZipFile(out) as package:
            for name in package.namelist():
                data = package.read(name)
                if name.startswith("archive/"):
                    heads = re.findall(rb"WARC-Record-ID: (\S+)", gzip.decompress(data))
                    yield from (head.decode() for head in heads)
                elif name.endswith(".jsonl"):
                    yield data.decode()


def pywb_index(archive: Archive, known: Known) -> Iterator[str]:
    where = {(one.file, one.offset): one.record_id for one in known.captures}
    for host in {url.split("/")[2] for url in known.urls}:
        asked = {"url": f"http://{host}/", "matchType": "host"}
        with archive.reading() as tx:
            for line in index_lines(tx, archive.folder, asked):
                fields = json.loads(line.split(" ", 2)[2])
                yield where.get((fields["filename"], int(fields["offset"])), "")


def export(archive: Archive, known: Known) -> Iterator[str]:
    with TemporaryDirectory() as folder:
        try:
            with find_all(archive, Query()) as found:
                write_jsonl(Path(folder) / "all.jsonl", found.articles())
                yield (Path(folder) / "all.jsonl").read_text(encoding="utf-8")
        except NotFound:
            return


def export_warc(archive: Archive, known: Known) -> Iterator[str]:
    with TemporaryDirectory() as folder:
        out = Path(folder) / "all"
        try:
            with find_all(archive, Query()) as found:
                write_warc(out, found, archive.folder, "all")
        except NotFound:
            return
        for path in out.glob("*.warc.gz"):
            heads = re.findall(rb"WARC-Record-ID: (\S+)", gzip.decompress(path.read_bytes()))
            yield from (head.decode() for head in heads)


def proofs(archive: Archive, known: Known) -> Iterator[str]:
    for id_ in known.articles:
        yield from map(_json, _if_let(lambda id_=id_: make_proof(archive, id_)))  # type: ignore[misc]


def attached(archive: Archive, known: Known) -> Iterator[str]:
    yield from map(_json, archive.search_attachments("kế hoạch", limit=1000))


def sql(archive: Archive, known: Known) -> Iterator[str]:
    if archive.is_embedded:
        for view in ("articles", "captures", "attachments"):
            yield from (str(row) for row in archive.sql(f"SELECT * FROM {view}"))


@contextmanager
def room(archive: Archive) -> Iterator[str]:
    """The web view on a port of its own."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(ByHost(make_app(archive), make_replay(archive)), log_level="warning")
    )
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


DOORS: dict[str, Door] = {
    "search": search,
    "show": show,
    "images by hash": images,
    "views": views,
    "failures": failures,
    "bodies": bodies,
    "private numbers": private_numbers,
    "records": records,
    "inspector": inspector,
    "web": web,
    "replay": replay,
    "timemaps": timemaps,
    "wacz": wacz,
    "index of pywb": pywb_index,
    "attachments": attached,
    "sql": sql,
    "export": export,
    "export as WARC": export_warc,
    "proofs": proofs,
}
NEEDS_FILES = {"inspector", "bodies", "replay", "wacz", "index of pywb", "timemaps"} | {
    "export as WARC",
    "proofs",
}
"""Doors to WARC records; articles that no crawl kept have none."""


def _if_let(ask: Callable[[], Any]) -> Iterator[Any]:
    """What is given, unless it is refused or asked for in vain."""
    try:
        yield ask()
    except (NotFound, UsageError):
        return


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
