"""What commands work at: one desk, whether the keep is on this machine or served elsewhere.

Commands name people by labels. What is computed locally and what is asked over the network give the same answers and
raise the same errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import typer

from facekeep.errors import UsageError
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.place import Place, read_token

if TYPE_CHECKING:
    from facekeep.client import Client, NewWebhook, NoticeSummary, WebhookDetails
    from facekeep.domain.consent import Consent, KnownNotice, Notice, Purpose
    from facekeep.domain.evidence import Circumstances
    from facekeep.domain.webhooks import EventKind
    from facekeep.errors import ImageError
    from facekeep.interfaces.composition import Composition
    from facekeep.interfaces.settings import Settings
    from facekeep.service.answers import (
        Enrolment,
        EnrolOutcome,
        EnrolSummary,
        Erasure,
        GallerySummary,
        Identification,
        ReferenceDetails,
        SubjectDetails,
        SubjectSummary,
        Verification,
    )
    from facekeep.service.comparison import Search
    from facekeep.service.enrolment import Person
    from facekeep.split.approval import ClientKey

__all__ = ["CaseShown", "Desk", "connected", "desk"]


class CaseShown(Protocol):
    """A case, wherever it was read."""

    @property
    def title(self) -> str:
        """What people call it."""

    @property
    def purpose(self) -> Purpose:
        """Of its searches."""

    @property
    def opened_by(self) -> str:
        """Who opened it."""

    @property
    def opened(self) -> datetime:
        """When."""

    @property
    def expires(self) -> datetime:
        """Its end."""

    @property
    def closed(self) -> datetime | None:
        """When it was closed, or None."""


class Desk(Protocol):
    """See :class:`facekeep.service.keep.Keep` for what each of these means and raises."""

    def enrol(
        self,
        label: str,
        pictures: Sequence[bytes],
        *,
        purposes: Sequence[Purpose],
        notice: str | KnownNotice,
        name: str,
        gallery: str,
        circumstances: Circumstances,
    ) -> Enrolment:
        """Enrol a person."""

    def enrol_many(
        self,
        people: Iterable[Person],
        *,
        purposes: Sequence[Purpose],
        notice: str | KnownNotice,
        gallery: str,
        progress: Callable[[EnrolOutcome], None],
    ) -> EnrolSummary:
        """Enrol many people."""

    def subjects(self) -> Iterator[SubjectSummary]:
        """Everybody."""

    def subject(self, label: str) -> SubjectDetails:
        """One person."""

    def erase(self, label: str) -> Erasure:
        """Erase a person."""

    def give_consent(
        self, label: str, purpose: Purpose, notice: str | KnownNotice, circumstances: Circumstances
    ) -> None:
        """Record a consent."""

    def withdraw_consent(self, label: str, purpose: Purpose, *, by_guardian: bool) -> None:
        """Record a withdrawal."""

    def consents(self, label: str) -> tuple[Consent, ...]:
        """All consents of a person."""

    def verify(self, label: str, picture: bytes, *, fmr: float, purpose: Purpose) -> Verification:
        """Compare with one person."""

    def compare(self, first: bytes, second: bytes, *, fmr: float) -> Verification:
        """Compare two pictures."""

    def identify_many(self, pictures: Sequence[bytes], search: Search) -> Sequence[Identification | ImageError]:
        """Search for each picture; a bad one gives its error."""

    def open_case(self, title: str, *, purpose: Purpose, days: int) -> str:
        """Open a case; gives its title."""

    def cases(self) -> Sequence[CaseShown]:
        """All cases, oldest first."""

    def close_case(self, title: str) -> CaseShown:
        """Close a case."""

    def references(self, label: str) -> Sequence[ReferenceDetails]:
        """The references of a person."""

    def add_references(self, label: str, pictures: Sequence[bytes], *, gallery: str) -> Enrolment:
        """Give a known person further references; tells of no purposes."""

    def remove_reference(self, label: str, reference: str) -> int:
        """Remove one reference; gives how many are left."""

    def galleries(self) -> Sequence[GallerySummary]:
        """The galleries, by name."""

    def add_notice(self, notice: Notice) -> str:
        """Keep a notice; gives its hash."""

    def notices(self) -> Sequence[NoticeSummary]:
        """All notices."""

    def add_webhook(self, url: str, events: Sequence[EventKind]) -> NewWebhook:
        """Have an endpoint told of events."""

    def webhooks(self) -> Sequence[WebhookDetails]:
        """All endpoints, oldest first."""

    def webhook(self, webhook: str) -> WebhookDetails:
        """One endpoint."""

    def remove_webhook(self, webhook: str) -> None:
        """Forget an endpoint."""

    def notice(self, digest: str) -> Notice:
        """One notice."""


@contextmanager
def desk(context: typer.Context, place: Place, operator: str | None = None, key: Path | None = None) -> Iterator[Desk]:
    """Work at a place until the block ends.

    Args:
        context: of the command.
        place: where.
        operator: who works, as ``--operator`` says; a server knows its clients by their tokens.
        key: file of the operator's own key, which signs searches.

    Raises:
        BadInputError: the key cannot be read.
        UsageError: no place was named, or more than one; or an operator for a server.
    """
    parts = composition(context)
    address = place.served(parts.settings)
    signer = _signer(key)
    if address is None:
        from facekeep.interfaces.cli.local import LocalDesk

        with parts.open(place.keep) as keep:
            private, mail = parts.settings.webhooks_private, parts.settings.mail_server is not None
            yield LocalDesk(keep, parts.operator(operator), signer, private=private, mail=mail)
        return
    from facekeep.interfaces.cli.remote import RemoteDesk

    if operator is not None:
        raise UsageError("a server knows who works by the token", hint="Leave --operator away.")
    with connected(parts, place, address) as client:
        yield RemoteDesk(client, signer)


def connected(parts: Composition, place: Place, address: str) -> Client:
    """A client of the server at an address; to be used in a ``with`` block.

    Raises:
        UsageError: there is no token for it, or it cannot be one.
    """
    from facekeep.client import Client

    return Client(
        address,
        _token(place, parts.settings),
        authorities=place.authorities or parts.settings.authorities,
        insecure_plain_http=place.insecure_plain_http,
    )


def _signer(key: Path | None) -> ClientKey | None:
    from facekeep.service.operator_keys import read_operator_key

    return None if key is None else read_operator_key(key)


def _token(place: Place, settings: Settings) -> str:
    if place.token_file is not None:
        return read_token(place.token_file)
    if settings.token is None:
        raise UsageError(
            "a server is asked with a token, and there is none",
            hint="Set FACEKEEP_TOKEN, or give --token-file FILE. An administrator makes one: facekeep token create.",
        )
    return settings.token.get_secret_value()
