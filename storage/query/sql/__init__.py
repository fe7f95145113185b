"""The SQL door: a researcher's SELECT over the stable views, and nothing else, on both databases.

statement ──> child process ──> statement.py: one SELECT; on PostgreSQL also names, functions
              (time, memory)    sqlite.py:    twin, authorizer, limits, progress handler
                                postgres.py:  a login that may read the views only
"""
