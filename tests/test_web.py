"""The minimal reading room, over a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import TestArchive
from tests.serving import served


@pytest.fixture(scope="module")
def room(demo_archive: TestArchive) -> Iterator[httpx.Client]:
    with served(demo_archive) as server:
        yield server.room


def test_it_lists_and_finds(room: httpx.Client) -> None:
    listed = room.get("/").text
    assert listed.count('<a href="/article/') == 50
    found = room.get("/", params={"q": '"Lê Quý Tiệp"'}).text
    assert found.count('<a href="/article/') == 1 and "Huyện Bình Giang tổ chức" in found
    assert "Nothing found" in room.get("/", params={"q": '"); DROP'}).text


def test_it_shows_an_article_with_its_images(room: httpx.Client) -> None:
    page = room.get("/article/308bbaf278198bcc")
    assert "2023-01-10T16:33:00+07:00" in page.text and "Hà Trang" in page.text
    assert "Toàn cảnh hội nghị</figcaption>" in page.text and "urn:uuid:" in page.text
    image = re.search(r'src="(/image/[0-9a-f]{64})"', page.text)
    assert image is not None
    answer = room.get(image[1])
    assert answer.headers["content-type"] == "image/jpeg" and answer.content[:2] == b"\xff\xd8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in page.headers["content-security-policy"]


def test_what_is_not_there_is_a_404(room: httpx.Client) -> None:
    for path in ("/article/ffff", "/image/ffff", "/nirgends"):
        assert room.get(path).status_code == 404


def test_text_from_an_archive_is_text(room: httpx.Client) -> None:
    page = room.get("/", params={"q": '<script>alert("x")</script>'}).text
    assert "<script>" not in page
