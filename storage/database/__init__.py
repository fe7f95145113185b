"""The database: derived from WARC files and journal, and rebuildable from them."""
