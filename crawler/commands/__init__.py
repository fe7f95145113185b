"""Scrapy's commands where ours end otherwise."""
