"""The halves and the selector as those see them who run on other hosts. Safe for threads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.consent import Purpose
from facekeep.domain.row import Pseudonym, RowFlag, RowHead, TransactionId
from facekeep.errors import RefusedError, UsageError
from facekeep.interfaces.vault.calls import ask, download, upload
from facekeep.interfaces.vault.pool import ClientLimits, Pool
from facekeep.interfaces.vault.tls import KeyFiles
from facekeep.split.messages import (
    Claim,
    HalfStatus,
    LeftPart,
    LeftTables,
    LogHead,
    Released,
    RightPart,
    RightPicks,
    SearchRequest,
)
from facekeep.split.operators import OperatorKey
from facekeep.split.ratchet import Hello
from facekeep.split.roles import LOG_TOGETHER
from facekeep.split.searching import OPEN_MAX
from facekeep.split.wire import exchanges as ex
from facekeep.split.wire.methods import Role
from facekeep.split.wire.search_messages import Choice, Claiming, Fetch, Offer
from facekeep.split.wire.values import Mark, Span
from facekeep.split.wire.write_messages import Marks, Operators, Rows, Switch
from facekeep.split.word import SignedWord

_OTHER_NUMBER = (
    "It answered another number of things than it was asked. Run the same version of Facekeep on both sides."
)


class _Remote:
    """A role on another host. See :class:`facekeep.interfaces.vault.pool.Pool` for how it is reached."""

    _role: Role

    def __init__(
        self, address: tuple[str, int], files: KeyFiles, certificate: bytes, *, limits: ClientLimits | None = None
    ) -> None:
        """Be ready; the first call connects.

        Args:
            address: host and port.
            files: this end's own certificate and key.
            certificate: the role's certificate, PEM; another is refused.
            limits: see there.
        """
        self._pool = Pool(self._role, address, files, certificate, limits)

    def close(self) -> None:
        """Close the connections. The role itself goes on."""
        self._pool.close()


class _RemoteHalf(_Remote):
    """What both halves have. Each method raises what the half raises, and UnavailableError; see split.roles."""

    def hello(self) -> Hello:
        """Begin a session with the twin."""
        return ask(self._pool, ex.BEGIN_SESSION, None)

    def pair(self, other: Hello) -> None:
        """Finish a session with the twin."""
        ask(self._pool, ex.PAIR, other)

    def status(self) -> HalfStatus:
        """How the half is; takes time in proportion to its rows."""
        return ask(self._pool, ex.ASK_STATUS, None)

    @property
    def epoch(self) -> int:
        """The present epoch."""
        return ask(self._pool, ex.EPOCH, None)

    def __len__(self) -> int:
        """Number of rows."""
        return ask(self._pool, ex.COUNT, None)

    def __bool__(self) -> bool:
        """True: whether a half is there is not asked over the network."""
        return True

    def head_of(self, pseudonym: Pseudonym) -> RowHead | None:
        """What the half knows of a row, or None."""
        return ask(self._pool, ex.HEAD_OF, pseudonym)

    def alarms(self) -> tuple[Pseudonym, ...]:
        """Rows with too many rejected comparisons."""
        alarms = ask(self._pool, ex.ALARMS, None)
        return tuple(alarms)

    def log_head(self) -> LogHead:
        """Number of records in the log, all on disk, and the head of their tree."""
        return ask(self._pool, ex.ASK_LOG_HEAD, None)

    def log_commitments(self, first: int, count: int) -> list[bytes]:
        """What stands for records in the tree of the log; fewer where it ends, at most ``LOG_TOGETHER`` at once."""
        found = ask(self._pool, ex.ASK_LOG_COMMITMENTS, Span(first, min(count, LOG_TOGETHER)))
        return list(found)

    def levels(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """The thresholds and false match rates in this half's rules."""
        return ask(self._pool, ex.ASK_LEVELS, None)

    def operators(self) -> tuple[OperatorKey, ...]:
        """The keys that may sign for operators."""
        keys = ask(self._pool, ex.ASK_OPERATORS, None)
        return tuple(keys)

    def begin(self, requests: Sequence[SearchRequest]) -> list[RefusedError | None]:
        """Check, log, count and start searches; one answer each, None where it was admitted."""
        if len(requests) > OPEN_MAX:
            raise UsageError("too many searches were asked at once", hint=f"Ask at most {OPEN_MAX} at once.")
        outcomes = ask(self._pool, ex.BEGIN, requests)
        if len(outcomes) != len(requests):
            raise self._pool.unavailable(_OTHER_NUMBER)
        return list(outcomes)

    def release(self, search: bytes, claims: Sequence[Claim]) -> list[Released]:
        """Give pseudonym and band for valid tokens, and end the search."""
        released = ask(self._pool, ex.RELEASE, Claiming(search, claims))
        return list(released)

    def stage_erase(self, transaction: TransactionId, pseudonyms: Sequence[Pseudonym]) -> None:
        """Prepare to remove rows."""
        ask(self._pool, ex.STAGE_ERASE, Rows(transaction, pseudonyms))

    def stage_marks(self, transaction: TransactionId, marks: Sequence[tuple[Pseudonym, int, RowFlag]]) -> None:
        """Prepare to give rows other purpose bits and flags."""
        ask(self._pool, ex.STAGE_MARKS, Marks(transaction, [Mark(*mark) for mark in marks]))

    def stage_switch(self, transaction: TransactionId, purpose: Purpose, on: bool) -> None:
        """Prepare to switch a purpose."""
        ask(self._pool, ex.STAGE_SWITCH, Switch(transaction, purpose, on))

    def stage_operators(self, transaction: TransactionId, change: SignedWord) -> None:
        """Prepare to give or take an operator's key, on the registrar's word."""
        ask(self._pool, ex.STAGE_OPERATORS, Operators(transaction, change))

    def stage_refresh(self, transaction: TransactionId) -> None:
        """Prepare new shares of every row under a new epoch key. The left half first."""
        ask(self._pool, ex.STAGE_REFRESH, transaction)

    def commit(self, transaction: TransactionId) -> None:
        """Apply what was prepared."""
        ask(self._pool, ex.COMMIT, transaction)

    def abort(self, transaction: TransactionId) -> None:
        """Forget what was prepared."""
        ask(self._pool, ex.ABORT, transaction)

    def staged(self) -> list[TransactionId]:
        """What is prepared and not ended."""
        transactions = ask(self._pool, ex.STAGED, None)
        return list(transactions)

    def forgive(self, word: SignedWord) -> None:
        """Drop the counts of rows that two people reviewed, on the registrar's word."""
        ask(self._pool, ex.FORGIVE, word)


