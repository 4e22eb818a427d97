"""The facade on real faces: two presidents are enrolled, an astronaut is not."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.consent import Notice, Purpose
from facekeep.domain.requests import KeptAnswer
from facekeep.errors import (
    AuthenticationError,
    BudgetError,
    ConsentError,
    ImageError,
    NotFoundError,
    PurposeOffError,
    QualityError,
    RefusedError,
    UsageError,
)
from facekeep.face.models import ModelPack
from facekeep.face.pipeline import PipelineSettings
from facekeep.service.answers import Verification
from facekeep.service.comparison import Search
from facekeep.service.keep import Keep, Person

from .conftest import BOTH, NOTICE, MovedClock

Picture = Callable[[str], bytes]
CASE = "lost child"


def labels(keep: Keep, picture: bytes, **more: object) -> list[str]:
    return [c.label for c in keep.identify(picture, case=CASE, operator="op", **more).candidates]  # type: ignore[arg-type]


def test_the_same_person_is_verified_and_another_is_not(keep: Keep, picture: Picture) -> None:
    answer = keep.verify("obama", picture("obama2.jpg"), operator="op")
    assert answer.verified
    assert answer.one_in is not None
    assert answer.one_in >= 10_000
    for other in ("biden.jpg", "astronaut.png"):
        assert keep.verify("obama", picture(other), operator="op") == keep.verify(
            "nobody", picture(other), operator="op"
        )


def test_two_pictures_are_compared_as_a_picture_and_a_reference_are(keep: Keep, picture: Picture) -> None:
    same = keep.compare(picture("obama.jpg"), picture("obama2.jpg"), operator="desk")
    assert same == keep.verify("obama", picture("obama2.jpg"), operator="desk")
    assert same.verified
    assert keep.compare(picture("obama.jpg"), picture("biden.jpg"), operator="desk") == Verification(False)
    grey = cv2.imencode(".png", np.full((400, 400, 3), 120, np.uint8))[1].tobytes()
    blank = keep.compare(picture("obama.jpg"), grey, operator="desk")
    assert (blank.verified, blank.acquired) == (False, False)
    assert blank.reasons
    with pytest.raises(ImageError):
        keep.compare(picture("obama.jpg"), b"", operator="desk")
    with pytest.raises(UsageError, match="1e-4"):
        keep.compare(picture("obama.jpg"), picture("obama2.jpg"), operator="desk", fmr=1e-3)
    with pytest.raises(UsageError, match="operator"):
        keep.compare(picture("obama.jpg"), picture("obama2.jpg"), operator="")
    keep.switch(Purpose.VERIFY, False)
    with pytest.raises(PurposeOffError):
        keep.compare(picture("obama.jpg"), picture("obama2.jpg"), operator="desk")


def test_a_picture_without_a_face_is_not_acquired(keep: Keep) -> None:
    grey = cv2.imencode(".png", np.full((300, 300, 3), 90, np.uint8))[1].tobytes()
    answer = keep.verify("obama", grey, operator="op")
    assert (answer.verified, answer.acquired) == (False, False)
    assert answer.reasons
    found = keep.identify(grey, case=CASE, operator="op")
    assert not found.acquired
    assert found.candidates == ()
    with pytest.raises(ImageError):
        keep.verify("obama", b"not a picture", operator="op")


def test_identification_gives_the_person_and_strangers_stay_unknown(keep: Keep, picture: Picture) -> None:
    found = keep.identify(picture("obama3.jpg"), case=CASE, operator="op")
    assert [(c.label, c.name) for c in found.candidates] == [("obama", "Obama Canary")]
    assert found.searched == 2
    assert labels(keep, picture("astronaut.png")) == []


def test_many_searches_answer_each_for_itself(keep: Keep, picture: Picture) -> None:
    pictures = [picture("obama2.jpg"), b"broken", picture("astronaut.png"), picture("biden.jpg")]
    first, broken, stranger, last = keep.identify_many(pictures, Search("op", CASE))
    assert isinstance(broken, ImageError)
    assert [c.label for c in first.candidates] == ["obama"]  # type: ignore[union-attr]
    assert stranger.candidates == ()  # type: ignore[union-attr]
    assert [c.label for c in last.candidates] == ["biden"]  # type: ignore[union-attr]


def test_a_search_may_be_limited_to_a_gallery(keep: Keep, picture: Picture) -> None:
    keep.enrol("guest", [picture("obama.jpg")], purposes=BOTH, notice=NOTICE, operator="op", gallery="guests")
    assert labels(keep, picture("obama2.jpg"), gallery="main") == ["obama"]
    assert labels(keep, picture("obama2.jpg"), gallery="guests") == ["guest"]
    assert sorted(labels(keep, picture("obama2.jpg"))) == ["guest", "obama"]
    assert labels(keep, picture("obama2.jpg"), gallery="other") == []


def test_several_references_of_a_person_count_as_one_candidate(keep: Keep, picture: Picture) -> None:
    added = keep.enrol("obama", [picture("obama.jpg")] * 2, purposes=BOTH, notice=NOTICE, operator="op")
    assert added.references == 2
    assert labels(keep, picture("obama2.jpg")) == ["obama"]
    assert keep.subject("obama").references == 3
    assert keep.verify("obama", picture("obama2.jpg"), operator="op").verified


def test_a_search_needs_an_open_case_of_its_purpose(keep: Keep, picture: Picture, clock: MovedClock) -> None:
    with pytest.raises(UsageError, match="needs a case"):
        keep.identify(picture("obama2.jpg"), operator="op")
    with pytest.raises(NotFoundError):
        keep.identify(picture("obama2.jpg"), case="invented", operator="op")
    keep.open_case("missing", operator="op", purpose=Purpose.MISSING_PERSON)
    with pytest.raises(RefusedError, match="another purpose"):
        keep.identify(picture("obama2.jpg"), case="missing", operator="op")
    clock.forward(days=31)
    with pytest.raises(RefusedError, match="expired"):
        keep.identify(picture("obama2.jpg"), case=CASE, operator="op")


def test_withdrawn_consent_takes_effect_at_once_and_for_that_purpose_only(keep: Keep, picture: Picture) -> None:
    keep.withdraw_consent("obama", Purpose.IDENTIFY)
    assert labels(keep, picture("obama2.jpg")) == []
    assert keep.verify("obama", picture("obama2.jpg"), operator="op").verified
    assert keep.subject("obama").purposes == (Purpose.VERIFY,)
    keep.withdraw_consent("obama", Purpose.VERIFY)
    assert not keep.verify("obama", picture("obama2.jpg"), operator="op").verified
    with pytest.raises(NotFoundError):
        keep.withdraw_consent("obama", Purpose.VERIFY)
    keep.give_consent("obama", Purpose.IDENTIFY, NOTICE)
    assert labels(keep, picture("obama2.jpg")) == ["obama"]
    assert [c.holds for c in keep.consents("obama")].count(True) == 1


def test_an_enrolment_gives_nobody_who_is_known_a_consent(keep: Keep, picture: Picture) -> None:
    keep.withdraw_consent("obama", Purpose.IDENTIFY)
    before, size = keep.consents("obama"), keep.size()
    for purposes in (BOTH, [Purpose.IDENTIFY], [Purpose.VERIFY, Purpose.PAYMENT]):
        with pytest.raises(ConsentError, match="is known, and does not consent") as refused:
            keep.enrol("obama", [picture("obama2.jpg")], purposes=purposes, notice=NOTICE, operator="op")
        assert "consent give" in refused.value.hint
    many = [Person(label, [lambda: picture("obama3.jpg")]) for label in ("obama", "barack")]
    done = keep.enrol_many(many, purposes=BOTH, notice="Another notice.", operator="op").outcomes
    assert {outcome.label: type(outcome.error) for outcome in done} == {"obama": ConsentError, "barack": type(None)}
    assert (keep.consents("obama"), keep.size()) == (before, size + 1)
    # Under what the person consents to, references are added, for no purpose more, and no consent is recorded.
    other = "Another notice, for whoever is new."
    keep.enrol("obama", [picture("obama3.jpg")], purposes=[Purpose.VERIFY], notice=other, operator="op")
    assert (keep.consents("obama"), keep.size()) == (before, size + 2)
    assert Notice(other).digest not in {notice.digest for notice in keep.notices()}
    keep.give_consent("obama", Purpose.IDENTIFY, NOTICE)  # an act of its own
    assert keep.enrol("obama", [picture("obama2.jpg")], purposes=BOTH, notice=NOTICE, operator="op").references == 1


def test_the_halves_enforce_a_withdrawal_even_if_the_registry_forgot(keep: Keep, picture: Picture) -> None:
    keep.withdraw_consent("obama", Purpose.IDENTIFY)
    head = keep._roles.left.head_of(keep._roles.registry.references_of(keep._rights.subject("obama").id)[0].pseudonym)
    assert head is not None
    assert head.purposes == Purpose.VERIFY.bit


def test_a_purpose_that_is_off_is_off_for_everybody(keep: Keep, picture: Picture, reopen: Callable[[], Keep]) -> None:
    keep.switch(Purpose.IDENTIFY, False)
    keep = reopen()
    assert keep.switches()[Purpose.IDENTIFY] is False
    with pytest.raises(PurposeOffError):
        keep.identify(picture("obama2.jpg"), case=CASE, operator="op")
    assert keep.verify("obama", picture("obama2.jpg"), operator="op").verified
    keep.switch(Purpose.IDENTIFY, True)
    assert labels(keep, picture("obama2.jpg")) == ["obama"]


def test_attendance_needs_no_case_but_its_own_consent_and_switch(keep: Keep, picture: Picture) -> None:
    keep.switch(Purpose.ATTENDANCE, True)
    search = {"operator": "op", "purpose": Purpose.ATTENDANCE}
    assert keep.identify(picture("obama2.jpg"), **search).candidates == ()  # type: ignore[arg-type]
    keep.give_consent("obama", Purpose.ATTENDANCE, NOTICE)
    assert [c.label for c in keep.identify(picture("obama2.jpg"), **search).candidates] == ["obama"]  # type: ignore[arg-type]


def test_erasing_ends_it(keep: Keep, picture: Picture, reopen: Callable[[], Keep], clock: MovedClock) -> None:
    erased = keep.erase("obama")
    assert erased.references == 1
    assert 0 <= (erased.backups_readable_until - clock()).days <= 30
    for open_one in (lambda: keep, reopen):
        again = open_one()
        assert not again.verify("obama", picture("obama2.jpg"), operator="op").verified
        assert labels(again, picture("obama2.jpg")) == []
        assert [p.label for p in again.subjects()] == ["biden"]
        with pytest.raises(NotFoundError):
            again.erase("obama")


def test_an_erased_name_is_in_no_file(keep: Keep, folder: Path) -> None:
    keep.erase("obama")
    keep.close()
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"Obama Canary" not in content
            assert "Obama Canary".encode("utf-16-le") not in content


def test_refresh_and_rotation_change_every_secret_and_no_answer(
    keep: Keep, folder: Path, picture: Picture, reopen: Callable[[], Keep]
) -> None:
    def secrets() -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in (folder / "keys").rglob("*.key") if "sign" not in p.name}

    first = secrets()
    assert keep.refresh().epoch == 1
    second = secrets()
    assert {name for name in first if "epoch" in name}.isdisjoint(second)
    keep.rotate()
    third = secrets()
    assert all(second[name] != third[name] for name in ("left.key", "right.key", "registry.key"))
    for open_one in (lambda: keep, reopen):
        again = open_one()
        assert again.verify("obama", picture("obama2.jpg"), operator="op").verified
        assert labels(again, picture("obama2.jpg")) == ["obama"]


def test_who_asked_never_to_be_returned_is_not(keep: Keep, picture: Picture, reopen: Callable[[], Keep]) -> None:
    assert keep.never_return("barack", picture("obama2.jpg"), operator="op") == 1
    assert labels(keep, picture("obama3.jpg")) == []
    assert labels(keep, picture("biden.jpg")) == ["biden"]
    keep = reopen()
    again = keep.enrol("again", [picture("obama.jpg")], purposes=BOTH, notice=NOTICE, operator="op")
    assert again.never_returned
    assert labels(keep, picture("obama3.jpg")) == []
    assert keep.verify("obama", picture("obama3.jpg"), operator="op").verified  # 1:1 is the person's own doing


def test_too_many_rejections_lock_a_reference_quietly_and_two_reviewers_release_it(
    keep: Keep, picture: Picture, reopen: Callable[[], Keep], clock: MovedClock
) -> None:
    stranger, self_ = picture("astronaut.png"), picture("obama2.jpg")
    for _ in range(10):
        assert not keep.verify("obama", stranger, operator="op").verified
    keep = reopen()
    keep.refresh()
    locked = keep.verify("obama", self_, operator="op")
    assert locked == keep.verify("nobody", self_, operator="op")
    with pytest.raises(RefusedError):
        keep.unlock("obama", ["one", "one"])
    keep.unlock("obama", ["one", "two"])
    assert keep.verify("obama", self_, operator="op").verified
    for _ in range(10):
        keep.verify("obama", stranger, operator="op")
    assert not keep.verify("obama", self_, operator="op").verified
    clock.forward(days=1)
    assert keep.verify("obama", self_, operator="op").verified


def test_a_case_has_a_hundred_searches(keep: Keep, picture: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = picture("astronaut.png")
    # One picture a hundred times, which is looked at once.
    looked = keep._acquisition.for_probe(probe)
    monkeypatch.setattr(keep._acquisition, "for_probes", lambda pictures: [looked] * len(pictures))
    assert len(keep.identify_many([probe] * 100, Search("op", CASE))) == 100
    with pytest.raises(BudgetError, match="case"):
        keep.identify(probe, case=CASE, operator="op")


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        ({"purposes": []}, ConsentError),
        ({"notice": " "}, ConsentError),
        ({"gallery": "never-return"}, UsageError),
        ({"operator": ""}, UsageError),
    ],
)
def test_enrolment_without_terms_is_refused(
    keep: Keep, picture: Picture, terms: dict[str, object], error: type[Exception]
) -> None:
    whole: dict[str, object] = {"purposes": BOTH, "notice": NOTICE, "operator": "op"}
    with pytest.raises(error):
        keep.enrol("new", [picture("obama.jpg")], **{**whole, **terms})  # type: ignore[arg-type]
    assert keep.status().people == 2


def test_a_picture_that_is_not_fit_enrols_nobody_and_says_why(keep: Keep, picture: Picture) -> None:
    sharp = cv2.imdecode(np.frombuffer(picture("obama.jpg"), np.uint8), cv2.IMREAD_COLOR)
    blurred = cv2.imencode(".png", cv2.GaussianBlur(sharp, (0, 0), 12))[1].tobytes()
    with pytest.raises(QualityError, match="blurred"):
        keep.enrol("new", [picture("obama.jpg"), blurred], purposes=BOTH, notice=NOTICE, operator="op")
    assert keep.status().people == 2
    keep.check()


def test_many_are_enrolled_though_some_fail(keep: Keep, picture: Picture, reopen: Callable[[], Keep]) -> None:
    told = []
    people = [
        Person("one", [lambda: picture("obama.jpg")]),
        Person("broken", [lambda: b"no picture"]),
        Person("one", [lambda: picture("biden.jpg")]),
        Person("none", []),
        Person("two", [lambda: picture("biden.jpg")], name="Two"),
    ]
    summary = keep.enrol_many(people, purposes=BOTH, notice=NOTICE, operator="op", progress=told.append)
    assert summary.enrolled == 2
    assert {o.label for o in summary.failed} == {"one", "broken", "none"}
    assert sorted(o.label for o in told) == sorted(o.label for o in summary.outcomes)
    assert {p.label for p in reopen().subjects()} == {"obama", "biden", "one", "two"}


@pytest.mark.parametrize("fmr", [0, 1e-3, 1, -1e-5, 1e-300])
def test_a_rate_that_verification_does_not_offer_is_refused(keep: Keep, picture: Picture, fmr: float) -> None:
    with pytest.raises(UsageError):
        keep.verify("obama", picture("obama2.jpg"), operator="op", fmr=fmr)


def test_one_to_one_and_one_to_many_purposes_do_not_mix(keep: Keep, picture: Picture) -> None:
    with pytest.raises(UsageError):
        keep.verify("obama", picture("obama2.jpg"), operator="op", purpose=Purpose.IDENTIFY)
    with pytest.raises(UsageError):
        keep.identify(picture("obama2.jpg"), operator="op", case=CASE, purpose=Purpose.VERIFY)


def test_a_keep_is_bound_to_its_model(folder: Path, pack: ModelPack) -> None:
    with pytest.raises(UsageError, match="another embedding model"):
        Keep.open(folder, pack=pack, settings=PipelineSettings(embedding="dlib_resnet"))


def test_a_keep_on_the_second_model_works_too(tmp_path: Path, pack: ModelPack, picture: Picture) -> None:
    with Keep.create(tmp_path / "dlib", pack=pack, settings=PipelineSettings(embedding="dlib_resnet")) as keep:
        keep.enrol("obama", [picture("obama.jpg")], purposes=BOTH, notice=NOTICE, operator="op")
        assert keep.verify("obama", picture("obama2.jpg"), operator="op").verified
        assert not keep.verify("obama", picture("biden.jpg"), operator="op").verified


def test_a_keep_is_open_in_one_process_only(keep: Keep, folder: Path, pack: ModelPack) -> None:
    with pytest.raises(UsageError):
        Keep.open(folder, pack=pack)


def test_a_keep_is_made_in_an_empty_folder_only(folder: Path, tmp_path: Path, pack: ModelPack) -> None:
    with pytest.raises(UsageError):
        Keep.create(folder, pack=pack)
    with pytest.raises(UsageError, match="no keep"):
        Keep.open(tmp_path / "nothing", pack=pack)


def test_only_the_owner_may_read_any_file(keep: Keep, folder: Path) -> None:
    for path in folder.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path.name


def test_a_closed_keep_says_so(keep: Keep, picture: Picture) -> None:
    keep.close()
    keep.close()
    with pytest.raises(UsageError, match="closed"):
        keep.verify("obama", picture("obama2.jpg"), operator="op")
    with pytest.raises(UsageError, match="closed"):
        list(keep.subjects())


def test_a_made_up_sign_in_waits_for_no_search_and_lets_none_wait(keep: Keep) -> None:
    begun = keep.begin_sign_in("http://localhost:8744")
    invited = keep.invite("ada", [Role.OPERATOR])
    with ThreadPoolExecutor(2) as threads, keep._lock.shared():  # a search is under way
        made_up = [
            threads.submit(keep.finish_sign_in, begun.name, "{}", "http://localhost:8744"),
            threads.submit(keep.finish_registration, invited.secret, begun.name, "{}", "http://localhost:8744"),
        ]
        for one in made_up:
            assert isinstance(one.exception(timeout=10), AuthenticationError)


def test_kept_answers_go_by_the_clock_without_another_request(keep: Keep, clock: MovedClock) -> None:
    client = keep.issue_token("a client", [Scope.CASES], days=30).client
    begun = keep.begin_request(client, "key", bytes(32))
    assert not isinstance(begun, KeptAnswer)
    keep.finish_request(begun, KeptAnswer(201, b"an answer"))
    keep.tend()
    clock.forward(hours=23)
    keep.tend()
    assert keep.begin_request(client, "key", bytes(32)) == KeptAnswer(201, b"an answer")
    clock.forward(hours=1)
    keep.tend()
    with keep._roles.registry.read() as view:
        assert view.requests() == ()
