"""What is nearly the same as an article: its near-duplicates, and articles with its pictures."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from storage.database.likeness import similarity
from storage.database.schema import image, version, version_image
from storage.database.shelf import likeness, shelf
from storage.query.walk import shown

NEAR_BITS = 6
"""Of 64: pictures that differ in no more are taken for one."""


def similar_articles(connection: Connection, key: int) -> list[tuple[int, float]]:
    """Keys of an article's near-duplicates and how alike they are, the most alike first."""
    mine = select(shelf.c.alike).where(shelf.c.article == key).scalar_subquery()
    rows = connection.execute(
        select(shelf.c.article, likeness.c.signature)
        .join(likeness, likeness.c.article == shelf.c.article)
        .where(shelf.c.alike == mine)
    )
    signatures = {other: made for other, made in rows}
    own, others = signatures.pop(key, None), shown(connection, sorted(signatures))
    found = [] if own is None else [(k, similarity(own, signatures[k])) for k in others]
    return sorted(found, key=lambda one: (-one[1], one[0]))


def similar_images(connection: Connection, key: int) -> list[tuple[int, str, str, int]]:
    """Other articles with the pictures of an article's newest version, or nearly these.

    Their keys, the picture's sha256 here and there, and in how many of 64 bits the two differ.
    """
    newest = select(func.max(version.c.number)).where(version.c.article == key).scalar_subquery()
    own_here = (version.c.article == key) & (version.c.number == newest)
    known = image.c.perceptual_hash.is_not(None) & (image.c.perceptual_hash != "")
    own = select(image.c.sha256, image.c.perceptual_hash).join_from(image, version_image)
    own = own.join(version).where(known, own_here).distinct()
    all_ = select(image.c.sha256, image.c.perceptual_hash).where(known)
    hashes = [(sha256, int(made, 16)) for sha256, made in connection.execute(all_)]
    near = {
        other: (sha256, distance)
        for sha256, made in connection.execute(own)
        for other, bits in hashes
        if (distance := (bits ^ int(made, 16)).bit_count()) <= NEAR_BITS
    }
    articles = (
        select(version.c.article, version_image.c.image)
        .join(version_image, version_image.c.version == version.c.id)
        .where(version_image.c.image.in_(near), version.c.article != key)
        .distinct()
    )
    rows = [(other, there) for other, there in connection.execute(articles)]
    visible = shown(connection, sorted({other for other, _ in rows}))
    found = [
        (other, near[there][0], there, near[there][1]) for other, there in rows if other in visible
    ]
    return sorted(found, key=lambda one: (one[3], one[0], one[2]))


def count_uncompared(connection: Connection) -> int:
    """How many articles came since near-duplicates were brought up to date."""
    statement = (
        select(func.count())
        .select_from(shelf)
        .outerjoin(likeness, likeness.c.article == shelf.c.article)
        .where(shelf.c.article.is_not(None), likeness.c.article.is_(None))
    )
    return int(connection.execute(statement).scalar_one())
