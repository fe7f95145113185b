"""Releases: a query's articles frozen as a dataset that can be cited, checked and made again.

`releases/<name>/` in the archive's folder holds `data/` (Parquet), `data-dictionary.md`,
`datasheet.md` and `.json`, `datacite.json` (DataCite Metadata Schema 4.5, without the DOI that its
publisher gives), `release.json`, and `manifest-sha256.txt`, which `sha256sum -c` checks. No clock
is asked: the same articles give the same bytes.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from storage.archive import Archive
from storage.errors import NotFound, UsageError
from storage.export.datasheet import Tally, counting, unheld
from storage.export.datasheet_page import as_page, title_of
from storage.export.fields import dictionary
from storage.export.found import find_all
from storage.export.place import new_folder
from storage.folder import ArchiveFolder
from storage.query.query import Query
from storage.store.file import sha256_of

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MANIFEST = "manifest-sha256.txt"


def create_release(
    archive: Archive, name: str, query: Query, released_on: str | None = None
) -> dict[str, Any]:
    """Freeze what a query finds; returns its `release.json`.

    `released_on`: a day; the newest capture's if None. Raises UsageError (a name or day that is
    none, a release of this name), NotFound (nothing is found), OSError.
    """
    from storage.export.parquet import write_parquet  # pyarrow takes a second to load

    out = _folder_of(archive.folder, name)
    day = released_on and _day(released_on)
    with find_all(archive, query) as found, new_folder(out) as folder:
        counted = Tally()
        write_parquet(folder / "data", counting(found.connection, found.articles(), counted))
        told = counted.as_json()
        if query == Query():
            told["sites"] = unheld(found.connection)
        release = {
            "name": name,
            "released_on": day or told["last_capture"][:10],
            "command": query.as_command("export"),
            "articles": told["articles"],
            "first_capture": told["first_capture"],
            "last_capture": told["last_capture"],
            "software": f"tinhuyen {version('tinhuyen')}",
        }
        _describe(folder, release, told, title_of(query))
        return release


def _folder_of(folder: ArchiveFolder, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a release; use a-z, 0-9 and -: 2026-01")
    return folder.root / "releases" / name


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise UsageError(f"{text!r} is no day; write 2026-01-31") from error


def _describe(folder: Path, release: dict[str, Any], told: dict[str, Any], title: str) -> None:
    """Everything beside the data; the manifest last."""
    pages = {
        "data-dictionary.md": f"# Data dictionary\n\nOf the Parquet files.\n\n{dictionary()}\n",
        "datasheet.md": as_page(told, title),
        "datasheet.json": _as_text(told),
        "release.json": _as_text(release),
        "datacite.json": _as_text(_datacite(release, told)),
    }
    for name, page in pages.items():
        (folder / name).write_text(page, encoding="utf-8")
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in _files(folder)]
    (folder / _MANIFEST).write_text("".join(lines), encoding="utf-8")


def _datacite(release: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """What is not known (DOI, rights) is left out: its publisher adds it."""
    archive = os.environ.get("TINHUYEN_NAME") or "Tin Huyện"
    months = [month for month in told["by"]["month"] if month != "unknown"]
    covered = {"dateType": "Other", "dateInformation": "months of publication"}
    provinces = [province for province in told["by"]["province"] if province != "unknown"]
    what = "News articles of Vietnamese district portals, as they were captured and kept by"
    described = f"{what} {archive}. Made by `{release['command']}`; see the datasheet."
    return {
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "News articles"},
        "titles": [{"title": f"Vietnamese district news, {archive}, release {release['name']}"}],
        "creators": [{"name": archive, "nameType": "Organizational"}],
        "publisher": {"name": archive},
        "publicationYear": release["released_on"][:4],
        "version": release["name"],
        "dates": [
            {"date": release["released_on"], "dateType": "Issued"},
            {
                "date": f"{release['first_capture'][:10]}/{release['last_capture'][:10]}",
                "dateType": "Collected",
            },
            *([covered | {"date": f"{months[0]}/{months[-1]}"}] if months else []),
        ],
        "sizes": [f"{release['articles']} articles"],
        "formats": ["application/vnd.apache.parquet"],
        "descriptions": [{"description": described, "descriptionType": "Abstract"}],
        "geoLocations": [{"geoLocationPlace": f"{one}, Việt Nam"} for one in provinces],
    }


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def list_releases(folder: ArchiveFolder) -> list[dict[str, Any]]:
    """The `release.json` of every release, by name. Raises OSError."""
    paths = sorted((folder.root / "releases").glob("*/release.json"))
    return [
        json.loads(path.read_text(encoding="utf-8"))
        for path in paths
        if _NAME.fullmatch(path.parent.name)  # not what a killed one left
    ]


@dataclass(frozen=True, slots=True)
class Altered:
    """A file of a release that is not as it was."""

    file: str
    problem: str


def verify_release(folder: ArchiveFolder, name: str) -> Iterator[Altered]:
    """Every file of a release that is not what its manifest lists. Raises NotFound, OSError."""
    place = _folder_of(folder, name)
    if not (place / _MANIFEST).exists():
        raise NotFound(f"there is no release {name!r}; `tinhuyen release list` lists them")
    lines = (place / _MANIFEST).read_text(encoding="utf-8").splitlines()
    listed = {path: sha256 for sha256, _, path in (line.partition("  ") for line in lines)}
    there = set(_files(place))
    for path, sha256 in listed.items():
        if path not in there:
            yield Altered(path, "missing")
        elif sha256_of(place / path) != sha256:
            yield Altered(path, "changed")
    for path in sorted(there - listed.keys()):
        yield Altered(path, "not listed")


def _files(folder: Path) -> list[str]:
    """Names within a release, but for the manifest's, sorted."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sorted({path.relative_to(folder).as_posix() for path in paths} - {_MANIFEST})
