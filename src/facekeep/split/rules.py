"""The rules of a half: its own copy of what it will do and for whom. They change only by a two-phase transaction."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import pairwise

from facekeep.domain.consent import ALL_PURPOSE_BITS, Purpose
from facekeep.errors import FormatError, PurposeOffError, TicketError
from facekeep.split.budget import Limits
from facekeep.split.codes import check_dimension, score_bound
from facekeep.split.rows import EVERY_ROW, NEVER_RETURN_BIT
from facekeep.split.ticket import NEVER_RETURN, Ticket

VERIFY_FMR_MAX = 1e-4
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
        purposes: bits of the purposes that are switched on.
        limits: budgets.
    """

    keep: str
    model: str
    dimension: int
    thresholds: tuple[int, ...]
    fmrs: tuple[float, ...]
    gate: str
    peer: str
    purposes: int = ALL_PURPOSE_BITS
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        check_dimension(self.dimension)
        for text, size in ((self.keep, 32), (self.model, 64), (self.gate, 64), (self.peer, 64)):
            if len(text) != size or set(text) - set("0123456789abcdef"):
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

    def with_switch(self, purpose: Purpose, on: bool) -> Rules:
        """The rules with one purpose switched."""
        return replace(self, purposes=self.purposes | purpose.bit if on else self.purposes & ~purpose.bit)

    def purpose_bits(self, ticket: Ticket) -> int:
        """The bits of which a row needs one to be compared under this ticket.

        Raises:
            PurposeOffError: the purpose is switched off.
            TicketError: the ticket does not fit the purpose, the keep or the model.
        """
        if ticket.keep != self.keep or ticket.model != self.model:
            raise TicketError("a ticket is for another keep or another model")
        if ticket.level >= len(self.thresholds):
            raise TicketError("a ticket asks for a threshold that the model has not")
        if not ticket.operator:
            raise TicketError("a ticket names no operator")
        if ticket.purpose == NEVER_RETURN:
            if ticket.is_one_to_one:
                raise TicketError("the list of those never returned is only searched as a whole")
            return NEVER_RETURN_BIT if ticket.gallery == NEVER_RETURN else EVERY_ROW
        try:
            purpose = Purpose(ticket.purpose)
        except ValueError as problem:
            raise TicketError("a ticket names no purpose") from problem
        if not self.purposes & purpose.bit:
            raise PurposeOffError("the purpose is switched off")
        if purpose.is_one_to_one != ticket.is_one_to_one:
            raise TicketError("the purpose and the kind of search do not fit")
        if ticket.is_one_to_one and self.fmrs[ticket.level] > VERIFY_FMR_MAX * (1 + 1e-9):
            raise TicketError("verification takes no threshold laxer than a false match rate of 1e-4")
        if purpose in NEEDS_CASE and not ticket.case:
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
            return cls(**values)
        except (ValueError, TypeError, KeyError) as problem:
            raise FormatError("the rules of a half do not parse") from problem
