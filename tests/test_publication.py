"""Which date is the publication date, and what is kept of the others."""

from __future__ import annotations

import pytest

from crawler.normalise import normalise
from crawler.normalise.datelines import is_date_line, is_licence, is_update
from crawler.read import read_page
from storage.records import Article
from tests.layouts import BANNER, PARAGRAPHS, TITLE
from tests.pages import capture_of, read, site_of

BODY = "".join(f"<p>{text}</p>" for text in PARAGRAPHS)


def article(line: str, head: str = "", meta: str = "", foot: str = "") -> Article:
    title = f"<title>{TITLE}</title>{meta}"
    return read(
        f"<head>{title}</head><body>{head}<div><h1>{TITLE}</h1><p>{line}</p><div>{BODY}</div></div>{foot}</body>"
    )


def meta(value: str, name: str = "article:published_time") -> str:
    return f'<meta property="{name}" content="{value}">'


@pytest.mark.parametrize(
    "line",
    [
        "Thứ Ba 10/01/2023 16:33", "Ngày đăng: 10/01/2023", "Cập nhật lúc 16h33 ngày 10/01/2023", "10/01/2023",
        "(10/01/2023 - 16:33)", "Xã hội - 07/01/2022", "Xã hội 17-06-2022", "VĂN HÀO - TRẦN HỮU 30/04/2016 11:39",
        "Hà Trang - 10/01/2023 16:33", "Ngày đăng: 06/01/2021 - Lượt xem: 99", "Lượt xem: 7370 | Gửi lúc: 05/12/2013 15:42:27",
        "Hải Phòng, ngày 24 tháng 01 năm 2020", "Bình Giang, ngày 10 tháng 01 năm 2023", "Tin trong huyện | 10/01/2023 | 16:33",
        "thứ ba, 10/01/2023, 16:33 (GMT+7)| Đã xem 123", "10/01/2023 16:33 480", "3 giờ trước", "Tác giả: Phan PhúNgày cập nhật: 10/01/2023",
        "Đăng bởi admin lúc 10/01/2023", "Nông nghiệp - Nông thôn - Ngày đăng : 14:26, 26/05/2014",
    ],
)  # fmt: skip
def test_lines_that_are_there_for_their_date(line: str) -> None:
    assert is_date_line(line) and not is_licence(line)


@pytest.mark.parametrize(
    "line",
    [
        "Sáng ngày 10/01/2023, Ban Thường vụ Huyện uỷ tổ chức hội nghị.", "Hội nghị ngày 10/01/2023", "Sáng ngày 10/01/2023",
        "Ngày 10/01/2023, UBND huyện họp.", "Ngày 10/01/2023 UBND huyện họp", "Toàn cảnh buổi lễ kỷ niệm 10/01/2023",
        "Kế hoạch được ban hành ngày 10/01/2023 của UBND huyện", "Tính đến ngày 10/01/2023 toàn huyện có 12 xã",
        "Chiều 27/9/2023, đoàn kiểm tra đã làm việc", "(Ảnh chụp tại hội nghị ngày 10/01/2023)",
    ],
)  # fmt: skip
def test_lines_that_tell_of_a_day(line: str) -> None:
    assert not is_date_line(line)


def test_licences_and_updates_are_told_apart() -> None:
    assert is_licence("Giấy phép số 123/GP-STTTT cấp ngày 12/05/2019")
    assert is_licence("© Bản quyền thuộc Huyện uỷ, 12/05/2019") and is_licence(
        "Hiệu lực: 22/11/2016"
    )
    assert is_update("Cập nhật lần cuối: 05/02/2024") and not is_update(
        "Ngày đăng: 05/02/2024 (cập nhật)"
    )


def test_a_published_label_goes_before_an_update_wherever_they_stand() -> None:
    two = article("Cập nhật: 05/02/2024 08:00</p><p>Ngày đăng: 10/01/2023 16:33")
    assert (two.published_at, two.published_raw) == (
        "2023-01-10T16:33:00+07:00",
        "Ngày đăng: 10/01/2023 16:33",
    )
    assert article("Cập nhật: 05/02/2024 08:00").published_at == "2024-02-05T08:00:00+07:00"


def test_an_article_of_the_day_of_capture_says_so() -> None:
    today = article("Thứ Sáu 01/03/2024 07:15")
    assert today.published_at == "2024-03-01T07:15:00+07:00"
    assert today.published_flags == ("equals_capture_day", "weekday_agrees")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("Ngày đăng: 01/03/2024 07:15", "2024-03-01T07:15:00+07:00"),
        ("3 giờ trước", "2024-03-01T07:00:00+07:00"),
        ("Thứ Sáu, 01/03/2024 07:15", None),
        ("29/02/2024 07:15", "2024-02-29T07:15:00+07:00"),
    ],
)
def test_above_the_title_the_day_of_capture_needs_a_label(line: str, value: str | None) -> None:
    page = f"<title>{TITLE}</title><div><p>{line}</p><h1>{TITLE}</h1><div>{BODY}</div></div>"
    assert read(page).published_at == value


def test_the_header_s_clock_is_kept_as_evidence_only() -> None:
    none = article("", head=f"<div>{BANNER}</div>" + "<p>menu</p>" * 8)
    assert none.published_at is none.published_evidence is none.published_precision is None
    [clock] = [row for row in none.date_candidates if row["raw"] == BANNER]
    assert clock["value"] == "2024-03-01" and clock["verdict"] == "stands in the header"


def test_a_machine_date_is_checked_against_the_printed_one() -> None:
    agrees = article("10/01/2023 16:33", meta=meta("2023-01-10T16:40:00+07:00"))
    differs = article("10/01/2023 16:33", meta=meta("2023-02-01T08:00:00+07:00"))
    assert "machine_date_differs" not in agrees.published_flags
    assert differs.published_at == "2023-01-10T16:33:00+07:00"
    assert differs.published_flags == ("machine_date_differs",)


def test_a_machine_date_alone_is_taken_and_named_as_such() -> None:
    alone = article("", meta=meta("2023-01-10T09:33:00Z"))
    assert (alone.published_at, alone.published_evidence) == ("2023-01-10T16:33:00+07:00", "meta")
    assert alone.published_utc is not None and alone.published_utc.startswith("2023-01-10T09:33:00")


@pytest.mark.parametrize(
    "line",
    [
        "Tháng 9/2023", "Năm 2023", "10/01/2030", "01/01/1970", "31/02/2023", "10/01/2023 - 15/01/2023", "Thứ Ba",
        "Giấy phép số 12/GP-TTĐT ngày 12/05/2019", "Tối 15/8 âm lịch", "",
    ],
)  # fmt: skip
def test_nothing_certain_gives_nothing(line: str) -> None:
    assert article(line).published_at is None


def test_a_date_in_a_related_list_or_a_comment_is_not_the_article_s() -> None:
    foot = "<h3>Ý kiến bạn đọc</h3><p>05/02/2024 08:00</p><h3>Tin khác</h3><p>Ngày đăng: 06/02/2024</p>"
    assert article("", foot=foot).published_at is None


def test_an_address_is_the_last_resort() -> None:
    page = f"<title>{TITLE}</title><body><h1>{TITLE}</h1><div>{BODY}</div></body>"
    capture = capture_of(page, "http://x.gov.vn/portal/Pages/2023-1-30/ten-bai.aspx")
    found = normalise(read_page(capture, site_of("plain")))
    assert (found.published_at, found.published_evidence) == ("2023-01-30", "url")
    assert found.published_flags == ("url_only",)
