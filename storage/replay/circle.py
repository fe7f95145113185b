"""Whether kept redirects lead anywhere."""

from __future__ import annotations

from storage.query.captures import Captures
from storage.query.open_captures import OpenCapture, nearest
from storage.records import Record

_HOPS_MAX = 20


def goes_in_a_circle(captures: Captures, kept: OpenCapture) -> bool:
    """Whether a redirect leads back to itself, or does not end within 20 hops."""
    seen: set[Record] = set()
    hop = kept
    while hop.location is not None and len(seen) < _HOPS_MAX:
        if hop.record in seen:
            return True
        seen.add(hop.record)
        following = nearest(captures.near(hop.location, hop.moment), hop.location, hop.moment)
        if following is None:
            return False
        hop = following
    return hop.location is not None
