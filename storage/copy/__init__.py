"""Moves an archive's rows from one database to another, and proves that they are the same."""
