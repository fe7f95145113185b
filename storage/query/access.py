"""What may go out, and to whom: the one seam that every door stands on.

A door asks `access_of(connection)` and puts its conditions into its own query. They are evaluated
within that query from the small tables of rules, so a decision holds from the request after it,
and nothing can go stale. Rules speak of natural keys (site, article id, address, digest), so they
hold for what is captured, read again, rebuilt or imported later.

Who asks rides on the connection. One that says nothing is the public's.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from enum import IntEnum

from sqlalchemy import Connection, text

SETTING = "TINHUYEN_ON_SITE"
"""`1` on a machine that only readers in the institution's own rooms can reach."""


class Audience(IntEnum):
    """Who asks. A number is the strictest level of access that they may see."""

    PUBLIC = 0
    """Anybody. Stable views, exports and packages are always made for them."""
    ON_SITE = 1
    """Readers in the institution's rooms: also what is open `on_site`."""
    STAFF = 2
    """Those who keep the archive, by verbs that look at its files anyway: everything."""


def audience_here() -> Audience:
    """The audience that the environment says this process serves."""
    return Audience.ON_SITE if os.environ.get(SETTING) == "1" else Audience.PUBLIC


def for_audience(connection: Connection, audience: Audience) -> Connection:
    """Mark whose connection this is."""
    return connection.execution_options(tinhuyen_audience=audience)


def access_of(connection: Connection) -> Access:
    """The conditions for whoever's connection this is."""
    audience = connection.get_execution_options().get("tinhuyen_audience", Audience.PUBLIC)
    return Access(audience, connection.dialect.name)


