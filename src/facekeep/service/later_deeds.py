"""What people had done after a backup, as what outlived the keep tells: receipts, bundles of the ledger, a registry.

Erasures are told by all of these, switches by bundles and registries, and all else by a registry alone: what a bundle
says of a person opens for that person only. Of several that tell of the same, the one with the longest ledger is right,
in whatever order they come; an erasure that any tells of is one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from facekeep.domain.consent import Purpose
from facekeep.domain.evidence import ConsentRules
from facekeep.domain.merkle import root
from facekeep.domain.retention import RetentionRule
from facekeep.domain.row import Pseudonym
from facekeep.domain.subject import SubjectId, subject_id
from facekeep.errors import BadInputError
from facekeep.ledger_verifier import Head, Report, VerifierKey, read_head, verify
from facekeep.service.references import comparable
from facekeep.store.keys import KeyProvider
from facekeep.store.registry import Registry
from facekeep.store.view import View

__all__ = ["LaterDeeds", "Survived"]

_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Survived:
    """What a registry that survived has of the people who are in the backup and were not erased, and its rules.

    Attributes:
        size: leaves of its ledger.
        consents: what each of them consents to.
        references: what is compared with probes of each.
        never_returned: who is on "never return me".
        consent_rules: what it asks of a consent.
        retention: its rules of retention.
    """

    size: int
    consents: Mapping[SubjectId, frozenset[Purpose]]
    references: Mapping[SubjectId, frozenset[Pseudonym]] = field(repr=False)
    never_returned: frozenset[SubjectId]
    consent_rules: ConsentRules
    retention: tuple[RetentionRule, ...]


@dataclass(slots=True)
class LaterDeeds:
    """What is known of the time after a backup.

    Attributes:
        key: of the ledger.
        head: the ledger's head at the backup.
        keep_id: of the keep.
        keys: of the keep.
        subjects: who was erased, some of them before the backup.
        switched: purposes that were switched after the backup, and how they were left.
        switched_at: leaves of the ledger that tells of switches.
        survived: the registry that survived; of several the last.
        known_until: until when every erasure is known; None if nothing tells of the time after the backup.
    """

    key: VerifierKey
    head: Head
    keep_id: bytes
    keys: KeyProvider = field(repr=False)
    subjects: set[SubjectId] = field(default_factory=set)
    switched: Mapping[Purpose, bool] = field(default_factory=dict)
    switched_at: int = 0
    survived: Survived | None = None
    known_until: datetime | None = None

    def add(self, path: Path, enrolled: Sequence[SubjectId]) -> None:
        """Take up a file.

        Args:
            path: a receipt of an erasure, a bundle of the ledger, or the registry of the keep as it was last.
            enrolled: who is in the backup.

        Raises:
            BadInputError: it cannot be read, is none of these, or is of another keep or another past.
            DamagedStoreError: it is a registry that does not open.
        """
        try:
            with path.open("rb") as file:
                is_registry = file.read(len(_SQLITE)) == _SQLITE
            data = b"" if is_registry else path.read_bytes()
        except OSError:
            raise BadInputError("what tells of later erasures cannot be read", hint=_HINT) from None
        if is_registry:
            self._add_registry(path, enrolled)
        else:
            self._add_bundle(data)

    def _add_registry(self, path: Path, enrolled: Sequence[SubjectId]) -> None:
        with Registry.look(path, self.keys) as registry, registry.read() as view:
            state = view.state
            if state.keep != self.keep_id:
                raise BadInputError("the registry that survived is of another keep", hint=_HINT)
            if state.ledgered < self.head.size:
                raise BadInputError("the registry that survived is older than the backup", hint="Leave it away.")
            if root(self.head.size, lambda place: view.ledger_nodes(place, 1)[0]) != self.head.root:
                raise BadInputError("the registry that survived has another past than the backup", hint=_HINT)
            if state.ledgered > self.head.size:
                known = max((read_head(head.note).time for head in view.ledger_heads()), default=self.head.time)
                self._know(datetime.fromisoformat(known))
            self._switch(state.ledgered, view.switches())
            erased = {subject for subject in enrolled if view.is_erased(subject)}
            self.subjects |= erased
            if self.survived is None or state.ledgered > self.survived.size:
                self.survived = _survived(view, [subject for subject in enrolled if subject not in erased])

    def _add_bundle(self, data: bytes) -> None:
        report = verify(data, self.key)
        if report.faults:
            raise BadInputError("a receipt or bundle is not what the ledger of this keep signed", hint=_HINT)
        if json.loads(data.split(b"\n", 1)[0])["whole"] and report.size > self.head.size:
            self._continue(data, report)
        for entry in report.opened.values():
            if entry["kind"] == "erased" and (subject := subject_id(entry["subject"])) is not None:
                self.subjects.add(subject)

    def _continue(self, data: bytes, report: Report) -> None:
        """Take up a whole log that is longer than that of the backup."""
        if verify(data, self.key, seen=[self.head]).faults:
            raise BadInputError("a bundle is of a ledger that is none of the backup's continuations", hint=_HINT)
        notes = [json.loads(line)["note"] for line in data.splitlines() if line.startswith(b'{"note"')]
        self._know(datetime.fromisoformat(read_head(notes[-1]).time))
        entries = [entry for leaf, entry in sorted(report.opened.items()) if leaf >= self.head.size]
        switched = {Purpose(e["purpose"]): e["to"] == "on" for e in entries if e["kind"] == "switched"}
        self._switch(report.size, switched)

    def _switch(self, size: int, switched: Mapping[Purpose, bool]) -> None:
        if size > self.switched_at:
            self.switched_at, self.switched = size, switched

    def _know(self, until: datetime) -> None:
        self.known_until = until if self.known_until is None else max(until, self.known_until)


def _survived(view: View, people: Sequence[SubjectId]) -> Survived:
    return Survived(
        size=view.state.ledgered,
        consents={p: frozenset(one.purpose for one in view.consents_of(p) if one.holds) for p in people},
        references={p: frozenset(one.pseudonym for one in comparable(view.references_of(p))) for p in people},
        never_returned=frozenset(p for p in people if view.is_never_returned(p)),
        consent_rules=view.consent_rules(),
        retention=view.retention_rules(),
    )


_HINT = "Give receipts (facekeep erase --receipt), a bundle (facekeep audit export), or registry.db of this very keep."
