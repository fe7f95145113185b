"""Access rules and takedown: what is decided, what it covers, records taken out of WARC files."""
