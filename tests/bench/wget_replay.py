"""One site crawled by wget and by us, both replayed by pywb: are the pages and images the same?

    python -m tests.bench.wget_replay

wget writes WARC as its own authors understand it, and pywb reads both as its authors do.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, build_opener

from crawler.demo.portal import SamplePortal
from storage.replay.outside import install, pywb
from storage.warc import index
from tests.conftest import TestArchive

KINDS = {
    "pages": re.compile(r"text/html 200"),
    "images": re.compile(r"image/\S+ 200"),
    "styles, scripts": re.compile(r"text/(css|javascript) 200"),
    "files": re.compile(r"application/pdf 200"),
    "redirects": re.compile(r"\S+ 30\d"),
    "errors": re.compile(r"\S+ 404"),
}


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


@dataclass
class Line:
    """A kind of captures: how many each crawl has, and what pywb makes of those in both."""

    wget: set[str] = field(default_factory=set)
    ours: set[str] = field(default_factory=set)
    alike: int = 0
    differ: list[str] = field(default_factory=list)

    @property
    def both(self) -> set[str]:
        return self.wget & self.ours


def compare(archive: TestArchive, folder: Path, at_most: int | None = None) -> dict[str, Line]:
    """The demo portal, as `archive` holds it, against wget's crawl of it into `folder`.

    `at_most`: so many of each kind are replayed.
    """
    theirs = crawl_by_wget(folder)
    table = {kind: Line() for kind in KINDS}
    [own] = archive.warc_files()
    _sort(theirs, table, "wget")
    _sort(own, table, "ours")
    opened = archive.open()
    collection: dict[str, object] = {
        "index": str(_write_index(theirs)),
        "archive_paths": f"{folder}/",
    }
    with pywb.started(collection) as wget, pywb.running(opened) as ours:
        for kind, line in table.items():
            for url in sorted(line.both)[:at_most]:
                one = replayed(wget, url)
                there = (one[0] >= 400) is (kind == "errors")
                same = there and one == replayed(ours, url)
                line.alike += same
                line.differ += [] if same else [url]
    opened.close()
    return table


def crawl_by_wget(folder: Path) -> Path:
    """A recursive crawl of the portal, a proxy to wget; depth 8, since its lists never end."""
    with SamplePortal() as portal:
        subprocess.run(
            ["wget", "-e", "use_proxy=yes", "-e", f"http_proxy=127.0.0.1:{portal.port}",
             "--recursive", "--level=8", "--page-requisites", "--quiet", "--delete-after",
             "--no-directories", "--tries=1", "--warc-file=wget", "http://demo.localhost/"],
            cwd=folder, check=False,  # it ends with 8 where a page is a 404
        )  # fmt: skip
    return folder / "wget.warc.gz"


def _sort(path: Path, table: dict[str, Line], side: str) -> None:
    """Captures by kind; a revisit is of the kind of the payload that it repeats."""
    captures = [json.loads(line.split(" ", 2)[2]) for line in index.index_file(path, path.name)]
    kinds = {one["digest"]: one["mime"] for one in captures if one["mime"] != "warc/revisit"}
    for one in captures:
        said = f"{kinds.get(one.get('digest'), one['mime'])} {one.get('status')}"
        for kind, pattern in KINDS.items():
            if pattern.fullmatch(said):
                getattr(table[kind], side).add(one["url"])


def _write_index(path: Path) -> Path:
    index_file = path.with_suffix(".cdxj")
    index_file.write_text("".join(f"{one}\n" for one in index.index_file(path, path.name)))
    return index_file


def replayed(program: pywb.Running, url: str) -> tuple[int, str | None, bytes]:
    """Status, redirect and body as replayed, without what differs by when and by which server."""
    root = f"http://127.0.0.1:{program.port}"
    opener = build_opener(_NoRedirects)
    try:
        with opener.open(f"{root}/wayback/2026mp_/{url}", timeout=30) as answer:
            status, location, body = answer.status, None, answer.read()
    except HTTPError as answer:
        with answer:
            status, location, body = answer.code, answer.headers["Location"], answer.read()
    body = body.replace(str(program.port).encode(), b"PORT")
    return status, location, re.sub(rb"\d{14}|20\d\d-\d\d-\d\dT[\d:]+Z|\b\d{10}\b", b"TIME", body)


def rows(table: dict[str, Line]) -> Iterator[str]:
    yield f"{'':<16} {'wget':>5} {'ours':>5} {'both':>5} {'replayed alike':>15}"
    for kind, line in table.items():
        counts = f"{len(line.wget):>5} {len(line.ours):>5} {len(line.both):>5} {line.alike:>15}"
        yield f"{kind:<16} {counts}"


def main() -> None:
    install.install()
    with TemporaryDirectory() as place:
        archive = TestArchive(Path(place) / "archive")
        archive.folder.mkdir()
        archive.scrapy("crawl", "demo")
        (Path(place) / "wget").mkdir()
        table = compare(archive, Path(place) / "wget")
        print("\n".join(rows(table)))
        sys.exit(any(line.differ for line in table.values()))


if __name__ == "__main__":
    main()
