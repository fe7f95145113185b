"""Replay by programs of others: pywb and ReplayWeb.page, installed beside us and run as they are.

Both are copyleft (GPL-3.0, AGPL-3.0): nothing of them is imported, changed or shipped.
"""
