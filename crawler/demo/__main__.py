"""`python -m crawler.demo`: the sample portal for your browser, until Ctrl-C."""

from __future__ import annotations

import contextlib
import threading

from crawler.demo.portal import SamplePortal

if __name__ == "__main__":
    with SamplePortal() as portal:
        print(f"http://127.0.0.1:{portal.port}/  (Ctrl-C ends it)")
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
