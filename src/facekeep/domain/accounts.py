"""People who sign in: their accounts and roles, their passkeys, sessions and invitations.

Invariants: an account has a role; who is a data subject is that alone, is of no organisation and is bound to one
subject of the registry, and nobody else is; of a session and of an invitation only a digest of the secret is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType, TypeAlias

from facekeep.domain.access import Client, normalised_organisation
from facekeep.domain.subject import SubjectId, normalised_label

AccountId = NewType("AccountId", bytes)
PasskeyId = NewType("PasskeyId", bytes)
SessionId = NewType("SessionId", bytes)
InvitationId = NewType("InvitationId", bytes)

ACCOUNT_ID_BYTES = 16

SESSION_IDLE = timedelta(minutes=30)
"""A session that nobody uses for so long is over."""
SESSION_LENGTH = timedelta(hours=12)
"""No session lasts longer than this."""
INVITATION_LENGTH = timedelta(days=3)
"""For how long the link of an invitation works."""


class Role(StrEnum):
    """What a person is to the keep. Several can be one person's, but for the data subject's."""

    DATA_SUBJECT = "data-subject"
    """Reaches what is held of herself, and nothing else."""
    OPERATOR = "operator"
    """Enrols, compares and searches, under cases."""
    REVIEWER = "reviewer"
    """Looks at what the machine could not decide; never searches."""
    OFFICER = "officer"
    """Told of concerns that reviewers report: harm, a minor, a death; never searches."""
    ADMINISTRATOR = "administrator"
    """Manages accounts and tokens; never searches, unless an operator too."""
    AUDITOR = "auditor"
    """Reads what was done and who may do it; changes nothing."""


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in.

    Attributes:
        id: 16 random bytes; the user handle that passkeys know.
        name: what others call the account, unique in the keep; of the form of a label (domain.subject).
        roles: what the person is, at least one.
        subject: the data subject that the person is, exactly if that is the role.
        created: when, with time zone.
        organisation: for whom the person works, "" for the keep's own; see ``domain.access``. It never changes.
    """

    id: AccountId
    name: str = field(repr=False)
    roles: frozenset[Role]
    subject: SubjectId | None
    created: datetime
    organisation: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if len(self.id) != ACCOUNT_ID_BYTES:
            raise ValueError(f"an account identifier has {ACCOUNT_ID_BYTES} bytes")
        if not self.roles:
            raise ValueError("an account has a role")
        if (self.subject is not None) != (Role.DATA_SUBJECT in self.roles):
            raise ValueError("a data subject's account, and no other, is bound to a subject")
        if Role.DATA_SUBJECT in self.roles and len(self.roles) > 1:
            raise ValueError("a data subject has no other role")
        if normalised_label(self.name) != self.name:
            raise ValueError("the name of an account is in its normal form")
        if Role.DATA_SUBJECT in self.roles and self.organisation:
            raise ValueError("a data subject's account is of no organisation")
        if normalised_organisation(self.organisation) != self.organisation:
            raise ValueError("the organisation of an account is in its normal form")


Principal: TypeAlias = Client | Account
"""Who asks: a machine client, or a person."""

Operator: TypeAlias = str | Client | Account
"""Who works at a keep: a principal, known by its identifier, or somebody at the keep itself, known by a name."""


PRINCIPAL_KINDS: tuple[str, str] = ("client", "account")

OF_PRINCIPALS: tuple[str, ...] = tuple(f"{kind} " for kind in PRINCIPAL_KINDS)
"""How the names of principals begin, and no name of who works at the keep itself."""


SIGN_IN_OPERATOR = "sign-in by face"
"""Who asks when somebody signs in with a face: the service itself. Whoever stands before the camera may be anybody."""


def kind_of(principal: Principal) -> str:
    """What a principal is, one of ``PRINCIPAL_KINDS``."""
    client, account = PRINCIPAL_KINDS
    return client if isinstance(principal, Client) else account


def operator_name(operator: Operator) -> str:
    """What others read of who worked: a principal's name behind what it is. Two at different times may share it."""
    if isinstance(operator, str):
        return operator
    return f"{kind_of(operator)} {operator.name}"


@dataclass(frozen=True, slots=True)
class Passkey:
    """A public key by which a person signs in.

    Attributes:
        id: 16 random bytes.
        account: whose.
        credential: the identifier that the authenticator gave it, 1 to 1023 bytes.
        public_key: COSE_Key (RFC 9052), encoded in CBOR.
        sign_count: how often the authenticator says to have signed; 0 for one that does not count.
        created: when, with time zone.
    """

    id: PasskeyId
    account: AccountId
    credential: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    sign_count: int
    created: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A person who is signed in.

    Attributes:
        id: 16 random bytes.
        account: whose.
        created: when the person signed in, with time zone.
        seen: when it was last used, to the minute.
    """

    id: SessionId
    account: AccountId
    created: datetime
    seen: datetime

    @property
    def expires(self) -> datetime:
        """From when on it is refused, unless it is used again before."""
        return min(self.created + SESSION_LENGTH, self.seen + SESSION_IDLE)


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link by which a person registers a passkey, once.

    Attributes:
        id: 16 random bytes.
        account: for which.
        created: when, with time zone.
    """

    id: InvitationId
    account: AccountId
    created: datetime

    @property
    def expires(self) -> datetime:
        """From when on the link is refused."""
        return self.created + INVITATION_LENGTH
