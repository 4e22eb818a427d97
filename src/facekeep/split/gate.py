"""The gate's part of a search: sign a ticket, ask both halves alike, open one entry of each table, claim by token.

What is asked is stated first, for an operator to sign; the ticket goes around that.

The gate sees probes, bands above the ticket's threshold and released pseudonyms. It holds nothing at rest.
"""

from __future__ import annotations

import hmac
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from facekeep.domain.row import Pseudonym, RowHead, TransactionId
from facekeep.errors import DisagreementError, RefusedError, UsageError
from facekeep.split.asking import Approved, Prepared, Question, Signer, claim_of
from facekeep.split.bands import decode_bands
from facekeep.split.codes import FineCode, coarse_code, encode_probe
from facekeep.split.masks import MaskRow, new_seed, split
from facekeep.split.messages import Claim, LeftPart, LeftTables, Released, RightPart, RightPicks, SearchRequest
from facekeep.split.onetime import open_bands, open_tokens
from facekeep.split.roles import LeftPort, RightPort
from facekeep.split.statement import LIFETIME_SECONDS, NONCE_BYTES, Statement, commit, search_nonce
from facekeep.split.ticket import sign

__all__ = ["TOGETHER", "Gate", "Hit", "Question"]

TOGETHER = 32
"""Searches that share a pass over the gallery; more would keep each waiting for all."""

_IN_STEP = 4
"""Searches of them that go through the later stages together; each holds 6.5 MB of tables while it does."""

