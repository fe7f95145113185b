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


def pdf() -> bytes:
    """A PDF of one empty page (ISO 32000-1 §7.5: header, objects, cross-reference table)."""
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
    )
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % o for o in offsets)
    return bytes(out + b"trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start)
