"""Labels that canaries have, so that no person has one, and nobody changes a canary as if it were a person."""

from __future__ import annotations

from typing import Final

from facekeep.domain.subject import normalised_label
from facekeep.errors import FormatError, UsageError

__all__ = ["CANARIES_MAX", "CANARY_LABELS", "check_person", "is_canary", "label_of"]

CANARIES_MAX: Final = 16


def label_of(number: int) -> str:
    """The label of a canary, by which people can see what it is."""
    return f"canary {number}"


CANARY_LABELS: Final = frozenset(label_of(number) for number in range(1, CANARIES_MAX + 1))


def is_canary(label: str) -> bool:
    """Whether a label is one of a canary, in the form in which labels are looked up."""
    try:
        return normalised_label(label) in CANARY_LABELS
    except FormatError:
        return False


def check_person(label: str) -> None:
    """Refuse what is asked about a person by the label of a canary.

    Raises:
        UsageError: the label is one of a canary.
    """
    if is_canary(label):
        raise UsageError(
            "this label is a canary's", hint="Choose another label; a canary can only be planted or erased."
        )
