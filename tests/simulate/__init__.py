"""`python -m tests.simulate --portals 700 --workers 1 2 4 --minutes 10`: many portals, many workers.

Hundreds of small portals (tests.many_portals) are crawled by workers on one PostgreSQL, each as a
machine of its own would be: an archive's folder of its own, processes of its own. All sites are
due at the same moment, as after a long stop. Measured are pages and CPU, memory, the database's
load, and, from the portals' own log, politeness and each site's wait for its turn.

**Time is scaled.** A real portal is asked once a second, and holds 2,000 articles; here it is asked
every `--delay` seconds (every address is the operator's own, so a table may say so) and holds
`--articles`. The delay still holds for a host and for the address that hosts share, and so does
everything else: the way of a crawl from a due row to a closed WARC file is the real one. What a
crawl costs to begin is not scaled: it weighs more here than with portals a hundred times as big.
"""
