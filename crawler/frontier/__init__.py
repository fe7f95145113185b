"""The frontier's queue as Scrapy's scheduler."""
