"""Which portals there are: the 696 districts of June 2025 and their 63 provinces, drawn by a seed.

Names and provinces are the gazetteer's; hosts end in `.test`, so that nobody real can be asked by
mistake (RFC 6761 §6.2). What a portal holds nobody has counted: the median of 2,000 articles is
that of `tinhuyen plan`, the spread is assumed (log-normal: a tenth of them has less than a
quarter, a tenth more than four times as much). One server often carries all portals of a province
(facts of the registry): here every second province has one address for all of its own.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crawler.normalise.latin import fold_letters
from storage.places.gazetteer import LAST_DAY, Unit, gazetteer

REAL_ARTICLES = 2000
"""The median portal's, as crawler.schedule.plan has it."""
_SPREAD = 1.08
"""Sigma of the logarithm."""
_TABLE = """
[[site]]
id = "{id}"
name = {name}
organ = "{organ}"
{district}listings = ["http://{host}/vi/news/"]
layouts = [{{ family = "nukeviet" }}]
state = "open"
delay_seconds = {delay}
allow_addresses = ["127.0.0.0/8"]
"""


@dataclass(frozen=True, slots=True)
class Portal:
    """One portal, and how it behaves."""

    id: str
    """The site's: `binhgiang-haiduong`."""
    host: str
    """`binhgiang.haiduong.test`."""
    name: str
    organ: str
    district: str | None
    """GSO code of June 2025; None for a province's own portal."""
    province: str
    address: str
    """Of the server, which others may share: `127.0.0.2`."""
    articles: int
    """From the first."""
    day_seconds: float
    """Between two new articles; 0: none is added."""
    images: int
    """An article."""
    page_bytes: int
    """About; of every page."""
    answer_seconds: float
    """Before it answers."""
    missing: float
    """Share of the articles that its lists name and that are not there (404)."""
    busy: float
    """Share of the addresses at which it turns the first who asks away (503)."""

    def table(self, delay: float) -> str:
        """Its declaration. `delay`: seconds between two requests."""
        return _TABLE.format(
            id=self.id, name=json.dumps(self.name, ensure_ascii=False), organ=self.organ,
            host=self.host, delay=delay,
            district=f'district = "{self.district}"\n' if self.district else "",
        )  # fmt: skip

    def is_missing(self, article: int) -> bool:
        return self._chance(f"missing {article}") < self.missing

    def is_busy(self, path: str) -> bool:
        """Whether the first who asks for this is turned away."""
        return self._chance(f"busy {path}") < self.busy

    def _chance(self, of: str) -> float:
        return random.Random(f"{self.host} {of}").random()


def draw_portals(
    count: int,
    seed: int,
    *,
    articles: float = 10,
    day_seconds: float = 0,
    answer_seconds: float = 0.02,
    missing: float = 0.02,
    busy: float = 0.0,
) -> list[Portal]:
    """So many portals, the same for the same seed; 759 at most.

    `articles`: the median; `answer_seconds`, `day_seconds` (between two new articles; 0: none):
    the medians, as `missing` and `busy` of every portal as Portal has them.
    """
    chance = random.Random(seed)
    addresses = _Addresses(chance)
    units = _units(chance)
    if count > len(units):
        raise ValueError(f"there are {len(units)} districts and provinces, not {count}")
    return [
        Portal(
            **_names(unit),  # type: ignore[arg-type]
            address=addresses.of(unit),
            articles=max(2, round(_about(chance, articles))),
            day_seconds=_about(chance, day_seconds) if day_seconds else 0,
            images=chance.choice((0, 1, 1, 2, 3)),
            page_bytes=chance.randint(15_000, 60_000),
            answer_seconds=_about(chance, answer_seconds),
            missing=missing,
            busy=busy,
        )
        for unit in units[:count]
    ]


def tables(portals: Iterable[Portal], delay: float) -> dict[str, str]:
    """What stands in `sites/*.toml`: a file a province, a table a portal."""
    found: dict[str, str] = {}
    for portal in portals:
        name = f"{_letters(portal.province)}.toml"
        found.setdefault(name, f'province = "{portal.province}"\n')
        found[name] += portal.table(delay)
    return found


def connect_to(portals: Sequence[Portal], ports: dict[str, int]) -> dict[str, str]:
    """The setting CONNECT_TO. `ports`: of each address."""
    return {f"{portal.host}:80": f"{portal.address}:{ports[portal.address]}" for portal in portals}


class _Addresses:
    """A province's own for all of its portals, or one for each of them."""

    def __init__(self, chance: random.Random) -> None:
        self._chance, self._used = chance, 1
        self._shared: dict[str, str | None] = {}

    def of(self, unit: Unit) -> str:
        province = gazetteer().province(unit).code
        if province not in self._shared:
            self._shared[province] = self._next() if self._chance.random() < 0.5 else None
        return self._shared[province] or self._next()

    def _next(self) -> str:
        self._used += 1
        return f"127.0.{self._used >> 8}.{self._used & 255}"


def _units(chance: random.Random) -> list[Unit]:
    """Districts in an order of chance, then provinces."""
    units = [unit for unit in gazetteer() if unit.as_of == LAST_DAY]
    districts = [unit for unit in units if unit.level == "district"]
    chance.shuffle(districts)
    return districts + [unit for unit in units if unit.level == "province"]


def _names(unit: Unit) -> dict[str, str | None]:
    province = gazetteer().province(unit)
    of_province = _letters(province.bare_name)
    if unit is province:
        return {
            "id": f"tinh-{of_province}", "host": f"{of_province}.test", "district": None,
            "name": f"Cổng thông tin điện tử {unit.name}", "organ": "province",
        "province": province.bare_name,
        }  # fmt: skip
    own = _letters(unit.bare_name) + ("" if unit.kind == "huyện" else f"-{_letters(unit.kind)}")
    return {
        "id": f"{own}-{of_province}", "host": f"{own}.{of_province}.test", "district": unit.code,
        "name": f"Ủy ban nhân dân {unit.name}", "organ": "people_committee",
        "province": province.bare_name,
    }  # fmt: skip


def _letters(name: str) -> str:
    return "".join(char for char in fold_letters(name) if char.isascii() and char.isalnum())


def _about(chance: random.Random, median: float) -> float:
    return median * chance.lognormvariate(0, _SPREAD)
