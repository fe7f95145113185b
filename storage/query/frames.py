"""Rows as a pandas DataFrame, for notebooks. pandas is not needed for anything else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from storage.errors import UsageError

if TYPE_CHECKING:
    from pandas import DataFrame


def frame_of(rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> DataFrame:
    """The rows under these names. Raises UsageError if pandas is not installed."""
    try:
        from pandas import DataFrame
    except ImportError as error:
        raise UsageError(
            "pandas is not installed here; `pip install 'tinhuyen[pandas]'` installs it"
        ) from error
    return DataFrame(rows, columns=list(columns))
