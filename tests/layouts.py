"""The seed's article in pages of many makes: its text is real, every markup here is made up."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from importlib.resources import files

_LINES = [
    line.rstrip("\n")
    for line in files("crawler.demo").joinpath("seed_article.txt").read_text("utf-8").split("\n")
]
TITLE = _LINES[2]
DATE_LINE = "Thứ Ba 10/01/2023 16:33"
BANNER = "Thứ sáu, ngày 1/3/2024"
CAPTION = "Toàn cảnh hội nghị"
BYLINE = "Hà Trang - Văn phòng Huyện uỷ Bình Giang"
PARAGRAPHS = [
    line for line in _LINES[7:] if line.strip() and line not in (BYLINE, "CÁC BÀI VIẾT KHÁC:")
]
"""From `Sáng ngày 10/01/2023` to the gallery's lead, the caption among them."""

LICENCE = "Giấy phép số 123/GP-STTTT do Sở Thông tin và Truyền thông cấp ngày 12/05/2019"
NEWER = [
    ("Huyện uỷ tổ chức hội nghị trực tuyến về chuyển đổi số năm 2024", "29/02/2024"),
    ("Bình Giang ra quân trồng cây đầu xuân Giáp Thìn tại các xã, thị trấn", "28/02/2024"),
    ("Kiểm tra công tác chuẩn bị đại hội chi bộ nhiệm kỳ 2025-2027", "27/02/2024"),
    ("Uỷ ban Kiểm tra Huyện uỷ triển khai nhiệm vụ quý II năm 2024", "26/02/2024"),
]
ELSEWHERE = (
    "Trong những ngày này, không khí thi đua lao động sản xuất tại các xã, thị trấn trong huyện diễn ra sôi nổi, "
    "bà con nông dân tập trung chăm sóc lúa chiêm xuân và cây rau màu vụ đông, phấn đấu vượt kế hoạch đề ra. "
)


@dataclass(frozen=True)
class Layout:
    """A page, and what it must give."""

    name: str
    html: str
    published: str | None = "2023-01-10T16:33:00+07:00"


def paragraphs(before_caption: str = '<p><img src="/anh/hoi-nghi.jpg"></p>') -> str:
    return "".join(
        (before_caption if text == CAPTION else "") + f"<p>{escape(text)}</p>"
        for text in PARAGRAPHS
    )


def broken_lines() -> str:
    """Without paragraphs: what old editors wrote."""
    return "<br><br>".join(
        ('<img src="/anh/hoi-nghi.jpg"><br>' if text == CAPTION else "") + escape(text)
        for text in PARAGRAPHS
    )


BYLINE_P = f'<p style="text-align:right"><b>{BYLINE}</b></p>'
OTHERS = (
    "<div>CÁC BÀI VIẾT KHÁC:</div><ul>"
    + "".join(
        f'<li><a href="/tin/{n}.html">{title}</a> <span>({date})</span></li>'
        for n, (title, date) in enumerate(NEWER)
    )
    + "</ul>"
)
MENU = '<div class="menu"><a href="/">Trang chủ</a> <a href="/tin-tuc">Tin tức</a> <a href="/van-ban">Văn bản</a></div>'


def page(
    content: str,
    *,
    head: str = "",
    title: str | None = f"{TITLE} - Huyện uỷ Bình Giang",
    foot: str = "",
) -> str:
    named = f"<title>{title}</title>" if title else ""
    footer = foot or "<div id=footer>Trang thông tin điện tử Huyện uỷ Bình Giang</div>"
    return f"<!DOCTYPE html><html><head><meta charset=utf-8>{named}</head><body>{head}{MENU}{content}{footer}</body></html>"


def detail(
    date: str = f'<div class="ngay">{DATE_LINE}</div>', *, body: str = "", tag: str = "h1"
) -> str:
    return (
        f'<div class="chi-tiet"><{tag}>{TITLE}</{tag}>{date}<div>Xem với cỡ chữ</div>'
        f'<div class="noi-dung">{body or paragraphs()}{BYLINE_P}</div></div>{OTHERS}'
    )