class RemoteLeft(_RemoteHalf):
    """The left half: for the gate all but ``deltas``, for the right half ``deltas`` alone."""

    _role = Role.LEFT

    def stage_enrol(self, transaction: TransactionId, rows: Iterable[LeftPart]) -> None:
        """Prepare new rows, each under another seed than the gate's. At most 65,536."""
        upload(self._pool, ex.LEFT_ENROL, transaction, rows)

    def fine(self, search: bytes) -> LeftTables:
        """The one-time tables of bands."""
        return ask(self._pool, ex.LEFT_FINE, search)

    def tokens(self, search: bytes, chosen: NDArray[np.int32]) -> LeftTables:
        """The one-time tables of tokens."""
        answer = ask(self._pool, ex.LEFT_TOKENS, Choice(search, chosen))
        if len(answer.tables) != len(chosen):
            raise self._pool.unavailable(_OTHER_NUMBER)
        return answer

    def deltas(self, transaction: TransactionId) -> Iterator[bytes]:
        """Sealed chunks of what the right half must subtract. A connection is taken until all were fetched."""
        return download(self._pool, ex.DELTAS, transaction)


class RemoteRight(_RemoteHalf):
    """The right half, for the gate."""

    _role = Role.RIGHT

    def stage_enrol(self, transaction: TransactionId, rows: Iterable[RightPart]) -> None:
        """Prepare new rows; the left half must have prepared the same transaction. At most 65,536."""
        upload(self._pool, ex.RIGHT_ENROL, transaction, rows)

    def fine(self, search: bytes) -> RightPicks:
        """Indices and pads into the tables of bands."""
        return ask(self._pool, ex.RIGHT_FINE, search)

    def tokens(self, search: bytes, chosen: NDArray[np.int32]) -> RightPicks:
        """Indices and pads into the tables of tokens."""
        answer = ask(self._pool, ex.RIGHT_TOKENS, Choice(search, chosen))
        if len(answer.indices) != len(chosen):
            raise self._pool.unavailable(_OTHER_NUMBER)
        return answer


class RemoteSelector(_Remote):
    """The selector, which the registrar runs, for a half."""

    _role = Role.REGISTRAR

    def offer(self, search: bytes, side: bytes, tag: bytes, shares: NDArray[np.uint8], support: int) -> None:
        """Give this half's permuted shares."""
        ask(self._pool, ex.OFFER_SUMS, Offer(search, side, tag, support, shares))

    def positions(self, search: bytes, side: bytes) -> NDArray[np.int32]:
        """Fetch the best positions."""
        return ask(self._pool, ex.FETCH_POSITIONS, Fetch(search, side))
