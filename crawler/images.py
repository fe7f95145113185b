"""Image bytes looked at: what they are and how large, without decoding them."""

from __future__ import annotations

import hashlib
import io
import warnings

from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from storage.records import Image

_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"\x00\x00\x01\x00", "image/vnd.microsoft.icon"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)
_START_BYTES = 1024

IMAGE_MAX_PIXELS = 100_000_000
"""A larger picture is not decoded, its bytes are kept. An A3 page at 600 dpi has 70 million."""

PillowImage.MAX_IMAGE_PIXELS = IMAGE_MAX_PIXELS
# Pillow only warns of a picture of up to twice its limit; to us that is an error as well.
warnings.filterwarnings("error", category=PillowImage.DecompressionBombWarning)


def read_image(data: bytes) -> Image | None:
    """The image that bytes hold; None if they are no image. Raises: nothing.

    A picture too large to be decoded in good faith, or damaged, is an image with a problem: its
    bytes are kept all the same.
    """
    mime = sniff(data)
    if mime is None:
        return None
    sha256 = hashlib.sha256(data).hexdigest()
    if mime == "image/svg+xml":
        return Image(sha256, mime, data)
    try:
        width, height = PillowImage.open(io.BytesIO(data)).size
    except (PillowImage.DecompressionBombError, PillowImage.DecompressionBombWarning) as error:
        return Image(sha256, mime, data, problem=f"too large to decode: {error}")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        return Image(sha256, mime, data, problem=f"damaged: {error}")
    return Image(sha256, mime, data, width, height)


def sniff(data: bytes) -> str | None:
    """Media type by the bytes' beginning; None if it is no image's."""
    for magic, mime in _MAGIC:
        if data.startswith(magic):
            return mime
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    start = data[:_START_BYTES].lstrip().lower()
    if start.startswith((b"<svg", b"<?xml")) and b"<svg" in start:
        return "image/svg+xml"
    return None
