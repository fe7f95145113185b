"""Captions, cut markers, repeats and tools around a text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.normalise import normalise
from storage.records import Article, Found, FoundImage, Paragraph

LONG = "Sáng nay, Ban Thường vụ Huyện uỷ tổ chức hội nghị tổng kết công tác xây dựng Đảng, với hơn 200 đại biểu."
MORE = "Các đại biểu đã thảo luận, trao đổi kinh nghiệm và đề xuất nhiều giải pháp thiết thực cho năm tới."
PICTURE = FoundImage("http://x.gov.vn/a.jpg")


def article(
    *items: str | FoundImage | Paragraph, title: str = "Hội nghị tổng kết", lead: str | None = None
) -> Article:
    flow = tuple(Paragraph(item) if isinstance(item, str) else item for item in items)
    moment = datetime(2024, 3, 1, tzinfo=UTC)
    return normalise(Found("article", "http://x.gov.vn/1", moment, "plain", title, lead, flow=flow))


def lines(read: Article) -> list[str]:
    return (read.text or "").split("\n")


@pytest.mark.parametrize(
    "caption",
    [
        "Toàn cảnh hội nghị", "Quang cảnh kỳ họp.",
        "Đồng chí Bí thư Huyện uỷ trao giấy khen cho các tập thể, cá nhân có thành tích xuất sắc trong phong trào thi đua",
    ],
)  # fmt: skip
def test_the_line_behind_an_image_is_its_caption_and_stays_in_the_text(caption: str) -> None:
    read = article(LONG, PICTURE, caption, MORE)
    assert [image.caption for image in read.images] == [caption]
    assert lines(read) == [LONG, caption, MORE]


@pytest.mark.parametrize(
    "line",
    [MORE, "Hình ảnh các tập thể được khen thưởng tại hội nghị:", "Hà Trang - Văn phòng Huyện uỷ"],
)
def test_a_sentence_a_heading_and_a_byline_are_no_captions(line: str) -> None:
    assert article(LONG, PICTURE, line).images[0].caption is None


def test_a_caption_of_the_markup_belongs_to_its_image_alone_also_if_printed_twice() -> None:
    marked = FoundImage("http://x.gov.vn/a.jpg", caption_raw="Toàn cảnh")
    read = article(LONG, marked, "Toàn cảnh", MORE)
    assert [image.caption for image in read.images] == ["Toàn cảnh"] and lines(read) == [LONG, MORE]
    cell = article(LONG, PICTURE, Paragraph("Toàn cảnh", caption=True), MORE)
    assert [image.caption for image in cell.images] == ["Toàn cảnh"] and lines(cell) == [LONG, MORE]


@pytest.mark.parametrize(
    "marker",
    [
        "CÁC BÀI VIẾT KHÁC:", "Tin liên quan", "Tin bài liên quan", "Những tin mới hơn", "Những tin cũ hơn", "Ý kiến bạn đọc",
        "BÌNH LUẬN (3)", "Có thể bạn quan tâm", "Các tin đã đưa", "Click để đánh giá bài viết", "Bản quyền thuộc Huyện uỷ",
    ],
)  # fmt: skip
def test_what_follows_a_cut_marker_is_not_the_article(marker: str) -> None:
    assert lines(article(LONG, MORE, marker, "Bài khác", LONG + " Thêm.")) == [LONG, MORE]


def test_a_marker_within_running_text_or_before_the_body_cuts_nothing() -> None:
    inside = "Tin liên quan đến hội nghị được cập nhật trên trang thông tin điện tử của Huyện uỷ Bình Giang."
    assert lines(article(LONG, inside, MORE)) == [LONG, inside, MORE]
    assert lines(article("Tin liên quan", LONG, MORE))[-2:] == [LONG, MORE]


def test_title_and_lead_are_kept_once() -> None:
    title = "Hội nghị tổng kết công tác xây dựng Đảng năm 2022"
    read = article(title, LONG, LONG, MORE, title=title)
    assert (read.title, lines(read)) == (title, [LONG, MORE])
    led = article(LONG, MORE, lead=LONG)
    assert (led.lead, lines(led)) == (LONG, [MORE])


@pytest.mark.parametrize(
    "tool",
    ["Xem với cỡ chữ", "In bài viết", "Chia sẻ:", "Lượt xem: 1.234", "Page Content", "Trang chủ"],
)
def test_tools_are_no_text(tool: str) -> None:
    assert lines(article(tool, LONG, tool, MORE)) == [LONG, MORE]


def test_a_signature_in_several_lines() -> None:
    read = article(LONG, MORE, "Tin, ảnh: Hà Trang", "Nguồn: Báo Hải Dương")
    assert (read.author, read.credit, lines(read)) == ("Hà Trang", "Báo Hải Dương", [LONG, MORE])
    assert read.byline_raw == "Tin, ảnh: Hà Trang\nNguồn: Báo Hải Dương"


def test_a_labelled_author_above_the_text() -> None:
    read = article("Tác giả: Hà Trang", LONG, MORE)
    assert (read.author, lines(read)) == ("Hà Trang", [LONG, MORE])


def test_a_dateline_is_a_credit() -> None:
    read = article(f"(PLVN) - {LONG}", MORE, "Hà Trang")
    assert (read.credit, read.author, lines(read)) == ("PLVN", "Hà Trang", [LONG, MORE])
    assert read.byline_raw == "Hà Trang\n(PLVN) -"
    led = article(MORE, lead=f"(CTO) – {LONG}")
    assert (led.credit, led.lead, lines(led)) == ("CTO", LONG, [MORE])


def test_misprints_figures_and_double_spaces_stay() -> None:
    odd = (
        'Có 05/39 tổ chức,  chất lượng sinh\u00a0họat; cấp ủy, cấp uỷ; xã hội hội “a” "b" – 13,76%.'
    )
    assert lines(article(LONG, odd)) == [LONG, odd]
