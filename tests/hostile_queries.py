"""What people, programs and attackers type into a search box."""

from __future__ import annotations

SYNTAX = [
    '"x', "(", ")", "*", "a*", "^a", "a-b", "2022/2023", "C++", "NOT", "AND", "OR", "NOT a", "a AND",
    "a OR", "OR OR OR", "NEAR(a b)", "NEAR/2", "NEAR(", "title_tone:a", "{title_tone}:a", "words:a",
    "words : (a)", "- words : a", "-", "--", "-a -b", '-"', '"-"', "+a", "a:b", "a::b", ":", "::", "a:",
    "a & b", "a | b", "!a", "!!a", "a <-> b", "a <2> b", "'a':A", "a:*", "&&", "||", "&", "|", "<->",
    "a:ABCD", "(a", "a)", "((a) b", "[a]", "{a}", "~a", "a~2", "a^2", "/a/", "a..b", "..", "...", "?",
    "a?", "#a", "@a", "$a", "`a`", "a;b", "a,b", "a=b", "=", "t=huyện", "site=demo", "_dang+bo", "_huyen",
    "having=date", "d=2023", "|", "a | having=date", "t=", "_", "__", "+", "a+b",
]  # fmt: skip
INJECTIONS = [
    "'", "''", "';--", "'; DROP TABLE article;--", "' OR 1=1 --", '" OR 1=1 --', "\\", "\\'", "\\\\'", "%",
    "_", "%s", "%(x)s", "%%", ":p0", ":p0 :p1", "?", "?1", "$1", "$$a$$", "{0}", "{}", "{words}", "${x}",
    "<script>alert(1)</script>", "<b", "&lt;", "../../etc/passwd", "file:///etc/passwd", "a\nb", "a\r\n\r\nb",
    "[red]a[/red]", "[/]", "\x1b[31mđỏ\x1b[0m", "=1+1", "@SUM(A1)", "1e309", "NaN", "null", "None", "true",
    "-0", "0x41", "9" * 400, "UNION SELECT", "x' AND randomblob(1e9)--", "load_extension('a')",
    "pg_sleep(9)", "/*a*/", "--a", "#", "a\\", "E'\\x41'",
]  # fmt: skip
LETTERS = [
    "\0", "a\0b", "\x01\x02", "\ud800", "a\udfffb", "\u202e", "\ufeff", "\u200b", "a\u200bb", "\u00ad", "é" * 300,
    "𝐇𝐮𝐲𝐞̣̂𝐧", "huyện\u0301\u0301\u0301", "İ", "ı", "ß", "ẞ", "ﬁ", "ǅ", "日本語", "العربية", "한국어", "ไทย", "😀",
    "👩‍👩‍👧", "1️⃣", "٣", "²", "Ⅷ", "½", "ª", "ₐ", "a\u0345", "ᾳ", "\t\n\r\f\v", "\u2028", "\u3000", "\ufffd",
    "\uffff", "\U0010ffff", "\u0301", "\u0323a", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢", "ð", "Ð", "Đ đ Ð ð", "uỷ ủy uy", "“”", "„a“", "«a»",
    "‘a’", "a–b", "a—b", "−a", "…", "№ 5", "a\u0000\u0001\u0002",
]  # fmt: skip
LARGE = [
    "x" * 3000, "x " * 3000, '"' * 999, "-" * 999, "(" * 999, "UBND " * 200, "tỷ " * 64, '"a" ' * 500,
    '"UBND tỷ quý kỹ lý mỹ sỹ hy UBND HĐND"', "-a " * 300, "a" * 240 + " " + "a" * 241, "đ" * 5000,
    " ".join(f"w{n}" for n in range(500)), '"' + "huyện " * 400 + '"',
]  # fmt: skip
FIELDS = [
    "site:", "site:'", "site:a'b", "site:\0", "site:a site:b", "SITE:demo", "site:..", "site:a/b", "from:",
    "from:0000", "from:9999-99", "from:9999", "from:0001", "to:", "to:0001", "to:9999-12-31", "to:\ud800",
    "from:2022-1-1", "-site:a", "-from:2022", '"site:a"', 'site:"a"', "from:２０２２", "from:2023 to:2022",
    "site:a from:2022 -", "from:from:2022", "site:site:a", "from:2024-02-30", "to:2023-02-29",
]  # fmt: skip
HOSTILE = [*SYNTAX, *INJECTIONS, *LETTERS, *LARGE, *FIELDS]