def decided_so_far(connection: Connection) -> str:
    """A digest of all rules and takedowns that hold, and of the day that embargoes go by.

    What was packed from the archive for others may be given on while this stays the same.
    """
    digest = hashlib.sha256()
    for query in (
        "SELECT * FROM access_rule ORDER BY id",
        "SELECT kind, value FROM withdrawn ORDER BY kind, value",
        f"SELECT {_TODAY[connection.dialect.name]}",
    ):
        for row in connection.execute(text(query)):
            digest.update(repr(tuple(row)).encode("utf-8", "replace"))
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Access:
    """Conditions as SQL, true of rows that the audience may see. Aliases are of the tables named.

    In Core they go into `.where(text(…))`; the alias is then the table's own name.
    """

    audience: Audience
    dialect: str

    def article(self, a: str) -> str:
        """Of a row of `article`: neither taken down nor kept back. For queries over many."""
        if self.audience is Audience.STAFF:
            return "1 = 1"
        return f"({_not_withdrawn(a)} AND {self._not_kept_back(a)})"

    def one_article(self, a: str) -> str:
        """The same, for queries over few."""
        if self.audience is Audience.STAFF:
            return "1 = 1"
        return f"({_one_not_withdrawn(a)} AND {self._not_kept_back(a)})"

    def _not_kept_back(self, a: str) -> str:
        # Most sites have no rule, and for them it ends with a look into a list.
        ruled = f"{a}.site NOT IN (SELECT site FROM access_rule WHERE attachments = 0)"
        return f"({ruled} OR {self._level(a)} <= {self.audience:d})"

    def file(self, f: str, sha256: str) -> str:
        """Of a row of `version_image` or `attachment`: its address and its bytes are not withdrawn.

        `sha256`: its column of that digest. Its article is another condition.
        """
        if self.audience is Audience.STAFF:
            return "1 = 1"
        return f"({_none('spelling', f'{f}.url')} AND {_none('sha256', f'{f}.{sha256}')})"

    def image(self, i: str) -> str:
        """Of a row of `image`: some article that may be seen shows it."""
        if self.audience is Audience.STAFF:
            return "1 = 1"
        return f"EXISTS ({self._shown('version_image', 'image', f'f.image = {i}.sha256')})"

    def attachment(self, t: str, a: str) -> str:
        """Of rows of `attachment` and its `article`: its bytes may go out.

        Attachments are closed until a rule opens them: many are lists of people.
        """
        if self.audience is Audience.STAFF:
            return "1 = 1"
        level = self._level(a, attachments=1, otherwise=_CLOSED)
        return (
            f"({self.one_article(a)} AND {self.file(t, 'sha256')} AND {level} <= {self.audience:d})"
        )

    def capture(self, c: str) -> str:
        """Of a row of `capture`: its record may go out, by address, by digest or by replay.

        The page of an article goes by the article; a file by the articles that show it, of which
        one is enough; everything else by its site.
        """
        if self.audience is Audience.STAFF:
            return "1 = 1"
        # Nested: joined, SQLite would walk through all articles of the site to find the address.
        page = (
            f"SELECT 1 FROM article_url u WHERE u.url = {c}.url AND EXISTS"
            f" (SELECT 1 FROM article a WHERE a.key = u.article AND a.site = {c}.site"
        )
        site = self._site_level(c)
        return (
            f"({_none('urlkey', f'{c}.urlkey')} AND {_none('spelling', f'{c}.location')}"
            f" AND {_none('payload', f'{c}.payload_digest')}"
            f" AND {_none('sha256', f'{c}.body_sha256')}"
            f" AND CASE WHEN EXISTS ({page}))"
            f" THEN NOT EXISTS ({page} AND NOT {self.one_article('a')}))"
            f" WHEN {c}.body_sha256 IS NOT NULL AND {self._shown_at_all(c)}"
            f" THEN {self._shown_to(c)}"
            f" ELSE {site} <= {self.audience:d} END)"
        )

    def note(self, n: str) -> str:
        """Of a row of `note`: not about an article that may not be seen."""
        hidden = f"SELECT 1 FROM article a WHERE a.id = {n}.subject AND NOT {self.one_article('a')}"
        gone = _none("article", f"{n}.subject")  # of what was rewritten no row is left
        return f"({n}.about <> 'article' OR ({gone} AND NOT EXISTS ({hidden})))"

    def address(self, url: str) -> str:
        """Of a column with an address: no takedown names it."""
        return "1 = 1" if self.audience is Audience.STAFF else _none("spelling", url)

    def _shown_at_all(self, c: str) -> str:
        ways = (
            f"EXISTS (SELECT 1 FROM {table} f JOIN version v ON v.id = f.version"
            f" JOIN article a ON a.key = v.article"
            f" WHERE {_same_file(table, c)} AND a.site = {c}.site)"
            for table in ("version_image", "attachment")
        )
        return f"({' OR '.join(ways)})"

    def _shown_to(self, c: str) -> str:
        as_image = self._shown("version_image", "image", _same_file("version_image", c))
        attached = (
            "SELECT 1 FROM attachment f JOIN version v ON v.id = f.version"
            f" JOIN article a ON a.key = v.article WHERE {_same_file('attachment', c)}"
            f" AND a.site = {c}.site AND {self.attachment('f', 'a')}"
        )
        return f"(EXISTS ({as_image} AND a.site = {c}.site) OR EXISTS ({attached}))"

    def _shown(self, table: str, sha256: str, condition: str) -> str:
        return (
            f"SELECT 1 FROM {table} f JOIN version v ON v.id = f.version"
            f" JOIN article a ON a.key = v.article"
            f" WHERE {condition} AND {self.file('f', sha256)} AND {self.one_article('a')}"
        )

    def _level(self, a: str, attachments: int = 0, otherwise: int = 0) -> str:
        """The level of an article: by its own rule, else by its date, else by its site.

        Of several spans of dates the strictest counts. An article without a date may lie in any
        span: those that keep back hold for it, those that open do not.
        """
        mine = f"WHERE g.attachments = {attachments} AND g.site = {a}.site"
        published = (
            "(SELECT (SELECT r.published_at FROM version v JOIN reading r ON r.id = v.reading"
            f" WHERE v.article = {a}.key ORDER BY v.number DESC LIMIT 1) AS day) p"
        )
        level = f"SELECT max({self._rule_level()}) FROM access_rule g"
        within = _WITHIN.format(level=self._rule_level())
        return (
            f"COALESCE(({level} {mine} AND g.article = {a}.id),"
            f" ({level} CROSS JOIN {published} {mine} AND g.article IS NULL AND {within}),"
            f" ({level} {mine} AND {_WHOLE_SITE}), {otherwise})"
        )

    def _site_level(self, c: str) -> str:
        rules = f"FROM access_rule g WHERE g.attachments = 0 AND g.site = {c}.site"
        return f"COALESCE((SELECT max({self._rule_level()}) {rules} AND {_WHOLE_SITE}), 0)"

    def _rule_level(self) -> str:
        return (
            "CASE WHEN g.access = 'open' THEN 0 WHEN g.access = 'on_site' THEN 1"
            f" WHEN g.access = 'embargo' AND g.opens <= {_TODAY[self.dialect]} THEN 0"
            f" ELSE {_CLOSED} END"
        )


