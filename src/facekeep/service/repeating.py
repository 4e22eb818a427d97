"""A request that bears a key is done once, however often it is sent: the answer is kept for a day and given again."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from facekeep.domain.requests import KeptAnswer, RequestId
from facekeep.errors import RepeatedError, UsageError
from facekeep.store.registry import Registry
from facekeep.store.transaction import Transaction

KEPT_FOR = timedelta(days=1)
KEY_BYTES_MAX = 128
_PRUNED_EVERY = timedelta(hours=1)


class RepeatingService:
    """Keeps what was asked under which key, and what was answered."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._pruned: datetime | None = None

    def begin(self, who: bytes, key: str, fingerprint: bytes, now: datetime) -> KeptAnswer | RequestId:
        """Begin a request, unless it was done before.

        Args:
            who: identifier of who asks, 16 bytes; keys of different ones have nothing to do with each other.
            key: 1 to 128 visible ASCII characters.
            fingerprint: SHA-256 of what is asked, 32 bytes.
            now: the time.

        Returns:
            The answer of then, or the identifier of the request that has begun now.

        Raises:
            RepeatedError: a request with this key is under way, or was cut short, so that nobody knows its outcome.
            UsageError: the key served another request, or cannot be one.
        """
        if not (1 <= len(key) <= KEY_BYTES_MAX and key.isascii() and key.isprintable() and " " not in key):
            raise UsageError(f"a key of a request has 1 to {KEY_BYTES_MAX} visible ASCII characters")
        digest = sha256(who + key.encode()).digest()
        with self._registry.transaction() as tx:
            self._prune(tx, now)
            kept = tx.request_by_digest(digest)
            if kept is not None and kept.begun > now - KEPT_FOR:
                if kept.fingerprint != fingerprint:
                    raise UsageError("this key served another request", hint="Use a new key for each request.")
                if kept.answer is None:
                    raise RepeatedError("a request with this key is under way, or its outcome is not known")
                return kept.answer
            if kept is not None:
                tx.remove_request(kept.id)
            return tx.add_request(digest, fingerprint, now)

    def _prune(self, tx: Transaction, now: datetime) -> None:
        # Times are sealed, so that every record has to be opened: not with every request.
        if self._pruned is None or now - self._pruned >= _PRUNED_EVERY:
            tx.forget_requests(now - KEPT_FOR)
            self._pruned = now

    def finish(self, request: RequestId, answer: KeptAnswer) -> None:
        """Keep the answer of a request."""
        with self._registry.transaction() as tx:
            tx.answer_request(request, answer)

    def drop(self, request: RequestId) -> None:
        """Forget a request that changed nothing, so that it may be sent again."""
        with self._registry.transaction() as tx:
            tx.remove_request(request)
