"""Pages in headless Chromium: their document after their scripts have run, and pictures of them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
# Collects what a page complains of, so that it can be read in its document.
WATCH = """<script>
window.addEventListener("error", (e) => { document.documentElement.dataset.fault = e.message; });
console.error = (...words) => { document.documentElement.dataset.fault = words.join(" "); };
</script>"""

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the PATH")


def run(page: Path, folder: Path, *options: str) -> str:
    """Open a file in a browser of its own; return what it prints."""
    command = [str(CHROMIUM), *OPTIONS, f"--user-data-dir={folder / 'profile'}", *options, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def document_of(html: str, folder: Path, script: str = "", *, milliseconds: int = 0) -> str:
    """The document after its own scripts and then `script` have run; a fault in any of them fails.

    With `milliseconds` that much of the browser's own time passes first, so that timers and frames run.
    """
    watched = html.replace("<head>", f"<head>{WATCH}", 1).replace(
        "</body>", f"<script>{script}</script></body>"
    )
    page = folder / "page.html"
    page.write_text(watched, encoding="utf-8")
    waiting = [f"--virtual-time-budget={milliseconds}"] if milliseconds else []
    found = run(page, folder, "--dump-dom", *waiting)
    fault = re.search(r'data-fault="([^"]*)"', found.partition("<body")[0])
    assert fault is None, fault[1]
    return found