_CLOSED = 2
_WHOLE_SITE = "g.article IS NULL AND g.since IS NULL AND g.until IS NULL"
_WITHIN = (
    "COALESCE(g.since, g.until) IS NOT NULL AND CASE WHEN p.day IS NULL THEN {level} > 0"
    " ELSE (g.since IS NULL"
    " OR substr(p.day, 1, length(g.since)) >= substr(g.since, 1, length(p.day)))"
    " AND (g.until IS NULL"
    " OR substr(p.day, 1, length(g.until)) <= substr(g.until, 1, length(p.day))) END"
)
"""Dates are cut to their precision: `2023-01` may lie in a span that begins on the 15th."""
_TODAY = {
    "sqlite": "date('now', '+7 hours')",
    "postgresql": "to_char(now() AT TIME ZONE 'Asia/Ho_Chi_Minh', 'YYYY-MM-DD')",
}
"""The day in Vietnam, which has had no summer time since 1945 (tz database)."""


def _not_withdrawn(a: str) -> str:
    """Of a row of `article`: no takedown covers it by its id, an address, or a page's bytes.

    A list of keys that is made once a query, as long as the takedowns are many: for queries over
    many articles. 500 takedowns cost 10 ms, and then each article next to nothing.
    """
    return (
        f"{a}.key NOT IN ("
        "SELECT w.key FROM withdrawn d JOIN article w ON w.id = d.value WHERE d.kind = 'article'"
        " UNION ALL SELECT u.article FROM withdrawn d JOIN article_url u ON u.url = d.value"
        " WHERE d.kind = 'url'"
        " UNION ALL SELECT r.article FROM withdrawn d JOIN capture k ON k.urlkey = d.value"
        " JOIN reading r ON r.capture = k.id WHERE d.kind = 'urlkey'"
        " UNION ALL SELECT r.article FROM withdrawn d JOIN capture k ON k.payload_digest = d.value"
        " JOIN reading r ON r.capture = k.id WHERE d.kind = 'payload')"
    )


def _one_not_withdrawn(a: str) -> str:
    """The same, asked of each row by itself: for queries over few."""
    address = (
        f"SELECT 1 FROM article_url u WHERE u.article = {a}.key AND NOT {_none('url', 'u.url')}"
    )
    record = (
        "SELECT 1 FROM reading r JOIN capture k ON k.id = r.capture"
        f" WHERE r.article = {a}.key AND NOT ({_none('urlkey', 'k.urlkey')}"
        f" AND {_none('payload', 'k.payload_digest')})"
    )
    return f"({_none('article', f'{a}.id')} AND NOT EXISTS ({address}) AND NOT EXISTS ({record}))"


def _none(kind: str, value: str) -> str:
    """No takedown covers this value (or there is none)."""
    return f"NOT EXISTS (SELECT 1 FROM withdrawn d WHERE d.kind = '{kind}' AND d.value = {value})"


def _same_file(table: str, c: str) -> str:
    """A file that a version shows is this capture's: by its address or by its bytes."""
    sha256 = "image" if table == "version_image" else "sha256"
    return f"(f.url = {c}.url OR f.{sha256} = {c}.body_sha256)"
