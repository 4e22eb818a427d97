"""The right half: masked codes, uniform without the left half's seeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from facekeep.domain.row import Pseudonym, PutRow, RowHead, StoredRow, TransactionId
from facekeep.errors import DisagreementError, FormatError
from facekeep.split.codes import FineCode
from facekeep.split.deltas import DeltaRow, decode_chunk
from facekeep.split.half import Surroundings
from facekeep.split.masks import RightShare
from facekeep.split.messages import RIGHT, RightPart, RightPicks
from facekeep.split.onetime import band_picks, token_picks
from facekeep.split.prf import stage_key, tag
from facekeep.split.roles import DeltaSource, SelectorPort
from facekeep.split.searching import NO_ROW, SearchingHalf


class RightHalf(SearchingHalf):
    """Holds masked codes. Fine codes stay on disk until their rows are compared."""

    side = RIGHT
    _subtracts_zero = True

    def __init__(self, around: Surroundings, selector: SelectorPort, twin: DeltaSource) -> None:
        """Open."""
        super().__init__(around, selector)
        self._twin = twin

    def _coarse_share(self, row: StoredRow) -> bytes:
        if len(row.quick) != self._rules.dimension:
            raise self._damaged("holds a row of another dimension")
        return row.quick

    def _remember(self, row: StoredRow) -> None:
        """Nothing: the store is read for rows under comparison."""

    def _forget(self, slot: int) -> None:
        """Nothing."""

    def _ended(self, transaction: TransactionId) -> None:
        """Nothing."""

    def _same_secret(self, row: StoredRow, head: RowHead) -> PutRow:
        return PutRow(head, row.quick, self._store.deep([row.slot])[0])

    # Writing

    def stage_enrol(self, transaction: TransactionId, rows: Iterable[RightPart]) -> None:
        """Prepare new rows, moved under the left half's own seeds.

        Raises:
            DisagreementError: the left half prepared other rows.
            FormatError: a part has the wrong dimension.
            RefusedError: see ``_check_new``.
        """
        with self._lock:
            parts = {part.head.pseudonym: part for part in rows}
            self._check_new(transaction, [part.head for part in parts.values()])
            changes = []
            for row in self._deltas(transaction):
                part = parts.pop(row.pseudonym, None)
                if part is None or (row.epoch, row.version) != (self._store.epoch, 1):
                    raise DisagreementError("the halves were given different rows")
                if len(part.coarse) != self._rules.dimension:
                    raise FormatError("a new row has the wrong dimension")
                changes.append(_moved(part.head, RightShare.from_bytes(part.coarse, part.fine), row))
            if parts:
                raise DisagreementError("the halves were given different rows")
            self._stage(transaction, changes)

    def stage_refresh(self, transaction: TransactionId) -> None:
        """Prepare every row under new masks and a new epoch key.

        Raises:
            DisagreementError: the left half has other rows.
        """
        with self._lock:
            self._check_new(transaction, [])
            self._stage(transaction, self._refreshed(transaction), new_epoch=True)

    def _refreshed(self, transaction: TransactionId) -> Iterator[PutRow]:
        count, epoch = 0, self._store.epoch + 1
        for delta in self._deltas(transaction):
            row = self._store.find(delta.pseudonym)
            if row is None or (delta.epoch, delta.version) != (epoch, row.head.version + 1):
                raise DisagreementError("the halves hold different rows: nothing was refreshed")
            count += 1
            yield _moved(row.head, RightShare.from_bytes(row.quick, self._store.deep([row.slot])[0]), delta)
        if count != len(self._store):
            raise DisagreementError("the halves hold different rows: nothing was refreshed")

    def _deltas(self, transaction: TransactionId) -> Iterator[DeltaRow]:
        channel = AESGCM(self._session().channel)
        for number, chunk in enumerate(self._twin.deltas(transaction)):
            yield from decode_chunk(channel, transaction, number, self._rules.dimension, chunk)

    # Searching

    def _score_shares(self, slots: NDArray[np.int32], probe: FineCode) -> NDArray[np.uint16]:
        shares = np.zeros(len(slots), np.uint16)
        present = np.flatnonzero(slots != NO_ROW)
        if len(present):
            codes = np.frombuffer(b"".join(self._store.deep(slots[present].tolist())), "<u2")
            codes = codes.reshape(len(present), self._rules.dimension)
            shares[present] = (codes.astype(np.int64) @ probe.astype(np.int64) & 0xFFFF).astype(np.uint16)
        return shares

    def fine(self, search: bytes) -> RightPicks:
        """Indices and pads into the tables of bands, one for each position compared."""
        with self._lock:
            found = self._enter_fine(search)
            found.shares = self._score_shares(found.compared, found.probe)
            indices, pads = band_picks(
                found.shares,
                stage_key(found.turn_key, b"fine/shift", found.transcript),
                stage_key(found.turn_key, b"fine/pad", found.transcript),
            )
            return RightPicks(tag(found.turn_key, b"fine", found.transcript), indices, pads)

    def tokens(self, search: bytes, chosen: NDArray[np.int32]) -> RightPicks:
        """Indices and pads into the tables of tokens, one for each chosen position."""
        with self._lock:
            found = self._enter_tokens(search, chosen)
            indices, pads = token_picks(
                found.shares[chosen],
                stage_key(found.turn_key, b"token/shift", found.transcript),
                stage_key(found.turn_key, b"token/pad", found.transcript),
            )
            return RightPicks(tag(found.turn_key, b"token", found.transcript), indices, pads)


def _moved(head: RowHead, share: RightShare, row: DeltaRow) -> PutRow:
    coarse, fine = share.minus(row.delta).to_bytes()
    after = RowHead(Pseudonym(head.pseudonym), row.epoch, row.version, head.gallery, head.purposes, head.flags)
    return PutRow(after, coarse, fine)
