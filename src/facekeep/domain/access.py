"""Who may ask: machine clients and what each of them may do.

Invariants: a client has at least one scope and an end; what has no scope for an operation may not do it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from facekeep.domain.subject import normalised_label
from facekeep.errors import FormatError

ClientId = NewType("ClientId", bytes)

CLIENT_ID_BYTES = 16

ORGANISATION_MAX = 64
"""Characters of the name of an organisation."""


class Scope(StrEnum):
    """What a machine client may do."""

    VERIFY = "verify"
    """Compare a picture with the references of one person."""
    COMPARE = "compare"
    """Compare two pictures with each other."""
    IDENTIFY = "identify"
    """Search a gallery, under a case where the purpose needs one."""
    ENROL = "enrol"
    """Add people, with their consents, and references; no consent of somebody who is known."""
    READ = "read"
    """Read what the registry holds of people, consents and cases."""
    CONSENT = "consent"
    """Record consents and withdrawals."""
    CASES = "cases"
    """Open cases."""
    ERASE = "erase"
    """Erase people."""
    CAPTURE = "capture"
    """Have people's browsers capture a face, and fetch what it came to."""
    METRICS = "metrics"
    """Read counters, which tell of nobody."""
    REVIEW = "review"
    """Ask people to look: file reviews, and read what came of one's own."""
    WEBHOOKS = "webhooks"
    """Register endpoints that are told of events."""
    ADMINISTER = "administer"
    """Manage accounts and tokens. Only the command line makes a token with it, never the service."""


@dataclass(frozen=True, slots=True)
class Client:
    """A machine client, known by a token of which only a digest is kept.

    Attributes:
        id: 16 random bytes.
        name: what operators call it, unique in the keep; of the form of a label (domain.subject).
        scopes: what it may do.
        created: when, with time zone.
        expires: from when on its token is refused.
        organisation: for whom it asks, see :func:`normalised_organisation`.
    """

    id: ClientId
    name: str = field(repr=False)
    scopes: frozenset[Scope]
    created: datetime
    expires: datetime
    organisation: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if len(self.id) != CLIENT_ID_BYTES:
            raise ValueError(f"a client identifier has {CLIENT_ID_BYTES} bytes")
        if self.expires <= self.created:
            raise ValueError("a client ends after it begins")
        if not self.scopes:
            raise ValueError("a client has a scope")
        if normalised_label(self.name) != self.name:
            raise ValueError("the name of a client is in its normal form")
        if normalised_organisation(self.organisation) != self.organisation:
            raise ValueError("the organisation of a client is in its normal form")


def normalised_organisation(organisation: str) -> str:
    """The form in which the name of an organisation is kept: "" for the keep's own, else that of a label.

    Who reviews does so for one organisation, and sees nothing that another one asked.

    Raises:
        FormatError: it is longer than 64 characters, holds a control character, or nothing but spaces.
    """
    if organisation == "":
        return ""
    normalised = normalised_label(organisation)
    if len(normalised) > ORGANISATION_MAX:
        raise FormatError(f"the name of an organisation has at most {ORGANISATION_MAX} characters")
    return normalised
