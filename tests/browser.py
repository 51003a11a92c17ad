"""A headless Chromium to open pages in and to use them as a reader does.

It is spoken to by the DevTools protocol over two pipes (``--remote-debugging-pipe``), so that it needs no
port, no driver and no package.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
# On Windows a process cannot be handed pipes by number.
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None) if os.name == "posix" else None
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--remote-debugging-pipe",
)
# Chromium reads the protocol from 3 and writes it to 4; a Python of its own puts the pipes there.
START = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)
PATIENCE = 60.0  # seconds until an answer is given up
KEYS = {"Tab": 9, "Enter": 13, " ": 32}


class Page:
    """One browser with one page; what the page complains of fails the test that asks it next."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        to_it, self._to_it = _pipe()
        self._from_it, from_it = _pipe()
        command = [str(CHROMIUM), *OPTIONS, f"--user-data-dir={folder / 'profile'}"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(to_it), str(from_it), *command],
            pass_fds=(to_it, from_it),
            stderr=subprocess.DEVNULL,
        )
        os.close(to_it)
        os.close(from_it)
        self._unread, self._number, self._events = b"", 0, []
        self.session: dict[str, str] = {}
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.session = {"sessionId": session}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def close(self) -> None:
        """End the browser."""
        self.process.terminate()
        self.process.wait(PATIENCE)
        os.close(self._to_it)
        os.close(self._from_it)

    def ask(self, method: str, **parameters):
        """One command of the protocol, and its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **self.session}
        os.write(self._to_it, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self._events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, html: str, *, width: int = 1000, dark: bool = False, calm: bool = False) -> None:
        """Open a page from disk in a window of `width`, in the reader's colours and liking of motion."""
        path = self.folder / "page.html"
        path.write_text(html, encoding="utf-8")
        self.visit(path, width=width, dark=dark, calm=calm)

    def visit(self, path: Path, *, width: int = 1000, dark: bool = False, calm: bool = False) -> None:
        """Open a page that is on disk."""
        self._size(width)
        liked = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if calm else "no-preference",
        }
        features = [{"name": name, "value": value} for name, value in liked.items()]
        self.ask("Emulation.setEmulatedMedia", features=features)
        self._events.clear()
        self.ask("Page.navigate", url=path.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._events.append(self._next())
        self.settle()

    def resize(self, width: int) -> None:
        """Make the window of the page that is open so wide: half the time of opening it again."""
        self._size(width)
        self.settle()

    def settle(self) -> None:
        """Wait for two frames: what follows a scroll is drawn from a frame's own look at the page."""
        self._value("new Promise(requestAnimationFrame).then(() => new Promise(requestAnimationFrame))")

    def evaluate(self, expression: str):
        """The value of an expression of JavaScript on the page; a promise is waited for."""
        value = self._value(expression)
        self.complain()
        return value

    def press(self, key: str) -> None:
        """Press a key."""
        code = {"key": key, "windowsVirtualKeyCode": KEYS[key]}
        text = {"text": "\r" if key == "Enter" else key} if key != "Tab" else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **code)

    def picture(self) -> bytes:
        """The whole page as PNG."""
        return base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def fetched(self) -> list[str]:
        """The addresses that the page has asked for, its own first; without data within the page."""
        asked = [event for event in self._events if event["method"] == "Network.requestWillBeSent"]
        addresses = [event["params"]["request"]["url"] for event in asked]
        return [address for address in addresses if not address.startswith("data:")]

    def pdf(self) -> bytes:
        """The page as it is printed."""
        return base64.b64decode(self.ask("Page.printToPDF")["data"])

    def complain(self) -> None:
        """Fail if the page has thrown, has failed to load something or has written to the console."""
        told = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        complaints = [event for event in self._events if event["method"] in told]
        assert not complaints, complaints

    def _size(self, width: int) -> None:
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
        self.ask("Emulation.setDeviceMetricsOverride", **size)

    def _value(self, expression: str):
        """The value of an expression, whatever the page complains of."""
        options = {"returnByValue": True, "awaitPromise": True, "userGesture": True}
        found = self.ask("Runtime.evaluate", expression=expression, **options)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def _next(self):
        """The next message of the browser."""
        until = time.monotonic() + PATIENCE
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._from_it], [], [], max(0.0, until - time.monotonic()))
            assert ready, f"no answer from Chromium within {PATIENCE} s"
            piece = os.read(self._from_it, 1 << 16)
            assert piece, "Chromium has gone"
            self._unread += piece
        message, _, self._unread = self._unread.partition(b"\0")
        return json.loads(message)


def _pipe() -> tuple[int, int]:
    """A pipe whose ends are numbered from 10: out of the way of 3 and 4."""
    import fcntl  # not on Windows, where the tests of the browser are skipped

    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]
