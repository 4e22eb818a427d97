"""The reviewers' console in a real browser, by the keyboard: real server, real evidence, and a face that goes away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.review import Review, ReviewId, ReviewKind, ReviewReason
from facekeep.domain.review_words import Concern
from facekeep.face.images import decode
from facekeep.face.masking import FaceMasker
from facekeep.face.models import ModelPack
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.rates import Rates
from facekeep.interfaces.http.serving import listen
from facekeep.interfaces.http.site import Site
from facekeep.service.keep import Keep
from facekeep.service.keep_reviews import NewReview
from tests.api.serving import served
from tests.browser.accessible import faults
from tests.browser.devtools import Page, chromium
from tests.browser.test_sign_in import AUTHENTICATOR
from tests.browser.test_sign_in import FOCUSED as SETTLED

pytestmark = [pytest.mark.enable_socket, pytest.mark.extended]

WEB = Path(__file__).resolve().parents[2] / "web"
PHONE, TABLET, DESKTOP = (360, 740), (768, 1024), (1280, 900)
REVIEWER = "ann"
DRAWN = "document.querySelectorAll('.faces canvas').length === %d"
SEEN = """(() => { const at = document.activeElement, marked = getComputedStyle(at);
  return at === document.body || marked.outlineStyle !== 'none' && parseFloat(marked.outlineWidth) >= 2 })()"""
KEPT = """new Promise((done, failed) => { const request = indexedDB.open('facekeep');
  request.onerror = failed;
  request.onsuccess = () => { const got = request.result.transaction('keys').objectStore('keys').get('reviewer');
    got.onsuccess = () => { request.result.close(); done(got.result); } } })"""
# Where things are in the document and in the window, as [what, top, bottom].
ORDER = """[...document.querySelectorAll('#duty button, #filter-state, #queue .row, #own-keys h2')].map(one => {
  const at = one.getBoundingClientRect();
  return [one.id || one.className || one.tagName, at.top, at.bottom] })"""
PLACES = """[...document.querySelectorAll('.faces canvas')].map(canvas => {
  const at = canvas.getBoundingClientRect();
  return [at.left, at.top, at.width, at.height].map(Math.round) })"""
CORNER_AND_MIDDLE = """[...document.querySelectorAll('.faces canvas')].map(canvas => {
  const pen = canvas.getContext('2d'), half = canvas.width / 2;
  return [pen.getImageData(1, 1, 1, 1).data[3], pen.getImageData(half, half, 1, 1).data[3]] })"""


@cache
def _texts(language: str) -> dict[str, str]:
    files = (WEB / "src/languages" / folder / f"{language}.json" for folder in ("shared", "review"))
    return {key: said for file in files for key, said in json.loads(file.read_text()).items()}


def text(key: str, **values: str) -> str:
    said = _texts("en")[key]
    for name, value in values.items():
        said = said.replace(f"{{{name}}}", value)
    return said


@dataclass
class Desk:
    """A reviewer before a browser, and the keep that it asks."""

    keep: Keep
    page: Page
    origin: str
    masked: tuple[bytes, bytes]

    def file(self, *reasons: ReviewReason, both: bool = False) -> str:
        owner = self.keep.issue_token(f"till {len(self.keep.clients())}", [Scope.CAPTURE], days=30).client
        kind = ReviewKind.COMPARISON if both else ReviewKind.PRESENTATION
        probe, reference = self.masked
        wanted = NewReview(kind, reasons, owner=owner, probes=(probe,), reference=reference if both else b"")
        review = self.keep.file_review(wanted)
        assert isinstance(review, Review)
        return review.id.hex()

    def review(self, name: str) -> Review:
        with self.keep._roles.registry.read() as view:
            return view.review(ReviewId(bytes.fromhex(name)))

    def open(self, path: str = "/review") -> None:
        self.page.open(f"{self.origin}{path}")

    def until(self, view: str) -> None:
        self.page.until(f"document.body.dataset.view === '{view}'")

    def until_said(self, said: str) -> None:
        self.page.until(f"document.body.innerText.includes({json.dumps(said)})")

    def key(self, key: str) -> None:
        codes = {"Escape": 27, "Enter": 13, "?": 191, " ": 32}
        self.page.press(
            key, codes.get(key, ord(key[0].upper())), "\r" if key == "Enter" else key if len(key) == 1 else ""
        )

    def to(self, name: str) -> None:
        """Go to what has a name, by Tab alone; where it stops on the way can be seen."""
        at = "(document.activeElement.labels?.[0] ?? document.activeElement).textContent"
        for _ in range(60):
            if self.page.evaluate(at) == name:
                return
            self.page.press("Tab", 9)
            assert self.page.evaluate(SEEN), self.page.evaluate(at)
        raise AssertionError(f"no way to {name} by the keyboard")

    def pick(self, key: str) -> None:
        """Choose one of some, the first of which has the focus."""
        self.key(" ")
        for _ in range(10):
            if self.page.evaluate("document.activeElement.labels[0].textContent") == text(key):
                return
            self.page.press("ArrowDown", 40)
        raise AssertionError(f"no {key} to be chosen")

    def tap(self, left: float, top: float, *, times: int = 1) -> None:
        """Press what is at a place of the window, as a mouse or a finger does."""
        for count in range(1, times + 1):
            for event in ("mousePressed", "mouseReleased"):
                self.page.call("Input.dispatchMouseEvent", type=event, x=left, y=top, button="left", clickCount=count)

    def press(self, key: str) -> None:
        self.to(text(key))
        self.key("Enter")

    def sign_in(self) -> None:
        self.open()
        self.until("sign-in")
        self.press("enter.passkey")
        self.until("home")

    def take_on(self, review: str) -> None:
        self.open(f"/review/{review}")
        self.until("review")
        self.key("c")
        self.until_said(text("act.release"))

    def show(self, reason: str, faces: int) -> None:
        self.key("f")
        self.pick(f"why.{reason}")
        self.press("face.now")
        self.page.until(DRAWN % faces)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Iterator[Desk]:
    masker = FaceMasker.build(ModelPack.load())
    masked = [masker.picture(decode((pictures / name).read_bytes())) for name in ("obama.jpg", "obama2.jpg")]
    folder, bound = tmp_path_factory.mktemp("review"), listen("127.0.0.1", 0)
    origin = f"http://localhost:{bound.getsockname()[1]}"
    with Keep.create(folder / "keep") as keep:
        invited = keep.invite(REVIEWER, [Role.REVIEWER, Role.OFFICER])
        keep.invite("bob", [Role.REVIEWER])
        keep.add_reviewer_key(bytes([9]) + bytes(31), who=keep.account_named("bob"))
        app = build(keep, Rates(None, None), site=Site(origin))
        with served(app, bound), chromium(folder) as page:
            page.size(*DESKTOP)
            page.call("WebAuthn.enable")
            page.call("WebAuthn.addVirtualAuthenticator", options=AUTHENTICATOR)
            page.open(f"{origin}/sign-up#{invited.secret}")
            page.evaluate(SETTLED)
            page.press("Enter", 13, "\r")
            page.until("document.querySelector('#onward').pathname === '/review'")
            made = Desk(keep, page, origin, (masked[0], masked[1]))
            page.press("Enter", 13, "\r")
            made.until("home")
            made.press("own-keys.make")
            page.until("document.querySelector('.own-key strong') !== null")
            yield made


def test_the_key_of_this_browser_is_the_reviewers_and_no_script_reads_it(desk: Desk) -> None:
    registered = desk.keep.reviewer(desk.keep.account_named(REVIEWER)).reviewer.keys
    assert len(registered) == 1
    assert desk.page.evaluate(f"{KEPT}.then(pair => pair.privateKey.extractable)") is False
    export = f"{KEPT}.then(pair => crypto.subtle.exportKey('jwk', pair.privateKey)).then(() => 1, error => error.name)"
    assert desk.page.evaluate(export) == "InvalidAccessError"


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_duty_is_seen_at_once_and_turned_before_the_queue_is_reached(desk: Desk, size: tuple[int, int]) -> None:
    account = desk.keep.account_named(REVIEWER)
    for _ in range(30):
        desk.file(ReviewReason.INCONCLUSIVE)
    desk.page.size(*size)
    desk.open()
    desk.until("home")
    desk.page.until("document.querySelectorAll('#queue tbody .row').length >= 20")
    (button, _, bottom), *others = desk.page.evaluate(ORDER)
    assert button == "plain"
    assert bottom < size[1]  # without scrolling
    names = [name for name, _, _ in others]
    assert names[0] == "filter-state"
    assert names[-1] == "H2"  # your keys, after every row
    levels = "[...document.querySelectorAll('main :is(h1, h2)')].map(one => one.tagName).join('')"
    assert desk.page.evaluate(levels) == "H1H2H2H2"
    assert desk.page.evaluate("document.querySelector('#duty h2').textContent") == text("duty.off")
    desk.to(text("duty.go-on"))
    assert desk.page.evaluate("document.querySelector('#queue').contains(document.activeElement)") is False
    desk.key("Enter")
    desk.page.until(f"document.querySelector('#duty h2').textContent === '{text('duty.on')}'")
    assert desk.keep.reviewer(account).reviewer.since is not None
    # The focus stays, on what undoes it.
    assert desk.page.evaluate("document.activeElement.textContent") == text("duty.go-off")
    assert faults(desk.page) == []
    desk.key("d")
    desk.page.until(f"document.querySelector('#duty h2').textContent === '{text('duty.off')}'")
    assert desk.keep.reviewer(account).reviewer.since is None
    desk.page.size(*DESKTOP)


def test_two_faces_stand_beside_one_another_as_large_as_the_window_allows(desk: Desk) -> None:
    desk.take_on(desk.file(ReviewReason.DOUBT_BAND, both=True))
    desk.show("compare-faces", 2)
    for size in (DESKTOP, TABLET, PHONE):
        desk.page.size(*size)
        (left, top, width, height), (other_left, *others) = desk.page.evaluate(PLACES)
        assert others == [top, width, height]
        assert width == height
        between = other_left - left - width
        if size == PHONE:
            assert (left, other_left + width) == (0, size[0])
            assert between <= 5
        else:
            assert width == 340  # what is drawn has not many more pixels
            assert between == 17
        assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # Whoever touches a face gets nothing of it, and nothing larger.
    before = desk.page.evaluate(PLACES)
    assert desk.page.evaluate("document.querySelector('.faces :is(a, button, [href], [tabindex])')") is None
    for left, top, width, height in before:
        desk.tap(left + width / 2, top + height / 2, times=2)
        desk.key("Enter")
    assert desk.page.evaluate(PLACES) == before
    assert desk.page.evaluate("visualViewport.scale") == 1
    assert desk.page.evaluate("document.fullscreenElement") is None
    desk.page.size(*DESKTOP)
    desk.key("Escape")


def test_a_face_is_shown_for_a_reason_and_goes(desk: Desk) -> None:
    review = desk.file(ReviewReason.DOUBT_BAND, both=True)
    desk.take_on(review)
    desk.key("f")
    assert desk.page.evaluate("document.querySelectorAll('[name=why]:checked').length") == 0
    desk.press("face.now")
    desk.until_said(text("face.why-missing"))
    assert desk.review(review).views == ()
    desk.key("Escape")
    desk.show("compare-faces", 2)
    assert [view.reason for view in desk.review(review).views] == ["compare-faces"]
    # Grey that the server left around a face is gone, the face is there.
    assert [[corner == 0, middle == 255] for corner, middle in desk.page.evaluate(CORNER_AND_MIDDLE)] == [
        [True] * 2
    ] * 2
    assert faults(desk.page) == []
    desk.page.evaluate("window.faces = [...document.querySelectorAll('.faces canvas')]; 0")
    desk.page.evaluate("window.dispatchEvent(new Event('blur'))")
    assert desk.page.evaluate("faces.map(canvas => canvas.width * canvas.height)") == [0, 0]
    assert text("face.hidden") in desk.page.text()
    # Another look is another reason.
    desk.key("f")
    assert desk.page.evaluate("document.querySelectorAll('[name=why]:checked').length") == 0
    # Time passes.
    desk.key("Escape")
    desk.show("compare-faces", 2)
    desk.page.evaluate(
        "window.faces = [...document.querySelectorAll('.faces canvas')]; window.now = Date.now;"
        " Date.now = () => window.now() + 21000; 0"
    )
    desk.until_said(text("face.hidden"))
    assert desk.page.evaluate("(Date.now = window.now, faces.map(canvas => canvas.width))") == [0, 0]
    assert len(desk.review(review).views) == 2
    # And printed is nothing.
    desk.page.call("Emulation.setEmulatedMedia", media="print")
    assert desk.page.evaluate("getComputedStyle(document.body).display") == "none"
    desk.page.call("Emulation.setEmulatedMedia", media="")


def test_a_vote_by_the_keyboard(desk: Desk) -> None:
    review = desk.file(ReviewReason.EYES_CLOSED)
    desk.open()
    desk.until("home")
    desk.page.until("document.querySelector('#queue .row.urgent') !== null")
    desk.key("j")
    desk.key("c")  # the urgent one is the first
    desk.until("review")
    assert desk.page.evaluate("location.pathname") == f"/review/{review}"
    desk.key("1")
    desk.pick("code.looks-live")
    desk.press("vote.give")
    desk.until_said(text("vote.unfit"))
    desk.key("Escape")
    desk.show("urgent-sign", 1)
    desk.key("Escape")
    desk.key("Escape")
    desk.key("1")
    desk.pick("code.looks-live")
    desk.press("vote.give")
    desk.until_said(text("standing.one-more"))
    (vote,) = desk.review(review).votes
    assert (vote.decision, vote.code) == ("bona-fide", "looks-live")


def test_a_review_that_is_not_there_leads_back(desk: Desk) -> None:
    desk.open(f"/review/{'0' * 32}")
    desk.until("trouble")
    desk.press("back")
    desk.until("home")
    desk.open(f"/review/{'0' * 32}")
    desk.until("trouble")
    desk.key("Escape")
    desk.until("home")


def test_reasons_are_parted_in_every_language(desk: Desk) -> None:
    review = desk.file(ReviewReason.EYES_CLOSED, ReviewReason.LOW_QUALITY)
    desk.open(f"/review/{review}")
    desk.until("review")
    for language, between in (("zh-Hans", "、"), ("en", ", ")):
        desk.page.evaluate(
            f"(select => {{ select.value = '{language}'; select.dispatchEvent(new Event('change')); }})"
            "(document.querySelector('#language'))"
        )
        said = _texts(language)
        wanted = between.join(said[f"reason.{reason}"] for reason in ("eyes-closed", "low-quality"))
        assert desk.page.evaluate("document.querySelector('.lead').textContent") == wanted


def test_who_knows_the_person_steps_aside(desk: Desk) -> None:
    review = desk.file(ReviewReason.INCONCLUSIVE)
    desk.open(f"/review/{review}")
    desk.until("review")
    desk.key("x")
    desk.press("recuse.do")
    desk.until_said(text("standing.recused"))
    assert desk.review(review).recused == (desk.keep.account_named(REVIEWER).id,)


def test_letters_write_where_somebody_types(desk: Desk) -> None:
    review = desk.file(ReviewReason.INCONCLUSIVE)
    desk.open(f"/review/{review}")
    desk.until("review")
    desk.key("r")
    desk.pick("concern.harm")
    desk.to(text("report.words"))
    for letter in "fxc1":
        desk.key(letter)
    assert desk.page.evaluate("document.querySelector('#concern-words').value") == "fxc1"
    desk.press("report.send")
    desk.until_said(text("one.concerns"))
    assert desk.review(review).recused == ()
    # The officer reads it, and says what was done: not about what they reported themselves.
    desk.keep.report_concern(review, Concern.DEATH, "Cold.", who=desk.keep.account_named("bob"))
    desk.open()
    desk.until("home")
    desk.key("o")
    desk.until("concerns")
    assert "fxc1" in desk.page.text()
    for said in ("no.conflict", "concerns.answered"):
        desk.to(text("concerns.answer"))
        desk.key("y")
        desk.press("concerns.send")
        desk.until_said(text(said))
    assert [concern.answer for concern in desk.keep.concerns(who=desk.keep.account_named(REVIEWER))] == ["", "y"]


@pytest.mark.parametrize("look", [(PHONE, "light"), (DESKTOP, "dark")])
def test_everybody_can_use_it(desk: Desk, look: tuple[tuple[int, int], str]) -> None:
    size, scheme = look
    review = desk.file(ReviewReason.INCONCLUSIVE)
    desk.page.size(*size)
    desk.page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    for path, view in (("/review", "home"), (f"/review/{review}", "review")):
        desk.open(path)
        desk.until(view)
        desk.page.until("document.querySelector('#queue tbody .row, #evidence') !== null")
        desk.key("?")
        assert faults(desk.page) == []
        assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        desk.key("Escape")
    desk.page.size(*DESKTOP)
    assert not [line for line in desk.page.console if "Content Security Policy" in line or "Uncaught" in line]


def test_a_key_goes_after_a_question_alone(desk: Desk) -> None:
    def keys() -> int:
        return len(desk.keep.reviewer(desk.keep.account_named(REVIEWER)).reviewer.keys)

    desk.open()
    desk.until("home")
    desk.page.until("document.querySelector('.own-key strong') !== null")
    desk.press("own-keys.remove")
    assert text("own-keys.lose-here") in desk.page.text()
    assert keys() == 1
    desk.press("own-keys.keep")
    assert text("own-keys.lose-here") not in desk.page.text()
    assert desk.page.evaluate("document.activeElement.textContent") == text("own-keys.remove")
    desk.press("own-keys.remove")
    desk.press("own-keys.remove-it")
    desk.page.until("document.querySelector('.own-key') === null")
    assert keys() == 0
    desk.press("own-keys.make")
    desk.page.until("document.querySelector('.own-key strong') !== null")
