"""Notices by their hashes, and the circumstances of a consent: no two notices have one hash; minors have guardians."""

import hashlib
import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.consent import Consent, Notice, Purpose
from facekeep.domain.evidence import Circumstances, ConsentRules, Evidence, EvidenceKind, Guardian
from facekeep.errors import ConsentError, FacekeepError, FormatError, UsageError

NOW = datetime(2026, 11, 26, 15, tzinfo=UTC)
MOTHER = Guardian("Ada's mother", "mother")
SAID = st.sampled_from(["", "a", "b", '"', "\\", "a\n", '","replaces":"', "é"]) | st.text(max_size=6)
NOTICES = st.builds(
    Notice,
    SAID,
    st.sampled_from(["", "en", "de"]),
    st.frozensets(st.sampled_from(Purpose), max_size=3),
    SAID,
    SAID,
    SAID,
    st.sampled_from(["", "0" * 64, "1" * 64]),
)


def test_a_text_alone_is_hashed_as_it_ever_was() -> None:
    text = "We keep two random halves."
    plain = Notice(text, "en", frozenset({Purpose.VERIFY}))
    assert plain.digest == Notice(text).digest == hashlib.sha256(text.encode()).hexdigest()


def test_what_is_said_beside_the_text_is_in_the_hash_as_the_specification_writes_it() -> None:
    notice = Notice("Wir.", "de", frozenset({Purpose.VERIFY, Purpose.PAYMENT}), "30 Tage", "niemand", "Karte")
    whole = {
        "alternative": "Karte",
        "language": "de",
        "purposes": ["payment", "verify"],
        "recipients": "niemand",
        "replaces": "",
        "retention": "30 Tage",
        "text": "Wir.",
    }
    written = json.dumps(whole, separators=(",", ":")).encode()
    assert notice.digest == hashlib.sha256(b"\xfffacekeep-notice-1\n" + written).hexdigest()


def test_the_example_of_the_specification_is_right() -> None:
    page = (Path(__file__).parents[3] / "docs/spec/notices.md").read_text(encoding="utf-8")
    (written,) = (line.strip() for line in page.splitlines() if line.startswith('    {"alternative"'))
    said = json.loads(written)
    notice = Notice(**said | {"purposes": frozenset(map(Purpose, said["purposes"]))})
    assert f"    {notice.digest}\n" in page
    assert hashlib.sha256(b"\xfffacekeep-notice-1\n" + written.encode()).hexdigest() == notice.digest


@given(NOTICES, NOTICES)
def test_notices_that_say_another_thing_have_another_hash(one: Notice, other: Notice) -> None:
    same = one == other or (one.text == other.text and not one.is_particular and not other.is_particular)
    assert (one.digest == other.digest) is same


@given(NOTICES, st.data())
def test_a_change_of_one_field_changes_the_hash(notice: Notice, data: st.DataObject) -> None:
    notice = replace(notice, retention=notice.retention or "a year")
    name = data.draw(st.sampled_from([each.name for each in fields(Notice)]))
    changed = replace(notice, **{name: getattr(data.draw(NOTICES), name)})
    assert (changed.digest == notice.digest) is (changed == notice)


@given(SAID, SAID)
def test_what_is_said_cannot_be_moved_to_another_field(one: str, other: str) -> None:
    orders = {Notice("x", retention=one, recipients=other), Notice("x", retention=other, recipients=one)}
    orders |= {Notice("x", alternative=one + other, retention="."), Notice("x", retention=one + other + ".")}
    assert len({notice.digest for notice in orders}) == len(orders)


def test_no_text_is_hashed_as_a_whole_notice() -> None:
    """Whoever chose a text could else have one consent name two notices."""
    whole = Notice("x", retention="a year")
    written = json.dumps(
        {"alternative": "", "language": "", "purposes": [], "recipients": "", "replaces": "", "retention": "a year"}
        | {"text": "x"},
        separators=(",", ":"),
    )
    for start in ("\xff", "", "\udcff".encode("utf-8", "surrogateescape").decode("latin-1")):
        assert Notice(f"{start}facekeep-notice-1\n{written}").digest != whole.digest


@pytest.mark.parametrize(
    ("name", "said"),
    [("retention", "x" * 10_001), ("recipients", "\ud800"), ("replaces", "ABCD"), ("replaces", "0" * 63 + "\n")],
)
def test_what_is_no_notice(name: str, said: str) -> None:
    with pytest.raises(FormatError):
        replace(Notice("x"), **{name: said})


