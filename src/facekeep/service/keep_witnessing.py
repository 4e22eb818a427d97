"""Witnesses: others who co-sign heads of this keep's ledger, and this keep as a witness of other logs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from facekeep.domain.accounts import Operator
from facekeep.domain.ledger import EntryKind, SignedHead, WatchedLog, Witness, deed
from facekeep.errors import BadInputError, NotFoundError, UsageError
from facekeep.ledger_verifier import Fault, Head, VerifierKey, read_head
from facekeep.service.keep_ledger import KeepLedger, witnessed_head
from facekeep.service.witnessing import Prove, examined

__all__ = ["Cosigned", "KeepWitnessing"]

_WITNESS: Final = 4  # the kind of a key that co-signs
_WITNESSES_MAX: Final = 16
_REMEMBERED: Final = 64  # heads of another log, by which a fork is located
_KEY_HINT: Final = "A witness shows its key by facekeep audit witness-key."


@dataclass(frozen=True, slots=True)
class Cosigned:
    """What became of a head of another log.

    Attributes:
        size: its leaves; 0 if it was not co-signed.
        cosignature: the line that goes under it; "" if it was not co-signed.
        fault: what is wrong with the log, and between which leaves; None if the head was co-signed.
    """

    size: int
    cosignature: str
    fault: Fault | None


class KeepWitnessing(KeepLedger):
    """What a keep does with witnesses and as one. See :class:`facekeep.service.keep.Keep`."""

    # Who co-signs for this keep

    def add_witness(self, key: str, *, by: Operator | None = None) -> Witness:
        """Let a witness co-sign heads of the ledger, in place of one of the same name.

        Args:
            key: its public key with its name, as the witness shows it.
            by: who asks, if anybody with a name does.

        Raises:
            BadInputError: it is no key of a witness.
            UsageError: there are too many.
        """
        known = _read_key(key)
        if known.kind != _WITNESS:
            raise BadInputError("this is the key of a log, not of a witness", hint=_KEY_HINT)
        witness = Witness(known.name, str(known), 0)
        with self._using(), self._roles.registry.transaction() as tx:
            others = [one for one in tx.ledger_witnesses() if one.name != witness.name]
            if len(others) >= _WITNESSES_MAX:
                raise UsageError(f"a ledger has at most {_WITNESSES_MAX} witnesses", hint="Remove one first.")
            tx.set_ledger_witness(witness)
            tx.record([deed(EntryKind.WITNESS_ADDED, self._now(), self._known_as(by), witness=witness.key)])
        return witness

    def remove_witness(self, name: str, *, by: Operator | None = None) -> None:
        """Take no co-signatures of a witness any more; those that there are stay.

        Args:
            name: of the witness.
            by: who asks, if anybody with a name does.

        Raises:
            NotFoundError: there is none of this name.
        """
        with self._using(), self._roles.registry.transaction() as tx:
            key = next((one.key for one in tx.ledger_witnesses() if one.name == name), "")
            tx.remove_ledger_witness(name)
            tx.record([deed(EntryKind.WITNESS_REMOVED, self._now(), self._known_as(by), witness=key)])

    def witnesses(self) -> tuple[Witness, ...]:
        """Who may co-sign heads of the ledger, by name, and how many leaves the largest has that each did."""
        with self._reading(), self._roles.registry.read() as view:
            return view.ledger_witnesses()

    def add_cosignature(self, size: int, cosignature: str) -> SignedHead:
        """Keep the co-signature of a witness with the head that it is for.

        Args:
            size: leaves of the head, which was given out before.
            cosignature: the line of it, as it stands under a head.

        Returns:
            The head with all its co-signatures; if the witness co-signed it before, as it was.

        Raises:
            BadInputError: none of this keep's witnesses has co-signed this head by it.
            NotFoundError: no head of so many leaves was signed.
        """
        line = cosignature.rstrip("\n") + "\n"
        with self._using(), self._roles.registry.transaction() as tx:
            head = tx.ledger_head(size)
            if head is None:
                raise NotFoundError("no head of so many leaves was signed")
            witness = _signer_of(head, line, tx.ledger_witnesses())
            if witness is None:
                hint = "The keep's administrator adds one: facekeep audit witness-add KEY."
                raise BadInputError("no witness of this keep has co-signed this head", hint=hint)
            if read_head(head.note).is_signed_by(VerifierKey.read(witness.key)):
                return head
            done = replace(head, note=head.note + line)
            tx.cosign_ledger_head(done)
            tx.set_ledger_witness(replace(witness, size=max(size, witness.size)))
            return done

    def witnessed_head(self) -> SignedHead | None:
        """The largest head that a present witness has co-signed, or None."""
        with self._reading(), self._roles.registry.read() as view:
            return witnessed_head(view)

    # This keep as a witness of others

    @property
    def witness_key(self) -> str:
        """The public key by which this keep co-signs heads of other logs, with its name."""
        return self._witness.key

    def cosign(self, note: str, key: str, prove: Prove, *, by: Operator | None = None) -> Cosigned:
        """Co-sign the head of another log, if it only grew from what this keep has co-signed before.

        The first head of a log is taken as it is. What was co-signed is an entry of this keep's own ledger.

        Args:
            note: the head, as the other log gave it.
            key: of the other log, from elsewhere than from it.
            prove: gives the other log's proof of consistency between two sizes.
            by: who asks, if anybody with a name does.

        Raises:
            BadInputError: it is no key of a log.
            UsageError: another head of this log was co-signed meanwhile.
        """
        known = _read_key(key)
        if known.kind == _WITNESS:
            raise BadInputError("this is the key of a witness, not of a log", hint="facekeep audit key shows a log's.")
        with self._reading(), self._roles.registry.read() as view:
            log = view.watched_log(known.name) or WatchedLog(known.name, ())
        head, fault = examined(note, known, log.notes, prove)  # asks the other log, and so holds no lock
        if head is None:
            return Cosigned(0, "", fault)
        signed = self._witness.cosigned(SignedHead(head.size, note), self._now())
        self._remember(log, head, note, by)
        return Cosigned(head.size, signed.note.removeprefix(note), None)

    def _remember(self, log: WatchedLog, head: Head, note: str, by: Operator | None) -> None:
        """Remember a head, before its co-signature is given out."""
        facts = {"origin": head.origin, "size": str(head.size), "root": head.root.hex()}
        with self._using(), self._roles.registry.transaction() as tx:
            if (tx.watched_log(log.origin) or WatchedLog(log.origin, ())) != log:
                raise UsageError("another head of this log was co-signed meanwhile", hint="Do it again.")
            if not log.notes or read_head(log.notes[-1]).size != head.size:
                tx.set_watched_log(WatchedLog(log.origin, (*log.notes, note)[-_REMEMBERED:]))
                tx.record([deed(EntryKind.COSIGNED, self._now(), self._known_as(by), **facts)])


def _read_key(text: str) -> VerifierKey:
    try:
        return VerifierKey.read(text)
    except (ValueError, IndexError):
        raise BadInputError("this is no key of a log or a witness", hint=_KEY_HINT) from None


def _signer_of(head: SignedHead, line: str, witnesses: tuple[Witness, ...]) -> Witness | None:
    """Whose co-signature of a head a line is."""
    text = head.note.partition("\n\n")[0]
    try:
        alone = read_head(f"{text}\n\n{line}")
    except ValueError:
        return None
    if len(alone.signatures) != 1:
        return None
    return next((one for one in witnesses if alone.is_signed_by(VerifierKey.read(one.key))), None)
