"""Files that others gave: who, on what terms, and whether every record of them was taken in."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Integer,
    Table,
    Text,
    insert,
    select,
    update,
)

from storage.database.schema import metadata

# A file that somebody gave, or one made of it (`made_of`) so that its records can be reached.
donation = Table(
    "donation",
    metadata,
    Column("file", Text, primary_key=True),
    Column("made_of", Text),
    Column("name", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False, index=True),
    Column("donor", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("run", Text, ForeignKey("run.id"), nullable=False),
    Column("given_at", Text, nullable=False),
    Column("taken_in", Integer, nullable=False),
)

IMPORTS = "imports"
"""The site that import runs and donated files stand under: one file may hold many sites."""


@dataclass(frozen=True, slots=True)
class Donation:
    """A file that was given, or one that was made of it."""

    file: str
    """Relative to the archive's folder."""
    made_of: str | None
    """The file that this one was made of; None for one that is as it was given."""
    name: str
    """What its giver called it."""
    bytes: int
    sha256: str
    """Lower-case hex."""
    donor: str
    terms: str
    run: str
    given_at: str
    """UTC."""


def save_donation(tx: Connection, one: Donation) -> None:
    """Keep what is known of a file; nothing changes if it is known."""
    if find_donation(tx, one.sha256) is None:
        tx.execute(insert(donation), asdict(one) | {"taken_in": 0})


def find_donation(tx: Connection, sha256: str) -> Donation | None:
    """The file of these bytes; None if it was never given."""
    row = tx.execute(select(*_COLUMNS).where(donation.c.sha256 == sha256)).first()
    return Donation(*row) if row else None


def made_of(tx: Connection, file: str) -> list[Donation]:
    """The files that were made of this one, by name."""
    found = select(*_COLUMNS).where(donation.c.made_of == file).order_by(donation.c.file)
    return [Donation(*row) for row in tx.execute(found)]


def unfinished(tx: Connection) -> list[Donation]:
    """Files that were given and not taken in whole, in the order they came; none made of others."""
    query = select(*_COLUMNS).where(donation.c.taken_in == 0, donation.c.made_of.is_(None))
    return [Donation(*row) for row in tx.execute(query.order_by(donation.c.given_at))]


def is_taken_in(tx: Connection, file: str) -> bool:
    """Whether every record of a file was taken in, those of the files made of it included."""
    found = select(donation.c.taken_in).where(donation.c.file == file)
    return bool(tx.execute(found).scalar())


def set_taken_in(tx: Connection, file: str) -> None:
    """Every record of a file was taken in."""
    tx.execute(update(donation).where(donation.c.file == file).values(taken_in=1))


def rename_file(tx: Connection, old: str, new: str) -> None:
    """Another file has the place of a given one: a takedown took records out of it.

    What is said of the file as it was given (sha256, bytes) stays, so that it is known again.
    """
    tx.execute(update(donation).where(donation.c.file == old).values(file=new))
    tx.execute(update(donation).where(donation.c.made_of == old).values(made_of=new))


_COLUMNS = [donation.c[name] for name in Donation.__slots__]
