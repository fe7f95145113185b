"""The gazetteer: units of three days, and what went into what (docs/gazetteer.md)."""
