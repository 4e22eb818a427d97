"""The left half: a seed per row, from which its masks are drawn."""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from facekeep.domain.row import PutRow, RowHead, StoredRow, TransactionId
from facekeep.errors import RefusedError
from facekeep.split.bands import band_of_score, codeword_of_score
from facekeep.split.codes import FineCode
from facekeep.split.deltas import CHUNK_ROWS, DeltaRow, encode_chunk
from facekeep.split.half import Surroundings
from facekeep.split.masks import SEED_BYTES, MaskRow, coarse_mask, fine_masks, reseed
from facekeep.split.messages import LEFT, LeftPart, LeftTables
from facekeep.split.onetime import band_tables, token_tables
from facekeep.split.prf import stage_key, tag
from facekeep.split.roles import SelectorPort
from facekeep.split.searching import NO_ROW, SearchingHalf


class LeftHalf(SearchingHalf):
    """Holds seeds. Draws every new seed itself: the gate's copy of an enrolment is worthless once it is committed."""

    side = LEFT
    _subtracts_zero = False

    def __init__(self, around: Surroundings, selector: SelectorPort) -> None:
        """Open."""
        # A transaction under way: the secret that its new seeds come from, and what the gate gave of new rows. In
        # memory only; after a crash the transaction is undone and drawn anew.
        self._drawing: dict[TransactionId, tuple[bytes, list[LeftPart] | None]] = {}
        super().__init__(around, selector)

    def _load(self) -> None:
        self._seeds = np.zeros((max(64, len(self._store)), SEED_BYTES), np.uint8)
        super()._load()

    def _mask_row(self, head: RowHead) -> MaskRow:
        return MaskRow(head.pseudonym, head.epoch, head.version, self._model)

    def _coarse_share(self, row: StoredRow) -> bytes:
        return coarse_mask(row.quick, self._mask_row(row.head), self._rules.dimension).tobytes()

    def _remember(self, row: StoredRow) -> None:
        if row.slot >= len(self._seeds):
            more = max(row.slot + 1, len(self._seeds) * 5 // 4) - len(self._seeds)
            self._seeds = np.concatenate([self._seeds, np.zeros((more, SEED_BYTES), np.uint8)])
        self._seeds[row.slot] = np.frombuffer(row.quick, np.uint8)

    def _forget(self, slot: int) -> None:
        self._seeds[slot] = 0

    def _ended(self, transaction: TransactionId) -> None:
        self._drawing.pop(transaction, None)

    def _same_secret(self, row: StoredRow, head: RowHead) -> PutRow:
        return PutRow(head, row.quick, b"")

    # Writing

    def stage_enrol(self, transaction: TransactionId, rows: Iterable[LeftPart]) -> None:
        """Prepare new rows, each under a seed of this half's own and the next version.

        Raises:
            RefusedError: see ``_check_new``, or a seed has not 32 bytes.
        """
        with self._lock:
            parts = list(rows)
            self._check_new(transaction, [part.head for part in parts])
            if any(len(part.seed) != SEED_BYTES for part in parts):
                raise RefusedError("a new row has a seed of the wrong size", hint="Enrol again.")
            secret = os.urandom(32)
            self._stage(
                transaction,
                [PutRow(_next(part.head, self._store.epoch), _seed(secret, part.head), b"") for part in parts],
            )
            self._drawing[transaction] = (secret, parts)

    def stage_refresh(self, transaction: TransactionId) -> None:
        """Prepare a new seed for every row, under a new epoch key.

        Raises:
            RefusedError: the transaction is prepared already. Drawn twice, its two sets of deltas could be mixed.
        """
        with self._lock:
            self._check_new(transaction, [])
            secret = os.urandom(32)
            epoch = self._store.epoch + 1
            changes = (PutRow(_next(row.head, epoch), _seed(secret, row.head), b"") for row in self._store.rows())
            self._stage(transaction, changes, new_epoch=True)
            # Not before it is staged: nobody shall move to seeds that this half does not have.
            self._drawing[transaction] = (secret, None)

    def deltas(self, transaction: TransactionId) -> Iterator[bytes]:
        """What the right half must subtract, in sealed chunks; computed as they are asked for and never stored.

        Raises:
            RefusedError: this half has not prepared the transaction.
        """
        with self._lock:
            if transaction not in self._drawing:
                raise RefusedError("the left half has not prepared this transaction", hint="Open the keep again.")
            secret, parts = self._drawing[transaction]
            channel = AESGCM(self._session().channel)
            if parts is None:
                epoch = self._store.epoch + 1
                olds = ((row.head, row.quick) for row in self._store.rows())
            else:
                epoch = self._store.epoch
                olds = ((part.head, part.seed) for part in parts)
            rows = (self._delta(secret, head, seed, epoch) for head, seed in olds)
        number = 0
        while chunk := list(islice(rows, CHUNK_ROWS)):
            yield encode_chunk(channel, transaction, number, chunk)
            number += 1

    def _delta(self, secret: bytes, head: RowHead, seed: bytes, epoch: int) -> DeltaRow:
        after = _next(head, epoch)
        delta = reseed(seed, self._mask_row(head), _seed(secret, head), self._mask_row(after), self._rules.dimension)
        return DeltaRow(after.pseudonym, after.epoch, after.version, delta)

    # Searching

    def _score_shares(self, slots: NDArray[np.int32], probe: FineCode) -> NDArray[np.uint16]:
        shares = np.zeros(len(slots), np.uint16)
        present = np.flatnonzero(slots != NO_ROW)
        if len(present):
            rows = [(self._seeds[slot].tobytes(), self._table.key(slot)) for slot in slots[present].tolist()]
            masks = fine_masks([(seed, key + self._model) for seed, key in rows], self._rules.dimension)
            shares[present] = (masks.astype(np.int64) @ probe.astype(np.int64) & 0xFFFF).astype(np.uint16)
        return shares

    def fine(self, search: bytes) -> LeftTables:
        """The one-time tables of bands, one for each position compared."""
        with self._lock:
            found = self._enter_fine(search)
            found.shares = self._score_shares(found.compared, found.probe)
            tables = band_tables(
                found.shares,
                codeword_of_score(self._rules.thresholds_for(found.ticket), found.ticket.level),
                stage_key(found.turn_key, b"fine/shift", found.transcript),
                stage_key(found.turn_key, b"fine/pad", found.transcript),
            )
            return LeftTables(tag(found.turn_key, b"fine", found.transcript), tables)

    def tokens(self, search: bytes, chosen: NDArray[np.int32]) -> LeftTables:
        """The one-time tables of tokens, one for each chosen position."""
        with self._lock:
            found = self._enter_tokens(search, chosen)
            tables = token_tables(
                found.shares[chosen],
                band_of_score(self._rules.thresholds_for(found.ticket), found.ticket.level),
                self._token_words(found),
                stage_key(found.turn_key, b"token/shift", found.transcript),
                stage_key(found.turn_key, b"token/pad", found.transcript),
            )
            return LeftTables(tag(found.turn_key, b"token", found.transcript), tables)


def _next(head: RowHead, epoch: int) -> RowHead:
    return RowHead(head.pseudonym, epoch, head.version + 1, head.gallery, head.purposes, head.flags)


def _seed(secret: bytes, head: RowHead) -> bytes:
    # One random secret a transaction and a pseudorandom seed a row: a million rows need no million seeds in memory.
    return hmac.digest(secret, b"facekeep/1/seed/" + head.pseudonym, "sha256")
