"""Where the line is drawn between a sound run and a finding, each with its reason.

The rule for all of them: no finding by chance, none on a first crawl, none where little is known.
An archivist who is called for nothing does not come when it matters.
"""

from __future__ import annotations

RECORDS_SHOWN = 5
"""Captures that a finding names as evidence; more nobody looks at."""

FEWEST_ARTICLES = 5
"""Of fewer nothing is said: three articles without a picture are three articles."""
FEWEST_PAST_ARTICLES = 20
"""So many make a past."""

COVERAGE_DROP = 0.3
"""A field that 30 of 100 articles more lack than before. A change of what the office publishes
(notices without pictures, say) moves shares by less; a layout that is read wrong, by nearly all."""
COVERAGE_CHANCE = 1e-6
"""Once in a million runs would so many articles lack it by chance, if nothing had changed. The
articles of one day are alike, so that real chance is greater than computed: hence so strict."""

QUIET_RHYTHM_DAYS = 20
"""The newest so many days of publication are a site's rhythm, as in `schedule --adaptive`."""
QUIET_FEWEST_DAYS = 5
"""With fewer days of publication there is no rhythm yet."""
QUIET_GAPS = 3
"""So many times its longest gap is longer than a site's holidays."""
QUIET_SHORTEST_DAYS = 14
"""Tết closes offices for nine days, and editors take a few more."""

REQUESTS_FACTOR = 3
"""More requests an article than this times the worst run before: the lists lead somewhere else."""
REQUESTS_SURPLUS = 100
"""And at least so many more in all: on a small portal a new menu doubles everything."""

SIGN_FEWEST_PAGES = 3
SIGN_SHARE = 0.05
"""A section that is under construction is a failed page; one page in twenty is a state of the site.
A declared list that shows a sign is a finding by itself: everything hangs on it."""
TAKEN_OVER_SHARE = 0.2
"""Of a run's pages, advertising: with fewer somebody has dropped pages into a site that goes on."""

VIETNAMESE_BEFORE, VIETNAMESE_NOW = 0.8, 0.2
"""Shares of titles. A portal with an English section moves between these bounds."""
VIETNAMESE_WORDS = 0.4
"""Of the words of a text, with a mark, and built as Vietnamese syllables are. Titles of portals
have 54-100 % of such words (median 92 % on the sample portal, 75 % of NukeViet's own news, which
name companies); a foreign text that names Vietnamese places has up to a quarter."""

SHAPE_ALIKE = 0.3
"""Shared of all tags with their classes and ids that two copies of a list have. Two days of one
portal share 80-100 %, two themes of one CMS about half, two makers' portals 5-15 %."""
LOST_FEWEST = 3
LOST_SHARE = 0.5
"""Of articles that were read before and now are fetched but not read, or read as other texts."""

BARE_CHARS = 600
"""A page that says no more than this may be a notice instead of a page."""
GAMBLING_WORDS, INVITING_WORDS, NEWS_WORDS = 3, 2, 2
"""Different words: an advertisement names games and invites to play. A report of a police raid
names games too, but has words of its own (at least two) that no advertisement has."""
