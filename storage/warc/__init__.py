"""WARC files: written, read, recovered."""
