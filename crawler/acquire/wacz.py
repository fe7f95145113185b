"""WACZ: a ZIP with WARC files in `archive/`, or with other WACZ (a multi-WACZ).

1.0 and 1.1.1 keep WARC files in the same place, so neither needs its datapackage to be read; a
damaged directory at the ZIP's end is the only thing that bars the way. What the package says of
its files' sha256 is compared. Source: specs.webrecorder.net/wacz/1.1.1, sections 5 and 6.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from crawler.acquire.keep import Keeper, copy_into
from crawler.acquire.tally import Tally
from storage.store.file import WarcFile, sha256_of

_HOLDING = (".warc", ".warc.gz", ".warc.zst", ".arc", ".arc.gz", ".wacz")


def members(path: WarcFile, name: str, keeper: Keeper, tally: Tally) -> Iterator[tuple[Path, str]]:
    """Every archive in a package as a new file of `incoming`, and its name. Raises OSError.

    The caller keeps it or removes it before it asks for the next.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as package:
            inside = [one for one in package.infolist() if one.filename.endswith(_HOLDING)]
            stated = _stated(package)
            if not inside:
                tally.note("bad_package", name, 0, "no WARC in it")
            for one in inside:
                yield from _member(package, one, stated, name, keeper, tally)
    except zipfile.BadZipFile as error:
        tally.note("bad_package", name, 0, str(error))


def _member(
    package: zipfile.ZipFile,
    one: zipfile.ZipInfo,
    stated: dict[str, str],
    name: str,
    keeper: Keeper,
    tally: Tally,
) -> Iterator[tuple[Path, str]]:
    try:
        with keeper.new_file() as (path, out), package.open(one) as file:
            copy_into(file, out)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        tally.note("bad_package", name, one.header_offset, f"{one.filename}: {error}")
        return
    wanted = stated.get(one.filename)
    if wanted is not None and wanted != sha256_of(path):
        tally.note("bad_package_digest", name, one.header_offset, one.filename)
    yield path, PurePosixPath(one.filename).name


def _stated(package: zipfile.ZipFile) -> dict[str, str]:
    """sha256 (lower-case hex) by path, as the datapackage states them."""
    try:
        told: Any = json.loads(package.read("datapackage.json"))
        resources = told["resources"]
        return {
            str(one["path"]): str(one["hash"]).removeprefix("sha256:")
            for one in resources
            if str(one.get("hash", "")).startswith("sha256:")
        }
    except (KeyError, ValueError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error):
        return {}
