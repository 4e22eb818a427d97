"""Human review in papers: what is processed for it, why, who sees it and for how long; and how it is set up here."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from facekeep.domain.review import DEADLINE_DEFAULT, DEADLINE_MAX, DEADLINE_MIN
from facekeep.domain.reviewer import DUTY_DAYS
from facekeep.service.facts import KeepFacts, ReviewingFacts
from facekeep.service.keep_reviews import REVIEW_DAYS
from facekeep.service.paper import Table

__all__ = ["ACTIVITY", "FIXED_PERIODS", "activity_table", "periods_table", "reviewing_document", "reviewing_table"]


_HOUR: Final = timedelta(hours=1)
_USUALLY: Final = f"{DEADLINE_DEFAULT // _HOUR} hours, or {DEADLINE_MIN // _HOUR} to {DEADLINE_MAX // _HOUR} as ordered"

ACTIVITY: Final = (
    (
        "what for",
        "people decide what a machine cannot, or would refuse: whether it was a live person, whether two pictures show "
        "one person; nobody is refused by a machine alone (GDPR 22)",
    ),
    (
        "which data",
        "at most four pictures of a face, masked down to it, of at most 224 pixels; what the machine measured; what "
        "the person says and objects; who looked, when and why; votes",
    ),
    (
        "who sees the face",
        "reviewers and officers of the organisation that asked, each look with a reason that is in the ledger before "
        "and on the person's own page; the person, in the browser of the capture. Not the service: pictures are "
        "sealed to the keys of these people in their browsers",
    ),
    (
        "how long",
        f"pictures {_USUALLY}, counted anew once by an appeal; they are destroyed at once after a decision for the "
        "person, or one that cannot be appealed. What the machine measured goes with them",
    ),
    (
        "how it ends",
        "the key of the hour is destroyed, which makes every copy of the pictures unreadable, with all reviewers' "
        "keys too; they are in no backup",
    ),
)
"""The processing activity of human review, as article 30 asks for it."""

FIXED_PERIODS: Final = (
    ("pictures of a review, and what the machine measured", f"until its decision or deadline: {_USUALLY}"),
    ("that something was reviewed, by whom, what was said", f"{REVIEW_DAYS} days after it was over"),
    ("reviewers' times of duty", f"{DUTY_DAYS} days"),
)
"""Periods that the program keeps to by itself, whatever rules are set."""


def activity_table() -> Table:
    """What human review processes, and why."""
    return Table("Human review", ("what", "as it is done"), ACTIVITY)


def periods_table() -> Table:
    """What goes by itself, without any rule."""
    return Table("Fixed periods of the program", ("what", "kept for"), FIXED_PERIODS)


def reviewing_table(facts: KeepFacts) -> Table:
    """How human review is set up now."""
    reviewing = facts.reviewing
    return Table(
        "Human review now",
        ("what", "now"),
        (
            ("organisations that ask", f"{reviewing.organisations:,}"),
            ("of these with two reviewers who have keys, beside whoever asks", f"{reviewing.able:,}"),
            ("of these with an officer, who answers what reviewers report", f"{reviewing.overseen:,}"),
            ("reviewers who have keys", f"{reviewing.reviewers:,}"),
            ("reviews that are open", f"{reviewing.open:,}"),
            ("somebody is told of urgent ones", "yes" if reviewing.told else "no"),
        ),
    )


def reviewing_document(reviewing: ReviewingFacts) -> dict[str, object]:
    """How human review is set up now, in values that JSON can hold."""
    return {
        "organisations": reviewing.organisations,
        "able": reviewing.able,
        "overseen": reviewing.overseen,
        "reviewers": reviewing.reviewers,
        "open": reviewing.open,
        "told": reviewing.told,
    }
