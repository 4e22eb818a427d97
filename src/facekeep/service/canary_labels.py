"""Labels that canaries have, so that no person has one, and nobody changes a canary as if it were a person."""

from __future__ import annotations

import re
from typing import Final

from facekeep.errors import UsageError

__all__ = ["CANARIES_MAX", "check_person", "is_canary", "label_of"]

CANARIES_MAX: Final = 16
_LABEL: Final = re.compile(r"\s*canary (?:[1-9]|1[0-6])\s*")


def label_of(number: int) -> str:
    """The label of a canary, by which people can see what it is."""
    return f"canary {number}"


def is_canary(label: str) -> bool:
    """Whether a label is one of a canary."""
    return _LABEL.fullmatch(label) is not None


def check_person(label: str) -> None:
    """Refuse what is asked about a person by the label of a canary.

    Raises:
        UsageError: the label is one of a canary.
    """
    if is_canary(label):
        raise UsageError(
            "this label is a canary's", hint="Choose another label; a canary can only be planted or erased."
        )
