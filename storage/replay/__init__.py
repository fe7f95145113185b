"""Stored pages as they were: found by address and time, rewritten to the archive, served."""
