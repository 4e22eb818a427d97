"""What a keep does for the person whom it is about: the export equals the rows held, appeals, never return me."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest
from sqlalchemy import func, select

from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.appeals import APPEAL_TEXT_MAX, AppealId, AppealKind
from facekeep.domain.consent import Purpose
from facekeep.domain.ledger import EntryKind
from facekeep.domain.requests import KeptAnswer
from facekeep.domain.subject import SubjectId
from facekeep.domain.webhooks import EventKind
from facekeep.errors import NotFoundError, RefusedError, UsageError
from facekeep.ledger_verifier import VerifierKey, verify
from facekeep.service import keep_own
from facekeep.service.answers import AccessOutcome
from facekeep.service.keep import Keep
from facekeep.service.own_page import Language, own_page
from facekeep.store import tables
from tests.unit.service.conftest import MovedClock
from tests.unit.service.reviewing import a_person, filed

Picture = Callable[[str], bytes]

SECTIONS: dict[str, Callable[[dict[str, Any]], int]] = {
    "accounts": lambda own: len(own["accounts"]),
    "appeals": lambda own: len(own["appeals"]),
    "consents": lambda own: len(own["consents"]),
    "ledger_own": lambda own: len(own["entries"]),
    "never_return": lambda own: int(own["never_returned"] is not None),
    "references": lambda own: len(own["references"]),
    "review_words": lambda own: len(own["review_words"]),
    "reviews": lambda own: len(own["reviews"]),
}
"""Where the rows of each table that is bound to people are in an export."""


@pytest.fixture
def kept(keep: Keep, picture: Picture) -> Keep:
    """A keep in which one person has something of everything."""
    keep.add_webhook("https://hooks.example.org/", list(EventKind))
    keep.invite("obama at home", [Role.DATA_SUBJECT], label="obama", identity=("https://id.example.org", "4711"))
    keep.verify("obama", picture("obama2.jpg"), operator="front door")
    keep.identify(picture("obama2.jpg"), operator="op", case="lost child")
    keep.withdraw_consent("obama", Purpose.VERIFY)
    keep.never_return_known("obama")
    keep.file_appeal("obama", AppealKind.NOT_ME, about=keep.accesses("obama")[0].leaf, text="I was at home.")
    for number in range(2):
        a_person(keep, f"reviewer {number}")
    subject = SubjectId(bytes.fromhex(keep.subject("obama").id))
    review = filed(keep, keep.invite("till", [Role.OPERATOR]).account, subject=subject)
    keep.state_review(subject.hex(), review.id.hex(), "It was dark.")
    return keep


def test_an_export_equals_the_rows_held(kept: Keep) -> None:
    own = json.loads(kept.own_data("obama").as_json())
    subject = SubjectId(bytes.fromhex(own["subject"]["id"]))
    bound = {table.name: table for table in tables.metadata.tables.values() if "subject" in table.c}
    assert set(bound) == set(SECTIONS), "a table bound to people is in no section of the export"
    with kept._roles.registry.read() as view:
        for name, table in bound.items():
            counted = select(func.count()).select_from(table).where(table.c.subject == subject)
            rows = view._connection.execute(counted).scalar_one()
            assert rows > 0, name
            assert SECTIONS[name](own) == rows, name
    (account,) = own["accounts"]
    assert account["identities"] == [["https://id.example.org", "4711"]]
    assert len(account["invitations"]) == 1
    assert {event["kind"] for event in own["messages"]} == {"consent.withdrawn", "appeal.filed"}
    assert own["subject"]["name"] == "Obama Canary"
    assert [notice["text"] for notice in own["notices"]] == [
        "Your face opens this door. Ask at the desk to have it erased."
    ]
    assert [(access["outcome"], access["operator"]) for access in own["accesses"]] == [
        ("returned", "op"),
        ("verified", None),
    ]


def test_an_export_verifies_and_is_in_the_ledger(kept: Keep) -> None:
    own = kept.own_data("obama", operator="op")
    report = verify(own.ledger.encode(), VerifierKey.read(kept.ledger_key))
    assert report.faults == []
    last = report.opened[max(report.opened)]
    assert last["kind"] == "exported"
    assert last["operator"] == kept.operator_pseudonym("op")
    assert sorted(report.opened) == [one.leaf for one in own.entries]
    assert "operator" not in kept.own_data("obama").entries[-1].entry.facts


def test_an_export_holds_nothing_of_others(kept: Keep) -> None:
    written = kept.own_data("obama").as_json()
    others = kept.subject("biden")
    assert "biden" not in written.lower()
    assert others.id not in written
    with pytest.raises(NotFoundError):
        kept.own_data("nobody")


def test_a_kept_answer_about_the_person_is_told(kept: Keep) -> None:

    client = kept.issue_token("till", [Scope.READ], days=1).client
    begun = kept.begin_request(client, "one", b"1")
    assert not isinstance(begun, KeptAnswer)
    subject = SubjectId(bytes.fromhex(kept.subject("obama").id))
    kept.finish_request(begun, KeptAnswer(200, b"{}", subject))
    assert kept.own_data("obama").answers == 1
    assert kept.own_data("biden").answers == 0


def test_never_return_without_a_picture_takes_own_references_out_at_once(keep: Keep, picture: Picture) -> None:
    def found() -> list[str]:
        answer = keep.identify(picture("obama2.jpg"), operator="op", case="lost child")
        return [candidate.label for candidate in answer.candidates]

    assert found() == ["obama"]
    assert keep.never_return_known("obama") == 1
    assert found() == []
    assert keep.subject("obama").never_returned
    assert keep.verify("obama", picture("obama2.jpg"), operator="op").verified
    assert keep.never_return_known("obama") == 0
    kinds = [one.entry.kind.value for one in keep.own_data("obama").entries]
    assert kinds.count("never-return-joined") == 1
    # References that are added later are left out too.
    assert keep.add_references("obama", [picture("obama2.jpg")], operator="op").never_returned
    assert found() == []


def test_an_appeal_is_filed_answered_once_and_told(kept: Keep, clock: MovedClock) -> None:
    (first,) = kept.appeals_of("obama")
    assert (first.kind, first.text, first.answer) == (AppealKind.NOT_ME, "I was at home.", None)
    clock.forward(hours=2)
    done = kept.answer_appeal(first.id.hex(), upheld=True, text=" You are right. ", operator="officer")
    assert done.answer is not None
    assert (done.answer.upheld, done.answer.text, done.answer.answered) == (True, "You are right.", clock.now)
    assert kept.appeals() == kept.appeals_of("obama") == (done,)
    with pytest.raises(UsageError, match="was answered"):
        kept.answer_appeal(first.id.hex(), upheld=False, text="No.", operator="officer")
    kinds = [one.entry.kind.value for one in kept.own_data("obama").entries]
    assert kinds[-4:] == ["appealed", "review-opened", "appeal-answered", "exported"]


def test_appeals_go_with_the_person(kept: Keep) -> None:
    kept.erase("obama")
    assert kept.appeals() == ()


@pytest.mark.parametrize(
    ("about", "text", "said"),
    [
        (None, " ", "is about an entry"),
        (10_000, "", "no entry"),
        (None, "x" * (APPEAL_TEXT_MAX + 1), "at most"),
        (None, "\ud800", "at most"),
    ],
)
def test_an_unfit_appeal_is_refused(keep: Keep, about: int | None, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        keep.file_appeal("obama", AppealKind.APPEAL, about=about, text=text)
    assert keep.appeals() == ()


def test_nobody_appeals_about_anothers_entry(keep: Keep) -> None:
    leaf = keep.own_data("biden").entries[-1].leaf
    with pytest.raises(UsageError, match="no entry"):
        keep.file_appeal("obama", AppealKind.APPEAL, about=leaf)


def test_open_appeals_are_bounded(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep_own, "OPEN_APPEALS_MAX", 1)
    first = keep.file_appeal("obama", AppealKind.APPEAL, text="One.")
    with pytest.raises(UsageError, match="too many"):
        keep.file_appeal("obama", AppealKind.APPEAL, text="Two.")
    keep.answer_appeal(first.id.hex(), upheld=False, text="No.", operator="officer")
    keep.file_appeal("obama", AppealKind.APPEAL, text="Two.")


def test_others_write_down_what_a_person_says_and_learn_nothing_by_it(
    kept: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = kept.accesses("obama")[0].leaf
    for leaf in (right, 10_000):  # alike
        with pytest.raises(UsageError, match="only the person names an entry"):
            kept.file_appeal("obama", AppealKind.APPEAL, about=leaf, by="desk")
    monkeypatch.setattr(keep_own, "OPEN_APPEALS_MAX", 2)
    for text in ("One.", "Two."):
        kept.file_appeal("obama", AppealKind.APPEAL, text=text, by="desk")
    with pytest.raises(UsageError, match="too many"):
        kept.file_appeal("obama", AppealKind.APPEAL, text="Three.", by="desk")
    own = kept.file_appeal("obama", AppealKind.APPEAL, text="My own.")
    last = kept.own_data("obama").entries
    filed = [one.entry.facts.get("operator") for one in last if one.entry.kind is EntryKind.APPEALED]
    desk = kept.operator_pseudonym("desk")
    assert filed == [None, desk, desk, None]
    assert own.filed_by == ""


def test_whoever_is_concerned_does_not_answer(kept: Keep) -> None:
    (about_a_search,) = kept.appeals_of("obama")  # of "op"
    with pytest.raises(RefusedError, match="concerned"):
        kept.answer_appeal(about_a_search.id.hex(), upheld=False, text="No.", operator="op")
    written_down = kept.file_appeal("obama", AppealKind.APPEAL, text="Told at the desk.", by="desk")
    with pytest.raises(RefusedError, match="concerned"):
        kept.answer_appeal(written_down.id.hex(), upheld=False, text="No.", operator="desk")
    assert all(appeal.answer is None for appeal in kept.appeals())
    kept.answer_appeal(about_a_search.id.hex(), upheld=True, text="Right.", operator="officer")


def test_the_ledger_says_who_had_somebody_join_never_return(keep: Keep, picture: Picture) -> None:
    keep.never_return_known("obama", by="desk")
    keep.never_return("biden", picture("biden.jpg"), operator="op")
    for label, operator in (("obama", "desk"), ("biden", "op")):
        last = keep.own_data(label).entries[-2].entry
        assert (last.kind, last.facts) == (
            EntryKind.NEVER_RETURN_JOINED,
            {"operator": keep.operator_pseudonym(operator)},
        )


@pytest.mark.parametrize("appeal", ["", "zz", AppealId(bytes(16)).hex()])
def test_an_unknown_appeal_is_told(keep: Keep, appeal: str) -> None:
    with pytest.raises(NotFoundError):
        keep.answer_appeal(appeal, upheld=True, text="Yes.", operator="officer")


def test_an_answer_says_why(kept: Keep) -> None:
    with pytest.raises(UsageError, match="says why"):
        kept.answer_appeal(kept.appeals()[0].id.hex(), upheld=True, text="", operator="officer")


def test_outcomes_are_words(kept: Keep) -> None:
    assert {access.outcome for access in kept.accesses("obama")} == {AccessOutcome.RETURNED, AccessOutcome.VERIFIED}


@pytest.mark.parametrize(
    ("language", "title"), [(Language.ENGLISH, "What is held of you"), (Language.CHINESE, "关于您")]
)
def test_the_page_shows_every_record_and_runs_nothing(kept: Keep, language: Language, title: str) -> None:
    kept.file_appeal("obama", AppealKind.APPEAL, text="<script>alert(1)</script>")
    own = kept.own_data("obama")
    page = own_page(own, language)
    assert title in page
    assert f'<html lang="{language.value}">' in page
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    shown = [own.subject.name, own.notices[0].text, "I was at home.", "4711", own.keep]
    assert [text for text in shown if text not in page] == []
    assert page.count('class="record"') == 1 + sum(
        len(part)
        for part in (
            own.references,
            own.consents,
            own.notices,
            own.appeals,
            own.reviews,
            own.review_words,
            own.accounts,
        )
    )
    assert "biden" not in page.lower()


def test_both_languages_have_the_same_sections() -> None:
    english, chinese = (
        json.loads((resources.files("facekeep.service") / "words" / f"own.{language}.json").read_text("utf-8"))
        for language in ("en", "zh-Hans")
    )
    assert {name for name in english if "." not in name or name.startswith("section.")} == {
        name for name in chinese if "." not in name or name.startswith("section.")
    }
    assert set(english) <= set(chinese)
