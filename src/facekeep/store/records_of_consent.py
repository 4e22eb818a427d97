"""Notices and consents as records, before they are sealed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from facekeep.domain.consent import Consent, Notice, Purpose
from facekeep.domain.evidence import Evidence, Guardian
from facekeep.store.records import PAD_BYTES, Value, read_time, write_time

__all__ = ["CONSENT_BYTES", "consent_in", "consent_record", "notice_in", "notice_record"]

CONSENT_BYTES: Final = 3 * PAD_BYTES
"""Of a consent with a guardian of a usual name, and so of every one: no length shall tell minors apart."""

_PARTICULARS = ("retention", "recipients", "alternative", "replaces")


def notice_record(notice: Notice) -> dict[str, Value]:
    """A notice as it is sealed."""
    purposes = sorted(purpose.value for purpose in notice.purposes)
    record: dict[str, Value] = {"text": notice.text, "language": notice.language, "purposes": purposes}
    return record | {name: getattr(notice, name) for name in _PARTICULARS}


def notice_in(record: Mapping[str, Any]) -> Notice:
    """The notice in a record. Those of before notices were described have the text alone."""
    purposes = frozenset(Purpose(purpose) for purpose in record.get("purposes", ()))
    particulars = {name: record.get(name, "") for name in _PARTICULARS}
    return Notice(record["text"], record.get("language", ""), purposes, **particulars)


def consent_record(consent: Consent) -> dict[str, Value]:
    """A consent as it is sealed."""
    guardian = consent.guardian
    return {
        "purpose": consent.purpose.value,
        "notice": consent.notice,
        "given": write_time(consent.given),
        "withdrawn": None if consent.withdrawn is None else write_time(consent.withdrawn),
        "evidence": consent.evidence.written,
        "guardian": None if guardian is None else (guardian.name, guardian.relation, guardian.evidence.written),
        "of_age": None if consent.of_age is None else write_time(consent.of_age),
        "age_given": consent.age_given,
    }


def consent_in(record: Mapping[str, Any]) -> Consent:
    """The consent in a record. Those of before evidence was recorded have nobody's but the operator's word."""
    withdrawn, guardian, of_age = record["withdrawn"], record.get("guardian"), record.get("of_age")
    return Consent(
        purpose=Purpose(record["purpose"]),
        notice=record["notice"],
        given=read_time(record["given"]),
        withdrawn=None if withdrawn is None else read_time(withdrawn),
        evidence=Evidence.read(record.get("evidence", "word")),
        guardian=None if guardian is None else Guardian(guardian[0], guardian[1], Evidence.read(guardian[2])),
        of_age=None if of_age is None else read_time(of_age),
        age_given=record.get("age_given", False),
    )
