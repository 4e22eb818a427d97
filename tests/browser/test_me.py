"""The page of the enrolled person in a real browser, by the keyboard: real server, real pictures, real proofs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from facekeep import ledger_verifier
from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.consent import Purpose
from facekeep.domain.evidence import Circumstances, Guardian
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
from tests.browser.test_sign_in import FOCUSED as SETTLED

pytestmark = pytest.mark.enable_socket

WEB = Path(__file__).resolve().parents[2] / "web"
BUILT = Path(str(ledger_verifier.__file__)).parent / "interfaces/http/web/me"
NOTICE = "We compare your face with your reference to let you in, and look for you where a named case asks for it."
PAYMENT = "We compare your face with your reference when you pay."
RETENTION = "for 24 months"
CASE = "lost child"
PEOPLE = {"ada": "astronaut.png", "obama": "obama.jpg"}
DESK = "front door"
PHONE, DESKTOP = (360, 740), (1280, 900)
VIEW = "document.body.dataset.view === '%s'"
NAMED = "document.querySelector('%s') !== null"
DONE = "[...document.querySelectorAll('%s .done')].some(one => one.textContent !== '')"
FOCUSED = """(() => { const at = document.activeElement, by = at.getAttribute('aria-labelledby');
  return at === document.body ? '' : by ? document.getElementById(by).textContent
    : at.labels?.[0]?.textContent ?? at.getAttribute('aria-label') ?? at.textContent })()"""
SEEN = """(() => { const at = document.activeElement, marked = getComputedStyle(at.closest('.drop') ?? at);
  return at === document.body || marked.outlineStyle !== 'none' && parseFloat(marked.outlineWidth) >= 2 })()"""
LIT = "getComputedStyle(document.body).backgroundColor"


@cache
def _texts(language: str) -> dict[str, str]:
    files = (WEB / "src/languages" / folder / f"{language}.json" for folder in ("shared", "me"))
    return {key: said for file in files for key, said in json.loads(file.read_text()).items()}


@dataclass
class Scene:
    """A person before a browser, and the keep that it asks."""

    keep: Keep
    page: Page
    origin: str
    downloads: Path
    account: str
    language: str = "en"

    def text(self, key: str, **values: str) -> str:
        """What the page says, in the language that it speaks."""
        said = _texts(self.language)[key]
        for name, value in values.items():
            said = said.replace(f"{{{name}}}", value)
        return said

    def open(self, path: str = "/me") -> None:
        self.page.call("Page.navigate", url="about:blank")
        self.page.call("Page.navigate", url=f"{self.origin}{path}")

    def speak(self, language: str) -> None:
        """Choose a language, by the keyboard."""
        self.to(self.text("page.language"))
        for _ in _texts(language) if language != self.language else ():
            self.page.press("ArrowDown", 40)
            if self.page.evaluate("document.documentElement.lang") == language:
                break
        self.language = language
        assert self.page.evaluate("document.querySelector('header p').textContent") == self.text("page.title")

    def to(self, name: str) -> None:
        """Go to what has a name, by the keyboard alone; where it stops on the way can be seen."""
        for _ in range(60):
            if self.page.evaluate(FOCUSED) == name:
                return
            self.page.press("Tab", 9)
            assert self.page.evaluate(SEEN), self.page.evaluate(FOCUSED)
        raise AssertionError(f"no way to {name} by the keyboard")

    def press(self, key: str) -> None:
        """Go to what says a text, and press it."""
        self.to(self.text(key))
        self.page.press("Enter", 13, "\r")

    def until(self, view: str) -> None:
        self.page.until(VIEW % view)

    def sign_in(self, language: str = "en") -> None:
        self.open()
        self.until("sign-in")
        self.speak(language)
        self.press("enter.passkey")
        self.until("home")

    def saved(self, name: str) -> bytes:
        """A file that the browser saved, once it is whole."""
        file = self.downloads / name
        while not (file.is_file() and not (self.downloads / f"{name}.crdownload").exists()):
            self.page.evaluate("new Promise(done => requestAnimationFrame(done))")
        return file.read_bytes()

    def choose(self, place: str, file: Path) -> None:
        """Choose a file. The dialogue of the system is none of the page's, and is left out."""
        chosen = self.page.call("Runtime.evaluate", expression=f"document.querySelector('#{place}')")["result"]
        self.page.call("DOM.setFileInputFiles", files=[str(file)], objectId=chosen["objectId"])

    def check(self, file: Path) -> str:
        """What the page says of a file that is chosen to be checked."""
        self.page.evaluate("document.querySelector('#found').replaceChildren()")
        self.choose("file", file)
        self.page.until(NAMED % "#found .outcome")
        return str(self.page.evaluate("document.querySelector('#found').innerText"))


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Iterator[Keep]:
    with Keep.create(tmp_path_factory.mktemp("me") / "keep") as made:
        made.open_case(CASE, operator="guard")
        old = made.add_notice("An older text.", language="en", purposes=[Purpose.PAYMENT]).digest
        made.add_notice(PAYMENT, language="en", purposes=[Purpose.PAYMENT], retention=RETENTION, replaces=old)
        for label, name in PEOPLE.items():
            _enrolled(made, label, (pictures / name).read_bytes())
        yield made