_L = TypeVar("_L")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that the halves released.

    Attributes:
        pseudonym: the row.
        band: 1 for the laxest level of the model, rising; at least the ticket's level + 1.
    """

    pseudonym: Pseudonym
    band: int


class Gate:
    """Asks two halves. Safe for threads."""

    def __init__(
        self,
        left: LeftPort,
        right: RightPort,
        key: Ed25519PrivateKey,
        *,
        keep_id: bytes,
        model: str,
        levels: int,
        clock: Callable[[], int],
        desk: Signer | None = None,
    ) -> None:
        """Pair the halves and be ready.

        Args:
            left: the left half.
            right: the right half.
            key: signs tickets; the halves have pinned its public part.
            keep_id: 16 bytes.
            model: SHA-256 of the embedding model, 64 hexadecimal digits.
            levels: number of levels of the model.
            clock: seconds since 1970, UTC.
            desk: signs for operators who have no key of their own, as far as the halves let it; None if nobody does.
        """
        self._left, self._right = left, right
        self._key = key
        self._keep = keep_id.hex()
        self._model = model
        self._levels = levels
        self._clock = clock
        self._desk = desk
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="facekeep-left")
        self._turn_lock = threading.Lock()
        self.pair()

    def pair(self) -> None:
        """Let the halves agree on a new session."""
        first, second = self._left.hello(), self._right.hello()
        self._left.pair(second)
        self._right.pair(first)
        self._turn = 0

    def close(self) -> None:
        """End the gate's thread; the halves are closed by who opened them."""
        self._beside.shutdown()

    def _both(self, left: Callable[[], _L], right: Callable[[], _R]) -> tuple[_L, _R]:
        # Wait for both whatever happens: a half must not be left working on a search that was given up.
        waiting = self._beside.submit(left)
        try:
            second = right()
        finally:
            failure = waiting.exception()
        if failure is not None:
            raise failure
        return waiting.result(), second

    # Searching

    def prepare(
        self,
        questions: Sequence[Question],
        *,
        key: str,
        commitment: bytes,
        level: int | None = None,
    ) -> Prepared:
        """State a search of one probe, for an operator to sign within five minutes.

        Args:
            questions: one 1:N question, or those of a claim, which differ in their rows alone.
            key: identifier of the operator's key.
            commitment: to the crop, 32 bytes (split.statement.commit).
            level: the laxest threshold that is signed for; by default the questions'.
        """
        claim, first, now = claim_of(questions), questions[0], self._clock()
        nonce = os.urandom(NONCE_BYTES)
        statement = Statement(
            keep=self._keep,
            purpose=first.purpose,
            gallery=first.gallery,
            claim="" if claim is None else claim.digest,
            case=first.case,
            operator=first.operator,
            key=key,
            model=self._model,
            level=min(question.level for question in questions) if level is None else level,
            candidates=first.candidates,
            commitment=commitment.hex(),
            nonce=nonce.hex(),
            issued=now,
            expires=now + LIFETIME_SECONDS,
        )
        nonces = tuple(search_nonce(nonce, place) for place in range(len(questions)))
        return Prepared(tuple(questions), statement.to_bytes(), claim, nonces, statement.expires)

    def _at_the_desk(self, question: Question, probe: FineCode) -> Approved:
        if self._desk is None:
            raise UsageError("no key signs for operators here", hint="Sign with a key of your own.")
        # There is no picture here: what is committed to is the probe itself.
        _, commitment = commit(sha256(encode_probe(probe)).digest())
        prepared = self.prepare([question], key=self._desk.id, commitment=commitment)
        (approved,) = prepared.approved(self._desk.approve(prepared.statement))
        return approved

    def request(self, asked: Question | Approved, probe: FineCode) -> SearchRequest:
        """A signed ticket with its probe and the next turn; a question that nobody signed is signed at the desk.

        Raises:
            UsageError: there is no desk.
        """
        one = self._at_the_desk(asked, probe) if isinstance(asked, Question) else asked
        ticket = sign(one.statement, one.approval.to_bytes(), self._key, level=one.question.level, opening=one.opening)
        with self._turn_lock:
            turn = self._turn
            self._turn += 1
        return SearchRequest(one.nonce, ticket, encode_probe(probe), turn)

    def search(self, asked: Question | Approved, probe: FineCode) -> tuple[Hit, ...]:
        """The rows that pass, best band first.

        Raises:
            RefusedError: a half refused (the first reason is given), or the halves disagree.
        """
        (answer,) = self.search_many([(asked, probe)])
        if isinstance(answer, RefusedError):
            raise answer
        return answer

    def search_many(
        self, searches: Sequence[tuple[Question | Approved, FineCode]]
    ) -> list[tuple[Hit, ...] | RefusedError]:
        """Several searches that share passes over the gallery; for each its hits, or why it was refused."""
        answers: list[tuple[Hit, ...] | RefusedError] = []
        for start in range(0, len(searches), TOGETHER):
            part = searches[start : start + TOGETHER]
            asked = [_Asked(_question(one), self.request(one, probe)) for one, probe in part]
            self._begin(asked)
            for first in range(0, len(asked), _IN_STEP):
                self._finish(asked[first : first + _IN_STEP])
            answers += [one.answer for one in asked]
        return answers

    def _begin(self, asked: Sequence[_Asked]) -> None:
        requests = [one.request for one in asked]
        lefts, rights = self._both(lambda: self._left.begin(requests), lambda: self._right.begin(requests))
        for one, left, right in zip(asked, lefts, rights, strict=True):
            one.refusal = left or right

    def _finish(self, asked: Sequence[_Asked]) -> None:
        """The stages of a few searches after the first."""
        left, right = self._left, self._right
        self._stage(asked, lambda one: left.fine(one.search), lambda one: right.fine(one.search), self._open_fine)
        self._stage(
            asked,
            lambda one: left.tokens(one.search, one.chosen),
            lambda one: right.tokens(one.search, one.chosen),
            self._open_tokens,
        )
        self._stage(
            asked,
            lambda one: left.release(one.search, one.claims),
            lambda one: right.release(one.search, one.claims),
            self._take,
        )

    def _stage(
        self,
        asked: Sequence[_Asked],
        left: Callable[[_Asked], _L],
        right: Callable[[_Asked], _R],
        take: Callable[[_Asked, _L, _R], None],
    ) -> None:
        """Ask both halves one thing of each search that goes on; neither waits for the other between two of them."""
        going = [one for one in asked if one.refusal is None]
        firsts, seconds = self._both(
            lambda: [_asked_of(left, one) for one in going], lambda: [_asked_of(right, one) for one in going]
        )
        for one, first, second in zip(going, firsts, seconds, strict=True):
            try:
                if isinstance(second, RefusedError):
                    raise second
                if isinstance(first, RefusedError):
                    raise first
                take(one, first, second)
            except RefusedError as refusal:
                one.refusal = refusal

    def _open_fine(self, one: _Asked, left: LeftTables, right: RightPicks) -> None:
        _agree(left, right)
        one.bands = decode_bands(open_bands(left.tables.view(np.uint8), right.indices, right.pads), self._levels)
        one.chosen = _choose(one.bands, one.question.candidates)

    @staticmethod
    def _open_tokens(one: _Asked, left: LeftTables, right: RightPicks) -> None:
        _agree(left, right)
        tokens = open_tokens(left.tables.view(np.uint64), right.indices, right.pads)
        one.claims = [Claim(index, token) for index, token in enumerate(tokens)]

    @staticmethod
    def _take(one: _Asked, left: list[Released], right: list[Released]) -> None:
        bands = one.bands[one.chosen].tolist()
        expected = {index: band for index, band in enumerate(bands) if band}
        if left != right or {released.index: released.band for released in left} != expected:
            raise DisagreementError("the halves released different rows: the search was aborted")
        one.hits = tuple(Hit(r.pseudonym, r.band) for r in sorted(left, key=_best_first))

    # Enrolling

    def stage_enrol(self, transaction: TransactionId, rows: Sequence[tuple[RowHead, FineCode]]) -> None:
        """Split new rows and have both halves prepare them, each its own part only.

        Args:
            transaction: 16 bytes.
            rows: heads, with version 0 and the halves' epoch, and fine codes.
        """
        lefts, rights = [], []
        model = bytes.fromhex(self._model)
        coarses = coarse_code(np.stack([fine for _, fine in rows])) if rows else ()
        for (head, fine), code in zip(rows, coarses, strict=True):
            seed = new_seed()
            mask = MaskRow(head.pseudonym, head.epoch, head.version, model)
            coarse, deep = split(fine, code, seed, mask).to_bytes()
            lefts.append(LeftPart(head, seed))
            rights.append(RightPart(head, coarse, deep))
        self._left.stage_enrol(transaction, lefts)
        self._right.stage_enrol(transaction, rights)


