"""A portal whose page reaches for whatever may lie around it when it is replayed."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler

from tests.loopback import LoopbackPortal, send

TITLE = "Trang có mã độc của kẻ lạ"
_PARAGRAPH = "Sáng ngày 10/01/2023, Huyện uỷ tổ chức hội nghị tổng kết công tác năm. " * 8

# Rewriters replace `top` and the like by names of their own; the getters of Window beat them.
_SCRIPT = """
const real = name => {
  const found = Object.getOwnPropertyDescriptor(window, name)
             || Object.getOwnPropertyDescriptor(Window.prototype, name);
  return found.get ? found.get.call(window) : found.value;
};
const seen = target => target.document.documentElement.outerHTML + target.document.cookie
  + JSON.stringify(Object.assign({}, target.localStorage));
const clean = () => {
  const frame = document.createElement('iframe');
  document.body.append(frame);
  return frame.contentWindow;
};
const read = async answer => (await answer).text();
const worker = "self.addEventListener('fetch', event => event.respondWith(new Response('mine')))";
const attempts = {
  top: () => seen(real('top')),
  parent: () => seen(real('parent')),
  opener: () => seen(real('opener')),
  opener_of_top: () => seen(real('top').opener),
  cookies: () => document.cookie,
  cookies_of_a_clean_frame: () => clean().document.cookie,
  storage: () => JSON.stringify(Object.assign({}, localStorage, sessionStorage)),
  storage_of_a_clean_frame: () => JSON.stringify(Object.assign({}, clean().localStorage)),
  databases: async () => JSON.stringify(await indexedDB.databases()),
  api: () => read(fetch('VIEW', {credentials: 'include'})),
  api_of_a_clean_frame: () => read(clean().fetch('VIEW', {credentials: 'include'})),
  frame: async () => {
    const frame = document.createElement('iframe');
    frame.src = 'VIEW';
    document.body.append(frame);
    await new Promise(loaded => { frame.onload = loaded; setTimeout(loaded, 1000); });
    return frame.contentWindow.document.documentElement.outerHTML;
  },
  service_worker: async () => {
    const at = new URL('VIEW').origin + '/worker.js';
    return (await navigator.serviceWorker.register(at, {scope: '/'})).scope;
  },
  service_worker_of_a_blob: async () => {
    const at = URL.createObjectURL(new Blob([worker], {type: 'text/javascript'}));
    return (await navigator.serviceWorker.register(at, {scope: '/'})).scope;
  },
};
(async () => {
  const loot = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    const late = new Promise(done => setTimeout(done, 2000, 'refused: no answer'));
    try { loot[name] = String(await Promise.race([attempt(), late])); }
    catch (error) { loot[name] = 'refused: ' + error; }
  }
  document.body.setAttribute('data-loot', JSON.stringify(loot));
})();
"""


class HostilePortal(LoopbackPortal):
    """One page. `view`: what it is after."""

    def __init__(self, view: str) -> None:
        script = _SCRIPT.replace("VIEW", view)
        self._page = (
            f"<!DOCTYPE html><html><head><meta charset=utf-8><title>{TITLE}</title></head><body>"
            f"<h1>{TITLE}</h1><p>10/01/2023 16:33</p><p>{_PARAGRAPH}</p>"
            f"<script>{script}</script></body></html>"
        ).encode()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        found = handler.path == "/"
        body = self._page if found else b""
        send(handler, 200 if found else 404, "text/html; charset=utf-8", body)

    @property
    def table(self) -> str:
        """The site's declaration."""
        return (
            f'id = "doc"\nname = "Trang lạ"\norgan = "other"\nlistings = ["{self.url}/"]\n'
            'layouts = [{ family = "plain" }]\ndelay_seconds = 0\nallow_addresses = ["127.0.0.0/8"]'
        )