@pytest.fixture(scope="module")
def biden(keep: Keep, pictures: Path) -> str:
    """Somebody who is not erased."""
    _enrolled(keep, "biden", (pictures / "biden.jpg").read_bytes())
    return "biden"


def _enrolled(keep: Keep, label: str, picture: bytes) -> None:
    """Enrol somebody, who is then compared and searched for."""
    purposes = [Purpose.VERIFY, Purpose.IDENTIFY]
    keep.enrol(label, [picture], purposes=purposes, notice=NOTICE, operator="desk", name="Łovelace <b>")
    keep.verify(label, picture, operator=keep.issue_token(f"{DESK} {label}", [Scope.VERIFY], days=1).client)
    assert found(keep, picture) == [label]


def found(keep: Keep, picture: bytes) -> list[str]:
    return [candidate.label for candidate in keep.identify(picture, operator="guard", case=CASE).candidates]


@contextmanager
def invited(keep: Keep, label: str, folder: Path, *arguments: str) -> Iterator[Scene]:
    """A person who followed the link of an invitation and is on their page."""
    bound = listen("127.0.0.1", 0)
    origin = f"http://localhost:{bound.getsockname()[1]}"
    account = f"{label} {origin[-5:]}"
    link = f"{origin}/sign-up#{keep.invite(account, [Role.DATA_SUBJECT], label=label).secret}"
    downloads = folder / "downloads"
    app = build(keep, Rates(None, None), site=Site(origin))
    with served(app, bound), chromium(folder, *arguments) as page:
        page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        page.call("WebAuthn.enable")
        page.call("WebAuthn.addVirtualAuthenticator", options=AUTHENTICATOR)
        page.size(*DESKTOP)
        page.open(link)
        scene = Scene(keep, page, origin, downloads, account)
        page.evaluate(SETTLED)
        scene.to("Register a passkey")
        page.press("Enter", 13, "\r")
        page.until("document.activeElement.id === 'onward'")
        page.press("Enter", 13, "\r")
        scene.until("home")
        yield scene
        # Nothing is asked of anybody else, stored, or refused by the page's own policy.
        assert all(address.startswith((origin, f"blob:{origin}", "about:", "data:,")) for address in page.asked)
        assert page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0
        assert {text for text in page.console if "the server responded with a status of" not in text} == set()


def checked_elsewhere(folder: Path, bundle: bytes, key: str) -> str:
    """What the verifier says on a machine without the keep: one file, run isolated, in a folder with nothing else."""
    folder.mkdir()
    shutil.copy(ledger_verifier.__file__, folder / "ledger_verifier.py")
    (folder / "mine").write_bytes(bundle)
    command = [sys.executable, "-I", "ledger_verifier.py", "mine", "--key", key]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("label", "language"), [("ada", "en"), ("obama", "zh-Hans")])
