"""Taking articles away: tables, images, WARC subsets, frozen releases, the datasheet."""
