"""A request that bears a key is done once, however often it is sent: the answer is kept for a day and given again.

What is kept about a data subject goes with that person: the key alone stays, so that nobody is enrolled again by a
request that is sent once more after the erasure.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from facekeep.domain.requests import KeptAnswer, RequestId
from facekeep.errors import RepeatedError, UsageError
from facekeep.store.registry import Registry

KEPT_FOR = timedelta(days=1)
KEY_BYTES_MAX = 128
_LOOKED_EVERY = timedelta(hours=1)


class RepeatingService:
    """Keeps what was asked under which key, and what was answered."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._looked: datetime | None = None

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
            RepeatedError: a request with this key is under way, was cut short, so that nobody knows its outcome, or was
                about somebody who was erased since.
            UsageError: the key served another request, or cannot be one.
        """
        if not (1 <= len(key) <= KEY_BYTES_MAX and key.isascii() and key.isprintable() and " " not in key):
            raise UsageError(f"a key of a request has 1 to {KEY_BYTES_MAX} visible ASCII characters")
        digest = sha256(who + key.encode()).digest()
        with self._registry.transaction() as tx:
            kept = tx.request_by_digest(digest)
            if kept is not None and kept.begun > now - KEPT_FOR:
                if kept.answer is None:
                    raise RepeatedError("a request with this key is under way, or its outcome is not known")
                if kept.fingerprint != fingerprint:
                    raise UsageError("this key served another request", hint="Use a new key for each request.")
                return kept.answer
            if kept is not None:
                tx.remove_request(kept.id)
            return tx.add_request(digest, fingerprint, now)

    def has_old(self, now: datetime) -> bool:
        """Whether requests are kept for longer than need be. Looks once an hour: every record has to be opened."""
        if self._looked is not None and timedelta() <= now - self._looked < _LOOKED_EVERY:
            return False
        with self._registry.read() as view:
            found = any(kept.begun <= now - KEPT_FOR for kept in view.requests())
        self._looked = now
        return found

    def forget_old(self, now: datetime) -> None:
        """Forget the requests that nobody may send again."""
        with self._registry.transaction() as tx:
            tx.forget_requests(now - KEPT_FOR)

    def finish(self, request: RequestId, answer: KeptAnswer) -> None:
        """Keep the answer of a request."""
        with self._registry.transaction() as tx:
            tx.answer_request(request, answer)

    def drop(self, request: RequestId) -> None:
        """Forget a request that changed nothing, so that it may be sent again."""
        with self._registry.transaction() as tx:
            tx.remove_request(request)
