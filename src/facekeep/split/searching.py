"""The part of a search that both halves do alike: admit, log, count, permute, and give for valid tokens only."""

from __future__ import annotations

import hmac
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.row import TransactionId
from facekeep.errors import DisagreementError, RefusedError, TicketError, TokenError, UsageError
from facekeep.split.approval import approval_from_bytes, check_approval
from facekeep.split.bands import BANDS
from facekeep.split.budget import counted_operator
from facekeep.split.codes import FineCode, check_probe, coarse_code, coarse_support
from facekeep.split.half import Half, Surroundings
from facekeep.split.kernels import add
from facekeep.split.messages import Claim, Released, SearchRequest
from facekeep.split.onetime import tokens_of
from facekeep.split.permutation import Permutation
from facekeep.split.prf import stage_key, stream, tag
from facekeep.split.ratchet import Hello
from facekeep.split.roles import BEST, SelectorPort
from facekeep.split.rows import RowSet
from facekeep.split.ticket import Ticket, open_ticket
from facekeep.split.transcript import chosen_hash, positions_hash, search_hash

COARSE_ABOVE = 1000
"""A row set of at most this many rows is compared whole, without the coarse stage."""

ANSWER_STEP = 100
"""Answers of the fine stage are padded to a multiple of this."""

NO_ROW = -1

OPEN_MAX = 64
"""Searches that a half keeps open, and takes at once; an older one ends. Abandoned ones would fill the memory."""


@dataclass(slots=True)
class OpenSearch:
    """A search under way; its turn key serves it alone.

    Attributes:
        ticket: what it is for.
        started: when it was logged.
        probe: fine code, shape (D,).
        turn_key: 32 bytes.
        transcript: hash of the last stage, 32 bytes.
        rows: the row set.
        order: the permutation of a 1:N search.
        coarse: whether the selector chooses the positions.
        stage: "begun", "fine" or "tokens", what was answered last; "failed" where nothing more is.
        compared: after the fine stage the slots compared, padded, int32.
        chosen: after the token stage the slots for which tokens were given.
        shares: after the fine stage this half's share of each score, uint16.
    """

    ticket: Ticket
    started: int
    probe: FineCode = field(repr=False)
    turn_key: bytes = field(repr=False)
    transcript: bytes
    rows: RowSet = field(repr=False)
    order: Permutation = field(repr=False)
    coarse: bool
    stage: str = "begun"
    compared: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32), repr=False)
    chosen: NDArray[np.int32] | None = field(default=None, repr=False)
    shares: NDArray[np.uint16] = field(default_factory=lambda: np.empty(0, np.uint16), repr=False)

    def advance(self, before: str, after: str) -> None:
        """Go on to the next stage, once.

        Raises:
            TicketError: it was asked out of order or twice.
        """
        if self.stage != before:
            raise TicketError("a stage of a search was asked twice, or out of order")
        self.stage = after


@dataclass(frozen=True, slots=True)
class _Admitted:
    request: SearchRequest
    ticket: Ticket
    probe: FineCode = field(repr=False)
    rows: RowSet = field(repr=False)
    turn_key: bytes = field(repr=False)


