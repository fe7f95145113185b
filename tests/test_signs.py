"""Signs on pages: what stands in the place of a site's own page, and what only speaks of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from crawler.checks.identity import is_vietnamese
from crawler.checks.signs import sign_of
from crawler.pages import FAMILIES
from crawler.read import read_page
from crawler.sites import Layout, Site
from storage.records import Capture
from tests import turning_portal as turn

URL = "http://portal.example/tin/hoi-nghi-12.html"


def capture(body: str, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Capture:
    pairs = (("Content-Type", "text/html; charset=utf-8"), *headers)
    return Capture(URL, datetime(2026, 3, 1, tzinfo=UTC), status, pairs, body.encode())


def signs(body: str, *headers: tuple[str, str]) -> set[str | None]:
    """By every family, and as an answer that nobody reads."""
    page = capture(body, headers=headers)
    found: set[str | None] = set()
    for family in FAMILIES:
        site = Site("a", "Cổng thông tin", "other", (Layout(family),), hosts=("portal.example",))
        for read in (read_page(page, site), None):
            sign = sign_of(page, site, read)
            found.add(sign.kind if sign else None)
    return found


def page(title: str, body: str = "") -> str:
    return f"<html><head><title>{title}</title></head><body>{body}</body></html>"


@pytest.mark.parametrize(
    ("sign", "body"),
    [
        ("challenge", turn.CHALLENGE[1]),
        ("challenge", page("Attention Required! | Cloudflare", "<h1>Sorry, you have been blocked</h1>")),
        ("challenge", page("", "<h1>Vui lòng xác minh bạn không phải là robot</h1>")),
        ("challenge", "<html><body><script>document.cookie='D1N=1a2b'; window.location.reload(true);</script></body></html>"),
        ("challenge", page("", "<script>function toNumbers(d){}; document.cookie='c='+slowAES.decrypt(c,2,a,b); location.href='/'</script>x")),
        ("login_page", turn.LOGIN[1]),
        ("maintenance", turn.MAINTENANCE[1]),
        ("maintenance", page("Thông báo", "<p>Website đang được nâng cấp. Mong quý vị thông cảm!</p>")),
        ("maintenance", page("Site under maintenance")),
        ("maintenance", page("ĐANG BẢO TRÌ")),
        ("no_site", turn.NO_SITE[1]),
        ("no_site", page("Apache2 Ubuntu Default Page: It works", "<p>" + "This is the default welcome page. " * 90)),
        ("no_site", page("IIS7", "<img src=welcome.png>")),
        ("no_site", page("", "<p>Hosting đã hết hạn sử dụng, đang bị tạm ngừng.</p>")),
        ("no_site", page("Domain Suspended", "<p>Tên miền a.gov.vn bị tạm ngừng</p>")),
        ("parked", turn.PARKED[1]),
        ("parked", page("huyen.example", "<p>The domain huyen.example is for sale!</p>")),
        ("parked", page("", "<p>Tên miền huyen.vn đã hết hạn</p>")),
        ("gambling", turn.GAMBLING[1]),
        ("gambling", page("SLOT GACOR: Situs Judi Online", "<p>Daftar situs slot gacor, deposit pulsa, bonus, togel dan casino. " * 20)),
        ("gambling", page("澳门博彩娱乐城", "<p>注册送优惠 百家乐 真人投注 彩票</p>" * 20)),
    ],
)  # fmt: skip
def test_what_is_no_page_of_the_site(sign: str, body: str) -> None:
    assert signs(body) == {sign}


def test_cloudflare_says_it_in_a_header() -> None:
    assert signs(page("x"), ("CF-Mitigated", "challenge")) == {"challenge"}


RAID = (
    "Công an huyện vừa triệt phá một đường dây cá cược bóng đá qua mạng, khởi tố 11 bị can về tội "
    "tổ chức đánh bạc. Các đối tượng lập trang bong88, w88, nhận làm đại lý cho nhà cái, đăng ký tài "
    "khoản, nạp tiền, rút tiền, khuyến mãi người chơi casino trực tuyến, tài xỉu. "
)
NEWS = {
    "a raid": ("Triệt phá đường dây cá cược bóng đá qua mạng", RAID * 4),
    "works on a system": (
        "Hệ thống một cửa điện tử tạm ngừng để bảo trì",
        "Uỷ ban nhân dân huyện thông báo: hệ thống đang được nâng cấp từ 17 giờ thứ Sáu. " * 12,
    ),
    "a name sold": ("Tên miền .vn: tên miền đã hết hạn sẽ bị thu hồi", "Sở thông báo về tên miền. " * 30),
    "rewards": ("Huyện tổng kết công tác thi đua, khen thưởng", "Đăng ký thi đua, uy tín, hội viên. " * 30),
}  # fmt: skip


@pytest.mark.parametrize("name", NEWS)
def test_news_about_such_things_is_news(name: str) -> None:
    title, body = NEWS[name]
    article = f"<h1>{title}</h1><p>10/01/2023 16:33</p><div><p>{body}</p><p>{body}</p></div>"
    read = capture(page(title, article))
    for family in ("plain", "party_sharepoint"):
        site = Site("a", "Cổng thông tin", "other", (Layout(family),), hosts=("portal.example",))
        found = read_page(read, site)
        assert found.kind == "article" and sign_of(read, site, found) is None


def test_an_ordinary_refusal_has_no_sign() -> None:
    site = Site("a", "Cổng thông tin", "other", (Layout("plain"),))
    for body in (page("403 Forbidden", "<h1>Forbidden</h1>"), page("502 Bad Gateway"), ""):
        assert sign_of(capture(body, 403), site) is None


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        ("Huyện Bình Giang tổ chức hội nghị tổng kết công tác năm", True),
        ("UBND TỈNH QUẢNG NAM BAN HÀNH KẾ HOẠCH PHÁT TRIỂN", True),
        ("Cheap flights to Hà Nội and Đà Nẵng for the whole family in this summer", False),
        ("Les élèves français visitent le musée de la ville ancienne", False),
        ("澳门博彩娱乐城官方网站", False),
        ("Tin tức", None),
    ],
)
def test_language(text: str, is_it: bool | None) -> None:
    assert is_vietnamese(text) is is_it
