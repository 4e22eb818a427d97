"""The capture page in a real browser, before a fake camera and a server whose answers the test writes."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from facekeep.domain.capture import StepKind
from tests.browser.accessible import faults
from tests.browser.devtools import Page, chromium
from tests.browser.posing import RATE, Actor, do_what_is_asked, press, rehearsed, stripes
from tests.browser.scripted import LINK, NOTICES, Script, capture, serving
from tests.browser.seeing import check_only_heads, striped
from tests.clips.fake_camera import FakeCamera, encoded

pytestmark = pytest.mark.enable_socket

VIEW = "document.body.dataset.view === '%s'"
GOOD = "document.querySelector('.advice')?.dataset.good === 'true'"
MARK = "performance.getEntriesByName('facekeep:%s')[0]?.startTime ?? -1"
NOTED = "window.sent = []; const ask = fetch; fetch = (to, how) => { sent.push(how); return ask(to, how) }"
PHONE, DESKTOP = (360, 740), (1280, 900)
STEPS = (StepKind.TURN_LEFT, StepKind.BLINK, StepKind.TURN_RIGHT)
HELD = """(() => { const ask = fetch; let go; window.send = () => go();
  const held = new Promise(done => { go = done });
  window.fetch = async (to, how) => { if (how?.method === 'PUT') await held; return ask(to, how) } })()"""
WAITING = {"state": "review", "camera": False, "tries_left": 0, "review_until": "2026-11-30T12:00:00Z"}
STATEMENT = {"amount": "1234567.50", "currency": "EUR", "payee": "<b>Bäckerei</b> Müller"}


@pytest.fixture(scope="module")
def actor(pictures: Path) -> Actor:
    return rehearsed(pictures, "astronaut", STEPS, striped=True)


@contextmanager
def opened(script: Script, folder: Path, *arguments: str, size: tuple[int, int] = DESKTOP) -> Iterator[Page]:
    """A page on which the link was opened."""
    with serving(script) as link, chromium(folder, *arguments) as page:
        page.size(*size)
        page.call("Page.navigate", url=link)
        page.until("!['', 'opening'].includes(document.body.dataset.view ?? '')")
        yield page
        origin = link.partition("/capture")[0]
        assert all(address.startswith((origin, f"blob:{origin}", "about:")) for address in page.asked), page.asked
        assert not [text for text in page.console if "the server responded with a status of" not in text]


def _told(page: Page) -> list[list[str]]:
    """The fields of every body that the page has sent so far, all of JSON."""
    return [sorted(body) for body in page.evaluate("sent.filter(how => how.body).map(how => JSON.parse(how.body))")]


@pytest.mark.extended
def test_a_person_goes_through_by_the_keyboard(actor: Actor, tmp_path: Path) -> None:
    script = Script(steps=tuple(kind.value for kind in STEPS))
    with (
        FakeCamera(tmp_path / "camera.mjpeg", actor.rest, RATE) as camera,
        opened(script, tmp_path, *camera.arguments, size=PHONE) as page,
    ):
        page.evaluate(NOTED)
        assert page.evaluate("document.activeElement.tagName") == "H1"
        assert LINK not in page.evaluate("location.href")
        page.until(f"({MARK % 'ready'}) > 0")  # loaded while the notice is read, the camera still off
        assert page.evaluate(MARK % "camera-asked") == -1
        press(page, "I agree: use my face")
        page.until(GOOD)
        assert page.evaluate("document.querySelector('video').checkVisibility({opacityProperty: true})") is False
        assert script.agreed == []
        press(page, "Begin")
        assert do_what_is_asked(page, camera, actor) == ["look", *(kind.value for kind in STEPS)]
        page.until(VIEW % "review")
        page.picture(tmp_path / "review.png", whole=True)
        assert page.evaluate("document.activeElement.textContent") == "This is what we send"
        # More than once where the fake camera was lost on the way.
        assert set(script.agreed) == {NOTICES[0]["digest"]}
        told = _told(page)
        assert told[-5:] == [["notice"], *[["frames", "head", "try"]] * 4]
        assert {tuple(fields) for fields in told} == {("notice",), ("frames", "head", "try")}
        assert script.bodies == []
        assert page.evaluate("[...document.querySelectorAll('.crops img')].map(i => i.naturalWidth)") == [224, 128]
        # All of it can be looked at, by the keyboard.
        page.evaluate("document.querySelector('#moment').focus()")
        page.press("End", 35)
        count = int(page.evaluate("document.querySelector('#moment').max")) + 1
        page.until(f"document.querySelector('output').textContent.startsWith('{count} of {count}')")
        shown = page.text()
        press(page, "Send")
        page.until(VIEW % "result")
        assert "It was confirmed" in page.text()
        assert page.evaluate("indexedDB.databases()") == []  # nobody looks, and so nothing is stored
        press(page, "Go back to Example Bank")
        page.until("document.title === 'Back'")
    (sent,) = script.sent
    assert script.chains == [True]
    assert f"Moments\n{len(sent.frames)}" in shown
    size = len(script.bodies[0])
    said = f"{round(size / 1000)} kB" if size < 1e6 else f"{size / 1e6:.1f}".removesuffix(".0") + " MB"
    assert said in shown
    assert (sent.camera.width, sent.camera.height, len(sent.camera.intervals) > 50) == (640, 480, True)
    check_only_heads(sent.frames)


STORED = """new Promise(done => { indexedDB.open('facekeep').onsuccess = ({ target: { result } }) => {
  result.transaction('keys').objectStore('keys').get('person').onsuccess = ({ target: { result: pair } }) =>
    crypto.subtle.exportKey('pkcs8', pair.privateKey).then(() => done('told'), error => done(error.name)) } })"""


@pytest.mark.extended
def test_who_people_look_at_has_a_key_for_what_they_see(actor: Actor, tmp_path: Path) -> None:
    script = Script(steps=(StepKind.BLINK.value,), decided=[WAITING])
    with (
        FakeCamera(tmp_path / "camera.mjpeg", actor.rest, RATE) as camera,
        opened(script, tmp_path, *camera.arguments, size=PHONE) as page,
    ):
        press(page, "I agree: use my face")
        page.until(GOOD)
        press(page, "Begin")
        do_what_is_asked(page, camera, actor)
        page.until(VIEW % "review")
        press(page, "Send")
        page.until(VIEW % "waiting")
        assert "In this browser it shows you the pictures that they see" in page.text()
        assert page.evaluate(STORED) == "InvalidAccessError"  # no script can take it away
    (key,) = script.keys
    assert len(base64.urlsafe_b64decode(key + "=")) == 32


def test_people_look_and_the_way_without_stays_open(tmp_path: Path) -> None:
    with opened(Script(opened=capture(**WAITING)), tmp_path) as page:
        assert page.evaluate("document.body.dataset.view") == "waiting"
        said = page.text()
        assert "A person will look at it" in said
        assert "Nov 30, 2026" in said
        assert "In this browser" not in said
        assert page.evaluate("document.querySelector('main a[href=\"/me\"]') !== null")
        assert page.evaluate("indexedDB.databases()") == []
        assert page.evaluate(MARK % "camera-asked") == -1
        press(page, "Use a passkey instead")
        page.until(VIEW % "passkey")
        press(page, "Stop")
        page.until(VIEW % "waiting")


@pytest.mark.extended
def test_nothing_but_digests_leaves_unless_the_person_sends(actor: Actor, tmp_path: Path) -> None:
    script = Script(opened=capture(statement=STATEMENT, purpose="payment"), steps=(StepKind.BLINK.value,))
    with (
        FakeCamera(tmp_path / "camera.mjpeg", actor.rest, RATE) as camera,
        opened(script, tmp_path, *camera.arguments) as page,
    ):
        page.evaluate(NOTED)
        press(page, "I agree: use my face")
        page.until(GOOD)
        press(page, "Begin")
        do_what_is_asked(page, camera, actor)
        page.until(VIEW % "review")
        assert _told(page) == [["notice"], *[["frames", "head", "try"]] * 2]
        assert page.evaluate("document.querySelector('.digits').textContent") == "1234567.50"
        press(page, "Do not send")
        page.until(VIEW % "result")
        assert page.evaluate("document.querySelectorAll('video').length") == 0
    assert script.declined
    assert script.bodies == []


def test_the_preview_shows_no_more_than_what_is_sent(actor: Actor, tmp_path: Path) -> None:
    look = """(() => { const from = document.querySelector('canvas'), to = document.createElement('canvas');
      to.width = from.width; to.height = from.height; to.getContext('2d').drawImage(from, 0, 0);
      return to.toDataURL('image/png').split(',')[1]; })()"""
    empty = [encoded(stripes())]
    with (
        FakeCamera(tmp_path / "camera.mjpeg", empty, RATE) as camera,
        opened(Script(), tmp_path, *camera.arguments) as page,
    ):
        press(page, "I agree: use my face")
        page.until("document.querySelector('.advice').textContent === 'No face to be seen yet'")
        assert striped(_decoded(page.evaluate(look))) < 1  # no face: all is blurred
        camera.settle(actor.rest)
        page.until(GOOD)
        shown = _decoded(page.evaluate(look))
        assert striped(shown[:, :150]) < 1
        assert striped(shown[:, -150:]) < 1
        assert np.abs(np.diff(shown[180:320, 260:380, 1].astype(float), axis=1)).mean() > 1.5  # the face is sharp


def _decoded(text: str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"))


REASONS = ["step-not-done", "another-face", "something-new"]
VIEWS: list[tuple[str, dict[str, Any]]] = [
    ("notice", {"statement": STATEMENT, "purpose": "payment", "notices": NOTICES[:1]}),
    ("off", {"camera": False}),
    ("waiting", {**WAITING, "reasons": REASONS}),
    ("result", {"state": "done", "outcome": "refused", "reasons": REASONS}),
    ("notice", {}),
    ("notice", {"intent": "enrol", "alternative": None}),
    ("passkey", {"decided_by": "passkey"}),
    *(
        ("result", {"state": "done", "outcome": outcome, "reasons": REASONS})
        for outcome in ("passed", "inconclusive", "declined", "off", "expired")
    ),
]
FEW = 4
"""Views that are looked at in every run, beside those with the camera."""


@pytest.mark.parametrize(
    ("language", "size", "count"),
    [
        ("en", PHONE, FEW),
        *(
            pytest.param(language, size, len(VIEWS), marks=pytest.mark.extended)
            for language in ("en", "zh-Hans")
            for size in (PHONE, DESKTOP)
        ),
    ],
)
def test_every_view_is_accessible(
    actor: Actor, tmp_path: Path, language: str, size: tuple[int, int], count: int
) -> None:
    script = Script()
    with (
        FakeCamera(tmp_path / "camera.mjpeg", actor.rest, RATE) as camera,
        opened(script, tmp_path, *camera.arguments, size=size) as page,
    ):
        for number, (view, changes) in enumerate(VIEWS[:count]):
            script.opened = capture(**changes)
            page.call("Page.navigate", url="about:blank")
            page.call("Page.navigate", url=f"{page.asked[0].partition('#')[0]}#{LINK}")
            page.until(VIEW % view)
            _choose(page, language)
            _check(page, tmp_path / f"{number}-{view}.png", size)
            if view == "notice":
                _check_particulars(page, language)
        script.opened = capture()
        page.call("Page.navigate", url="about:blank")
        page.call("Page.navigate", url=f"{page.asked[0].partition('#')[0]}#{LINK}")
        page.until(VIEW % "notice")
        _choose(page, language)
        page.evaluate("document.querySelector('.way button').click()")
        page.until(GOOD)
        _check(page, tmp_path / "place.png", size)
        page.evaluate("document.querySelector('button.main').click()")
        page.until("document.body.dataset.step === 'look'")
        _check(page, tmp_path / "steps.png", size)


def _check_particulars(page: Page, language: str) -> None:
    """What a notice says beside its text: under headings of the page, in the words and language of the notice."""
    shown = (
        "[...document.querySelectorAll('.particulars > *')].map(each => [each.localName, each.lang, each.textContent])"
    )
    (english, chinese) = NOTICES
    headings = {
        "en": ["How long your data are kept", "Who else gets them", "If you say no"],
        "zh-Hans": ["您的数据保存多久", "还有谁会得到这些数据", "如果您不同意"],
    }[language]
    said = [english[name] for name in ("retention", "recipients", "alternative")]
    pairs = zip(headings, said, strict=True)
    whole = [each for title, words in pairs for each in (["dt", "", title], ["dd", "en", words])]
    assert page.evaluate(shown) == whole
    if page.evaluate("document.querySelector('.notice select') !== null"):
        choose = "(each => { each.value = '%s'; each.dispatchEvent(new Event('change')) })"
        page.evaluate(choose % chinese["digest"] + "(document.querySelector('.notice select'))")
        last = ["dt", "", headings[2]], ["dd", "zh-Hans", chinese["alternative"]]
        assert page.evaluate(shown) == list(last)
        page.evaluate(choose % english["digest"] + "(document.querySelector('.notice select'))")


@pytest.mark.extended
@pytest.mark.parametrize("language", ["en", "zh-Hans"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_every_view_of_a_try_is_accessible(actor: Actor, tmp_path: Path, language: str, size: tuple[int, int]) -> None:
    script = Script(steps=("blink",), fail={"/tries": 500, "/frames": 422})
    with (
        FakeCamera(tmp_path / "camera.mjpeg", actor.rest, RATE) as camera,
        opened(script, tmp_path, *camera.arguments, size=size) as page,
    ):

        def check(view: str) -> None:
            page.until(VIEW % view)
            _check(page, tmp_path / f"{view}.png", size)

        def begin() -> None:
            page.until(GOOD)
            page.evaluate("document.querySelector('button.main').click()")

        _choose(page, language)
        page.evaluate("document.querySelector('.way button').click()")
        begin()
        check("trouble")
        page.call("Page.reload")
        page.until(VIEW % "notice")
        page.evaluate("document.querySelector('.way button').click()")
        begin()
        do_what_is_asked(page, camera, actor)
        check("review")
        page.evaluate(HELD)
        page.evaluate("document.querySelector('.buttons button').click()")
        check("sending")
        page.evaluate("send()")
        check("again")
        script.steps, script.seconds = ("smile",), {"look": 16.0, "smile": 1.0}
        page.evaluate("document.querySelector('button.main').click()")
        begin()
        check("late")


@pytest.mark.extended
@pytest.mark.parametrize("language", ["en", "zh-Hans"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_a_page_without_a_camera_is_accessible(tmp_path: Path, language: str, size: tuple[int, int]) -> None:
    with opened(Script(), tmp_path, size=size) as page:
        page.until(f"({MARK % 'ready'}) > 0")
        _choose(page, language)
        page.evaluate("document.querySelector('.way button').click()")
        page.until(VIEW % "camera-trouble")
        _check(page, tmp_path / "camera-trouble.png", size)


COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}


@pytest.mark.extended
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_the_colours_of_light_fill_the_window_in_their_order(
    actor: Actor, tmp_path: Path, size: tuple[int, int]
) -> None:
    script = Script(steps=("light",))  # red, green, blue, white
    seen: list[str] = []
    with (
        FakeCamera(tmp_path / "camera.mjpeg", actor.rest, RATE) as camera,
        opened(script, tmp_path, *camera.arguments, size=size) as page,
    ):
        press(page, "I agree: use my face")
        page.until(GOOD)
        press(page, "Begin")
        page.until("document.body.dataset.step === 'light'")
        while page.evaluate("document.body.dataset.view") == "steps":
            page.picture(tmp_path / "light.png")
            picture = np.asarray(Image.open(tmp_path / "light.png").convert("RGB")).astype(int)
            assert picture.shape[:2] == size[::-1]
            for name, colour in COLOURS.items():
                of_it = (np.abs(picture - colour).max(axis=2) <= 4).mean()
                # All but a line of words; in the middle of a change nothing is of one colour.
                if of_it > 0.9 and seen[-1:] != [name]:
                    seen.append(name)
        page.until(VIEW % "review")
    # The last picture may show what comes after it.
    assert seen[:4] == list(COLOURS)


def _choose(page: Page, language: str) -> None:
    page.evaluate(
        f"(chosen => {{ chosen.value = '{language}'; chosen.dispatchEvent(new Event('change')) }})"
        "(document.querySelector('#language'))"
    )
    assert page.evaluate("document.documentElement.lang") == language


def _check(page: Page, file: Path, size: tuple[int, int]) -> None:
    page.picture(file, whole=True)
    assert faults(page) == []
    assert page.evaluate("document.scrollingElement.scrollWidth") <= size[0], file.name


def test_a_statement_is_shown_to_the_digit_and_as_text_only(tmp_path: Path) -> None:
    with opened(Script(opened=capture(statement=STATEMENT, purpose="payment")), tmp_path) as page:
        assert page.evaluate("document.querySelector('.digits').textContent") == "1234567.50"
        assert page.evaluate("document.querySelector('.payee').textContent") == STATEMENT["payee"]
        assert page.evaluate("document.querySelector('.payee b')") is None
        size = "parseFloat(getComputedStyle(document.querySelector(%r)).fontSize)"
        amount, payee, lead = (page.evaluate(size % where) for where in (".digits", ".payee", ".lead"))
        assert amount > 1.5 * lead
        assert payee > 1.3 * lead


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Another link was opened in this browser"), ("zh-Hans", "打开了另一个链接")]
)
def test_a_page_does_not_go_on_with_what_another_window_opened(tmp_path: Path, language: str, said: str) -> None:
    script = Script(opened=capture(statement=STATEMENT, purpose="payment", decided_by="passkey"))
    with opened(script, tmp_path) as page:
        _choose(page, language)
        # What is confirmed is seen where it is confirmed.
        assert page.evaluate("document.body.dataset.view") == "passkey"
        assert page.evaluate("document.querySelector('.digits').textContent") == "1234567.50"
        assert page.evaluate("document.querySelector('.payee').textContent") == STATEMENT["payee"]
        script.opened = capture(id="d4" * 16, statement=STATEMENT | {"amount": "9"}, decided_by="passkey")
        page.evaluate("document.querySelector('button.main').click()")
        page.until(VIEW % "trouble")
        assert said in page.text()
        assert page.evaluate("document.querySelector('main button')") is None
        # Loaded anew, the page shows what the browser has now.
        page.call("Page.reload")
        page.until(VIEW % "passkey")
        assert page.evaluate("document.querySelector('.digits').textContent") == "9"
    assert not script.declined


def test_both_ways_look_alike(tmp_path: Path) -> None:
    with opened(Script(), tmp_path) as page:
        looks = page.evaluate(
            "[...document.querySelectorAll('.choices button')].map(b => { const s = getComputedStyle(b), "
            "r = b.getBoundingClientRect(); "
            "return [r.width, r.height, s.color, s.backgroundColor, s.fontSize, s.borderColor] })"
        )
        assert len(looks) == 2
        assert looks[0] == looks[1]


def test_where_faces_are_off_no_camera_is_started(tmp_path: Path) -> None:
    with opened(Script(opened=capture(camera=False, alternative=None)), tmp_path) as page:
        assert "The camera was not started" in page.text()
        assert page.evaluate(MARK % "camera-asked") == -1
        assert not [address for address in page.asked if address.endswith((".onnx", ".wasm"))]
        press(page, "Go on without a face")
        page.until(VIEW % "result")
        assert "No face was used" in page.text()


def test_without_a_camera_and_with_a_link_that_was_used(tmp_path: Path) -> None:
    with opened(Script(), tmp_path) as page:
        page.until(f"({MARK % 'ready'}) > 0")
        press(page, "I agree: use my face")
        page.until(VIEW % "camera-trouble")
        assert "No camera was found" in page.text()
        assert "Use a passkey instead" in page.text()
        page.call("Page.navigate", url="about:blank")
        page.call("Page.navigate", url=f"{page.asked[0].partition('#')[0]}#another")
        page.until(VIEW % "trouble")
        assert "This link does not work" in page.text()


@pytest.mark.extended
def test_a_step_that_is_not_done_ends_the_try(actor: Actor, tmp_path: Path) -> None:
    script = Script(steps=("smile",), seconds={"look": 16.0, "smile": 1.5})
    with (
        FakeCamera(tmp_path / "camera.mjpeg", actor.rest, RATE) as camera,
        opened(script, tmp_path, *camera.arguments) as page,
    ):
        press(page, "I agree: use my face")
        page.until(GOOD)
        press(page, "Begin")
        page.until(VIEW % "late")
        assert "Smile broadly" in page.text()
        assert page.evaluate("document.querySelectorAll('video').length") == 0
        press(page, "Try again")
        page.until(GOOD)
    assert script.bodies == []


@pytest.mark.extended
def test_what_the_server_refuses_is_said_as_advice(actor: Actor, tmp_path: Path) -> None:
    script = Script(steps=("blink",), fail={"/frames": 422})
    with (
        FakeCamera(tmp_path / "camera.mjpeg", actor.rest, RATE) as camera,
        opened(script, tmp_path, *camera.arguments) as page,
    ):
        press(page, "I agree: use my face")
        page.until(GOOD)
        press(page, "Begin")
        do_what_is_asked(page, camera, actor)
        press(page, "Send")
        page.until(VIEW % "again")
        assert "More than your face was in a picture" in page.text()
        assert "Tries left: 2" in page.text()
