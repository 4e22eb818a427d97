r"""Entries of the ledger, and what stands in its tree in their place: a commitment that tells nothing by itself.

    commitment = SHA-256("facekeep-ledger-1\n" ‖ salt (32 random bytes) ‖ entry)

The entry is JSON in one way of writing (RFC 8785): an object of texts, its names in order and without spaces.
Salt and entry together open a commitment. Whoever destroys the salt has a leaf that fits the tree for
ever, and of which nobody can show any more what it said.

Invariants: an entry holds no score, position or picture, and neither label nor name of a data subject; it names people,
references and cases by random identifiers, and operators as they are called.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from facekeep.domain.canonical import canonical

__all__ = [
    "SALT_BYTES",
    "EntryKind",
    "LedgerEntry",
    "Opening",
    "Part",
    "SignedHead",
    "WatchedLog",
    "Witness",
    "deed",
    "written",
]

SALT_BYTES: Final = 32
_CONTEXT: Final = b"facekeep-ledger-1\n"


class EntryKind(StrEnum):
    """What the ledger tells of."""

    ENROLLED = "enrolled"
    """Somebody new was enrolled: ``references`` how many, ``operator`` who did it."""
    REFERENCES_ADDED = "references-added"
    """Somebody got further references: the same facts."""
    REFERENCE_REMOVED = "reference-removed"
    """Somebody lost one reference; ``by`` retention, and the ``law``, if a rule did it."""
    CONSENT_GIVEN = "consent-given"
    """Somebody consented to a ``purpose``, after reading the ``notice`` of this digest; ``evidence`` shows it;
    ``guardian`` is yes where one consented for a minor, and else no."""
    CONSENT_WITHDRAWN = "consent-withdrawn"
    """Somebody withdrew from a ``purpose``; ``guardian`` is yes where one did it for a minor; or it ended ``by``
    retention, as a ``law`` asks."""
    NEVER_RETURN_JOINED = "never-return-joined"
    """Somebody is never to be returned."""
    VERIFIED = "verified"
    """Somebody was claimed to be before the camera: ``purpose``, ``operator`` who asked, ``verified`` yes or no."""
    COMPARED_FOR_REVIEW = "compared-for-review"
    """Somebody was claimed to be before the camera, and people were asked: ``purpose``, ``operator`` who ordered it.
    What the comparison said, nobody is told before people said that it was a live person."""
    COMPARED = "compared"
    """An ``operator`` had two pictures compared."""
    SEARCHED = "searched"
    """An ``operator`` searched for a ``purpose``, under a ``case``; ``found`` how many people."""
    RETURNED = "returned"
    """Somebody was found by a search: ``purpose``, ``case``, ``operator``."""
    VIEWED = "viewed"
    """Somebody's record was shown to an ``operator``; ``part`` which of it."""
    EXPORTED = "exported"
    """Somebody had all that is held of them given out, to themselves or by an ``operator``; or, about nobody, an
    ``operator`` got the whole ledger."""
    APPEALED = "appealed"
    """Somebody objected: ``appeal`` what is said, ``about`` the leaf that it is about, if any."""
    APPEAL_ANSWERED = "appeal-answered"
    """An ``operator`` answered an appeal: ``upheld`` yes or no."""
    REVIEW_OPENED = "review-opened"
    """People were asked to decide: ``review``, the ``question``, and ``reasons``, separated by spaces."""
    REVIEW_VIEWED = "review-viewed"
    """The face of a ``review`` was shown to an ``operator``; ``why`` it was, in one of the words for it."""
    REVIEW_VOTED = "review-voted"
    """An ``operator`` voted in a ``review``. What, is told by the decision alone."""
    REVIEW_DECIDED = "review-decided"
    """People decided a ``review``: ``decision``; or it ended without, which the ``state`` tells."""
    REVIEW_EVIDENCE_DESTROYED = "review-evidence-destroyed"
    """The key of the pictures of a ``review`` was destroyed; nobody can open them any more."""
    REVIEW_CONCERN = "review-concern"
    """An ``operator`` reported a concern in a ``review``. Of what kind is told to officers alone."""
    CONCERN_ANSWERED = "concern-answered"
    """An ``operator`` answered what was reported in a ``review``."""
    ERASED = "erased"
    """Somebody was erased; ``subject`` is what they were called, at random, and means nothing any more; ``references``
    how many; ``copies-readable-until`` when the last copy of before that could be opened is unreadable; ``by``
    retention, and the ``law``, if a rule did it."""
    NOTICE_ADDED = "notice-added"
    """A ``notice`` can be shown, in a ``language``; ``replaces`` is the digest of the version before."""
    CASE_OPENED = "case-opened"
    """A ``case`` was opened for a ``purpose`` by an ``operator``."""
    CASE_CLOSED = "case-closed"
    """A ``case`` was closed before its time."""
    CASE_REMOVED = "case-removed"
    """The record of a ``case``, for a ``purpose``, was removed: ``by`` retention, as a ``law`` asks."""
    RETENTION_SET = "retention-set"
    """A rule of retention was set: ``law``, ``basis``, ``purpose`` if it is for one, ``days``."""
    RETENTION_REMOVED = "retention-removed"
    """A rule of retention was removed: the same facts."""
    SWITCHED = "switched"
    """A ``purpose`` was switched ``to`` on or off for everybody."""
    CONSENT_RULES_SET = "consent-rules-set"
    """What is asked of consents: ``guardian-under`` an age in years, ``age-required`` yes or no."""
    LISTED = "listed"
    """A list of ``people``, so many, was shown to an ``operator``."""
    COUNTED = "counted"
    """A ``quarter`` that is over was counted for publishing: ``counts`` of what people's own entries tell, by tens."""
    FILING_REACHED = "filing-reached"
    """So many people are enrolled that it has to be filed with an authority: ``limit`` how many, ``reached`` when.
    Written once for each limit."""
    BEGUN = "begun"
    """The ledger began; its heads are signed by ``ledger-key``."""
    REFRESHED = "refreshed"
    """New shares of every row and new epoch keys were drawn, the old destroyed; ``epoch`` is that of the halves."""
    ROTATED = "rotated"
    """New role keys of the three stores were drawn, the old destroyed."""
    KEY_GRANTED = "key-granted"
    """A ``key`` may sign searches of a ``holder`` for ``purposes`` ``until`` a time; in place of an older of its name.
    No holder is the keep's own desk, no time is for ever."""
    KEY_REVOKED = "key-revoked"
    """A ``key`` signs no search any more."""
    BUDGET_FORGIVEN = "budget-forgiven"
    """The rejected comparisons of somebody's references were forgiven by two ``reviewers``."""
    ACCOUNT_CREATED = "account-created"
    """An ``account`` with ``roles`` was made, and invited."""
    ACCOUNT_INVITED = "account-invited"
    """An ``account`` was invited again."""
    ACCOUNT_CHANGED = "account-changed"
    """An ``account`` got other ``roles``."""
    ACCOUNT_REVOKED = "account-revoked"
    """An ``account`` was forgotten."""
    REVIEWER_KEY_ADDED = "reviewer-key-added"
    """Evidence is sealed to a ``key`` of an ``account`` from now on."""
    REVIEWER_KEY_REVOKED = "reviewer-key-revoked"
    """A ``key`` of an ``account`` opens nothing any more; what was sealed to it was sealed anew."""
    PASSKEY_ADDED = "passkey-added"
    """An ``account`` got a passkey, by its link."""
    TOKEN_CREATED = "token-created"  # noqa: S105 - the name of a kind
    """A machine ``client`` with ``scopes`` got a token ``until`` a time."""
    TOKEN_REVOKED = "token-revoked"  # noqa: S105 - the name of a kind
    """A machine ``client`` was forgotten."""
    LOGS = "logs"
    """How many records the logs of the halves have, and the heads of their trees: ``left``, ``right``."""
    WITNESS_ADDED = "witness-added"
    """A ``witness`` may co-sign heads of this ledger; its name and key, as verifiers take it."""
    WITNESS_REMOVED = "witness-removed"
    """A ``witness`` may do so no more."""
    COSIGNED = "cosigned"
    """This keep co-signed a head of another log: its ``origin``, ``size`` and ``root``."""
    WEBHOOK_ADDED = "webhook-added"
    """A ``webhook`` is told of ``events``."""
    WEBHOOK_REMOVED = "webhook-removed"
    """A ``webhook`` is told of nothing any more."""
    BACKED_UP = "backed-up"
    """A backup was made at a ``generation``; ``registry``, ``left`` and ``right`` are the SHA-256 of its archives."""
    RESTORED = "restored"
    """The keep was restored from a backup of a ``generation``, ``made`` then; ``erased`` how many people were erased
    anew, since they had been erased after it."""