def test_a_person_has_their_way_by_the_keyboard(
    keep: Keep, pictures: Path, tmp_path: Path, label: str, language: str
) -> None:
    probe = (pictures / PEOPLE[label]).read_bytes()
    (case,) = (case.id.hex() for case in keep.cases())
    with invited(keep, label, tmp_path) as scene:
        page = scene.page
        scene.press("leave")
        scene.until("sign-in")
        assert page.evaluate("fetch('/v1/session').then(answer => answer.status)") == 401
        scene.sign_in(language)
        page.picture(tmp_path / "home.png", whole=True)
        shown = page.text()
        assert "Łovelace <b>" in shown
        # Who searched, compared and looked: in words, with purpose and case, and proved here.
        who = scene.text("access.client", name=f"{DESK} {label}")
        assert scene.text("access.verified", who=who) in shown
        assert scene.text("access.returned", who=scene.text("access.local", name="guard")) in shown
        assert scene.text("accesses.case", name=case) in shown
        scene.press("accesses.prove")
        page.until(NAMED % ".proof")
        assert "returned" not in page.evaluate("document.querySelector('.proof p').textContent")
        assert case in page.evaluate("document.querySelector('.proof').textContent")
        # An objection to this very entry.
        scene.press("accesses.object")
        page.until("document.activeElement.value === 'not-me'")
        scene.press("appeals.send")
        page.until(DONE % "#accesses")
        (appeal,) = keep.appeals_of(label)
        (newest, *_) = keep.accesses(label)
        assert (appeal.kind.value, appeal.about, appeal.text) == ("not-me", newest.leaf, "")
        # One press to withdraw, and the next search leaves the person out; on again is under the notice only.
        scene.press("purpose.identify")
        page.until(DONE % "#purposes")
        assert found(keep, probe) == []
        scene.press("purpose.payment")
        page.until(NAMED % "#purposes .notice")
        assert (PAYMENT in page.text(), RETENTION in page.text(), "older" in page.text()) == (True, True, False)
        assert Purpose.PAYMENT not in {consent.purpose for consent in keep.consents(label)}
        scene.press("purposes.agree")
        page.until("document.activeElement.getAttribute('aria-checked') === 'true'")
        assert [consent.purpose for consent in keep.consents(label) if consent.holds] == [
            Purpose.VERIFY,
            Purpose.PAYMENT,
        ]
        # Out of every search for good, once it was said that it is.
        scene.press("never.open")
        scene.to(scene.text("never.leave"))
        assert not keep.subject(label).never_returned
        page.evaluate("document.querySelector('#never .choices button').focus()")
        scene.press("never.join")
        page.until(DONE % "#never")
        assert keep.subject(label).never_returned
        # Everything is taken along, and checked where there is no keep.
        scene.press("take.json")
        everything = json.loads(scene.saved("facekeep-my-data.json"))
        assert f"Right: {ledger_verifier.read_head(keep.ledger_head().note).origin}" in checked_elsewhere(
            tmp_path / "elsewhere", everything["ledger"].encode(), keep.ledger_key
        )
        scene.press("take.html")
        assert "Łovelace &lt;b&gt;" in scene.saved("facekeep-my-data.html").decode()
        # Erased, once it was said what that means; the receipt proves it.
        scene.press("home.erase.go")
        scene.until("erase")
        page.picture(tmp_path / "erase.png", whole=True)
        scene.press("erase.keep")
        scene.until("home")
        scene.press("home.erase.go")
        scene.until("erase")
        scene.press("erase.do")
        scene.until("erased")
        page.until(NAMED % "#found .outcome.passed")
        page.picture(tmp_path / "erased.png", whole=True)
        scene.press("erased.save")
        scene.press("erased.save-key")
        receipt = scene.saved("facekeep-receipt.jsonl")
        key = scene.saved("facekeep-ledger-key.txt").decode()
        assert key.strip() == keep.ledger_key
        assert "1 entries opened" in checked_elsewhere(tmp_path / "receipt", receipt, key)
        with pytest.raises(NotFoundError):
            keep.subject(label)
        # Nobody is signed in, and the receipt is checked all the same; a flipped bit is seen.
        assert page.evaluate("fetch('/v1/session').then(answer => answer.status)") == 401
        scene.open()
        scene.until("sign-in")
        scene.language = "en"
        scene.speak(language)
        scene.press("enter.check.go")
        scene.until("check")
        scene.press("check.key.ask")
        page.until(DONE % "main")
        assert scene.text("findings.right") in scene.check(scene.downloads / "facekeep-receipt.jsonl")
        flipped = bytearray(receipt)
        flipped[receipt.index(b'"references":"') + 14] ^= 1
        (tmp_path / "flipped").write_bytes(flipped)
        assert scene.text("finding.altered") in scene.check(tmp_path / "flipped")