@dataclass(slots=True)
class _Asked:
    """A search on its way through the stages."""

    question: Question
    request: SearchRequest
    refusal: RefusedError | None = None
    bands: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    chosen: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    claims: list[Claim] = field(default_factory=list)
    hits: tuple[Hit, ...] = ()

    @property
    def search(self) -> bytes:
        return self.request.nonce

    @property
    def answer(self) -> tuple[Hit, ...] | RefusedError:
        return self.hits if self.refusal is None else self.refusal


def _question(asked: Question | Approved) -> Question:
    return asked if isinstance(asked, Question) else asked.question


def _asked_of(half: Callable[[_Asked], _L], one: _Asked) -> _L | RefusedError:
    try:
        return half(one)
    except RefusedError as refusal:
        return refusal


def _agree(left: LeftTables, right: RightPicks) -> None:
    if not hmac.compare_digest(left.tag, right.tag):
        raise DisagreementError("the halves disagree about a search: it was aborted and nothing was released")
    # Halves that agree give as many; one that lies may not.
    if not len(left.tables) == len(right.indices) == len(right.pads) > 0:
        raise DisagreementError("the halves answered a search with different numbers of places: it was aborted")


def _choose(bands: NDArray[np.uint8], candidates: int) -> NDArray[np.int32]:
    """The positions to ask tokens for: the best bands, filled up with others so that the number tells nothing."""
    order = _shuffled(np.arange(len(bands), dtype=np.int32))
    return _shuffled(order[np.argsort(-bands[order].astype(np.int16), kind="stable")][:candidates])


def _shuffled(items: NDArray[np.int32]) -> NDArray[np.int32]:
    keys = np.frombuffer(os.urandom(8 * len(items)), np.uint64)
    return items[np.argsort(keys)]


def _best_first(released: Released) -> int:
    return -released.band
