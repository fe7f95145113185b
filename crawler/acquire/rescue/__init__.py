"""What public web archives caught of a site, fetched record by record into our own WARC files."""
