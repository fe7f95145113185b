"""For those who watch an archive: digests, health, metrics."""
