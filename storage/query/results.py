"""What a search found: articles loaded a few at a time, as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

from storage.query.frames import frame_of

if TYPE_CHECKING:
    from pandas import DataFrame

Article = dict[str, Any]
"""The keys of DESIGN §7."""

_AT_ONCE = 100
_FLAT = {
    "place": ("district_code", "district", "province", "as_of"),
    "warc": ("file", "offset", "length", "record_id", "payload_digest", "provenance"),
}
"""What stands one level deeper, as columns of a table: `place.district`."""


class Results(Sequence[Article]):
    """Articles in the order of the search. What was found stays what it was, whatever comes later.

    `len(found)`, `found[0]`, `found[:5]` and a loop load what they need and no more.
    """

    def __init__(self, keys: Sequence[int], load: Callable[[list[int]], list[Article]]) -> None:
        self._keys, self._load = keys, load

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, index: int) -> Article: ...
    @overload
    def __getitem__(self, index: slice) -> list[Article]: ...
    def __getitem__(self, index: int | slice) -> Article | list[Article]:
        if isinstance(index, slice):
            return [article for part in _parts(self._keys[index]) for article in self._load(part)]
        return self._load([self._keys[index]])[0]

    def __iter__(self) -> Iterator[Article]:
        return (article for part in _parts(self._keys) for article in self._load(part))

    def __repr__(self) -> str:
        return f"<{len(self):,} articles>"

    def to_pandas(self) -> DataFrame:
        """A row an article; `place` and `warc` as columns of their own (`place.district`).

        Dates stay text, cut to what is known (`2022-05`): pandas would make a day of a month.
        Raises UsageError if pandas is not installed.
        """
        rows = [_flat(article) for article in self]
        columns = list(rows[0]) if rows else ["id"]
        return frame_of([[row.get(name) for name in columns] for row in rows], columns)


def _parts(keys: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield list(keys[start : start + _AT_ONCE])


def _flat(article: Article) -> Article:
    """The same with nested fields side by side; of `absent`, which few have, nothing."""
    flat = {name: value for name, value in article.items() if name not in (*_FLAT, "absent")}
    for name, inner in _FLAT.items():
        values = article[name] or {}
        flat |= {f"{name}.{one}": values.get(one) for one in inner}
    return flat