def test_the_page_is_small() -> None:
    scripts = list((BUILT / "assets").glob("*.js.br"))
    assert len(scripts) == 1
    assert scripts[0].stat().st_size < 60_000


@pytest.mark.extended
@pytest.mark.parametrize("language", ["en", "zh-Hans"])
@pytest.mark.parametrize("look", [(PHONE, "light"), (DESKTOP, "dark")])
def test_every_view_is_accessible(
    keep: Keep, biden: str, tmp_path: Path, language: str, look: tuple[tuple[int, int], str]
) -> None:
    size, scheme = look
    with invited(keep, biden, tmp_path) as scene:
        page = scene.page
        page.size(*size)
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

        def check(view: str) -> None:
            scene.until(view)
            page.picture(tmp_path / f"{view}.png", whole=True)
            assert faults(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
            assert page.evaluate("document.documentElement.lang") == language

        scene.press("leave")
        scene.until("sign-in")
        scene.speak(language)
        check("sign-in")
        scene.press("enter.passkey")
        scene.until("home")
        assert (sum(map(int, page.evaluate(LIT)[4:-1].split(","))) > 384) == (scheme == "light")
        scene.press("purpose.payment")
        page.until(NAMED % "#purposes .notice")
        scene.press("never.open")
        scene.press("accesses.prove")
        page.until(NAMED % ".proof")
        scene.press("accesses.object")
        check("home")
        scene.press("enter.check.go")
        scene.until("check")
        scene.press("check.key.ask")
        page.until(DONE % "main")
        scene.press("check.now")
        page.until(NAMED % "#found .outcome.passed")
        check("check")
        scene.press("back")
        scene.until("home")
        scene.press("home.erase.go")
        check("erase")


@pytest.mark.extended
def test_what_was_kept_is_held_against_the_newest_log(keep: Keep, biden: str, tmp_path: Path, pictures: Path) -> None:
    with invited(keep, biden, tmp_path) as scene:
        page = scene.page
        scene.press("take.ledger")
        old = scene.saved("facekeep-ledger.jsonl")
        keep.switch(Purpose.ATTENDANCE, True)
        scene.press("enter.check.go")
        scene.until("check")
        scene.press("check.now")
        page.until(f"document.body.innerText.includes('{scene.text('check.key.missing')}')")
        scene.press("check.key.ask")
        page.until(DONE % "main")
        scene.choose("kept", scene.downloads / "facekeep-ledger.jsonl")
        page.until("document.body.innerText.includes('will be held against it')")
        scene.press("check.now")
        page.until(NAMED % "#found .outcome.passed")
        # The whole log, with those of the halves, is right and has grown from what was kept.
        keep.identify((pictures / PEOPLE["obama"]).read_bytes(), operator="guard", case=CASE)
        whole = keep.ledger_bundle()
        assert b'"log":"left"' in whole
        assert scene.text("findings.right") in scene.check(_written(tmp_path / "whole", whole))
        # The ledger of another keep is another ledger, however right it is in itself.
        with Keep.create(tmp_path / "other") as other:
            assert scene.text("finding.malformed") in scene.check(_written(tmp_path / "else", other.ledger_bundle()))
        # What was got before says nothing of what came since.
        newer = keep.ledger_head().note.encode()
        scene.choose("kept", _written(tmp_path / "newer", newer))
        page.until("document.body.innerText.includes('will be held against it')")
        assert scene.text("finding.dropped") in scene.check(_written(tmp_path / "old", old))


def _written(file: Path, data: bytes) -> Path:
    file.write_bytes(data)
    return file


@pytest.mark.extended
def test_a_session_that_ended_shows_nothing(keep: Keep, biden: str, tmp_path: Path) -> None:
    with invited(keep, biden, tmp_path) as scene:
        page = scene.page
        keep.sign_out(scene.account)
        scene.press("purpose.verify")
        scene.until("sign-in")
        assert scene.text("enter.ended") in page.text()
        assert "Łovelace" not in page.evaluate("document.documentElement.outerHTML")
        assert {consent.purpose for consent in keep.consents(biden) if consent.holds} >= {Purpose.VERIFY}
        scene.sign_in()
        # Left for another page and come back to by the browser's button, after somebody signed out elsewhere.
        page.evaluate("fetch('/v1/session', {method: 'DELETE'})")
        page.call("Page.navigate", url=f"{scene.origin}/sign-in")
        page.until("document.querySelector('#act') !== null")
        page.evaluate("history.back()")
        scene.until("sign-in")
        assert "Łovelace" not in page.text()


@pytest.mark.extended
def test_a_receipt_is_shown_whatever_becomes_of_the_key(keep: Keep, pictures: Path, tmp_path: Path) -> None:
    picture = (pictures / "obama2.jpg").read_bytes()
    keep.enrol("cary", [picture], purposes=[Purpose.VERIFY], notice=NOTICE, operator="desk")
    with invited(keep, "cary", tmp_path) as scene:
        scene.page.call("Network.setBlockedURLs", urls=["*/v1/ledger/key"])
        scene.press("home.erase.go")
        scene.until("erase")
        scene.press("erase.do")
        scene.until("erased")
        assert scene.text("erased.no-key") in scene.page.text()
        scene.press("erased.save")
        assert b'"kind":"erased"' in scene.saved("facekeep-receipt.jsonl")
        scene.page.console = [line for line in scene.page.console if "ERR_BLOCKED_BY_CLIENT" not in line]


@pytest.mark.extended
def test_many_who_asked_are_shown_a_page_at_a_time(keep: Keep, biden: str, pictures: Path, tmp_path: Path) -> None:
    probe = (pictures / "obama.jpg").read_bytes()
    before = len(keep.accesses(biden))
    for number in range(21):
        keep.verify(biden, probe, operator=f"desk {number}")
    with invited(keep, biden, tmp_path) as scene:
        rows = "document.querySelectorAll('#accesses tbody .row').length"
        assert scene.page.evaluate(rows) == 20
        scene.press("accesses.more")
        scene.page.until(f"{rows} === {21 + before}")
        assert scene.page.evaluate("document.activeElement.textContent") == scene.text("accesses.prove")
        assert scene.page.evaluate("document.querySelector('#accesses > button').hidden") is True


@pytest.mark.extended
def test_a_minor_sees_who_agreed_and_is_sent_to_the_desk(keep: Keep, pictures: Path, tmp_path: Path) -> None:
    picture = (pictures / "obama2.jpg").read_bytes()
    told = Circumstances(guardian=Guardian("Ann Łovelace"), age=12)
    purposes = [Purpose.VERIFY]
    keep.enrol("ben", [picture], purposes=purposes, notice=NOTICE, operator="desk", circumstances=told)
    with invited(keep, "ben", tmp_path) as scene:
        page = scene.page
        assert "Ann Łovelace agreed for you on" in page.text()
        scene.press("purpose.payment")
        page.until(NAMED % "#purposes .notice")
        scene.press("purposes.agree")
        page.until(f"document.body.innerText.includes('{scene.text('purposes.at-the-desk')}')")
        assert page.evaluate("document.querySelector('[aria-labelledby=purpose-payment]').ariaChecked") == "false"
        scene.press("purpose.verify")
        page.until(DONE % "#purposes")
        assert not any(consent.holds for consent in keep.consents("ben"))
