"""Small files as others might give them: pages of one portal, packed in every way."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import zstandard

from crawler.acquire.rescue.run import Rescued
from crawler.acquire.run import Imported, import_files
from crawler.acquire.sources import find_sources
from tests.compare import content_of
from tests.conftest import TestArchive
from tests.damage.writer import Rec, packed, record, response, sha1

HOST = "tin.example"
SITE = f"""
id = "tin"
name = "Huyện uỷ Bình Giang"
organ = "party"
listings = ["http://{HOST}/"]
layouts = [{{ family = "plain" }}]
"""
_PARAGRAPH = "Sáng ngày 10/01/2023, Huyện uỷ tổ chức hội nghị tổng kết công tác năm. " * 6


def page(number: int, more: str = "", generator: str = "") -> bytes:
    """An article's page."""
    title = f"Hội nghị tổng kết công tác năm 2022, bài số {number}"
    return (
        f"<html><head><title>{title}</title>{generator}</head><body><h1>{title}</h1>"
        f"<p>10/01/2023 16:33</p><p>{_PARAGRAPH}{more}</p></body></html>"
    ).encode()


def url(number: int, host: str = HOST) -> str:
    return f"http://{host}/bai-{number}"


def answer(
    number: int,
    body: bytes | None = None,
    *headers: str,
    date: str = "2024-03-01T03:00:00Z",
    host: str = HOST,
) -> Rec:
    """A sound response record of an article."""
    body = page(number) if body is None else body
    block = response(body, *(headers or (f"Content-Length: {len(body)}",)))
    fields = (
        ("WARC-Target-URI", url(number, host)),
        ("Content-Type", "application/http;msgtype=response"),
        ("WARC-Payload-Digest", sha1(body)),
    )
    return record("response", 1000 + number, block, *fields).set("WARC-Date", date)


def arc(records: Sequence[tuple[str, bytes]]) -> bytes:
    """ARC version 1."""
    info = b"1 0 Test\nURL IP-address Archive-date Content-type Archive-length\n\n"
    head = f"filedesc://test.arc 0.0.0.0 20240301030000 text/plain {len(info)}\n".encode()
    parts = [head + info]
    for address, block in records:
        line = f"{address} 203.0.113.7 20240301030000 text/html {len(block)}\n"
        parts.append(line.encode() + block)
    return b"\n".join(parts) + b"\n"


def zstd(records: Sequence[Rec], *, with_dictionary: bool) -> bytes:
    """A .warc.zst: a frame a record, the dictionary in a skippable frame before them."""
    samples: list[Any] = [one.data() for one in records] * 20
    if not with_dictionary:
        return b"".join(zstandard.ZstdCompressor().compress(one.data()) for one in records)
    dictionary = zstandard.train_dictionary(4096, samples)
    data = dictionary.as_bytes()
    frame = b"\x5d\x2a\x4d\x18" + len(data).to_bytes(4, "little") + data
    compressor = zstandard.ZstdCompressor(dict_data=dictionary)
    return frame + b"".join(compressor.compress(one.data()) for one in records)


def one_stream(records: Sequence[Rec]) -> bytes:
    return gzip.compress(b"".join(one.data() for one in records), mtime=0)


def wacz(files: dict[str, bytes], version: str = "1.1.1", *, folder: str = "archive/") -> bytes:
    """A WACZ of these files; with `folder` '' and names `*.wacz`, a multi-WACZ."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as package:
        for name, data in files.items():
            package.writestr(folder + name, data)
        told = {"profile": "data-package", "wacz_version": version, "resources": []}
        package.writestr("datapackage.json", json.dumps(told))
    return made.getvalue()


def of_every_kind() -> dict[str, bytes]:
    """Thirteen articles in four files: each is kept in another way."""
    http = [(url(n), response(page(n), f"Content-Length: {len(page(n))}")) for n in range(4, 7)]
    return {
        "a.warc.gz": packed([answer(number) for number in range(4)]),
        "b.arc": arc(http),
        "c.warc.gz": one_stream([answer(number) for number in range(7, 10)]),
        "d.wacz": wacz({"data.warc.gz": packed([answer(number) for number in range(10, 13)])}),
    }


def what_they_gave(database_url: str) -> dict[str, list[dict[str, Any]]]:
    """Rows, without what is a run's own: its id, and the day in files that it made."""
    content = content_of(database_url)
    own = ("run", "warc_file", "warc_offset", "warc_length")
    return {
        name: [{k: v for k, v in one.items() if k not in own} for one in content[name]]
        for name in ("captures", "articles", "article_versions", "failures")
    }


def give(archive: TestArchive, files: dict[str, bytes] | Sequence[Path], **more: str) -> Imported:
    """Import these files as they lie in a folder beside the archive."""
    if isinstance(files, dict):
        files = [put(archive, name, data) for name, data in files.items()]
    opened = archive.open()
    told = {"donor": "Thư viện tỉnh", "terms": "CC BY 4.0"} | more
    try:
        return import_files(opened, find_sources(list(files)), **told)  # type: ignore[arg-type]
    finally:
        opened.close()


def put(archive: TestArchive, name: str, data: bytes) -> Path:
    path = archive.folder.parent / "given" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def found(done: Imported | Rescued) -> dict[str, int]:
    """Findings, and how often."""
    return {one["check"]: one["numbers"]["count"] for one in done.findings}


def warc(*records: Rec) -> dict[str, bytes]:
    return {"tin.warc.gz": packed(list(records))}
