"""Near-duplicates: the same release printed by several districts, and the same picture.

Texts are compared by MinHash over runs of five tone-keyed syllables: a signature of 128 numbers an
article, equal in as large a part as two texts share of their runs (A. Broder, 1997). Candidates are
those with one of 16 bands of 8 numbers in common; what is then alike in ALIKE of its signature is
one cluster. Pictures are compared by the 64 bits of a difference hash (N. Krawetz, 2013).

All of it is derived from readings and images, and is brought up to date by a command, not by
crawls: only what is new or changed is computed; the clusters are put together anew, in the order
of ids. So the same articles give the same clusters, also after a rebuild.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, bindparam, func, or_, select, update

from storage.database.connect import writing
from storage.database.prepared import Prepared, columns
from storage.database.schema import article, image, reading, version
from storage.database.shelf import likeness, shelf
from storage.query.folding import tone_key

ALIKE = 0.8
"""From this part of their signature on two texts are near-duplicates."""
_RUN = 5
"""Syllables."""
_FEWEST = 30
"""Syllables of the shortest text that is compared: a line of greetings is no release."""
_NUMBERS, _BAND = 128, 8
_SEED = 2023
_BATCH = 500
_FLAT_BITS = 6
"""A picture with fewer bits set, or unset, is nearly of one colour, and tells nothing."""

Say = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Compared:
    """What was brought up to date."""

    articles: int
    """New or changed since the last time."""
    images: int
    clusters: int
    """Of two articles or more."""
    in_clusters: int


def update_likeness(engine: Engine, say: Say = lambda what: None) -> Compared:
    """Bring signatures, picture hashes and clusters up to date. Raises OutOfDisk, ArchiveFault."""
    articles = images = 0
    with engine.connect() as connection:
        unsigned = list(connection.execute(_UNSIGNED, {"method": _method()}).scalars())
        unhashed = list(connection.execute(_UNHASHED).scalars())
    for part in _batches(unsigned, _BATCH):  # a crawl beside it never waits for long
        with writing(engine) as tx:
            articles += _sign(tx, part)
        say(f"{articles} of {len(unsigned)} articles compared")
    for part in _batches(unhashed, _BATCH // 10):
        with writing(engine) as tx:
            images += _hash(tx, part)
        say(f"{images} of {len(unhashed)} pictures compared")
    with writing(engine) as tx:
        clusters = _clusters(tx)
        _keep_clusters(tx, clusters)
    return Compared(articles, images, len(set(clusters.values())), len(clusters))


def _batches(items: list[T], size: int) -> Iterator[list[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


_NEWEST = (
    select(version.c.article, func.max(version.c.number).label("number"))
    .group_by(version.c.article)
    .subquery()
)
_UNSIGNED = (
    select(reading.c.id)
    .join(version, version.c.reading == reading.c.id)
    .join(
        _NEWEST, (_NEWEST.c.article == version.c.article) & (_NEWEST.c.number == version.c.number)
    )
    .outerjoin(likeness, likeness.c.article == version.c.article)
    .where(
        or_(
            likeness.c.article.is_(None),
            likeness.c.reading != reading.c.id,
            likeness.c.method != bindparam("method"),
        )
    )
)
_UNHASHED = select(image.c.sha256).where(
    image.c.perceptual_hash.is_(None), image.c.problem.is_(None)
)


def _save(insert_: Any) -> Any:
    statement = insert_(likeness).values(columns(likeness))
    changed = {name: statement.excluded[name] for name in columns(likeness, "article")}
    return statement.on_conflict_do_update(index_elements=["article"], set_=changed)


_SAVE = Prepared(_save)


def _sign(tx: Connection, readings: list[int]) -> int:
    """Signatures of articles by these readings; returns of how many."""
    texts = select(reading.c.article, reading.c.id, reading.c.lead, reading.c.text)
    method = _method()
    rows = [
        {"article": key, "reading": read, "method": method, "signature": signature(lead, text)}
        for key, read, lead, text in tx.execute(texts.where(reading.c.id.in_(readings)))
    ]
    _SAVE.insert(tx, rows)
    return len(rows)


def _method() -> str:
    """How signatures are made: those of another method are made anew."""
    from rensa import RMinHash

    return f"rensa-{RMinHash.ALGORITHM_VERSION}-{_NUMBERS}-{_RUN}"


def signature(lead: str | None, text: str | None) -> bytes | None:
    """128 numbers of 4 bytes; None if the text is too short to be compared."""
    from rensa import RMinHash

    words = tone_key("\n".join(part for part in (lead, text) if part)).split()
    if len(words) < _FEWEST:
        return None
    made = RMinHash(num_perm=_NUMBERS, seed=_SEED)
    made.update([" ".join(words[start : start + _RUN]) for start in range(len(words) - _RUN + 1)])
    return array("I", made.digest()).tobytes()


def similarity(one: bytes, other: bytes) -> float:
    """The part of two signatures that is equal: an estimate of what two texts share (Jaccard)."""
    pairs = zip(memoryview(one).cast("I"), memoryview(other).cast("I"), strict=True)
    return sum(mine == theirs for mine, theirs in pairs) / _NUMBERS


def _clusters(tx: Connection) -> dict[int, int]:
    """The cluster of every article that has one: the key of its first article by id."""
    statement = (
        select(article.c.key, likeness.c.signature)
        .join(likeness, likeness.c.article == article.c.key)
        .where(likeness.c.signature.is_not(None))
        .order_by(article.c.id)
    )
    signatures = {key: made for key, made in tx.execute(statement)}
    order = {key: place for place, key in enumerate(signatures)}
    parent = {key: key for key in signatures}

    def root(key: int) -> int:
        while parent[key] != key:
            parent[key] = key = parent[parent[key]]
        return key

    for one, other in _candidates(signatures):
        first, second = sorted((root(one), root(other)), key=order.__getitem__)
        if first != second and similarity(signatures[one], signatures[other]) >= ALIKE:
            parent[second] = first
    roots = {key: root(key) for key in signatures}
    several = {cluster for key, cluster in roots.items() if key != cluster}
    return {key: cluster for key, cluster in roots.items() if cluster in several}


def _candidates(signatures: Mapping[int, bytes]) -> Iterator[tuple[int, int]]:
    """Pairs that have a band in common: each article with the first one of its band."""
    width = _BAND * 4
    for start in range(0, _NUMBERS * 4, width):
        firsts: dict[bytes, int] = {}
        for key, made in signatures.items():
            first = firsts.setdefault(made[start : start + width], key)
            if first != key:
                yield first, key


_SET_CLUSTER = Prepared(
    update(shelf).where(shelf.c.article == bindparam("key")).values(alike=bindparam("cluster"))
)


def _keep_clusters(tx: Connection, clusters: Mapping[int, int]) -> None:
    kept = select(shelf.c.article, shelf.c.alike).where(shelf.c.alike.is_not(None))
    old = {key: cluster for key, cluster in tx.execute(kept) if key is not None}
    changed = {key for key in old.keys() | clusters.keys() if old.get(key) != clusters.get(key)}
    if changed:
        rows = [{"key": key, "cluster": clusters.get(key)} for key in sorted(changed)]
        _SET_CLUSTER.run_many(tx, rows)


def _hash(tx: Connection, pictures: list[str]) -> int:
    """Hashes of these pictures; returns of how many."""
    data = select(image.c.sha256, image.c.data).where(image.c.sha256.in_(pictures))
    rows = [
        {"sha256_": sha256, "hash": difference_hash(shown)} for sha256, shown in tx.execute(data)
    ]
    if rows:
        _SET_HASH.run_many(tx, rows)
    return len(rows)


_SET_HASH = Prepared(
    update(image)
    .where(image.c.sha256 == bindparam("sha256_"))
    .values(perceptual_hash=bindparam("hash"))
)


def difference_hash(data: bytes) -> str:
    """16 hex digits: for 8 rows of 9 grey points, whether each is darker than the next.

    Empty if the picture cannot be read, or is nearly of one colour.
    """
    from PIL import Image

    try:
        with Image.open(BytesIO(data)) as picture:
            picture.draft("L", (9, 8))
            points = picture.convert("L").resize((9, 8), Image.Resampling.LANCZOS).tobytes()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ""
    bits = 0
    for row in range(8):
        for column in range(row * 9, row * 9 + 8):
            bits = bits << 1 | (points[column] < points[column + 1])
    return f"{bits:016x}" if _FLAT_BITS <= bits.bit_count() <= 64 - _FLAT_BITS else ""
