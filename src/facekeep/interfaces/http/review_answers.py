"""Reviews as they are told over HTTP: to reviewers, to whoever filed them, and what both have in common."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from facekeep.domain.capture import Assurance, Intent
from facekeep.domain.consent import Purpose
from facekeep.domain.review import (
    Decision,
    PictureRole,
    ReasonCode,
    Review,
    ReviewKind,
    ReviewPicture,
    ReviewReason,
    ReviewState,
    Vote,
)
from facekeep.domain.review_evidence import StoredPicture
from facekeep.domain.review_vote import missing
from facekeep.domain.review_words import (
    Concern,
    ReviewWords,
    WordsKind,
)
from facekeep.interfaces.http.bodies import unpadded
from facekeep.interfaces.http.capture_sessions import PadAnswer
from facekeep.service.keep_reviewing import ReviewSeen

__all__ = [
    "Key",
    "PictureAnswer",
    "ReviewAnswer",
    "ReviewDetailsAnswer",
    "SealedPictureAnswer",
    "details_answer",
    "filed_answer",
    "picture_answers",
    "review_answer",
    "sealed_answers",
    "words_of",
]

Key = Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="Identifier of a key of this browser.")]


class PictureAnswer(BaseModel):
    """A picture of the evidence, without its pixels."""

    index: int = Field(description="Its number in this review.")
    role: PictureRole


class SealedPictureAnswer(PictureAnswer):
    """A picture, sealed to one key: docs/spec/review.md."""

    sealed: str = Field(description="Base64url without padding, as the next two.")
    share: str = Field(description="The server's share of the key of the picture.")
    wrapped: str = Field(description="The other share, wrapped for this key.")


class ClaimAnswer(BaseModel):
    """That the one who asks has a review for a while."""

    until: datetime


class VoteAnswer(BaseModel):
    """What somebody said."""

    decision: Decision
    code: ReasonCode
    time: datetime


class ReviewAnswer(BaseModel):
    """A review, as the one who asks sees it."""

    id: str
    kind: ReviewKind
    reasons: list[ReviewReason] = Field(description="Why people have to look, urgent ones first.")
    urgent: bool = Field(description="Whether somebody may be in need of help; not in an appeal.")
    state: ReviewState
    round: int = Field(ge=1, le=2, description="2 after an appeal.")
    created: datetime
    deadline: datetime = Field(description="When the evidence ends, if it has not been destroyed before.")
    votes_missing: int = Field(description="As far as is known: more, if those to come disagree.")
    claimed: bool = Field(description="Whether others have claimed it as often as it may be.")
    claim: ClaimAnswer | None = Field(description="Of the one who asks.")
    mine: VoteAnswer | None = Field(description="What the one who asks voted.")
    recused: bool = Field(description="Whether the one who asks said to know the person.")
    pictures: list[PictureAnswer]
    decision: Decision | None = Field(description="What people decided.")
    decided: datetime | None
    concerns: list[Concern] = Field(description="Reported, and not answered yet.")


class CurveAnswer(BaseModel):
    """A figure over the time of a capture."""

    name: str
    unit: str
    at: list[float] = Field(description="Seconds.")
    values: list[float]


class ComparedAnswer(BaseModel):
    """What a comparison came to, without a score."""

    fmr: float = Field(description="False match rate that was asked for.")
    holds_at: float | None = Field(description="The strictest of a few at which it holds.")


class FiguresAnswer(BaseModel):
    """What the machine measured."""

    intent: Intent | None = None
    purpose: Purpose | None = None
    assurance: Assurance | None = None
    pad: PadAnswer | None = None
    curves: list[CurveAnswer] = []
    comparison: ComparedAnswer | None = None


class EvidenceAnswer(FiguresAnswer):
    """What is known of it, but for a face."""

    statement: str = Field(description="Of the person, in their own words.")
    appeal: str = Field(description="Of the person, too.")


class ReviewDetailsAnswer(ReviewAnswer):
    """A review with what the machine measured, and with the votes once it is decided."""

    evidence: EvidenceAnswer | None = Field(description="None for whoever filed it.")
    votes: list[VoteAnswer] = Field(description="Once it is decided, without saying whose.")


def review_answer(seen: ReviewSeen, *, recused: bool) -> ReviewAnswer:
    """A review as it is listed."""
    review, claim, mine = seen.review, seen.claim, seen.mine
    return ReviewAnswer(
        id=review.id.hex(),
        kind=review.kind,
        reasons=list(review.reasons),
        urgent=review.urgent,
        state=review.state,
        round=review.round,
        created=review.created,
        deadline=review.deadline,
        votes_missing=seen.missing,
        claimed=seen.taken,
        claim=None if claim is None else ClaimAnswer(until=claim.until),
        mine=None if mine is None else _vote(mine),
        recused=recused,
        pictures=picture_answers(review.pictures),
        decision=review.decision,
        decided=review.decided,
        concerns=sorted({reported.concern for reported in seen.concerns if reported.waits}),
    )


def details_answer(seen: ReviewSeen, *, recused: bool) -> ReviewDetailsAnswer:
    """A review as a reviewer reads it."""
    figures = FiguresAnswer.model_validate_json(seen.figures)
    evidence = EvidenceAnswer(
        **dict(figures),
        statement=words_of(seen.words, WordsKind.STATEMENT),
        appeal=words_of(seen.words, WordsKind.APPEAL),
    )
    listed = review_answer(seen, recused=recused)
    return ReviewDetailsAnswer(**dict(listed), evidence=evidence, votes=_votes(seen.review))


def filed_answer(review: Review) -> ReviewDetailsAnswer:
    """A review as whoever filed it reads it: how far it is, and nothing that reviewers say among themselves."""
    needed = missing(review.ballots) if review.state is ReviewState.OPEN else 0
    seen = ReviewSeen(review, "{}", (), (), None, None, needed, taken=False)
    return ReviewDetailsAnswer(**dict(review_answer(seen, recused=False)), evidence=None, votes=_votes(review))


def picture_answers(pictures: Sequence[ReviewPicture]) -> list[PictureAnswer]:
    """Pictures as they are told of."""
    return [PictureAnswer(index=picture.index, role=picture.role) for picture in pictures]


def sealed_answers(pictures: Sequence[StoredPicture]) -> list[SealedPictureAnswer]:
    """Pictures as a browser gets them."""
    return [
        SealedPictureAnswer(
            index=picture.index,
            role=picture.role,
            sealed=unpadded(picture.sealed),
            share=unpadded(picture.share),
            wrapped=unpadded(picture.wrapped),
        )
        for picture in pictures
    ]


def words_of(words: Sequence[ReviewWords], kind: WordsKind) -> str:
    """What a person said, "" for nothing."""
    return next((each.text for each in words if each.kind is kind), "")


def _vote(vote: Vote) -> VoteAnswer:
    return VoteAnswer(decision=vote.decision, code=vote.code, time=vote.time)


def _votes(review: Review) -> list[VoteAnswer]:
    return [_vote(vote) for vote in review.ballots] if review.state is ReviewState.DECIDED else []
