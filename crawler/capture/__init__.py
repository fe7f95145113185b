"""An HTTP/1.1 client of our own, under Scrapy: it keeps every byte that passes."""
