"""What the person's own page tells of people who looked: real reviewers, and a face opened by the person's own key."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from facekeep.domain.access import Scope
from facekeep.domain.consent import Purpose
from facekeep.domain.review import Decision, Review, ReviewId, ReviewKind, ReviewReason, ViewReason
from facekeep.domain.review_words import (
    WordsKind,
)
from facekeep.domain.subject import SubjectId
from facekeep.face.images import decode
from facekeep.face.masking import FaceMasker
from facekeep.face.models import ModelPack
from facekeep.service.keep import Keep
from facekeep.service.keep_own_reviews import OwnReview
from facekeep.service.keep_reviews import NewReview
from tests.browser.accessible import faults
from tests.browser.test_me import DESKTOP, DONE, NAMED, PHONE, Scene, invited
from tests.unit.service.reviewing import CODE, Person, a_person, decide

pytestmark = [pytest.mark.enable_socket, pytest.mark.extended]

PERSON, NAME = "obama", "obama.jpg"
NOTICE = "We compare your face with your reference to let you in."
# As web/src/sealing/keys.ts does it: the page of the capture makes the key, and this page uses it.
MAKE_KEY = """(async () => {
  const pair = await crypto.subtle.generateKey('X25519', false, ['deriveBits']);
  const database = await new Promise((done, failed) => {
    const request = indexedDB.open('facekeep', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('keys');
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
  const writing = database.transaction('keys', 'readwrite');
  writing.objectStore('keys').put(pair, 'person');
  await new Promise((done, failed) => { writing.oncomplete = done; writing.onabort = failed });
  database.close();
  const bytes = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  return btoa(String.fromCharCode(...bytes));
})()"""
LOSE_KEY = """new Promise((done, failed) => { const request = indexedDB.deleteDatabase('facekeep');
  request.onsuccess = () => done(true); request.onerror = failed })"""
STORED = "indexedDB.databases().then(all => all.length)"
CANVASES = "[...document.querySelectorAll('#reviews .faces canvas')]"
# Of each canvas: what shines through in its corners, what covers the middle, and how many colours are there.
PIXELS = f"""{CANVASES}.map(canvas => {{
  const side = canvas.width, all = canvas.getContext('2d').getImageData(0, 0, side, side).data;
  const at = (x, y) => all.slice(4 * (y * side + x), 4 * (y * side + x) + 4), colours = new Set();
  for (let y = side / 4; y < side * 3 / 4; y += 1)
    for (let x = side / 4; x < side * 3 / 4; x += 1) colours.add(at(x, y).slice(0, 3).join());
  return [[at(1, 1), at(side - 2, 1), at(1, side - 2), at(side - 2, side - 2)].map(one => one[3]),
    at(side / 2, side / 2)[3], colours.size]; }})"""


@pytest.fixture(scope="module")
def masked(pictures: Path) -> tuple[bytes, bytes]:
    masker = FaceMasker.build(ModelPack.load())
    return masker.picture(decode((pictures / NAME).read_bytes())), masker.picture(
        decode((pictures / "obama2.jpg").read_bytes())
    )


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Iterator[Keep]:
    with Keep.create(tmp_path_factory.mktemp("reviewed") / "keep") as made:
        made.enrol(PERSON, [(pictures / NAME).read_bytes()], purposes=[Purpose.VERIFY], notice=NOTICE, operator="desk")
        yield made


@pytest.fixture(scope="module")
def reviewers(keep: Keep) -> tuple[Person, ...]:
    return tuple(a_person(keep, name) for name in ("ann", "bob", "cyd", "dan"))


def filed(keep: Keep, person: bytes, kind: ReviewKind, *probes: bytes, reference: bytes = b"") -> Review:
    client = keep.issue_token(f"till {len(keep.clients())}", [Scope.CAPTURE], days=1).client
    reasons = (ReviewReason.EYES_CLOSED, ReviewReason.REFUSAL)
    subject = SubjectId(bytes.fromhex(keep.subject(PERSON).id))
    review = keep.file_review(NewReview(kind, reasons, client, subject, probes, reference, person=person))
    assert review is not None
    return review


def look_and_vote(keep: Keep, review: Review, decision: Decision, *people: tuple[Person, ViewReason]) -> None:
    for person, reason in people:
        keep.claim_review(review.id.hex(), who=person.account)
        keep.show_review(review.id.hex(), reason, key=person.key, who=person.account)
        keep.vote(review.id.hex(), decision, CODE, who=person.account)


def own(keep: Keep, review: ReviewId) -> OwnReview:
    (found,) = [one for one in keep.own_reviews(keep.subject(PERSON).id) if one.review.id == review]
    return found


def said(found: OwnReview, kind: WordsKind) -> list[str]:
    return [words.text for words in found.words if words.kind is kind]


def again(scene: Scene, language: str = "en") -> None:
    """Come to the page anew, and choose the language."""
    scene.open()
    scene.until("home")
    scene.language = "en"
    scene.speak(language)


def write(scene: Scene, saying: str, words: str, done: str) -> None:
    """Say something by the keyboard, which counts what room there is."""
    page = scene.page
    scene.press(f"reviews.{saying}.open")
    page.until("document.activeElement.tagName === 'TEXTAREA'")
    scene.press(f"reviews.{saying}.send")
    page.until("document.activeElement.tagName === 'TEXTAREA'")
    assert scene.text("reviews.words-missing") in page.text()
    page.call("Input.insertText", text=words)
    assert scene.text("reviews.left", left=f"{2000 - len(words):,}") in page.text()
    scene.press(f"reviews.{saying}.send")
    page.until(DONE % "#reviews")
    assert page.evaluate("document.activeElement.textContent") == scene.text(done)
    assert page.evaluate("document.querySelectorAll('#reviews textarea').length") == 0


def check(scene: Scene, picture: Path, size: tuple[int, int], scheme: str) -> None:
    scene.page.size(*size)
    scene.page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    scene.page.picture(picture, whole=True)
    assert faults(scene.page) == []
    assert scene.page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_who_is_reviewed_learns_who_looked_sees_the_same_speaks_and_objects(
    keep: Keep, reviewers: tuple[Person, ...], masked: tuple[bytes, bytes], tmp_path: Path
) -> None:
    ann, bob, cyd, dan = reviewers
    with invited(keep, PERSON, tmp_path) as scene:
        page = scene.page
        assert scene.text("reviews.none") in page.text()
        assert page.evaluate(STORED) == 0  # the page itself makes no key, and no place for one
        mine = base64.b64decode(page.evaluate(MAKE_KEY))
        review = filed(keep, mine, ReviewKind.COMPARISON, masked[0], reference=masked[1])
        # Something is open: the page says so first, why, by when, and that nobody has looked.
        again(scene)
        shown = page.text()
        assert scene.text("home.reviews.open", open="1") in shown
        assert page.evaluate(
            "(at => at.scrollHeight <= at.clientHeight)(document.querySelector('.to-do'))"
        )  # all of it
        assert scene.text("reviews.question.comparison") in shown
        assert all(scene.text(f"reviews.reason.{reason}") in shown for reason in ("eyes-closed", "refusal"))
        assert scene.text("reviews.looked.none") in shown
        scene.to(scene.text("home.reviews.go"))
        page.press("Enter", 13, "\r")
        page.until("location.hash === '#reviews'")
        write(scene, "statement", "I had just woken up.", "reviews.statement.done")
        assert said(own(keep, review.id), WordsKind.STATEMENT) == ["I had just woken up."]
        assert "I had just woken up." in page.text()
        assert scene.text("reviews.statement.open") not in page.text()
        # Two people look, each for a reason, and decide.
        looks = ((ann, ViewReason.URGENT_SIGN), (bob, ViewReason.COMPARE_FACES))
        look_and_vote(keep, review, Decision.ANOTHER_PERSON, *looks)
        again(scene)
        who = [" · ".join(each.rsplit(" · ", 2)[::2]) for each in page.evaluate(
            "[...document.querySelectorAll('.looks li')].map(one => one.textContent)")]  # fmt: skip
        reasons = [scene.text(f"reviews.why.{reason}") for _, reason in looks]
        assert who == [f"ann · {reasons[0]}", f"bob · {reasons[1]}"]
        assert scene.text("reviews.outcome.another-person") in page.text()
        rows = page.evaluate("[...document.querySelectorAll('#accesses tbody .row')].map(one => one.innerText)")
        for row, name, reason in zip(rows, ("bob", "ann"), reversed(reasons), strict=True):
            assert scene.text("access.reviewed", who=name) in row
            assert reason in row
        # The same crops, opened by the key of this browser: faces, and nothing of what was around them.
        scene.press("reviews.sight.show")
        page.until(NAMED % "#reviews .faces canvas")
        for corners, middle, colours in page.evaluate(PIXELS):
            assert (corners, middle) == ([0] * 4, 255)
            assert colours > 500
        assert page.evaluate(f"{CANVASES}.map(one => one.getAttribute('aria-label'))") == [
            scene.text("reviews.picture.probe", number="1"),
            scene.text("reviews.picture.reference", number="2"),
        ]
        for size, scheme in ((PHONE, "dark"), (DESKTOP, "light")):
            check(scene, tmp_path / f"decided-{scheme}.png", size, scheme)
        page.evaluate(f"window.faces = {CANVASES}; 0")
        scene.press("reviews.sight.hide")
        assert page.evaluate("faces.map(one => one.width)") == [0, 0]
        assert page.evaluate("document.activeElement.textContent") == scene.text("reviews.sight.show")
        # Left for another view, no pixel stays.
        page.press("Enter", 13, "\r")
        page.until(NAMED % "#reviews .faces canvas")
        page.evaluate(f"window.faces = {CANVASES}; 0")
        scene.press("home.erase.go")
        scene.until("erase")
        assert page.evaluate("faces.map(one => one.width)") == [0, 0]
        scene.press("erase.keep")
        scene.until("home")
        # Others decide anew, once: nobody can object to that.
        write(scene, "appeal", "It is me. The light was bad.", "reviews.appeal.done")
        assert said(own(keep, review.id), WordsKind.APPEAL) == ["It is me. The light was bad."]
        assert (own(keep, review.id).review.round, own(keep, review.id).may_appeal) == (2, False)
        assert scene.text("reviews.appeal.open") not in page.text()
        decide(keep, own(keep, review.id).review, Decision.SAME_PERSON, cyd, dan)
        for language in ("en", "zh-Hans"):
            again(scene, language)
            shown = page.text()
            assert scene.text("reviews.outcome.same-person") in shown
            assert scene.text("reviews.sight.destroyed") in shown
            assert scene.text("reviews.next.passed") in shown
            assert page.evaluate("document.querySelectorAll('.looks li').length") == 4
            check(scene, tmp_path / f"over-{language}.png", DESKTOP, "light")


def test_where_nothing_can_be_shown_the_page_says_why(
    keep: Keep, reviewers: tuple[Person, ...], masked: tuple[bytes, bytes], tmp_path: Path
) -> None:
    with invited(keep, PERSON, tmp_path) as scene:
        page = scene.page
        mine = base64.b64decode(page.evaluate(MAKE_KEY))
        review = filed(keep, mine, ReviewKind.PRESENTATION, masked[0])
        owner = next(client for client in keep.clients() if client.id == review.owner)
        keep.add_review_reference(review.id.hex(), masked[1], owner=owner)
        # What was added later is sealed to reviewers alone.
        again(scene, "zh-Hans")
        assert scene.text("reviews.sight.compared") in page.text()
        scene.press("reviews.sight.could")
        page.until(NAMED % "#reviews .faces canvas")
        assert page.evaluate(f"{CANVASES}.length") == 1
        assert scene.text("reviews.sight.some") in page.text()
        check(scene, tmp_path / "open.png", PHONE, "light")
        page.size(*DESKTOP)
        # A browser without a key, and one with another.
        page.evaluate(LOSE_KEY)
        again(scene)
        assert scene.text("reviews.sight.no-key") in page.text()
        assert scene.text("reviews.sight.could") not in page.text()
        assert page.evaluate(STORED) == 0
        page.evaluate(MAKE_KEY)
        again(scene)
        scene.press("reviews.sight.could")
        page.until("document.querySelector('#reviews .sight [role=status]') !== null")
        assert scene.text("reviews.sight.other-key") in page.text()
        # Taken back while the page was open: what is said then is not lost without a word, and nothing is shown.
        scene.press("reviews.statement.open")
        page.call("Input.insertText", text="I was there.")
        keep.withdraw_review(review.id.hex(), owner=owner)
        scene.press("reviews.statement.send")
        page.until(DONE % "#reviews")
        assert scene.text("reviews.too-late") in page.text()
        assert scene.text("reviews.state.withdrawn") in page.text()
        assert scene.text("reviews.sight.destroyed") in page.text()
        assert faults(page) == []
