"""What changed by reading again: counted field by field, with samples."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from crawler.reextract.reader import Answer

_SAMPLES = 3


@dataclass(slots=True)
class Tally:
    """Of one site."""

    site: str
    run: str | None = None
    """None for a dry run."""
    read: int = 0
    """Pages read again."""
    changed: int = 0
    """Pages of them that are read otherwise."""
    unreadable: int = 0
    """Pages that could not be read or kept; `tinhuyen runs show` names them."""
    accepted: bool = False
    fields: Counter[str] = field(default_factory=Counter)
    """In how many pages each field is read otherwise. `gained` and `lost`: pages that became, or
    are no more, an article."""
    samples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """A few of each field: article, url, before, after."""

    def add(self, answer: Answer, spoiled: int) -> None:
        """Count a batch. `spoiled`: pages whose reading cannot be kept."""
        self.read += len(answer.read)
        self.changed += len(answer.changed)
        self.unreadable += len(answer.unreadable) + spoiled
        for id_, changes in answer.changes.items():
            article, url = answer.shown[id_]
            for name, before, after in changes:
                self.fields[name] += 1
                samples = self.samples.setdefault(name, [])
                if len(samples) < _SAMPLES:
                    where = {"article": article, "url": url}
                    samples.append(where | {"before": before, "after": after})

    def counts(self) -> dict[str, Any]:
        """For the run's row."""
        read = {"read_again": self.read, "read_otherwise": self.changed}
        return read | {"fields": dict(self._ordered())}

    @classmethod
    def counted(cls, site: str, run: str, counts: dict[str, Any]) -> Tally:
        """Of a run whose counts are known; the samples are not."""
        read, changed = counts["read_again"], counts["read_otherwise"]
        return cls(site, run, read, changed, fields=Counter(counts["fields"]))

    def as_json(self) -> dict[str, Any]:
        """For `--json`; samples by article, in whatever order their pages were captured."""
        fields = [
            {"field": name, "count": count, "samples": self._samples_of(name)}
            for name, count in self._ordered()
        ]
        return {
            "site": self.site,
            "run": self.run,
            "read": self.read,
            "changed": self.changed,
            "unreadable": self.unreadable,
            "accepted": self.accepted,
            "fields": fields,
        }

    def _samples_of(self, name: str) -> list[dict[str, Any]]:
        return sorted(self.samples.get(name, []), key=lambda sample: str(sample["article"]))

    def _ordered(self) -> list[tuple[str, int]]:
        """The most frequent first; last what read it, which changes with everything."""
        return sorted(self.fields.items(), key=lambda one: (one[0] == "extractor", -one[1], one[0]))
