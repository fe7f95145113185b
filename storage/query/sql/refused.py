"""How a door says no."""

from __future__ import annotations

from storage.database.views import VIEWS


class Refused(Exception):
    """The statement is not answered; a sentence says why."""


class OutOfTime(Exception):
    """The statement took longer than it may."""


ONLY_VIEWS = f"Only a SELECT over these views is answered: {', '.join(sorted(VIEWS))}"
