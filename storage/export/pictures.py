"""Images of articles as files, each once, named by their sha256."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from storage.export.place import new_folder
from storage.query.articles import load_image


def save_images(
    articles: Iterable[dict[str, Any]], out: Path, connection: Connection
) -> Iterator[dict[str, Any]]:
    """Pass articles on, and write the images that each shows: `out/3f/3fa0….jpg`.

    `out` is there once the last article has passed. The ending follows the sniffed type. What was
    not kept has no file. Raises UsageError (`out` is there already), OSError.
    """
    with new_folder(out) as folder:
        for article in articles:
            for image in article["images"]:
                if image["sha256"] is not None:
                    _save(folder, image["sha256"], connection)
            yield article


def _save(folder: Path, sha256: str, connection: Connection) -> None:
    place = folder / sha256[:2]
    if place.is_dir() and any(place.glob(f"{sha256}*")):
        return
    mime, data = load_image(connection, sha256)
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{sha256}{mimetypes.guess_extension(mime) or ''}").write_bytes(data)
