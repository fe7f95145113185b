"""Who wrote, for which office, after whom: lines as they stand at the end of articles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.normalise.bylines import Byline, is_signed, read_byline, read_dateline


@pytest.mark.parametrize(
    ("line", "author", "office", "credit"),
    [
        ("Hà Trang - Văn phòng Huyện uỷ Bình Giang", "Hà Trang", "Văn phòng Huyện uỷ Bình Giang", None),
        ("Nguyễn Bảy – Huyện đoàn Tuy Phước", "Nguyễn Bảy", "Huyện đoàn Tuy Phước", None),
        ("Đức Nguyên-Hiệp Thương, TTVHTTTTDL", "Đức Nguyên-Hiệp Thương", "TTVHTTTTDL", None),
        ("Thanh Toàn/THĐT", "Thanh Toàn", "THĐT", None),
        ("Trần Văn A (Phòng VHTT)", "Trần Văn A", "Phòng VHTT", None),
        ("Trọng Đức (TTXVN)", "Trọng Đức", None, "TTXVN"),
        ("Đinh Thanh/baohatinh.vn", "Đinh Thanh", None, "baohatinh.vn"),
        ("Kim Tiến – Tấn Hữu", "Kim Tiến – Tấn Hữu", None, None),
        ("Linh Lan", "Linh Lan", None, None),
        ("LÊ DUY THÀNH", "LÊ DUY THÀNH", None, None),
        ("T.Thụ-N.Quang-N.Hậu", "T.Thụ-N.Quang-N.Hậu", None, None),
        ("K’Sor H’Bia", "K’Sor H’Bia", None, None),
        ("Minh Tuấn" + " " * 90, "Minh Tuấn", None, None),
        ("PV", "PV", None, None),
        ("PV.Ánh Minh", "Ánh Minh", None, None),
        ("Tác giả: Nguyễn Thị Tuyết Trinh", "Nguyễn Thị Tuyết Trinh", None, None),
        ("Tác giả bài viết: Lê Sơn", "Lê Sơn", None, None),
        ("Tin, ảnh: TUYẾT NGA", "TUYẾT NGA", None, None),
        ("Bài và ảnh: Minh Anh", "Minh Anh", None, None),
        ("BT: NGUYỄN THU + HÌNH: LÊ TÍNH", "NGUYỄN THU", None, None),
        ("Thực hiện: H.Vân - Q.Hùng", "H.Vân - Q.Hùng", None, None),
        ("Nguồn tin: Sao Khuê", None, None, "Sao Khuê"),
        ("(Nguồn: Báo Hải Dương)", None, None, "Báo Hải Dương"),
        ("Theo Báo Tây Ninh Online", None, None, "Báo Tây Ninh Online"),
        ("Link gốc: https://baohatinh.vn/1", None, None, "https://baohatinh.vn/1"),
        ("Ảnh: PHÚ SƠN", None, None, None),
    ],
)  # fmt: skip
def test_a_byline(line: str, author: str | None, office: str | None, credit: str | None) -> None:
    assert read_byline(line) == Byline(author, office, credit)


@pytest.mark.parametrize(
    "line",
    [
        "Toàn cảnh hội nghị", "Theo đó, các đại biểu đã thảo luận", "Theo báo cáo của UBND huyện", "UBND huyện Bình Giang",
        "Văn phòng Huyện uỷ", "Xin trân trọng cảm ơn!", "Hình ảnh tại hội nghị:", "Bình Giang, ngày 10 tháng 1", "", " ",
        "Đồng chí Lê Quý Tiệp - TUV, Bí thư Huyện uỷ Bình Giang ghi nhận và biểu dương",
    ],
)  # fmt: skip
def test_no_byline(line: str) -> None:
    assert read_byline(line) is None and not is_signed(line)


def test_a_bare_name_alone_signs_nothing_outside_an_article() -> None:
    assert not is_signed("Trang Chủ") and is_signed("Tác giả: Hà Trang")
    assert is_signed("Hà Trang - Văn phòng Huyện uỷ Bình Giang")


@pytest.mark.parametrize(
    ("text", "raw", "credit"),
    [
        ("(PLVN) - Sáng 10/1, huyện họp.", "(PLVN) - ", "PLVN"),
        ("(ĐN)- Sáng 10/1", "(ĐN)- ", "ĐN"),
        ("(Baonghean.vn) – Sáng 10/1", "(Baonghean.vn) – ", "Baonghean.vn"),
        ("VTV.vn - Sáng 10/1", "VTV.vn - ", "VTV.vn"),
    ],
)
def test_a_dateline_names_the_source(text: str, raw: str, credit: str) -> None:
    assert read_dateline(text) == (raw, credit)
    assert read_dateline("Huyện uỷ (BCH) - ngày") is None
    assert read_dateline("(theo báo) Sáng 10/1") is None


@given(st.text(max_size=300))
def test_any_line_is_read_without_an_error(text: str) -> None:
    byline = read_byline(text)
    assert byline is None or byline.author != ""
    assert byline is not None or not is_signed(text)
    dateline = read_dateline(text)
    assert dateline is None or text.startswith(dateline[0])
