"""Room on the archive's disk."""

from __future__ import annotations

import os


def floor_bytes() -> int:
    """Bytes that are to stay free: TINHUYEN_DISK_FLOOR_BYTES, 1 GiB if it is not set."""
    return int(os.environ.get("TINHUYEN_DISK_FLOOR_BYTES") or 1 << 30)
