"""A page that says it is not there is no article; an article about things not found is one."""

from __future__ import annotations

import unicodedata

import pytest

from crawler.outcome import Limits, read_capture
from crawler.sites import Layout, Site
from crawler.steps import add_article
from storage import times
from storage.records import Capture, FrontierRow, Page

SITE = Site("a", "A", "other", (Layout("plain"),), ("http://a.vn/",), ("a.vn",))
LONG = "Huyện uỷ Bình Giang tổ chức hội nghị tổng kết công tác xây dựng Đảng. " * 20


def read(html: str, url: str = "http://a.vn/tin/mot-bai-viet.html") -> Page:
    row = FrontierRow(1, url, "http://a.vn", "article", 1, "L", None, 0)
    headers = (("Content-Type", "text/html; charset=utf-8"),)
    capture = Capture(url, times.parse_utc("2023-02-01T00:00:00Z"), 200, headers, html.encode())
    return add_article(read_capture(row, capture, SITE, Limits()))


def kinds(page: Page) -> list[str]:
    return [failure.kind for failure in page.failures]


@pytest.mark.parametrize(
    "html",
    [
        "<title>Không tìm thấy trang</title><p>Xin lỗi</p>",
        "<title>Huyện uỷ A</title><h1>Trang bạn yêu cầu không tồn tại</h1>",
        "<h2>Bài viết này không tồn tại hoặc đã bị xoá</h2>",
        "<title>404 - Not Found</title>",
        "<title>Lỗi 404</title>",
        "<h1>Page not found</h1>",
        f"<h1>{unicodedata.normalize('NFD', 'Không tìm thấy nội dung')}</h1>",
        "<h1>  KHÔNG TÌM THẤY </h1>",
    ],
)
def test_what_says_it_is_not_there_is_skipped(html: str) -> None:
    page = read(f"<html><body>{html}</body></html>")
    assert kinds(page) == ["soft_404"]
    assert page.article is None
    assert not page.failed


@pytest.mark.parametrize(
    "title",
    [
        "Không tìm thấy nạn nhân trong vụ sạt lở",
        "Quyết định số 404/QĐ-UBND",
        "Không tồn tại khái niệm giấy phép con",
        "Nhiều hồ sơ không tìm thấy chủ sở hữu",
    ],
)
def test_news_of_what_was_not_found_stays(title: str) -> None:
    short = f"<title>{title}</title><h1>{title}</h1><p>Tin ngắn của huyện.</p>"
    assert kinds(read(f"<html><body>{short}</body></html>")) == []


def test_a_long_article_may_say_it_anywhere() -> None:
    html = f"<title>Tin</title><h1>Trang web không tìm thấy trang</h1><p>{LONG}</p><p>{LONG}</p>"
    page = read(f"<html><body><div>{html}</div></body></html>")
    assert kinds(page) == []
    assert page.article is not None