SIDE_LIST = (
    '<div class="cot-phai"><h3>Tin mới</h3><ul>'
    + "".join(
        f'<li><a href="/m/{n}.html">{title}</a> <i>{date} 08:{n % 60:02}</i></li>'
        for n in range(60)
        for title, date in [NEWER[n % 4]]
    )
    + "</ul></div>"
)
SIDE_TEXT = (
    '<div class="cot-trai"><h3>Thông báo</h3>'
    + "".join(f"<p>{n}. {ELSEWHERE * 2}</p>" for n in range(30))
    + "</div>"
)
COMMENTS = (
    '<div class="y-kien"><h3>Ý kiến bạn đọc</h3>'
    + "".join(
        f"<div><b>Bạn đọc {n}</b> <span>{n + 10}/02/2024 09:1{n}</span><p>{ELSEWHERE}</p></div>"
        for n in range(5)
    )
    + "</div>"
)
BANNER_SCRIPT = "<script>document.write('Thứ sáu, ngày 1/3/2024');</script>"


def _layouts() -> list[Layout]:
    header = f'<header><div class="date">{BANNER}</div></header>'
    cells = f"<table><tr><td><h2>{TITLE}</h2></td></tr><tr><td>{DATE_LINE}</td></tr><tr><td>{paragraphs()}{BYLINE_P}</td></tr></table>{OTHERS}"
    date_first = f'<div><span class="d">{DATE_LINE}</span><h1>{TITLE}</h1><div>{paragraphs()}{BYLINE_P}</div></div>{OTHERS}'
    none = detail(date="")
    licence = f"<footer><p>{LICENCE}</p><p>© 2024</p></footer>"
    rows = "".join(
        f"<tr><td>{escape(t)}</td></tr>"
        if t != CAPTION
        else f'<tr><td><img src="/a.jpg"></td></tr><tr><td><i>{t}</i></td></tr>'
        for t in PARAGRAPHS
    )
    picture_table = paragraphs(
        '<table><tr><td><img src="/anh/hoi-nghi.jpg"></td></tr><tr><td>@</td></tr></table>'
    )
    picture_table = picture_table.replace(
        "<td>@</td></tr></table><p>Toàn cảnh hội nghị</p>",
        "<td>Toàn cảnh hội nghị</td></tr></table>",
    )
    figure = paragraphs("@").replace(
        f"@<p>{CAPTION}</p>",
        f'<figure><img src="/anh/hoi-nghi.jpg"><figcaption>{CAPTION}</figcaption></figure>',
    )
    soup = f"<div><div><b>{TITLE}</b></div><div>{DATE_LINE}</div><div>{broken_lines()}<br><br><b>{BYLINE}</b></div></div>{OTHERS}"
    inside = f'<div class="content"><h1>{TITLE}</h1><p>{DATE_LINE}</p>{paragraphs()}{BYLINE_P}{OTHERS}</div>'
    apart = f'<div class="article"><h1>{TITLE}</h1><div class="date">{DATE_LINE}</div><div class="text">{paragraphs()}</div></div><div class="tac-gia">{BYLINE}</div>{OTHERS}'
    apart_within = f'<div class="article"><h1>{TITLE}</h1><div class="date">{DATE_LINE}</div><div class="text">{paragraphs()}</div><div class="ky-ten"><i>{BYLINE}</i></div></div>{OTHERS}'
    columns = f"<table><tr><td>{SIDE_TEXT}</td><td>{detail()}</td><td>{SIDE_LIST}</td></tr></table>"
    columns_br = f"<table><tr><td>{SIDE_TEXT}</td><td>{detail(body=broken_lines() + '<br>', tag='h2')}</td></tr></table>"
    title_row = f"<table><tr><td colspan=2><h1>{TITLE}</h1><span>{DATE_LINE}</span></td></tr><tr><td>{paragraphs()}{BYLINE_P}</td><td>{SIDE_TEXT}</td></tr></table>{OTHERS}"
    form = f'<form method=post id=aspnetForm><input type=hidden name=__VIEWSTATE value="{"x" * 3000}"><div class=wrap>{SIDE_LIST}{detail()}</div></form>'
    mojo = (
        f'<form><div class="header-article1111 "><div class="left-menu"><ul><li><h3><a>Tin tức</a></h3></li></ul></div><div class="content-article"><h2 class="articletitle">{TITLE}&nbsp;</h2>'
        f'<ul class="ulActiveReference"><li><a href="/x">{NEWER[0][0]}</a></li></ul><div class="info"><span>thứ ba, 10/01/2023, 16:33 (GMT+7)<span>|&nbsp;Đã xem <span>123</span></span></span></div>'
        f'<div class="articletext" id="article_text">{paragraphs()}</div></div><div class="article-author"><b><i>{BYLINE}</i></b></div><div class="pnOtherArticle"><div>Tin bài liên quan</div><ul><li><a>{NEWER[1][0]}</a> <span>( 28/02/2024 08:00)</span></li></ul></div></div></form>'
    )
    tandan = (
        f'<div class="tandan-p-article-news-title">{TITLE}</div><div><span class="tandan-span-date-publish">Đăng ngày 10 - 01 - 2023</span><br>Lượt xem: 400</div>'
        f'<div class="tandan-p-article-main"><label style="display:none">Page Content</label><div class="ms-rtestate-field">{paragraphs()}{BYLINE_P}</div><div class="tandan-div-article-other"><p>Tin liên quan</p><ul><li><a href=/1>{NEWER[1][0]}</a> 28/02/2024</li></ul></div></div>'
    )
    spans = "".join(
        f"<div><div><span><font>{escape(t)}</font></span></div></div>"
        if t != CAPTION
        else f'<div><div><img src="/a.jpg"></div></div><div><div><em>{t}</em></div></div>'
        for t in PARAGRAPHS
    )
    prefixed = [
        f"Ngày đăng: {DATE_LINE}",
        f"Cập nhật lúc: {DATE_LINE}",
        "Đăng lúc 16:33 ngày 10/01/2023 - Lượt xem: 2024",
        "Tin trong huyện | 10/01/2023 16:33",
        "16:33 ,Thứ Ba,  10/1/2023",
        "Ngày đăng: 10/01/2023 16:33 | Cập nhật: 05/02/2024 08:00",
        "Cập nhật: 05/02/2024 08:00 | Ngày đăng: 10/01/2023 16:33",
    ]
    return [
        Layout("banner in header", page(detail(), head=header)),
        Layout(
            "banner in span", page(detail(), head=f'<div><span id="today">{BANNER}</span></div>')
        ),
        Layout("banner by script", page(detail(), head=f"<div>{BANNER_SCRIPT}</div>")),
        Layout("date in table cell", page(cells, head=header)),
        Layout(
            "banner in English", page(detail(), head='<div class="top">Friday, 01/03/2024</div>')
        ),
        Layout(
            "banner with a clock",
            page(detail(), head='<div class="top">Thứ sáu, 01/03/2024 10:00 GMT+7</div>'),
        ),
        Layout("date before the title", page(date_first, head=header)),
        Layout("date after the title", page(detail(), head=header)),
        *(
            Layout(f"prefixed: {line}", page(detail(f"<p>{line}</p>"), head=header))
            for line in prefixed
        ),
        Layout("no own date", page(none, head=header), None),
        Layout(
            "no own date, banner beside the title",
            page(f"<div><span>{BANNER}</span></div>{none}"),
            None,
        ),
        Layout(
            "no own date, banner as heading's neighbour",
            page(
                f"<div class=x><span>{BANNER}</span><h1>{TITLE}</h1>{paragraphs()}{BYLINE_P}</div>{OTHERS}"
            ),
            None,
        ),
        Layout("licence in footer", page(none, foot=licence), None),
        Layout("licence and banner", page(none, head=header, foot=licence), None),
        Layout(
            "title in td",
            page(
                f'<table><tr><td class="c">{TITLE}</td></tr><tr><td>{DATE_LINE}</td></tr><tr><td>{paragraphs()}{BYLINE_P}</td></tr></table>{OTHERS}'
            ),
        ),
        Layout("title in strong, no title element", page(soup, title=None, head=header)),
        Layout(
            "title in strong, title names the site",
            page(soup, title="Trang thông tin điện tử Huyện uỷ Bình Giang", head=header),
        ),
        Layout(
            "title in div of a class",
            page(
                detail().replace("<h1>", '<div class="tieu-de-tin">').replace("</h1>", "</div>"),
                title="Huyện uỷ Bình Giang",
            ),
        ),
        Layout(
            "title in capitals above", page(detail(), title=f"{TITLE.upper()} | CỔNG THÔNG TIN")
        ),
        Layout(
            "site name in h1",
            page(
                detail(tag="h2"),
                head="<h1>Huyện uỷ Bình Giang - tỉnh Hải Dương</h1>",
                title=f"{TITLE} - Huyện uỷ Bình Giang - tỉnh Hải Dương",
            ),
        ),
        Layout(
            "breadcrumb with the title",
            page(
                detail(),
                head=f'<div class="breadcrumb"><a href="/">Trang chủ</a> / <a href="/t">Tin tức</a> / <a href="#">{TITLE}</a></div>',
            ),
        ),
        Layout("title repeated in body", page(detail(body=f"<p><b>{TITLE}</b></p>{paragraphs()}"))),
        Layout("in a form with a view state", page(form, head=header)),
        Layout("related list within the container", page(inside)),
        Layout(
            "paragraphs as table rows",
            page(
                f"<div><h1>{TITLE}</h1><p>{DATE_LINE}</p><table>{rows}</table>{BYLINE_P}</div>{OTHERS}"
            ),
        ),
        Layout("image in table with caption row", page(detail(body=picture_table))),
        Layout("image in figure", page(detail(body=figure))),
        Layout("byline outside the body", page(apart_within)),
        Layout("byline outside the article", page(apart)),
        Layout("comments with dates", page(detail().replace(OTHERS, "") + COMMENTS)),
        Layout("comments within the container", page(inside.replace(OTHERS, COMMENTS))),
        Layout(
            "sidebar list longer than the article",
            page(f"<div class=w>{SIDE_LIST}{detail()}</div>", head=header),
        ),
        Layout(
            "sidebar list behind", page(f"<div class=w>{detail()}{SIDE_LIST}</div>", head=header)
        ),
        Layout(
            "sidebar of running text before",
            page(f"<div class=w>{SIDE_TEXT}<div>{detail()}</div></div>"),
        ),
        Layout(
            "sidebar of running text behind",
            page(f"<div class=w><div>{detail()}</div>{SIDE_TEXT}</div>"),
        ),
        Layout("three columns in a table", page(columns, head=header)),
        Layout("two columns, lines broken", page(columns_br, head=header)),
        Layout("title row above columns", page(title_row, head=header)),
        Layout(
            "lines broken, no blocks",
            page(
                f"<div><h1>{TITLE}</h1><i>{DATE_LINE}</i><div>{broken_lines()}<br><br>{BYLINE}</div></div>{OTHERS}"
            ),
        ),
        Layout(
            "body level soup",
            page(
                f"<h1>{TITLE}</h1>{DATE_LINE}<br><br>{broken_lines()}<br><br>{BYLINE}<br>{OTHERS}",
                head=header,
            ),
        ),
        Layout(
            "divs within divs",
            page(
                f"<div><h3>{TITLE}</h3><span>{DATE_LINE}</span><div>{spans}</div><div><strong>{BYLINE}</strong></div></div>{OTHERS}"
            ),
        ),
        Layout("mojoPortal's build", page(mojo, head=header)),
        Layout("Tan Dan", page(tandan, head=header), "2023-01-10"),
        Layout(
            "nothing closed",
            page(
                f"<div><h1>{TITLE}</h1><p>{DATE_LINE}"
                + "".join(
                    ("<p><img src=/a.jpg>" if t == CAPTION else "") + f"<p>{escape(t)}"
                    for t in PARAGRAPHS
                )
                + f"<p>{BYLINE}</div>{OTHERS}"
            ),
        ),
        Layout(
            "meta agrees",
            page(detail()).replace(
                "</head>",
                '<meta property="article:published_time" content="2023-01-10T16:33:00+07:00"></head>',
            ),
        ),
        Layout(
            "only in meta",
            page(none, head=header).replace(
                "</head>",
                '<meta property="article:published_time" content="2023-01-10T16:33:00+07:00"></head>',
            ),
        ),
        Layout(
            "only in JSON-LD",
            page(none, head=header).replace(
                "</head>",
                '<script type="application/ld+json">{"@type":"NewsArticle","datePublished":"2023-01-10T16:33:00+07:00"}</script></head>',
            ),
        ),
    ]


