"""A small sample portal on loopback: the newcomer's first crawl, and the tests' site."""
