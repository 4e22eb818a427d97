"""What people had done after a backup, as what outlived the keep tells: receipts, bundles of the ledger, a registry.

Erasures are told by all of these, switches by bundles and registries, and withdrawals by a registry alone: what a
bundle says of a person opens for that person only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from facekeep.domain.consent import Purpose
from facekeep.domain.merkle import root
from facekeep.domain.subject import SubjectId, subject_id
from facekeep.errors import BadInputError
from facekeep.ledger_verifier import Head, Report, VerifierKey, read_head, verify
from facekeep.store.keys import KeyProvider
from facekeep.store.registry import Registry

__all__ = ["LaterDeeds"]

_SQLITE = b"SQLite format 3\0"


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
        consents: what people consent to, as a registry that survived has it.
        never_returned: who is on "never return me", as such a registry has it.
        known_until: until when every erasure is known; None if nothing tells of the time after the backup.
    """

    key: VerifierKey
    head: Head
    keep_id: bytes
    keys: KeyProvider = field(repr=False)
    subjects: set[SubjectId] = field(default_factory=set)
    switched: dict[Purpose, bool] = field(default_factory=dict)
    consents: dict[SubjectId, frozenset[Purpose]] = field(default_factory=dict)
    never_returned: set[SubjectId] = field(default_factory=set)
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
            self.switched |= view.switches()
            for subject in enrolled:
                if view.is_erased(subject):
                    self.subjects.add(subject)
                    continue
                held = frozenset(consent.purpose for consent in view.consents_of(subject) if consent.holds)
                self.consents[subject] = held
                if view.is_never_returned(subject):
                    self.never_returned.add(subject)

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
        for leaf, entry in sorted(report.opened.items()):
            if leaf >= self.head.size and entry["kind"] == "switched":
                self.switched[Purpose(entry["purpose"])] = entry["to"] == "on"

    def _know(self, until: datetime) -> None:
        self.known_until = until if self.known_until is None else max(until, self.known_until)


_HINT = "Give receipts (facekeep erase --receipt), a bundle (facekeep audit export), or registry.db of this very keep."