class SearchingHalf(Half):
    """A half that answers searches."""

    _subtracts_zero: bool

    def __init__(self, around: Surroundings, selector: SelectorPort) -> None:
        """Open, and remember where coarse sums go."""
        super().__init__(around)
        self._selector = selector
        self._open: dict[bytes, OpenSearch] = {}
        self._seated: dict[bytes, NDArray[np.int32]] = {}

    def pair(self, other: Hello) -> None:
        """Finish the session; searches of the former one end."""
        with self._lock:
            super().pair(other)
            self._open.clear()

    def commit(self, transaction: TransactionId) -> None:
        """Apply what was prepared. Searches under way end: their slots may now hold other rows."""
        with self._lock:
            super().commit(transaction)
            self._open.clear()
            self._seated.clear()

    def begin(self, requests: Sequence[SearchRequest]) -> list[RefusedError | None]:
        """Check, log, count and start searches.

        Everything admitted is on disk in the log before anything is computed. Searches that come together share one
        pass over the coarse codes.

        Returns:
            For each request None, or why it was refused; a refused one leaves nothing but a line in the log.

        Raises:
            UnavailableError: the halves are not paired; nothing was begun.
            UsageError: more than 64 requests.
        """
        if len(requests) > OPEN_MAX:
            raise UsageError("too many searches were asked at once", hint=f"Ask at most {OPEN_MAX} at once.")
        with self._lock:
            self._session()  # before a request is logged and counted
            now = self._clock()
            self._open = {nonce: s for nonce, s in self._open.items() if s.ticket.statement.expires > now}
            outcomes: list[RefusedError | None] = []
            admitted: list[_Admitted] = []
            for request in requests:
                try:
                    admitted.append(self._admit(request, now))
                    outcomes.append(None)
                except RefusedError as refusal:
                    outcomes.append(refusal)
            self._budgets.turn(now)
            self._record(admitted, outcomes, now)
            self._snapshot()
            for nonce in list(self._open)[: max(0, len(self._open) + len(admitted) - OPEN_MAX)]:
                del self._open[nonce]
            self._start(admitted, now)
            return outcomes

    def _admit(self, request: SearchRequest, now: int) -> _Admitted:
        ticket = open_ticket(request.ticket, bytes.fromhex(self._rules.gate), now=now)
        statement = ticket.statement
        bits = self._rules.purpose_bits(ticket)
        key = self._rules.key_for(statement, now)
        check_approval(key, request.ticket.statement, approval_from_bytes(request.ticket.approval))
        if ticket.nonce.hex() in self._nonces or request.nonce != ticket.nonce:
            raise TicketError("a ticket was used before, or its nonce is another's")
        probe = check_probe(request.probe, self._rules.dimension)
        operator = counted_operator(statement.gallery, statement.operator)
        self._budgets.check(now, row=ticket.row, case=statement.case, operator=operator)
        if ticket.row is None:
            rows = self._table.row_set(statement.gallery, bits)
        else:
            stored = self._store.find(ticket.row)
            fits = stored is not None and stored.head.purposes & bits and statement.gallery in ("", stored.head.gallery)
            rows = self._table.single(stored.slot if stored is not None and fits else None)
        turn_key = self._session().take(request.turn)
        self._nonces[ticket.nonce.hex()] = statement.expires
        compared = len(rows) > 0
        self._budgets.count(now, row=ticket.row, case=statement.case, operator=operator, compared=compared)
        return _Admitted(request, ticket, probe, rows, turn_key)

    def _record(self, admitted: Sequence[_Admitted], outcomes: Sequence[RefusedError | None], now: int) -> None:
        records = [_search_record(one, now) for one in admitted]
        refused = [self._refusals.record(now, outcome) for outcome in outcomes if outcome is not None]
        records += [record for record in refused if record is not None]
        self._write_log(records, durable=bool(admitted))

    def _start(self, admitted: Sequence[_Admitted], now: int) -> None:
        with_coarse = [a for a in admitted if not a.ticket.is_one_to_one and len(a.rows) > COARSE_ABOVE]
        sums = (
            self._blocks.scan([coarse_code(a.probe) for a in with_coarse], self._threads, self._parts)
            if with_coarse
            else None
        )
        for a in admitted:
            transcript = search_hash(
                a.request.ticket.body, a.request.probe, self._store.epoch, a.rows.root, len(a.rows)
            )
            order = Permutation(stage_key(a.turn_key, b"permutation", transcript), len(a.rows))
            nonce = a.ticket.nonce
            coarse = any(a is c for c in with_coarse)
            self._open[nonce] = OpenSearch(a.ticket, now, a.probe, a.turn_key, transcript, a.rows, order, coarse)
            if coarse and sums is not None:
                share = sums[next(i for i, c in enumerate(with_coarse) if a is c)]
                out = order.apply(share, self._seats(a.rows))
                add(out, stream(stage_key(a.turn_key, b"zero", transcript), len(out)), self._subtracts_zero)
                support = coarse_support(self._rules.dimension)
                self._selector.offer(nonce, self.side, tag(a.turn_key, b"coarse", transcript), out, support)

    def _seats(self, rows: RowSet) -> NDArray[np.int32]:
        """Where the rows of a row set sit in the blocks; of the last row set, looking up a million costs a search."""
        found = self._seated.get(rows.root)
        if found is None:
            found = self._blocks.seats(rows.slots)
            self._seated = {rows.root: found}
        return found

    def _search(self, search: bytes) -> OpenSearch:
        found = self._open.get(search)
        if found is None or found.ticket.statement.expires <= self._clock():
            raise TicketError("there is no such search, or it has expired")
        return found

    def _enter_fine(self, search: bytes) -> OpenSearch:
        """Fix the positions to compare, padded, and hash them.

        Raises:
            DisagreementError: the selector has no positions, or gave some that cannot be; the search has ended.
        """
        found = self._search(search)
        # Whatever fails from here on leaves a search that no later stage takes up.
        found.advance("begun", "failed")
        count = len(found.rows)
        if found.coarse:
            positions = self._selector.positions(search, self.side)
            if positions.shape != (min(BEST, count),) or not (
                positions[0] >= 0 and positions[-1] < count and np.all(positions[1:] > positions[:-1])
            ):
                raise DisagreementError("the selector gave positions that cannot be: the search was aborted")
        elif found.ticket.is_one_to_one:
            positions = np.zeros(1, np.int32)
        else:
            positions = np.arange(count, dtype=np.int32)
        if found.ticket.is_one_to_one:
            slots = found.rows.slots if count else np.asarray([NO_ROW], np.int32)
        else:
            slots = found.rows.slots[found.order.places(positions)]
            missing = -len(slots) % ANSWER_STEP if len(slots) else ANSWER_STEP
            slots = np.concatenate([slots, np.full(missing, NO_ROW, np.int32)])
        found.compared = slots
        found.transcript = positions_hash(found.transcript, positions)
        found.stage = "fine"
        return found

    def _enter_tokens(self, search: bytes, chosen: NDArray[np.int32]) -> OpenSearch:
        """Fix the positions for which tokens are given, and hash them.

        Raises:
            TicketError: more than the ticket allows, a repeated one, or one that was not compared.
        """
        found = self._search(search)
        found.advance("fine", "failed")
        if not 1 <= len(chosen) <= found.ticket.statement.candidates or len(set(chosen.tolist())) != len(chosen):
            raise TicketError("more tokens were asked for than the ticket allows")
        if int(chosen.min()) < 0 or int(chosen.max()) >= len(found.compared):
            raise TicketError("a token was asked for a position that was not compared")
        found.chosen = found.compared[chosen]
        found.transcript = chosen_hash(found.transcript, chosen)
        found.stage = "tokens"
        return found

    @abstractmethod
    def _score_shares(self, slots: NDArray[np.int32], probe: FineCode) -> NDArray[np.uint16]:
        """This half's share of the fine scores; 0 where there is no row."""

    @staticmethod
    def _tokens(found: OpenSearch, index: int) -> list[bytes]:
        """The token of every band at one of the chosen positions, 16 bytes each."""
        return [
            stage_key(found.turn_key, b"token/%d/%d" % (index, band), found.transcript)[:16] for band in range(BANDS)
        ]

    def _token_words(self, found: OpenSearch) -> list[NDArray[np.uint64]]:
        count = 0 if found.chosen is None else len(found.chosen)
        return [tokens_of(self._tokens(found, index)) for index in range(count)]

    def release(self, search: bytes, claims: Sequence[Claim]) -> list[Released]:
        """Give pseudonym and band for valid tokens, and end the search.

        A token of band 0 is valid and gives nothing: the gate presents as many tokens as it asked for.

        Raises:
            TokenError: a token is not one of its position's; nothing is given then, and the search has ended.
        """
        with self._lock:
            found = self._search(search)
            found.advance("tokens", "released")
            del self._open[search]
            if found.chosen is None or len({claim.index for claim in claims}) != len(claims):
                raise TokenError("a token was presented twice")
            given = [released for claim in claims if (released := self._honour(found, claim)) is not None]
            if given:
                self._record_release(found, given)
            return given

    def _record_release(self, found: OpenSearch, given: Sequence[Released]) -> None:
        now = self._clock()
        record: dict[str, object] = {"time": now, "nonce": found.ticket.nonce.hex()}
        row = given[0].pseudonym
        if found.ticket.is_one_to_one:
            record |= {"kind": "accept", "row": row.hex(), "searched": found.started}
        else:
            record |= {"kind": "release", "rows": [released.pseudonym.hex() for released in given]}
        self._write_log([record], durable=False)
        self._budgets.turn(now)
        if found.ticket.is_one_to_one:
            self._budgets.accepted(found.started, row)
        self._snapshot()

    def _honour(self, found: OpenSearch, claim: Claim) -> Released | None:
        if found.chosen is None or not 0 <= claim.index < len(found.chosen):
            raise TokenError("a token was presented for a position that was not chosen")
        bands = [
            band
            for band, token in enumerate(self._tokens(found, claim.index))
            if hmac.compare_digest(token, claim.token)
        ]
        if not bands:
            raise TokenError("a token is not valid")
        slot = int(found.chosen[claim.index])
        if bands[0] == 0 or slot == NO_ROW:
            return None
        return Released(claim.index, self._table.pseudonym(slot), bands[0])


def _search_record(admitted: _Admitted, now: int) -> dict[str, object]:
    ticket, statement = admitted.ticket, admitted.ticket.statement
    return {
        "kind": "search",
        "time": now,
        "nonce": ticket.nonce.hex(),
        "expires": statement.expires,
        "purpose": statement.purpose,
        "gallery": statement.gallery,
        "row": "" if ticket.row is None else ticket.row.hex(),
        "case": statement.case,
        "operator": statement.operator,
        "key": statement.key,
        "statement": ticket.digest,
        "level": ticket.level,
        "rows": len(admitted.rows),
    }
