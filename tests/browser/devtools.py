"""A real Chromium, driven by its DevTools protocol: as much of it as the tests need."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

SECONDS = 20
_ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
]  # fmt: skip
_UNTIL = """new Promise((resolve, reject) => {
  const holds = () => { try { return %s } catch { return false } };
  if (holds()) return resolve(true);
  const late = setTimeout(() => reject(new Error(document.body.innerText)), %d);
  new MutationObserver(() => { if (holds()) { clearTimeout(late); resolve(true) } })
    .observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
})"""


_GONE = ("context was destroyed", "navigated or closed", "Cannot find context")


class DocumentGoneError(Exception):
    """The page went to another address while something was waited for."""


class Page:
    """One page of a browser."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._windows: list[str] = []
        self._number = 0
        self.console: list[str] = []
        """What the page wrote to its console, violations of its policy among it."""
        self.asked: list[str] = []
        """Every address that the page asked for."""

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call the protocol, and give its result."""
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._connection.recv(timeout=2 * SECONDS))
            if message.get("id") == self._number:
                if any(words in message.get("error", {}).get("message", "") for words in _GONE):
                    raise DocumentGoneError
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        if message["method"] == "Log.entryAdded":
            self.console.append(message["params"]["entry"]["text"])
        elif message["method"] == "Runtime.exceptionThrown":
            self.console.append(str(message["params"]["exceptionDetails"]))
        elif message["method"] == "Network.requestWillBeSent":
            self.asked.append(message["params"]["request"]["url"])
        elif message["method"] == "Target.targetCreated" and "openerId" in message["params"]["targetInfo"]:
            self._windows.append(message["params"]["targetInfo"]["targetId"])

    def evaluate(self, expression: str) -> Any:
        """The value of an expression, or of what it promises."""
        done = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until an expression holds, in the page that is there then; it is looked at when the document changes."""
        while True:
            try:
                self.evaluate(_UNTIL % (condition, SECONDS * 1000))
            except DocumentGoneError:
                continue
            return

    def open(self, address: str) -> None:
        """Go to an address, and wait until the page is there. An address that differs behind the # is loaded anew."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=address)
        self.evaluate(
            "document.readyState === 'complete' || new Promise(done => addEventListener('load', () => done(true)))"
        )
        assert self.evaluate("location.href") == address

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key, as a person does."""
        shared = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **shared)
        self.call("Input.dispatchKeyEvent", type="keyUp", **shared)

    @contextmanager
    def window(self) -> Iterator[Page]:
        """The window that this page opened since the last was asked for."""
        self.call("Target.setDiscoverTargets", discover=True)
        while not self._windows:
            self._note(json.loads(self._connection.recv(timeout=2 * SECONDS)))
        host, port = self._connection.remote_address[:2]
        with _page(f"ws://{host}:{port}/devtools/page/{self._windows.pop()}") as opened:
            yield opened

    @contextmanager
    def stranger(self) -> Iterator[Page]:
        """A page of somebody else: it shares nothing with this one but the program."""
        host, port = self._connection.remote_address[:2]
        with connect(_told(f"{host}:{port}", "version")["webSocketDebuggerUrl"], proxy=None) as connection:
            browser = Page(connection)
            context = browser.call("Target.createBrowserContext")["browserContextId"]
            made = browser.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
            with _page(f"ws://{host}:{port}/devtools/page/{made}") as opened:
                yield opened
            browser.call("Target.disposeBrowserContext", browserContextId=context)

    def text(self) -> str:
        """What can be read on the page."""
        return str(self.evaluate("document.body.innerText"))

    def picture(self, file: Path, *, whole: bool = False) -> None:
        """Write a picture of the page, PNG: of what the window shows, or of all that can be scrolled to."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(shot["data"]))

    def size(self, width: int, height: int) -> None:
        """Give the window a size, as a phone's."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )


@contextmanager
def _page(address: str) -> Iterator[Page]:
    with connect(address, proxy=None, max_size=1 << 26) as connection:
        opened = Page(connection)
        for domain in ("Page", "Runtime", "Log", "Network"):
            opened.call(f"{domain}.enable")
        yield opened


def _told(address: str, what: str) -> Any:
    """What the browser tells of itself."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{address}/json/{what}", timeout=SECONDS) as answer:
        return json.load(answer)


@contextmanager
def chromium(folder: Path, *arguments: str) -> Iterator[Page]:
    """A browser with a new profile in a folder, as long as a block lasts.

    Args:
        folder: for the profile.
        arguments: for the program, after those of every test.
    """
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("chromium is absent: install Debian's package of this name")
    profile = folder / "profile"
    process = subprocess.Popen(
        [program, *_ARGUMENTS, *arguments, f"--user-data-dir={profile}", "about:blank"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("DevTools listening on"):
                break
        port = line.rpartition("ws://")[2].partition("/")[0]
        (page,) = (target for target in _told(port, "list") if target["type"] == "page")
        with _page(page["webSocketDebuggerUrl"]) as opened:
            yield opened
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)
