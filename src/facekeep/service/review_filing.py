"""Reviews that somebody asks for by pictures: masked in memory, sealed, and dropped.

Invariants: no picture is written anywhere before it shows a face and nothing else, and is sealed to the reviewers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Final

from facekeep.domain.accounts import Principal
from facekeep.domain.review import (
    DEADLINE_DEFAULT,
    PROBES_MAX,
    URGENT_REASONS,
    Decision,
    Review,
    ReviewKind,
    ReviewReason,
)
from facekeep.domain.subject import SubjectId, named_subject
from facekeep.errors import ReviewConflictError, UsageError
from facekeep.face.images import decode
from facekeep.face.masking import FaceMasker
from facekeep.face.models import ModelPack
from facekeep.service.keep import Keep
from facekeep.service.keep_reviews import NewReview
from facekeep.service.review_rules import conflict

__all__ = ["KNOWN_REASONS", "ReviewFiling", "shipped_filing"]

KNOWN_REASONS: Final = tuple(
    reason for reason in ReviewReason if reason not in URGENT_REASONS and reason is not ReviewReason.APPEAL
)
"""What a question of known answer may be asked for: nobody is called to help, or objected to anything."""

_AT_ONCE: Final = 2
"""Pictures that are decoded at a time: their pixels fill the memory."""


class ReviewFiling:
    """Has people look at pictures. Safe for threads; the models are loaded when the first picture comes."""

    def __init__(self, keep: Keep, masker: Callable[[], FaceMasker]) -> None:
        """Takes what it works with.

        Args:
            keep: open, and open for longer than this.
            masker: loads the models.
        """
        self._keep = keep
        self._load = masker
        self._loading = threading.Lock()
        self._room = threading.BoundedSemaphore(_AT_ONCE)

    def file(
        self,
        kind: ReviewKind,
        probes: Sequence[bytes],
        reference: bytes = b"",
        *,
        owner: Principal,
        subject: str = "",
        length: timedelta = DEADLINE_DEFAULT,
        known: Decision | None = None,
        reasons: Sequence[ReviewReason] = (ReviewReason.ASKED,),
    ) -> Review:
        """Have people decide about pictures. Their vote comes as ``review.decided``, and with the review.

        Args:
            kind: what is asked.
            probes: 1 to 3 pictures of one face each.
            reference: a picture to compare with, of one face, or empty.
            owner: whoever asks. Its organisation decides.
            subject: identifier of the person whom it is about, who is told of it; "" if nobody knows.
            length: for how long the evidence lasts.
            known: the right answer, where it only measures reviewers.
            reasons: why people have to look, where the answer is known: such as make it one of many in the queue.

        Raises:
            ImageError: a picture cannot be read.
            NotFoundError: there is no such person.
            QualityError: a picture does not show one face, and one alone, well enough to show nothing else.
            ReviewConflictError: there are not two reviewers of the organisation who could open it.
            UsageError: there are too many pictures, or none; the known answer does not answer what is asked; or a
                reason is none for this.
        """
        if not 1 <= len(probes) <= PROBES_MAX:
            raise UsageError(f"a review has 1 to {PROBES_MAX} pictures, and one to compare with")
        if known is not None and not known.fits(kind):
            raise UsageError("this does not answer what is asked in this review")
        about, why = self._subject(subject), tuple(dict.fromkeys(reasons))
        if not why or not set(why) <= set(KNOWN_REASONS if known is not None else (ReviewReason.ASKED,)):
            raise UsageError("nothing is filed for such a reason", hint=f"Reasons: {', '.join(KNOWN_REASONS)}.")
        if not self._keep.can_review(owner):
            raise _nobody()
        new = NewReview(
            kind=kind,
            reasons=why,
            owner=owner,
            subject=about,
            probes=tuple(self._masked(probe) for probe in probes),
            reference=self._masked(reference) if reference else b"",
            known=known,
            length=length,
        )
        review = self._keep.file_review(new)
        if review is None:  # the last of them left meanwhile
            raise _nobody()
        return review

    def add_reference(self, review: str, picture: bytes, *, owner: Principal) -> Review:
        """Add what the probes of a review are compared with.

        Args:
            review: its identifier.
            picture: of one face.
            owner: whoever filed it, or ordered its capture.

        Raises:
            GoneError: its evidence was destroyed.
            ImageError: the picture cannot be read.
            NotFoundError: there is no such review of the owner.
            QualityError: the picture does not show one face, and one alone.
            ReviewConflictError: it has a reference, or somebody voted.
        """
        self._keep.review_filed(review, owner=owner)
        return self._keep.add_review_reference(review, self._masked(picture), owner=owner)

    @cached_property
    def _masker(self) -> FaceMasker:
        return self._load()

    def _masked(self, picture: bytes) -> bytes:
        with self._loading:
            masker = self._masker
        with self._room:
            return masker.picture(decode(picture))

    def _subject(self, subject: str) -> SubjectId | None:
        if not subject:
            return None
        self._keep.label_of(subject)  # or there is nobody of it
        return named_subject(subject)


def shipped_filing(keep: Keep) -> ReviewFiling:
    """Filing with the models of the package.

    Args:
        keep: open, and open for longer than this.
    """
    return ReviewFiling(keep, lambda: FaceMasker.build(ModelPack.load()))


def _nobody() -> ReviewConflictError:
    return conflict(
        "nobody can review this",
        hint="Two reviewers of the organisation register keys: each opens the console once, and is not who asks.",
    )
