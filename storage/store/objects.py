"""The object store: `s3://bucket/prefix` or `file:///folder`, spoken to through fsspec.

A finished WARC file is one object under the name that the archive gives it, and never changes.
S3 is spoken by obstore: it needs no library that bars those of the crawl
(docs/decisions/0903-finished-files-in-a-store.md).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from storage import files
from storage.errors import NotFound, StoreFault, UsageError
from storage.store.file import StoredFile, StoredStat, sha256_of

VARIABLE = "TINHUYEN_STORE"
_ADDRESS = re.compile(r"s3://[\w.-]+(/|$)|file:///")
"""Of all others fsspec makes folders here, or fails only in use."""
_FILES_KEPT = 8  # whose last ranges are in memory
_RETRY = {"max_retries": 4, "retry_timeout": timedelta(seconds=30)}


def named_store() -> Store | None:
    """The store that TINHUYEN_STORE names; None if it names none. Raises UsageError."""
    url = os.environ.get(VARIABLE)
    return store_at(url) if url else None


@lru_cache(maxsize=4)
def store_at(url: str) -> Store:
    """The store at an address, one a process. Raises UsageError: it names none, or no driver."""
    return Store(url)


class Store:
    """Files by the names that the archive gives them. What fails raises StoreFault."""

    def __init__(self, url: str) -> None:
        """Raises UsageError."""
        self._fs, self._root, self._errors = _driver(url)
        scheme, _, rest = url.partition("://")
        self.url = f"{scheme}://{rest.rstrip('/')}"
        self._find = lru_cache(_FILES_KEPT)(self.look_up)

    def find(self, name: str) -> StoredFile:
        """A finished WARC file. Raises NotFound, StoreFault."""
        return self._find(name)

    def look_up(self, name: str) -> StoredFile:
        """Any file, as it now is. Raises NotFound, StoreFault."""
        with self._faults(name):
            told = self._fs.info(self._path(name))
        if told["type"] != "file":
            raise NotFound(f"{self.url}/{name} is a folder")
        stat = StoredStat(int(told["size"]), _modified_ns(told))
        return StoredFile(
            f"{self.url}/{name}", name, stat, lambda start, end: self._range(name, start, end)
        )

    def size_of(self, name: str) -> int | None:
        """Bytes of a file, as it now is; None if it is not there."""
        try:
            return self.look_up(name).stat().st_size
        except NotFound:
            return None

    def sha256_of(self, name: str) -> str:
        """sha256 of what the store gives back, all of it read; lower-case hex. Raises NotFound."""
        return sha256_of(self.look_up(name))

    def names(self, *tops: str) -> dict[str, int]:
        """Every file under these folders ('': under all), and its bytes."""
        found: dict[str, int] = {}
        for top in tops:
            with self._faults(top):
                listed = self._fs.find(self._path(top), detail=True)
            for path, told in listed.items():
                found[path.removeprefix(f"{self._root}/")] = int(told["size"])
        return found

    def put(self, path: Path, name: str) -> None:
        """Copy a file there in one step: under its name there is all of it or what was before."""
        with self._faults(name):
            if self._is_local:
                _copy_durably(path, Path(self._path(name)))
            else:
                self._fs.put_file(str(path), self._path(name))
        self._find.cache_clear()

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""
        try:
            with self._faults(name):
                self._fs.rm_file(self._path(name))
        except NotFound:
            pass
        self._find.cache_clear()

    @property
    def _is_local(self) -> bool:
        """A folder, of this machine or mounted."""
        return bool(getattr(self._fs, "local_file", False))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}".rstrip("/") or "/"

    def _range(self, name: str, start: int, end: int) -> bytes:
        try:
            with self._faults(name):
                data: bytes = self._fs.cat_file(self._path(name), start=start, end=end)
        except NotFound:  # taken down meanwhile: nobody is to find it here any more
            self._find.cache_clear()
            raise
        if len(data) != end - start:
            raise StoreFault(f"{self.url}/{name}: {len(data)} of {end - start} bytes came")
        return data

    @contextmanager
    def _faults(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise NotFound(f"{self.url} holds no {name}") from error
        except self._errors as error:
            said = " ".join(str(error).split()).partition(" Debug source")[0][:300]
            raise StoreFault(f"{self.url}/{name}: the store does not do it: {said}") from error


def _driver(url: str) -> tuple[Any, str, tuple[type[Exception], ...]]:
    """fsspec's file system, the path within it, and what it raises."""
    import fsspec

    if not _ADDRESS.match(url):
        raise UsageError(f"{url} names no store; s3://BUCKET/PREFIX or file:///FOLDER does")
    options = dict[str, Any]()
    raised: tuple[type[Exception], ...] = (OSError,)
    if url.startswith("s3:"):
        try:
            from obstore.exceptions import BaseError
            from obstore.fsspec import register
        except ImportError as error:
            how = "pip install 'tinhuyen[s3]'"
            raise UsageError(f"{url} cannot be used ({error}); {how}") from error
        register("s3")
        options, raised = {"retry_config": _RETRY}, (OSError, BaseError)
    fs, root = fsspec.core.url_to_fs(url, skip_instance_cache=True, **options)
    return fs, root.rstrip("/"), raised


def _modified_ns(told: dict[str, Any]) -> int:
    """When it came there, as drivers tell it: a time, or seconds."""
    moment = told.get("last_modified") or told.get("mtime") or 0
    seconds = moment.timestamp() if isinstance(moment, datetime) else float(moment)
    return int(seconds * 1e9)


def _copy_durably(path: Path, target: Path) -> None:
    """A copy in a folder, there under its name only when it lasts: copying alone syncs nothing."""
    files.make_folder(target.parent)
    new = target.with_name(f"{target.name}.shipping")
    new.unlink(missing_ok=True)
    with path.open("rb") as file:
        files.copy(file, new)
    files.rename(new, target)
    files.sync_folder(target.parent)
