"""The page of the enrolled person in a real browser, by the keyboard: real server, real pictures, real proofs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from facekeep import ledger_verifier
from facekeep.domain.accounts import Role
from facekeep.domain.consent import Purpose
from facekeep.errors import NotFoundError
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.rates import Rates
from facekeep.interfaces.http.serving import listen
from facekeep.interfaces.http.site import Site
from facekeep.service.keep import Keep
from tests.api.serving import served
from tests.browser.accessible import faults
from tests.browser.devtools import Page, chromium
from tests.browser.test_sign_in import AUTHENTICATOR

pytestmark = pytest.mark.enable_socket

NOTICE = "We compare your face with your reference to let you in, and look for you where a named case asks for it."
VIEW = "document.body.dataset.view === '%s'"
PHONE, DESKTOP = (360, 740), (1280, 900)
CASE = "lost child"
FOCUSED = """(() => { const at = document.activeElement; return at === document.body ? '' :
  (at.getAttribute('aria-labelledby') ? document.getElementById(at.getAttribute('aria-labelledby')).textContent
    : at.getAttribute('aria-label') ?? at.textContent) })()"""
SEEN = """(() => { const at = document.activeElement.getBoundingClientRect(), style = getComputedStyle(document.activeElement);
  return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && at.width > 0 })()"""


@dataclass
class Scene:
    """A person before a browser, and the keep that it asks."""

    keep: Keep
    page: Page
    origin: str
    downloads: Path
    label: str

    def open(self, path: str = "/me") -> None:
        self.page.call("Page.navigate", url="about:blank")
        self.page.call("Page.navigate", url=f"{self.origin}{path}")

    def to(self, text: str) -> None:
        """Go to what has a name, by the keyboard alone; wherever it stops on the way can be seen."""
        for _ in range(60):
            if self.page.evaluate(FOCUSED) == text:
                return
            self.page.press("Tab", 9)
            assert self.page.evaluate(f"document.activeElement === document.body || {SEEN}"), self.page.evaluate(FOCUSED)
        raise AssertionError(f"no way to {text} by the keyboard")

    def press(self, text: str) -> None:
        """Go to what has a name, and press it."""
        self.to(text)
        self.page.press("Enter", 13, "\r")

    def until(self, view: str) -> None:
        self.page.until(VIEW % view)

    def saved(self, name: str) -> bytes:
        """A file that the browser saved, once it is whole."""
        file = self.downloads / name
        while not (file.is_file() and not (self.downloads / f"{name}.crdownload").exists()):
            self.page.evaluate("new Promise(done => requestAnimationFrame(done))")
        return file.read_bytes()

    def drop(self, place: str, file: Path) -> None:
        """Choose a file. The dialogue of the system is none of the page's, and is left out."""
        (node,) = (self.page.call("Runtime.evaluate", expression=f"document.querySelector('#{place}')")["result"],)
        self.page.call("DOM.setFileInputFiles", files=[str(file)], objectId=node["objectId"])


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Iterator[Keep]:
    with Keep.create(tmp_path_factory.mktemp("me") / "keep") as made:
        made.open_case(CASE, operator="guard")
        for label, name in (("ada", "astronaut.png"), ("obama", "obama.jpg")):
            picture = (pictures / name).read_bytes()
            purposes = [Purpose.VERIFY, Purpose.IDENTIFY]
            made.enrol(label, [picture], purposes=purposes, notice=NOTICE, operator="desk", name="Ada Łovelace")
        yield made


@contextmanager
def signed_up(keep: Keep, label: str, folder: Path, *arguments: str) -> Iterator[Scene]:
    """A person whose passkey is registered, not signed in."""
    bound = listen("127.0.0.1", 0)
    origin = f"http://localhost:{bound.getsockname()[1]}"
    invited = keep.invite(f"{label} {origin[-5:]}", [Role.DATA_SUBJECT], label=label)
    downloads = folder / "downloads"
    with (
        served(build(keep, Rates(None, None), site=Site(origin)), bound),
        chromium(folder, *arguments) as page,
    ):
        page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        page.call("WebAuthn.enable")
        page.call("WebAuthn.addVirtualAuthenticator", options=AUTHENTICATOR)
        page.open(f"{origin}/sign-up#{invited.secret}")
        page.evaluate("document.querySelector('button').click()")
        page.until("document.querySelector('#state').dataset.kind === 'good'")
        page.evaluate("fetch('/v1/session', {method: 'DELETE'})")
        page.size(*DESKTOP)
        yield Scene(keep, page, origin, downloads, label)
        assert all(address.startswith((origin, f"blob:{origin}", "about:", "data:,")) for address in page.asked)
        assert {text for text in page.console if "the server responded with a status of" not in text} == set()


def checked_elsewhere(folder: Path, bundle: bytes, key: str) -> str:
    """What the verifier says of a bundle on a machine without the keep: one file, isolated, in an empty folder."""
    folder.mkdir()
    shutil.copy(ledger_verifier.__file__, folder / "ledger_verifier.py")
    (folder / "mine").write_bytes(bundle)
    done = subprocess.run(
        [sys.executable, "-I", "ledger_verifier.py", "mine", "--key", key],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def found(keep: Keep, pictures: Path, picture: str) -> list[str]:
    probe = (pictures / picture).read_bytes()
    return [candidate.label for candidate in keep.identify(probe, operator="guard", case=CASE).candidates]


def test_a_person_by_the_keyboard(keep: Keep, pictures: Path, tmp_path: Path) -> None:
    assert found(keep, pictures, "astronaut.png") == ["ada"]
    with signed_up(keep, "ada", tmp_path) as scene:
        page = scene.page
        scene.open()
        scene.until("sign-in")
        page.picture(tmp_path / "sign-in.png", whole=True)
        scene.press("Sign in with a passkey")
        scene.until("home")
        page.picture(tmp_path / "home.png", whole=True)
        assert "Ada Łovelace" in page.text()
        scene.press("To find out who somebody is, in a named case")
        page.until("document.querySelector('.done').textContent !== ''")
        assert found(keep, pictures, "astronaut.png") == []
        scene.press("What was written about me, with proofs")
        said = checked_elsewhere(tmp_path / "elsewhere", scene.saved("facekeep-ledger.jsonl"), keep.ledger_key)
        assert "entries opened" in said
        scene.press("Erase everything …")
        scene.until("erase")
        page.picture(tmp_path / "erase.png", whole=True)
        scene.press("Change nothing")
        scene.until("home")
        scene.press("Erase everything …")
        scene.until("erase")
        scene.press("Erase everything now")
        scene.until("erased")
        page.until("document.querySelector('.findings') !== null")
        page.picture(tmp_path / "erased.png", whole=True)
        scene.press("Save the receipt")
        scene.press("Save the key to check it with")
        receipt = scene.saved("facekeep-receipt.jsonl")
        key = scene.saved("facekeep-ledger-key.txt").decode()
        assert "1 entries opened" in checked_elsewhere(tmp_path / "receipt", receipt, key)
        with pytest.raises(NotFoundError):
            keep.subject("ada")
        assert page.evaluate("fetch('/v1/session').then(answer => answer.status)") == 401
        scene.open("/me/check")
        scene.until("check")
        scene.press("Take the key that this service names")
        page.until("document.querySelector('.done').textContent !== ''")
        scene.drop("file", scene.downloads / "facekeep-receipt.jsonl")
        page.until("document.querySelector('.findings') !== null")
        page.picture(tmp_path / "check.png", whole=True)
        assert "This is right" in page.text()


_ = (Any, faults, PHONE)
