"""What tests of reviews share: reviewers with keys, and reviews of pictures that show nobody."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from PIL import Image

from facekeep.domain.accounts import Account, Role
from facekeep.domain.review import Decision, ReasonCode, Review, ReviewKind, ReviewReason, ViewReason
from facekeep.domain.reviewer import key_id
from facekeep.domain.subject import SubjectId
from facekeep.service.keep import Keep
from facekeep.service.keep_reviews import NewReview

LOOK = ViewReason.FIGURES_UNDECIDED
CODE = ReasonCode.OTHER


@dataclass(frozen=True)
class Person:
    account: Account
    private: X25519PrivateKey

    @property
    def key(self) -> str:
        return key_id(self.private.public_key().public_bytes_raw()).hex()


def a_person(keep: Keep, name: str, *roles: Role, organisation: str = "", on_duty: bool = True) -> Person:
    account = keep.invite(name, roles or [Role.REVIEWER], organisation=organisation).account
    private = X25519PrivateKey.generate()
    keep.add_reviewer_key(private.public_key().public_bytes_raw(), who=account)
    if on_duty:
        keep.set_duty(on=True, who=account)
    return Person(account, private)


def reviewers(keep: Keep, count: int) -> list[Person]:
    return [a_person(keep, f"reviewer {number}") for number in range(count)]


def subject_of(keep: Keep, label: str) -> SubjectId:
    return SubjectId(bytes.fromhex(keep.subject(label).id))


def png(shade: int = 90) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (64, 64), (shade, 70, 50)).save(written, "PNG")
    return written.getvalue()


def new(owner: Account, **changed: object) -> NewReview:
    usual = NewReview(
        ReviewKind.PRESENTATION, (ReviewReason.INCONCLUSIVE,), owner, probes=(png(), png(91)), figures='{"pad":null}'
    )
    return replace(usual, **changed)  # type: ignore[arg-type]


def filed(keep: Keep, owner: Account, **changed: object) -> Review:
    review = keep.file_review(new(owner, **changed))
    assert review is not None
    return review


def look(keep: Keep, review: str, who: Account) -> None:
    """Have the face shown in the browser of a reviewer who has claimed it."""
    (key, *_) = keep.reviewer(who).reviewer.keys
    keep.show_review(review, LOOK, key=key.id.hex(), who=who)


def decide(keep: Keep, review: Review, decision: Decision, *people: Person) -> Review:
    for person in people:
        keep.claim_review(review.id.hex(), who=person.account)
        if decision.needs_a_look:
            keep.show_review(review.id.hex(), LOOK, key=person.key, who=person.account)
        seen = keep.vote(review.id.hex(), decision, CODE, who=person.account)
    return seen.review
