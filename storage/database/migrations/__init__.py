"""Migrations of the schema, run by Alembic; shipped with the package."""
