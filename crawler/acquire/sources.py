"""What there is to import under the paths that were given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from crawler.acquire.unpack import kind_of
from storage.errors import NotFound, UsageError
from storage.store.file import WarcFile
from storage.store.objects import store_at

_FOLDER_SUFFIXES = ("_files", "_tệp", "-files", "_archivos", "_Dateien")
"""What browsers call the folder beside a saved page: Chrome in English and Vietnamese, Firefox."""

_ARCHIVES = ("warc", "arc", "arc.gz", "zstd", "lz4", "wacz")


@dataclass(frozen=True, slots=True)
class Source:
    """A file to import."""

    path: WarcFile
    name: str
    """As its giver sees it: within the folder that was given."""
    named: bool
    """It was given by name, not found in a folder."""


def find_sources(paths: Iterable[str | Path]) -> list[Source]:
    """Files, and those of folders, by name: of this machine, or in a store (`s3://`, `file:///`).

    Raises UsageError for a path where nothing is, and for an address of no store; StoreFault.
    """
    found = []
    for given in paths:
        path = Path(given)
        if "://" in str(given):
            found += _at_address(str(given))
        elif path.is_dir():
            inside = sorted(one for one in path.rglob("[!.]*") if one.is_file())
            found += [Source(one, str(one.relative_to(path.parent)), False) for one in inside]
        elif path.is_file():
            found.append(Source(path, path.name, True))
        else:
            raise UsageError(f"there is no file or folder {path}")
    return [one for one in found if one.named or not _belongs_to_page(one.path)]


def _at_address(url: str) -> list[Source]:
    """A file, or those of a folder, in a store."""
    inside = store_at(url)
    parent, _, name = url.rstrip("/").rpartition("/")
    if not parent.endswith(":/"):
        with suppress(NotFound):
            return [Source(store_at(f"{parent}/").look_up(name), name, True)]
    found = [Source(inside.look_up(one), f"{name}/{one}", False) for one in inside.names("")]
    if not found:
        raise UsageError(f"there is no file or folder {url}")
    return sorted(found, key=lambda one: one.name)


def find_jobs(paths: Sequence[str | Path]) -> list[str]:
    """What one job each is to import: every archive file; of a folder that holds pages, all of it.

    Raises UsageError, OSError, StoreFault.
    """
    found: list[str] = []
    for given in paths:
        inside = [(one.path, kind_of(one.path)) for one in find_sources([given])]
        archives = [path for path, kind in inside if kind in _ARCHIVES]
        pages = any(kind == "page" for _, kind in inside)
        found += map(_address, [given] if pages or not archives else archives)
    return found


def _address(file: str | Path | WarcFile) -> str:
    """From wherever it is asked for."""
    return str(file) if "://" in str(file) else str(Path(str(file)).absolute())


def _belongs_to_page(path: WarcFile) -> bool:
    """Files of a saved page are taken in with it; of one in a store there are none."""
    return isinstance(path, Path) and any(
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


def is_importable(path: WarcFile) -> bool:
    """Whether a file found in a folder is an archive or a page. Raises OSError."""
    return kind_of(path) not in ("unknown", "empty")
