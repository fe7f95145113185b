"""What there is to import under the paths that were given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crawler.acquire.unpack import kind_of
from storage.errors import UsageError

_FOLDER_SUFFIXES = ("_files", "_tệp", "-files", "_archivos", "_Dateien")
"""What browsers call the folder beside a saved page: Chrome in English and Vietnamese, Firefox."""

_ARCHIVES = ("warc", "arc", "arc.gz", "zstd", "lz4", "wacz")


@dataclass(frozen=True, slots=True)
class Source:
    """A file to import."""

    path: Path
    name: str
    """As its giver sees it: within the folder that was given."""
    named: bool
    """It was given by name, not found in a folder."""


def find_sources(paths: list[Path]) -> list[Source]:
    """Files, and those of folders, by name. Raises UsageError for a path where nothing is."""
    found = []
    for path in paths:
        if path.is_dir():
            inside = sorted(one for one in path.rglob("[!.]*") if one.is_file())
            found += [Source(one, str(one.relative_to(path.parent)), False) for one in inside]
        elif path.is_file():
            found.append(Source(path, path.name, True))
        else:
            raise UsageError(f"there is no file or folder {path}")
    return [one for one in found if one.named or not _belongs_to_page(one.path)]


def find_jobs(paths: Sequence[Path]) -> list[Path]:
    """What one job each is to import: every archive file; of a folder that holds pages, all of it.

    Raises OSError.
    """
    found = []
    for path in paths:
        inside = [one.path for one in find_sources([path])]
        archives = [one for one in inside if kind_of(one) in _ARCHIVES]
        pages = any(kind_of(one) == "page" for one in inside)
        found += [path] if pages or not archives else archives
    return [path.absolute() for path in found]


def _belongs_to_page(path: Path) -> bool:
    """Files of a saved page are taken in with it."""
    return any(
        folder.name.endswith(suffix) and _page_of(folder, suffix) is not None
        for folder in path.parents
        for suffix in _FOLDER_SUFFIXES
    )


def _page_of(folder: Path, suffix: str) -> Path | None:
    stem = folder.name.removesuffix(suffix)
    pages = (folder.with_name(stem + ending) for ending in (".html", ".htm", ".xhtml"))
    return next((page for page in pages if page.is_file()), None)


def files_of(page: Path) -> Iterator[Path]:
    """The files saved beside a page, if there is a folder of them."""
    for suffix in _FOLDER_SUFFIXES:
        folder = page.with_name(page.stem + suffix)
        if folder.is_dir():
            yield from sorted(one for one in folder.rglob("*") if one.is_file())


def is_importable(path: Path) -> bool:
    """Whether a file found in a folder is an archive or a page. Raises OSError."""
    return kind_of(path) not in ("unknown", "empty")
