"""The seed's article in pages put together at random: what is read is right, or it is not read."""

from __future__ import annotations

from html import escape

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.layouts import (
    BANNER,
    BANNER_SCRIPT,
    BYLINE,
    CAPTION,
    COMMENTS,
    LICENCE,
    NEWER,
    OTHERS,
    PARAGRAPHS,
    SIDE_LIST,
    SIDE_TEXT,
    TITLE,
    page,
)
from tests.pages import read

one_of = st.sampled_from
heads = one_of(
    ["", f"<div id=header><p>{BANNER}</p></div>", f"<span class=time>{BANNER}</span>", f"<div>{BANNER_SCRIPT}</div>", "<div>Friday, March 1, 2024</div>",
     "<div>10:00:12 | Thứ 6, 01/03/2024</div>", f"<table><tr><td>{BANNER}</td><td><a href=/>Trang chủ</a></td></tr></table>", "<div>Thứ sáu<br>1/3/2024<br>10:00</div>"]
)  # fmt: skip
titles = one_of(
    ["<h1>{}</h1>", "<h3>{}</h3>", "<div class=news-title>{}</div>", "<div><span id=ctl00_lblTitle>{}</span></div>", "<p><b>{}</b></p>",
     "<table><tr><td>{}</td></tr></table>", "<div><font size=4>{}</font></div>", "<strong>{}</strong>", "<h1><a href=?id=1>{}</a></h1>"]
)  # fmt: skip
named = one_of(
    [
        TITLE,
        f"{TITLE} | Cổng thông tin",
        f"Huyện uỷ - {TITLE}",
        TITLE.upper(),
        "Cổng thông tin điện tử",
        "Chi tiết bài viết",
        None,
    ]
)
MINUTE, DAY = "2023-01-10T16:33:00+07:00", "2023-01-10"
dates = one_of(
    [("Thứ Ba 10/01/2023 16:33", MINUTE), ("Ngày đăng: 10/01/2023", DAY), ("10/01/2023 16:33 - Lượt xem: 152", MINUTE), ("(10/01/2023)", DAY),
     ("Đăng lúc 16h33, Thứ ba, ngày 10/01/2023", MINUTE), ("Tin tức - Sự kiện | 10-01-2023", DAY), ("10 Tháng Giêng, 2023", DAY), ("", None)]
)  # fmt: skip
date_places = one_of(["after", "before", "end"])
lines = one_of(
    [
        "<div class=date>{}</div>",
        "<span>{}</span><br>",
        "<p><i>{}</i></p>",
        "<table><tr><td align=right>{}</td></tr></table>",
    ]
)
bodies = one_of(
    [
        "<p>{}</p>",
        "<div>{}</div>",
        "{}<br><br>",
        "<p><span><font face=Arial>{}</font></span></p>",
        "<table><tr><td>{}</td></tr></table>",
    ]
)
pictures = one_of(
    [
        "<p><img src=/a.jpg></p><p><i>{}</i></p>",
        "<p><img src=/a.jpg><br><em>{}</em></p>",
        "<table><tr><td><img src=/a.jpg></td></tr><tr><td>{}</td></tr></table>",
    ]
)
wrappers = one_of(
    [
        "<div>{}</div>",
        "<article>{}</article>",
        "<table><tr><td>{}</td></tr></table>",
        "<form><div>{}</div></form>",
    ]
)
related = one_of(
    ["", OTHERS, "<ul>" + "".join(f"<li><a href=/{t[:3]}>{t}</a> ({d})</li>" for t, d in NEWER) + "</ul>",
     "<h3>Tin liên quan</h3>" + "".join(f"<div><a href=/{t[:3]}>{t}</a><p>{d} 08:00</p></div>" for t, d in NEWER)]
)  # fmt: skip
sides = one_of(
    [
        "{}",
        SIDE_LIST + "<div>{}</div>",
        "<div>{}</div>" + SIDE_LIST,
        "<div>{}</div>" + SIDE_TEXT,
        f"<table><tr><td>{SIDE_LIST}</td><td>{{}}</td></tr></table>",
    ]
)
feet = one_of(
    [
        "",
        f"<footer>{LICENCE}</footer>",
        "<div>Cập nhật lần cuối: 01/03/2024 09:00</div>",
        "<div>Hôm nay: 12<br>Hôm qua: 40</div>",
    ]
)


@st.composite
def pages(draw: st.DrawFn) -> tuple[str, str | None]:
    """A page and the publication date that it prints."""
    raw, published = draw(dates)
    date = draw(lines).format(raw) if raw else ""
    place, paragraph, picture = draw(date_places), draw(bodies), draw(pictures)
    body = "".join(
        picture.format(text) if text == CAPTION else paragraph.format(escape(text))
        for text in PARAGRAPHS
    )
    parts = [draw(titles).format(TITLE), draw(one_of(["", "<div>Xem với cỡ chữ</div>"]))]
    parts.insert(0 if place == "before" else 1, date if place != "end" else "")
    parts.append(draw(wrappers).format(f"{body}<p>{BYLINE}</p>{date if place == 'end' else ''}"))
    article = draw(wrappers).format("".join(parts) + draw(related)) + draw(one_of(["", COMMENTS]))
    html = page(draw(sides).format(article), head=draw(heads), title=draw(named), foot=draw(feet))
    return html, published


@settings(max_examples=500)
@given(pages())
def test_no_composed_page_gives_a_wrong_date_or_title(made: tuple[str, str | None]) -> None:
    html, published = made
    article = read(html)
    assert article.published_at in (published, None)
    assert article.title in (TITLE, None)
    assert (article.author, article.office) in (("Hà Trang", BYLINE[11:]), (None, None))
    assert [image.caption for image in article.images] in ([CAPTION], [])
