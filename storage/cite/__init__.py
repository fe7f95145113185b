"""Citing an article: its permanent address, styles of citation, and a proof of its record."""
