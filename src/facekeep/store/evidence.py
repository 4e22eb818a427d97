"""The gate's own store: the sealed pictures of reviews, for as long as people have to look at them.

It is made when the first picture comes, is in no backup, and forgets by keys. All that ends at one hour is sealed under
one key, which is destroyed at that hour; when something ends before it, what else is in its bucket moves to a new key
and the old one is destroyed. So whatever is destroyed here is destroyed in every copy of the file at the same time.
What is sealed inside (docs/spec/review.md) this store could not open if it wanted to.

A crash leaves a key that no row names, which the next opening destroys, or a row whose key is gone, which nobody can
open and the hour clears away.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Connection, Select, select, update

from facekeep.domain.review import ReviewId
from facekeep.domain.review_evidence import SealedPicture, StoredPicture
from facekeep.domain.reviewer import ReviewerKeyId
from facekeep.errors import DamagedStoreError, GoneError, NotFoundError, UsageError
from facekeep.store.database import Database
from facekeep.store.evidence_file import (
    delete_row,
    delete_rows,
    here,
    insert_row,
    made,
    of_review,
    opened,
    outer_of,
    renew_row,
    rows_of,
)
from facekeep.store.evidence_keys import Bucket, BucketKeys, hour_of, hours_begun
from facekeep.store.evidence_rows import AnyRow, Held, bucket_of, pictures, turned_keys
from facekeep.store.keys import KeyProvider
from facekeep.store.sealing import Sealer

__all__ = ["EvidenceStore"]

_P: Final = pictures.c


class EvidenceStore:
    """The evidence of a keep. Its methods may be called from any thread; they wait for each other.

    One process at a time may have it, as it may have the keep. Any method may raise
    :class:`~facekeep.errors.DamagedStoreError` when the file is damaged.

    Args:
        path: the file; it and its folder are made when the first picture comes.
        keys: where its keys are kept; their names begin with ``gate.evidence.``.

    Raises:
        DamagedStoreError: the file is damaged, something else, or of a newer version.
    """

    def __init__(self, path: Path, keys: KeyProvider) -> None:
        self._path = path
        self._keys = BucketKeys(keys)
        self._lock = threading.RLock()
        self._uncleared = False
        self._expired = -1
        self._database = opened(path) if path.is_file() else None
        try:
            self._clear()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close it. Closing twice changes nothing."""
        with self._lock:
            if self._database is not None:
                self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def put(self, review: ReviewId, deadline: datetime, sealed: Sequence[SealedPicture]) -> None:
        """Keep the pictures of a review, durably.

        Args:
            review: of which review.
            deadline: when they end, a full hour.
            sealed: at least one, each with a number of its own.

        Raises:
            UsageError: the review has pictures already.
            ValueError: there is no picture, two have one number, or the deadline is no full hour.
        """
        hour = hour_of(deadline)
        if not sealed or len({picture.index for picture in sealed}) < len(sealed):
            raise ValueError("a review has pictures, each with a number of its own")
        with self._lock, self._changing(self._base(make=True), clear=False) as connection:
            if rows_of(connection, of_review(review)):
                raise UsageError("the review has its pictures already")
            bucket, sealer = self._bucket(connection, hour)
            for picture in sealed:
                insert_row(connection, Held.of(review, picture), picture.sealed, bucket, sealer)

    def add(self, review: ReviewId, picture: SealedPicture) -> None:
        """Keep one more picture of a review, which ends with the others.

        Raises:
            GoneError: the review has no pictures any more.
            ValueError: it has one of this number.
        """
        with self._lock, self._changing(self._base(), clear=False) as connection:
            rows = self._live(connection, review)
            if any(row.item == picture.index for row in rows):
                raise ValueError("each picture of a review has a number of its own")
            bucket = bucket_of(rows[0])
            insert_row(connection, Held.of(review, picture), picture.sealed, bucket, self._keys.get(bucket))

    def reseal_until(self, review: ReviewId, deadline: datetime) -> None:
        """Have the pictures of a review end at another hour: their outer layer is sealed anew, nothing inside opened.

        What else ends at the old hour moves to a new key, so that no copy from before opens.

        Raises:
            GoneError: the review has no pictures any more.
            ValueError: the deadline is no full hour.
        """
        hour = hour_of(deadline)
        with self._lock, self._changing(self._base()) as connection:
            held = [(row, self._held(row)) for row in self._live(connection, review)]
            place = self._bucket(connection, hour)
            for row, old in held:
                renew_row(connection, row, old, old.wraps, place)
            # What was copied before opens by the old key, and has to end with the review, should that be earlier.
            self._turn(connection, {row.hour for row, _ in held})

    def read(self, review: ReviewId, key: ReviewerKeyId) -> tuple[StoredPicture, ...]:
        """The pictures of a review that are sealed to a key, in the order of their numbers.

        Raises:
            GoneError: the review has no pictures any more.
            NotFoundError: none of them is sealed to this key.
        """
        with self._lock, self._base().reading() as connection:
            found = []
            for row in self._live(connection, review):
                held = self._held(row)
                wrapped = held.wraps.get(key)
                if wrapped is None:
                    continue
                sealed = held.open_outer(outer_of(connection, row))
                found.append(StoredPicture(held.index, held.role, sealed, held.share, wrapped))
        if not found:
            hint = "It is sealed to those who were on duty, each in the browser that they had a key in then."
            raise NotFoundError("no picture of this review is sealed to this key", hint=hint)
        return tuple(found)

    def reviews(self) -> frozenset[ReviewId]:
        """All reviews of which there are rows, opened or not: for comparing with the registry after a crash."""
        with self._lock:
            if self._database is None:
                return frozenset()
            with self._database.reading() as connection:
                return frozenset(connection.scalars(select(_P.review).distinct()))

    def readable(self) -> frozenset[ReviewId]:
        """The reviews of which there are rows and the key that opens them: all others have lost their pictures."""
        with self._lock:
            if self._database is None:
                return frozenset()
            held = self._keys.held()
            with self._database.reading() as connection:
                rows = connection.execute(select(_P.review, _P.hour, _P.turn).distinct()).all()
            return frozenset(ReviewId(row.review) for row in rows if bucket_of(row) in held)

    def destroy(self, *reviews: ReviewId) -> None:
        """Destroy the pictures of reviews, in all copies of the file. Of those that have none nothing is written."""
        with self._lock:
            if self._database is None:
                return
            with self._database.reading() as connection:
                hours = {row.hour for review in reviews for row in rows_of(connection, of_review(review))}
            if hours:
                with self._changing(self._database) as connection:
                    for review in reviews:
                        delete_rows(connection, review)
                    self._turn(connection, hours)
            elif self._uncleared:
                self._clear()

    def remove(self, review: ReviewId, index: int) -> None:
        """Destroy one picture of a review, in all copies of the file. Nothing happens if there is none."""
        with self._lock:
            if self._database is None:
                return
            with self._database.reading() as connection:
                rows = [row for row in rows_of(connection, of_review(review)) if row.item == index]
            if rows:
                with self._changing(self._database) as connection:
                    for row in rows:
                        delete_row(connection, row)
                    self._turn(connection, {row.hour for row in rows})

    def drop_wraps(self, key: ReviewerKeyId) -> frozenset[ReviewId]:
        """Take a key that was revoked away from all pictures, in all copies of the file.

        Each picture that was sealed to it gets a new outer key, and each bucket of one a new key; nothing inside is
        opened.

        Returns:
            The reviews that had pictures for this key.

        Raises:
            DamagedStoreError: a row does not open. The key was taken away from all others.
        """
        return self._drop(select(pictures), key)

    def drop_wrap(self, review: ReviewId, key: ReviewerKeyId) -> None:
        """Take a key away from the pictures of one review, in all copies of the file. See :meth:`drop_wraps`."""
        self._drop(of_review(review), key)

    def expire(self, now: datetime) -> frozenset[ReviewId]:
        """Destroy what ends at an hour that has begun: first the keys, then the rows.

        Returns:
            The reviews whose rows were removed. A crash in between may lose this answer, so what is over is to be
            known by the registry's deadlines and not by it alone.
        """
        hour = hours_begun(now)
        with self._lock:
            if hour == self._expired and not self._uncleared:
                return frozenset()  # asked each second: nothing that is kept ends within the hour that has begun
            self._keys.destroy_until(hour)
            if self._database is None:
                return frozenset()
            with self._database.reading() as connection:
                over = frozenset(connection.scalars(select(_P.review).where(_P.hour <= hour).distinct()))
            if over:
                with self._changing(self._database) as connection:
                    for review in over:
                        delete_rows(connection, review)
            elif self._uncleared:
                self._clear()
            self._expired = hour
        return over

    def check(self) -> None:
        """Read the whole file and open every row whose key is there, for ``facekeep doctor``.

        Raises:
            DamagedStoreError: something is damaged.
        """
        with self._lock:
            if self._database is None:
                return
            self._database.check()
            with self._database.reading() as connection:
                held = self._keys.held()
                for row in rows_of(connection, select(pictures)):
                    if bucket_of(row) in held:
                        self._held(row).open_outer(outer_of(connection, row))

    def _drop(self, which: Select[Any], key: ReviewerKeyId) -> frozenset[ReviewId]:
        with self._lock:
            if self._database is None:
                return frozenset()
            return self._dropped(self._database, which, key)

    def _dropped(self, database: Database, which: Select[Any], key: ReviewerKeyId) -> frozenset[ReviewId]:
        reviews: set[ReviewId] = set()
        hours: set[int] = set()
        damaged: DamagedStoreError | None = None
        with self._changing(database) as connection:
            held = self._keys.held()
            for row in rows_of(connection, which):
                bucket = bucket_of(row)
                if bucket not in held:
                    continue  # its hour is over: it opens with no key
                sealer = self._keys.get(bucket)
                try:
                    old = Held.read(row, sealer)
                    if key in old.wraps:
                        wraps = {other: wrapped for other, wrapped in old.wraps.items() if other != key}
                        renew_row(connection, row, old, wraps, (bucket, sealer))
                        reviews.add(ReviewId(row.review))
                        hours.add(bucket.hour)
                except DamagedStoreError as error:
                    damaged = error
                    hours.add(bucket.hour)  # in a copy the row may be whole
            self._turn(connection, hours)
        if damaged is not None:
            raise damaged
        return frozenset(reviews)

    def _turn(self, connection: Connection, hours: set[int]) -> None:
        """Move what is left in the buckets of these hours to new keys. The old ones go when this is committed."""
        held = self._keys.held()
        for hour in hours:
            rows = rows_of(connection, select(pictures).where(_P.hour == hour))
            if not rows or bucket_of(rows[0]) not in held:
                continue  # nobody is in it, or its hour is over
            old = bucket_of(rows[0])
            new = Bucket(hour, old.turn + 1)
            opener, sealer = self._keys.get(old), self._keys.draw(new)
            for row in rows:
                values: dict[str, Any] = {"turn": new.turn}
                # A damaged row stays damaged, and must not hold up the destruction of another; check() tells of it.
                with suppress(DamagedStoreError):
                    values["keys"] = turned_keys(row, opener, sealer)
                connection.execute(update(pictures).where(here(pictures, row)).values(values))

    def _bucket(self, connection: Connection, hour: int) -> tuple[Bucket, Sealer]:
        """The bucket of an hour, with a key."""
        row = connection.execute(select(_P.hour, _P.turn).where(_P.hour == hour).limit(1)).first()
        if row is None:
            bucket = Bucket(hour)
            return bucket, self._keys.draw(bucket)
        return bucket_of(row), self._keys.get(bucket_of(row))

    def _live(self, connection: Connection, review: ReviewId) -> Sequence[AnyRow]:
        """The rows of a review, in their order, if there are any and their key is there."""
        rows = rows_of(connection, of_review(review))
        if not rows or bucket_of(rows[0]) not in self._keys.held():
            raise _gone()
        return rows

    def _held(self, row: AnyRow) -> Held:
        return Held.read(row, self._keys.get(bucket_of(row)))

    def _base(self, *, make: bool = False) -> Database:
        if self._database is None:
            if not make:
                raise _gone()
            self._database = made(self._path)
        return self._database

    @contextmanager
    def _changing(self, database: Database, *, clear: bool = True) -> Iterator[Connection]:
        """A transaction, and after it, as long as something may have ended by it, what it left is cleared away."""
        self._uncleared = self._uncleared or clear
        with database.writing() as connection:
            yield connection
        if clear:
            self._clear()

    def _clear(self) -> None:
        """Destroy the keys that no row names, and cut the write-ahead log to nothing."""
        if self._database is None:
            self._keys.keep(())
            return
        with self._database.reading() as connection:
            rows = connection.execute(select(_P.hour, _P.turn).distinct()).all()
        self._keys.keep({bucket_of(row) for row in rows})
        self._uncleared = not self._database.empty_log()


def _gone() -> GoneError:
    return GoneError("the pictures of this review were destroyed")
