"""The rules of a half: its own copy of what it will do and for whom. They change only by a two-phase transaction."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import pairwise

from facekeep.domain.consent import ALL_PURPOSE_BITS, Purpose
from facekeep.domain.digits import is_hex
from facekeep.errors import FormatError, PurposeOffError, RefusedError, TicketError
from facekeep.split.budget import Limits
from facekeep.split.codes import check_dimension, score_bound
from facekeep.split.forgiveness import Forgiveness, open_forgiveness
from facekeep.split.operators import KEYS_MAX, OperatorKey, changed, open_change
from facekeep.split.rows import EVERY_ROW, NEVER_RETURN_BIT
from facekeep.split.statement import NEVER_RETURN, Statement
from facekeep.split.ticket import Ticket
from facekeep.split.word import SignedWord

VERIFY_FMR_MAX = 1e-4
_ADD = "An administrator registers a key by: facekeep operator add NAME --public FILE."
NEEDS_CASE = frozenset({Purpose.IDENTIFY, Purpose.MISSING_PERSON})


@dataclass(frozen=True, slots=True)
class Rules:
    """What a half knows besides its rows.

    Attributes:
        keep: the keep, 32 hexadecimal digits.
        model: SHA-256 of the embedding model, 64 hexadecimal digits.
        dimension: coordinates of an embedding.
        thresholds: integer thresholds of the model's levels, rising, each at least 1.
        fmrs: false match rate of each level, falling.
        gate: Ed25519 public key that signs tickets, 64 hexadecimal digits.
        peer: Ed25519 public key of the other half, likewise.
        registrar: Ed25519 public key of the registrar's word (split.word), likewise.
        purposes: bits of the purposes that are switched on.
        limits: budgets.
        operators: the keys that may sign statements; none, no search.
        serial: number of the last change of these keys.
    """

    keep: str
    model: str
    dimension: int
    thresholds: tuple[int, ...]
    fmrs: tuple[float, ...]
    gate: str
    peer: str
    registrar: str
    purposes: int = ALL_PURPOSE_BITS
    limits: Limits = field(default_factory=Limits)
    operators: tuple[OperatorKey, ...] = ()
    serial: int = 0

    def __post_init__(self) -> None:
        check_dimension(self.dimension)
        for text, size in (
            (self.keep, 32),
            (self.model, 64),
            (self.gate, 64),
            (self.peer, 64),
            (self.registrar, 64),
        ):
            if not is_hex(text, size):
                raise FormatError("the rules of a half hold an identifier of the wrong form")
        if not 1 <= len(self.thresholds) == len(self.fmrs) <= 15:
            raise FormatError("the rules of a half hold no level, or too many")
        if list(self.thresholds) != sorted(set(self.thresholds)) or not (
            self.thresholds[0] >= 1 and self.thresholds[-1] <= score_bound(self.dimension)
        ):
            raise FormatError("thresholds rise, and each is a score that two embeddings can have")
        falling = all(before >= after for before, after in pairwise(self.fmrs))
        if not (falling and all(0 < fmr <= 1 for fmr in self.fmrs)):  # a NaN would pass for strict enough
            raise FormatError("false match rates fall, and each is over 0 and at most 1")
        if not 0 <= self.purposes <= ALL_PURPOSE_BITS:
            raise FormatError("the rules of a half name a purpose that does not exist")
        if len({key.id for key in self.operators}) != len(self.operators) or len(self.operators) > KEYS_MAX:
            raise FormatError("the rules of a half hold too many operators' keys, or one twice")
        if type(self.serial) is not int or not 0 <= self.serial < 2**63:
            raise FormatError("the changes of the operators' keys have no such number")

    def with_switch(self, purpose: Purpose, on: bool) -> Rules:
        """The rules with one purpose switched."""
        return replace(self, purposes=self.purposes | purpose.bit if on else self.purposes & ~purpose.bit)

    def with_change(self, word: SignedWord) -> Rules:
        """The rules with the registrar's change of the operators' keys.

        Raises:
            RefusedError: it is not the registrar's, for another keep, older than what is known, or one key too many.
        """
        change = open_change(word, bytes.fromhex(self.registrar), self.keep)
        if change.serial <= self.serial:
            raise RefusedError("a change of the operators' keys was given before", hint="Give it anew.")
        keys = changed({key.id: key for key in self.operators}, change)
        return replace(self, operators=tuple(keys.values()), serial=change.serial)

    def forgiveness(self, word: SignedWord, now: int) -> Forgiveness:
        """The forgiveness in the registrar's word.

        Raises:
            RefusedError: it is not the registrar's, for another keep, by one reviewer alone, or not of this time.
        """
        return open_forgiveness(word, bytes.fromhex(self.registrar), self.keep, now)

    def key_for(self, statement: Statement, now: int) -> OperatorKey:
        """The key that has to have signed a statement.

        Raises:
            TicketError: it is not known, its time is over, or it may not sign this.
        """
        key = next((key for key in self.operators if key.id == statement.key), None)
        if key is None:
            raise TicketError("a statement is signed by a key that is not an operator's, or was revoked", hint=_ADD)
        key.check(statement, now)
        return key

    def purpose_bits(self, ticket: Ticket) -> int:
        """The bits of which a row needs one to be compared under this ticket.

        Raises:
            PurposeOffError: the purpose is switched off.
            TicketError: the ticket does not fit the purpose, the keep or the model.
        """
        statement = ticket.statement
        if statement.keep != self.keep or statement.model != self.model:
            raise TicketError("a ticket is for another keep or another model")
        if ticket.level >= len(self.thresholds):
            raise TicketError("a ticket asks for a threshold that the model has not")
        if not statement.operator:
            raise TicketError("a ticket names no operator")
        if statement.purpose == NEVER_RETURN:
            if ticket.is_one_to_one:
                raise TicketError("the list of those never returned is only searched as a whole")
            return NEVER_RETURN_BIT if statement.gallery == NEVER_RETURN else EVERY_ROW
        try:
            purpose = Purpose(statement.purpose)
        except ValueError as problem:
            raise TicketError("a ticket names no purpose") from problem
        if not self.purposes & purpose.bit:
            raise PurposeOffError("the purpose is switched off")
        if purpose.is_one_to_one != ticket.is_one_to_one:
            raise TicketError("the purpose and the kind of search do not fit")
        if ticket.is_one_to_one and self.fmrs[ticket.level] > VERIFY_FMR_MAX * (1 + 1e-9):
            raise TicketError("verification takes no threshold laxer than a false match rate of 1e-4")
        if purpose in NEEDS_CASE and not statement.case:
            raise TicketError("this purpose needs a case")
        return purpose.bit

    def thresholds_for(self, ticket: Ticket) -> tuple[int, ...]:
        """The thresholds whose bands a search under this ticket tells apart.

        A 1:1 comparison tells one thing, whether the ticket's threshold was passed: while it passes it costs no budget,
        and the borders of stricter levels would be found for nothing (cosine 0.987 to the template after 8,524
        verifications, none of them rejected, in a simulation that was told all bands).
        """
        return self.thresholds[: ticket.level + 1] if ticket.is_one_to_one else self.thresholds

    def to_bytes(self) -> bytes:
        """The rules as stored."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, stored: bytes) -> Rules:
        """The rules as they were stored.

        Raises:
            FormatError: they do not parse; unknown keys are refused.
        """
        try:
            values = json.loads(stored)
            if set(values) != {f.name for f in fields(cls)}:
                raise FormatError("the rules of a half hold an unknown key, or lack one")
            values["limits"] = Limits(**values["limits"])
            values["thresholds"] = tuple(int(t) for t in values["thresholds"])
            values["fmrs"] = tuple(float(f) for f in values["fmrs"])
            values["operators"] = tuple(OperatorKey.from_plain(key) for key in values["operators"])
            return cls(**values)
        except (ValueError, TypeError, KeyError) as problem:
            raise FormatError("the rules of a half do not parse") from problem
