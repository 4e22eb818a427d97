"""Reviews as an integrator has them: filed, read, completed, taken back; and how they go. See client.calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from facekeep.client.calls import Call, Json
from facekeep.domain.review import Decision, PictureRole, ReasonCode, ReviewKind, ReviewReason, ReviewState

__all__ = ["ReasonCounts", "ReviewDetails", "ReviewFigures", "ReviewVote", "ReviewerCounts"]


@dataclass(frozen=True, slots=True)
class ReviewVote:
    """What somebody said, without saying who.

    Attributes:
        decision: what.
        code: why.
        time: when.
    """

    decision: Decision
    code: ReasonCode
    time: datetime


@dataclass(frozen=True, slots=True)
class ReviewDetails:
    """A review as it is now, for whoever filed it.

    Attributes:
        id: 32 hexadecimal digits.
        kind: what is asked.
        reasons: why people have to look.
        state: how far it is.
        round: 1, or 2 after an appeal.
        created: when.
        deadline: when its evidence ends.
        votes_missing: as far as is known.
        pictures: what each is, in their order.
        decision: what people decided, or None.
        decided: when, or None.
        votes: of the last round, once it is decided.
    """

    id: str
    kind: ReviewKind
    reasons: tuple[ReviewReason, ...]
    state: ReviewState
    round: int
    created: datetime
    deadline: datetime
    votes_missing: int
    pictures: tuple[PictureRole, ...]
    decision: Decision | None
    decided: datetime | None
    votes: tuple[ReviewVote, ...]


@dataclass(frozen=True, slots=True)
class ReasonCounts:
    """Of one reason: how many reviews have it, how many of these were decided, and how often a face was shown."""

    opened: int
    decided: int
    views: int


@dataclass(frozen=True, slots=True)
class ReviewerCounts:
    """How one reviewer does.

    Attributes:
        name: of the account, "" of who has left.
        votes: so many, those of known answer among them.
        agreed: votes that were what was decided.
        disagreed: the others of these.
        known_right: votes of known answer that were right, of reviews that are over.
        known_wrong: the others of these.
        median_seconds: between claim and vote; None without a vote.
        views: how often a face was shown to them.
    """

    name: str = field(repr=False)
    votes: int
    agreed: int
    disagreed: int
    known_right: int
    known_wrong: int
    median_seconds: float | None
    views: int


@dataclass(frozen=True, slots=True)
class CaptureShare:
    """How many captures ended or went to people since a service was started, and how many of these went to people."""

    since: datetime
    captures: int
    escalated: int


@dataclass(frozen=True, slots=True)
class ReviewFigures:
    """How the reviews of an organisation go that were filed since a time. Seconds are None where there are none.

    Totals include questions of known answer.

    Attributes:
        since: from when on.
        opened: filed.
        open: not over.
        urgent: of these.
        oldest_waiting_seconds: for how long the oldest open one waits, without appeals.
        waiting: seconds from filing to the first vote: median, and what 9 of 10 do not exceed.
        deciding: seconds from filing to the decision, the same.
        decided: by people.
        expired: not decided in time.
        appeals: decisions that were appealed, whether or not others decided then.
        overturned: of these, decided otherwise by others.
        escalated: captures that the machine could not decide, or must not.
        captures: of the whole service; None where it does not tell: to other organisations, or beside no service.
        views_per_review: how often a face was shown.
        by_reason: of each reason that there was.
        reviewers: of each who voted or looked.
    """

    since: datetime
    opened: int
    open: int
    urgent: int
    oldest_waiting_seconds: float | None
    waiting: tuple[float | None, float | None]
    deciding: tuple[float | None, float | None]
    decided: int
    expired: int
    appeals: int
    overturned: int
    escalated: int
    captures: CaptureShare | None
    views_per_review: float
    by_reason: Mapping[ReviewReason, ReasonCounts] = field(repr=False)
    reviewers: tuple[ReviewerCounts, ...] = field(repr=False)


def file_review(
    kind: ReviewKind, probes: Sequence[bytes], reference: bytes, *, subject: str, days: int, key: str
) -> Call[ReviewDetails]:
    """See :meth:`facekeep.client.Client.file_review`."""
    fields = {"kind": kind.value, "subject": subject, "days": str(days)}
    return Call("POST", "/v1/reviews", _details, fields=fields, pictures=_pictures(probes, reference), key=key)


def file_known_review(
    kind: ReviewKind,
    answer: Decision,
    probes: Sequence[bytes],
    reference: bytes,
    *,
    reasons: Sequence[ReviewReason],
    key: str,
) -> Call[str]:
    """See :meth:`facekeep.client.Client.file_known_review`."""
    fields = {"kind": kind.value, "answer": answer.value, "reasons": [reason.value for reason in reasons]}
    pictures = _pictures(probes, reference)
    return Call("POST", "/v1/reviews/known", lambda d: str(d["id"]), fields=fields, pictures=pictures, key=key)


def _pictures(probes: Sequence[bytes], reference: bytes) -> list[tuple[str, bytes]]:
    return [*(("probe", probe) for probe in probes), *([("reference", reference)] if reference else [])]


def review(review: str) -> Call[ReviewDetails]:
    """See :meth:`facekeep.client.Client.review`."""
    return Call("GET", _of(review), _details)


def add_reference(review: str, picture: bytes, media: str) -> Call[None]:
    """See :meth:`facekeep.client.Client.add_review_reference`."""
    return Call("PUT", f"{_of(review)}/reference", lambda _: None, body=(media, picture))


def withdraw(review: str) -> Call[None]:
    """See :meth:`facekeep.client.Client.withdraw_review`."""
    return Call("DELETE", _of(review), lambda _: None)


def statistics(days: int) -> Call[ReviewFigures]:
    """See :meth:`facekeep.client.Client.review_statistics`."""
    return Call("GET", "/v1/review-statistics", _figures, query={"days": str(days)})


def _of(review: str) -> str:
    return f"/v1/reviews/{quote(review, safe='')}"


def _details(d: Json) -> ReviewDetails:
    return ReviewDetails(
        id=d["id"],
        kind=ReviewKind(d["kind"]),
        reasons=tuple(map(ReviewReason, d["reasons"])),
        state=ReviewState(d["state"]),
        round=d["round"],
        created=datetime.fromisoformat(d["created"]),
        deadline=datetime.fromisoformat(d["deadline"]),
        votes_missing=d["votes_missing"],
        pictures=tuple(PictureRole(picture["role"]) for picture in d["pictures"]),
        decision=None if d["decision"] is None else Decision(d["decision"]),
        decided=None if d["decided"] is None else datetime.fromisoformat(d["decided"]),
        votes=tuple(
            ReviewVote(Decision(vote["decision"]), ReasonCode(vote["code"]), datetime.fromisoformat(vote["time"]))
            for vote in d["votes"]
        ),
    )


def _share(d: Json) -> CaptureShare:
    return CaptureShare(datetime.fromisoformat(d["since"]), d["captures"], d["escalated"])


def _figures(d: Json) -> ReviewFigures:
    return ReviewFigures(
        since=datetime.fromisoformat(d["since"]),
        opened=d["opened"],
        open=d["open"],
        urgent=d["urgent"],
        oldest_waiting_seconds=d["oldest_waiting_seconds"],
        waiting=(d["waiting"]["median"], d["waiting"]["p90"]),
        deciding=(d["deciding"]["median"], d["deciding"]["p90"]),
        decided=d["decided"],
        expired=d["expired"],
        appeals=d["appeals"],
        overturned=d["overturned"],
        escalated=d["escalated"],
        captures=None if d["captures"] is None else _share(d["captures"]),
        views_per_review=d["views_per_review"],
        by_reason={
            ReviewReason(reason): ReasonCounts(of["opened"], of["decided"], of["views"])
            for reason, of in d["by_reason"].items()
        },
        reviewers=tuple(
            ReviewerCounts(
                of["name"],
                of["votes"],
                of["agreed"],
                of["disagreed"],
                of["known_right"],
                of["known_wrong"],
                of["median_seconds"],
                of["views"],
            )
            for of in d["reviewers"]
        ),
    )
