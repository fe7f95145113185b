"""Turns at a host, between processes: time is divided, a span for one crawl at a time.

A crawl takes a host, and the server addresses behind it, for some seconds; another that wants one
of them gets the time after that. So no crawl starves, one that dies holds nothing up for longer
than its span, and a crawl that is alone writes once a span, not once a request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from storage.database.prepared import Prepared, columns
from storage.database.schema import turn

_FARTHEST_SECONDS = 900.0
"""A turn that ends later than this from now was taken before the clock was set back."""

_MEET = Prepared(lambda insert_: insert_(turn).values(columns(turn)).on_conflict_do_nothing())


def take_turn(
    tx: Connection, keys: Sequence[str], holder: str, now: float, seconds: float
) -> float:
    """Take the keys for a span; returns in how many seconds it begins (0: now).

    `holder` names the crawl: what it holds already does not make it wait. `now`: epoch seconds.
    """
    _MEET.insert(tx, [{"key": key, "holder": holder, "until": 0.0} for key in sorted(keys)])
    mine = turn.c.key.in_(keys)
    locked = select(turn.c.key).where(mine).order_by(turn.c.key).with_for_update()
    tx.execute(locked).all()
    others: Any = select(func.max(turn.c.until)).where(
        mine, turn.c.holder != holder, turn.c.until < now + _FARTHEST_SECONDS
    )
    begin = max(now, float(tx.execute(others).scalar() or 0.0))
    tx.execute(update(turn).where(mine).values(holder=holder, until=begin + seconds))
    return begin - now


def end_turns(tx: Connection, holder: str, until: float) -> None:
    """The crawl is over: what it holds is free from `until` on (epoch seconds)."""
    held = (turn.c.holder == bindparam("holder_")) & (turn.c.until > until)
    tx.execute(update(turn).where(held).values(until=until), {"holder_": holder})
