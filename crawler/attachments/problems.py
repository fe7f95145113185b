"""What keeps a document, or a page of it, from being read."""

from __future__ import annotations


class Problem(Exception):
    """A sentence for people; raised for the document, yielded for one page of it."""
