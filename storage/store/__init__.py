"""The object store that finished WARC files go to, and how machines share it."""
