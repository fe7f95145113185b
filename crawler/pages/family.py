"""What a family is: one class that knows where a CMS puts things."""

from __future__ import annotations

from abc import ABC, abstractmethod

from crawler.pages.document import Document
from storage.records import Found


class Family(ABC):
    """Reads the pages of one CMS. Knows markup, not meaning: strings go out as they are shown."""

    name: str

    @abstractmethod
    def read(self, document: Document) -> Found:
        """Everything that the page shows. Raises: nothing for any markup."""
