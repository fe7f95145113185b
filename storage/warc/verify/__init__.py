"""`warc verify`: what is wrong with WARC files, and with an archive's files taken together.

rules.py   what can be wrong, what it means, what to do
walk.py    a file into its records, whatever is wrong with their frames
fields.py  a record's named fields against the specification
block.py   a record's block against its digests and its HTTP message
whole.py   a file's records taken together
readers.py two independent readers over the same file
one.py     one file by itself: all of the above
places.py  record ids, addresses and payloads across files: duplicates, revisits
store.py   the archive's manifest, rows, index and replica against its WARC files
bench.py   a file by itself, among the others, and against the archive: its verdict
scratch.py where a file of the store lies meanwhile
round.py   which files, in which order, and the log; pace.py: how fast
report.py  verdicts for people
"""
