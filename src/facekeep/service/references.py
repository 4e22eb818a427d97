"""References as the registry lists them, and what the halves know of them."""

from __future__ import annotations

from collections.abc import Iterable

from facekeep.domain.row import Pseudonym, RowHead
from facekeep.domain.subject import Reference
from facekeep.errors import DamagedStoreError
from facekeep.service.opening import Roles
from facekeep.split.statement import NEVER_RETURN


def comparable(references: Iterable[Reference]) -> list[Reference]:
    """Those that are compared with probes: all but the entry of the list "never return me"."""
    return [reference for reference in references if reference.gallery != NEVER_RETURN]


def head_of(roles: Roles, pseudonym: Pseudonym) -> RowHead:
    """What the halves know of a reference.

    Raises:
        DamagedStoreError: they do not have it.
    """
    head = roles.left.head_of(pseudonym)
    if head is None:
        raise DamagedStoreError("the halves lack a reference that the registry knows", store="left half")
    return head
