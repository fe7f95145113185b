"""The real NukeViet articles, put into WARC files by three writers: the same, field by field."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from storage.archive import Archive
from tests.conftest import TestArchive
from tests.donated import give
from tests.nukeviet_portal import NukeVietPortal

ITS_OWN = ("captured_at", "warc", "versions")
"""What a capture has for itself."""


@pytest.fixture
def portal(shared_data: Path) -> Any:
    with NukeVietPortal(shared_data / "nukeviet") as served:
        yield served


def by_wget(urls: list[str], folder: Path) -> Path:
    command = [
        "wget",
        "-q",
        "--no-proxy",
        "--no-warc-keep-log",
        "--delete-after",
        "-P",
        str(folder),
    ]
    subprocess.run([*command, f"--warc-file={folder / 'wget'}", *urls], check=True)
    return folder / "wget.warc.gz"


WARCIO = """
import io, sys
from urllib.request import urlopen
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter
with open(sys.argv[1], "wb") as file:
    writer = WARCWriter(file, gzip=True)
    for url in sys.argv[2:]:
        with urlopen(url) as answered:
            headers = StatusAndHeaders("200 OK", answered.getheaders(), "HTTP/1.1")
            body = io.BytesIO(answered.read())
        writer.write_record(
            writer.create_warc_record(url, "response", payload=body, http_headers=headers)
        )
"""


def by_warcio(urls: list[str], folder: Path) -> Path:
    path = folder / "warcio.warc.gz"  # in a process of its own: it leaves files unclosed
    subprocess.run([sys.executable, "-W", "ignore", "-c", WARCIO, str(path), *urls], check=True)
    return path


def articles(archive: Archive, wanted: list[str]) -> list[dict[str, Any]]:
    everything = archive.search(limit=100)
    found = [one for one in everything if {one["url"], *one["other_urls"]} & set(wanted)]
    kept = [{k: v for k, v in one.items() if k not in ITS_OWN} for one in found]
    # What a page shows is kept or not as the crawl went; where it stands is the page's.
    for one in kept:
        one["images"] = [(image["url"], image["caption"]) for image in one["images"]]
        one["attachments"] = [file["url"] for file in one["attachments"]]
    return sorted(kept, key=lambda one: one["url"])


@pytest.mark.shared
def test_three_writers_give_the_same_thirteen_articles(
    portal: NukeVietPortal, tmp_path: Path
) -> None:
    if shutil.which("wget") is None:
        pytest.skip("wget is not installed")
    urls = [f"http://{portal.host}{one['urls'][0]}" for one in portal.truth if one["id"] < 14]
    crawled = made(tmp_path / "crawl", portal)
    assert crawled.scrapy("crawl", "nukeviet").returncode in (0, 4)
    files = [by_wget(urls, tmp_path), by_warcio(urls, tmp_path), *crawled.warc_files()]
    read = []
    for number, file in enumerate(files):
        archive = made(tmp_path / str(number), portal)
        give(archive, [file])
        opened = archive.open()
        read.append(articles(opened, urls))
        opened.close()
    assert [urlsplit(one["url"]).netloc for one in read[0]] == [portal.host] * 13
    assert read[0] == read[1]
    others = [{**one, "other_urls": []} for one in read[0]]
    ours = [{**one, "other_urls": []} for one in read[2]]  # the crawl saw their other addresses
    known = {one["url"] for one in ours}
    assert ours == [one for one in others if one["url"] in known]
    assert len(ours) >= 12  # nothing that is served links to article 7


def made(folder: Path, portal: NukeVietPortal) -> TestArchive:
    (folder / "archive").mkdir(parents=True)
    archive = TestArchive(folder / "archive")
    archive.declare(portal.site)
    return archive