@pytest.mark.parametrize("written", ["word", "capture:" + "0a" * 16, "form:" + "0a" * 32, "account:" + "0a" * 16])
def test_evidence_is_written_and_read(written: str) -> None:
    assert Evidence.read(written).written == written


@pytest.mark.parametrize(
    "written",
    [
        "",
        "word:",
        "word:" + "0" * 32,
        "form",
        "form:",
        "form:" + "0" * 32,
        "capture:" + "0" * 64,
        "form:" + "0A" * 32,
        "seal:" + "0" * 64,
        "form:" + "0" * 64 + "\n",
    ],
)
def test_what_is_no_evidence(written: str) -> None:
    with pytest.raises(FormatError):
        Evidence.read(written)


def test_a_form_is_named_by_the_digest_of_its_scan() -> None:
    assert Evidence.form(b"scan") == Evidence(EvidenceKind.FORM, hashlib.sha256(b"scan").hexdigest())
    with pytest.raises(FormatError):
        Evidence(EvidenceKind.FORM)


@pytest.mark.parametrize("make", [lambda: Guardian(" "), lambda: Guardian("x" * 513), lambda: Guardian("x", "y" * 129)])
def test_what_is_no_guardian(make: object) -> None:
    with pytest.raises(FormatError):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("age", [-1, 151, True])
def test_what_is_no_age(age: int) -> None:
    with pytest.raises(FormatError):
        Circumstances(age=age)


def test_neither_guardian_nor_age_is_shown() -> None:
    shown = repr(Circumstances(Evidence(), MOTHER, 9))
    assert "Ada" not in shown
    assert "mother" not in shown
    assert "9" not in shown


@pytest.mark.parametrize(
    ("under", "age", "guardian", "fault"),
    [
        (18, 17, None, ConsentError),  # the last year as a minor
        (18, 17, MOTHER, None),
        (18, 18, None, None),  # from the birthday on
        (18, 18, MOTHER, ConsentError),
        (14, 13, None, ConsentError),
        (14, 14, None, None),
        (0, 0, None, None),
        (0, 0, MOTHER, ConsentError),
        (21, 20, None, ConsentError),
        (18, None, None, None),
        (18, None, MOTHER, UsageError),
    ],
)
def test_under_the_age_a_guardian_consents_and_nobody_from_the_birthday_on(
    under: int, age: int | None, guardian: Guardian | None, fault: type[FacekeepError] | None
) -> None:
    rules, said = ConsentRules(under), Circumstances(guardian=guardian, age=age)
    if fault is not None:
        with pytest.raises(fault):
            rules.of_age(said, NOW)
    else:
        assert (rules.of_age(said, NOW) is not None) is (guardian is not None)


def test_an_age_may_be_asked_of_everybody() -> None:
    rules = ConsentRules(14, age_required=True)
    with pytest.raises(ConsentError):
        rules.of_age(Circumstances(), NOW)
    assert rules.of_age(Circumstances(age=14), NOW) is None


@pytest.mark.parametrize("under", [-1, 22])
def test_what_is_no_rule(under: int) -> None:
    with pytest.raises(FormatError):
        ConsentRules(under)


@pytest.mark.parametrize(
    ("day", "age", "until"),
    [
        (NOW, 17, "2027-11-26"),
        (NOW, 0, "2044-11-26"),
        (datetime(2024, 2, 29, tzinfo=UTC), 17, "2025-03-01"),
        (datetime(2024, 2, 29, tzinfo=UTC), 14, "2028-02-29"),
        (datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=8))), 17, "2026-12-31"),
    ],
)
def test_a_minor_is_of_age_by_the_day_on_which_any_birthday_was(day: datetime, age: int, until: str) -> None:
    of_age = ConsentRules(18).of_age(Circumstances(guardian=MOTHER, age=age), day)
    assert of_age is not None
    assert of_age.isoformat() == f"{until}T23:59:59+00:00"
    consent = Consent(Purpose.VERIFY, "0" * 64, day, guardian=MOTHER, of_age=of_age)
    assert not consent.is_outgrown(of_age)
    assert consent.is_outgrown(of_age + timedelta(seconds=1))


def test_a_guardian_and_the_end_of_the_guardians_word_are_recorded_together() -> None:
    with pytest.raises(FormatError):
        Consent(Purpose.VERIFY, "0" * 64, NOW, guardian=MOTHER)
    with pytest.raises(FormatError):
        Consent(Purpose.VERIFY, "0" * 64, NOW, of_age=NOW)
