"""Damaged WARC files, made on purpose: each kind with the rule that names it and the offset."""