class Part(StrEnum):
    """Which part of a person's record was shown."""

    RECORD = "record"
    """All that the registry holds of the person."""
    REFERENCES = "references"
    CONSENTS = "consents"
    APPEALS = "appeals"
    """What the person objected to, in the person's own words."""
    LEDGER = "ledger"
    """The person's own entries of the ledger."""


def written(time: datetime) -> str:
    """A time as entries and heads have it: UTC, ISO 8601, to the millisecond."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One thing that was done.

    Attributes:
        kind: what.
        time: when, with time zone; kept to the millisecond.
        facts: what else is to be known of it, by names of lower-case letters.
    """

    kind: EntryKind
    time: datetime
    facts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.time.tzinfo is None:
            raise ValueError("the time of an entry has a time zone")
        if {"kind", "time"} & set(self.facts):
            raise ValueError("kind and time of an entry are no facts")
        time = self.time.astimezone(UTC)
        object.__setattr__(self, "time", time.replace(microsecond=time.microsecond // 1000 * 1000))
        object.__setattr__(self, "facts", MappingProxyType(dict(self.facts)))

    @property
    def written(self) -> bytes:
        """The entry as it is committed to."""
        whole = {"kind": self.kind.value, "time": written(self.time), **self.facts}
        return canonical(whole)

    @classmethod
    def read(cls, written: bytes) -> LedgerEntry:
        """The entry that was written.

        Raises:
            ValueError: it is none, or not written as entries are.
        """
        whole = json.loads(written)
        facts = {name: fact for name, fact in whole.items() if name not in ("kind", "time")}
        entry = cls(EntryKind(whole["kind"]), datetime.fromisoformat(whole["time"]), facts)
        if entry.written != written:
            raise ValueError("the bytes are not the way in which an entry is written")
        return entry


def deed(kind: EntryKind, time: datetime, operator: str, **facts: str) -> LedgerEntry:
    """An entry of what somebody did.

    Args:
        kind: what.
        time: when, with time zone.
        operator: the pseudonym of who did it; "" if it was asked of the keep by nobody who has a name, as in a program
            that has the keep open. The entry has no such fact then.
        facts: what else, in names with underscores for hyphens.
    """
    told = {name.replace("_", "-"): fact for name, fact in facts.items()}
    return LedgerEntry(kind, time, told | ({"operator": operator} if operator else {}))


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a commitment.

    Attributes:
        salt: 32 random bytes, of this entry alone.
        entry: what was committed to.
    """

    salt: bytes = field(repr=False)
    entry: LedgerEntry

    def __post_init__(self) -> None:
        if len(self.salt) != SALT_BYTES:
            raise ValueError(f"a salt has {SALT_BYTES} bytes")

    @property
    def commitment(self) -> bytes:
        """What is a leaf's entry in the tree, 32 bytes."""
        return hashlib.sha256(_CONTEXT + self.salt + self.entry.written).digest()


@dataclass(frozen=True, slots=True)
class SignedHead:
    """The head of the tree of the first leaves, signed.

    Attributes:
        size: how many leaves.
        note: the signed text.
    """

    size: int
    note: str


@dataclass(frozen=True, slots=True)
class Witness:
    """Who co-signs heads of this ledger.

    Attributes:
        name: by which its signatures name it.
        key: its public key, as verifiers take it.
        size: leaves of the largest head that it has co-signed; 0 for none.
    """

    name: str
    key: str
    size: int


@dataclass(frozen=True, slots=True)
class WatchedLog:
    """A log of somebody else whose heads this keep has co-signed.

    Attributes:
        origin: what the log is called.
        notes: heads that were co-signed, in the order of their sizes; the newest, and some of before.
    """

    origin: str
    notes: tuple[str, ...]
