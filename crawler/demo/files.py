"""Files of the sample portal, made when asked for: pictures, a PDF, a style sheet."""

from __future__ import annotations

import io
import zlib
from functools import cache

from PIL import Image, ImageDraw

STYLE = """body { font-family: serif; max-width: 60em; margin: auto; background: url("nen.png"); }
.menu a { margin-right: 1em; } .ngay { color: #666; } figure { margin: 0; }
"""
SCRIPT = 'document.documentElement.className = "js";\n'


@cache
def picture(name: str) -> bytes:
    """A JPEG (or PNG, by its name) of coloured stripes, another one for every name."""
    seed = zlib.crc32(name.encode())
    image = Image.new("RGB", (320, 200), (seed & 255, seed >> 8 & 255, seed >> 16 & 255))
    draw = ImageDraw.Draw(image)
    for x in range(0, 320, 20):
        draw.line((x, 0, (x * 7 + seed) % 320, 200), fill=((x + seed) & 255, x & 255, 90), width=5)
    out = io.BytesIO()
    image.save(out, "PNG" if name.endswith(".png") else "JPEG")
    return out.getvalue()


PLAN = (
    "KẾ HOẠCH\nRà soát trạm bơm và kênh mương trước mùa mưa bão",
    "Phân công\nVăn phòng tổng hợp, báo cáo trước ngày 30 hằng tháng",
)
"""The pages of the portal's PDF."""


@cache
def pdf() -> bytes:
    """A PDF of text (ISO 32000-1 §7.5, §9.7): header, objects, cross-reference table.

    Its font is in no file: a reader draws what it has, and the characters are named by ToUnicode.
    """
    first = 6
    kids = " ".join(f"{first + 2 * number} 0 R" for number in range(len(PLAN)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(PLAN)} >>",
        "<< /Type /Font /Subtype /Type0 /BaseFont /Arial /Encoding /Identity-H"
        " /DescendantFonts [4 0 R] /ToUnicode 5 0 R >>",
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Arial /CIDSystemInfo"
        " << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 600 >>",
        _stream(_to_unicode()),
    ]
    for number, text in enumerate(PLAN):
        content = first + 2 * number + 1
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]"
            f" /Resources << /Font << /F 3 0 R >> >> /Contents {content} 0 R >>"
        )
        lines = " T* ".join(f"<{line.encode('utf-16-be').hex()}> Tj" for line in text.split("\n"))
        objects.append(_stream(f"BT /F 12 Tf 16 TL 60 780 Td {lines} ET"))
    return _pdf_file(objects)


def _stream(content: str) -> str:
    return f"<< /Length {len(content)} >>\nstream\n{content}\nendstream"


def _to_unicode() -> str:
    """Every code is its own character."""
    chars = sorted({char for text in PLAN for char in text})
    codes = "\n".join(f"<{ord(char):04x}> <{ord(char):04x}>" for char in chars)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        f"{len(chars)} beginbfchar\n{codes}\nendbfchar\nendcmap end end"
    )


def _pdf_file(objects: list[str]) -> bytes:
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    start, count = len(out), len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % count
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return bytes(
        out + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, start)
    )