LAYOUTS = _layouts()


def _more_layouts() -> list[Layout]:
    """Second thoughts: what else was seen, or is likely."""
    header = f'<header><div class="date">{BANNER}</div></header>'
    dated_list = (
        "<div>"
        + "".join(
            f'<div class="it"><div class="dt">{date}</div><a href="/{n}">{title}</a></div>'
            for n, (title, date) in enumerate(NEWER)
        )
        + "</div>"
    )
    none = detail(date="")
    lead = f"<p><b>{escape(PARAGRAPHS[0])}</b></p>"
    rest = paragraphs().replace(f"<p>{escape(PARAGRAPHS[0])}</p>", "", 1)
    pieces = f"<table><tr><td>Ngày đăng:</td><td>{DATE_LINE}</td></tr></table>"
    return [
        Layout("date at the end", page(detail(date="", body=paragraphs() + f"<p align=right>{DATE_LINE}</p>"), head=header)),
        Layout("date small within the heading", page(detail(date="").replace("</h1>", f" <small>{DATE_LINE}</small></h1>"), head=header)),
        Layout("date in a line of the heading", page(detail(date="").replace("</h1>", f"<br><small>{DATE_LINE}</small></h1>"), head=header)),
        Layout("heading broken into lines", page(detail().replace("tổng kết công tác", "tổng kết<br>công tác", 1))),
        Layout("heading is a link", page(detail().replace(f"<h1>{TITLE}</h1>", f'<h1><a href="/a">{TITLE}</a></h1>', 1))),
        Layout("label and date in two cells", page(detail(pieces), head=header)),
        Layout("weekday, date and clock in three spans", page(detail("<div><span>Thứ Ba</span><span>10/01/2023</span><span>16:33</span></div>"))),
        Layout("weekday, date and clock in three blocks", page(detail("<div><div>Thứ Ba</div><div>10/01/2023</div><div>16:33</div></div>"))),
        Layout("clock above the date", page(detail("<div><p>16:33</p><p>Thứ Ba, 10/01/2023</p></div>"))),
        Layout("category link before the date", page(detail('<p><a href="/t">Tin trong huyện</a> | 10/01/2023 16:33</p>'), head=header)),
        Layout("tools behind the date", page(detail(f"<p>{DATE_LINE} | Xem với cỡ chữ <a href=#>A+</a> <a href=#>A-</a></p>"), head=header)),
        Layout("byline above the text", page(detail(f"<p>{DATE_LINE}</p><p>{BYLINE}</p>").replace(BYLINE_P, ""), head=header)),
        Layout("labelled byline", page(detail().replace(BYLINE_P, f"<p>Tác giả: {BYLINE}</p>"))),
        Layout("padded byline", page(detail().replace(BYLINE_P, f"<p>{'&nbsp;' * 90}{BYLINE}</p>"))),
        Layout("lead apart from the body", page(f'<div class=v><h1>{TITLE}</h1><i>{DATE_LINE}</i><div class="sapo">{lead}</div><div class="nd">{rest}{BYLINE_P}</div></div>{OTHERS}')),
        Layout("no own date, dated list behind", page(none.replace(OTHERS, "") + dated_list, head=header), None),
        Layout("no own date, dated list within", page(f'<div class=c><h1>{TITLE}</h1>{paragraphs()}{BYLINE_P}{dated_list}</div>', head=header), None),
        Layout("no own date, dated list before", page(f"<div>{dated_list}</div>{none}", head=header), None),
        Layout("no own date, sidebar and comments", page(f"<div class=w>{SIDE_LIST}<div>{none.replace(OTHERS, '')}{COMMENTS}</div></div>", head=header), None),
        Layout("no own date, counter in the footer", page(none, head=header, foot="<div>Đang online: 12<br>Hôm nay: 134<br>01/03/2024 10:00</div>"), None),
        Layout("no own date, event in the text", page(detail(date="", body=f"<p>Thời gian: 8h00 ngày 10/01/2023</p>{paragraphs()}"), head=header).replace("<p>Thời gian: 8h00 ngày 10/01/2023</p>", ""), None),
        Layout("title far from the body", page(f'<div class="page-head"><div><h1>{TITLE}</h1></div></div><div class="main"><div><div><span>{DATE_LINE}</span></div><div>{paragraphs()}{BYLINE_P}</div></div></div>{OTHERS}', head=header)),
        Layout("everything in one cell", page(f"<table><tr><td><b>{TITLE}</b><br><i>{DATE_LINE}</i><br>{broken_lines()}<br><b>{BYLINE}</b><br>CÁC BÀI VIẾT KHÁC:<br>{dated_list}</td></tr></table>", head=header)),
        Layout("nested tables", page(f"<table><tr><td><table><tr><td><table><tr><td><span class=t>{TITLE}</span></td></tr><tr><td>{DATE_LINE}</td></tr></table></td></tr><tr><td><table><tr><td>{paragraphs()}</td></tr><tr><td align=right>{BYLINE}</td></tr></table></td></tr></table></td><td>{SIDE_LIST}</td></tr></table>", head=header)),
        Layout("sections and articles", page(f"<main><article><header><h1>{TITLE}</h1><time>{DATE_LINE}</time></header><section>{paragraphs()}</section><footer>{BYLINE}</footer></article><aside>{SIDE_TEXT}</aside></main>", head=header)),
        Layout("font tags", page(f'<center><font size=5 color=red><b>{TITLE}</b></font></center><font size=1>{DATE_LINE}</font><div align=justify><font face=Arial>{paragraphs()}</font></div><div align=right><font><b>{BYLINE}</b></font></div>{OTHERS}', head=header)),
        Layout("capitals in the tags", page(detail(), head=header).replace("<div", "<DIV").replace("</div", "</DIV")),
        Layout("entities for letters", page(detail(body=paragraphs().replace("ê", "&ecirc;").replace("à", "&agrave;").replace("á", "&aacute;")), head=header)),
        Layout("a windows line-broken source", page(detail(), head=header).replace("><", ">\r\n   <")),
        Layout("site name before the title", page(detail(), title=f"Huyện uỷ Bình Giang | {TITLE}", head=header)),
        Layout("title only in og", page(detail(tag="div"), title="Chi tiết", head=header).replace("</head>", f'<meta property="og:title" content="{TITLE}"></head>')),
        Layout("short title element", page(detail(), title="Chi tiết tin", head=header)),
    ]  # fmt: skip


LAYOUTS += _more_layouts()
