"""Consents of a data subject: give, withdraw, list."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field, RootModel, model_validator

from facekeep.domain.accounts import Account, Principal, Role
from facekeep.domain.actions import Action
from facekeep.domain.consent import Consent, Purpose
from facekeep.domain.evidence import UNTOLD, Circumstances, Evidence, EvidenceKind
from facekeep.domain.ledger import Part
from facekeep.errors import UsageError
from facekeep.interfaces.http.bodies import Body, documented_body, read
from facekeep.interfaces.http.circumstances import CircumstancesFields, GuardianAnswer, guardian_answer
from facekeep.interfaces.http.notices import NoticeHash, NoticeText, check_one_notice, check_visible, notice_of
from facekeep.interfaces.http.once import KEYED, once
from facekeep.interfaces.http.paging import Limit, Next, page
from facekeep.interfaces.http.problems import ALWAYS, KEYED_ON, WITH_BODY, documented
from facekeep.interfaces.http.security import KeepOf, allows, may
from facekeep.interfaces.http.tags import NOT_MODIFIED, tagged
from facekeep.service.keep import Keep

__all__ = ["ConsentAnswer", "consent_answer", "router"]

router = APIRouter(prefix="/v1/subjects/{subject}/consents")


class Withdrawing(StrEnum):
    """Who withdraws a consent."""

    SUBJECT = "subject"
    GUARDIAN = "guardian"


class ConsentRequest(CircumstancesFields):
    """A consent to one purpose, after reading a notice: its text, or the hash of one that is kept."""

    purpose: Purpose
    notice: NoticeText = ""
    notice_hash: NoticeHash = ""

    @model_validator(mode="after")
    def _one_notice(self) -> Self:
        check_one_notice(self.notice, self.notice_hash)
        return self


class WithdrawalRequest(Body):
    """Who withdraws; told apart from another withdrawal under the same key."""

    by: Withdrawing


class ConsentAnswer(BaseModel):
    """A consent as recorded."""

    purpose: Purpose
    notice: str = Field(description="Hash of the notice.")
    given: datetime
    withdrawn: datetime | None
    evidence: str = Field(description="What shows that it was given: `word`, `capture:…`, `form:…` or `account:…`.")
    guardian: GuardianAnswer | None = Field(description="Who gave it for a minor.")
    of_age: datetime | None = Field(
        description="Of a minor: by then the person is of age, and is to be asked anew. The consent holds until it is "
        "withdrawn."
    )
    age_given: bool = Field(description="Whether an age was said, which is not kept.")


class Consents(RootModel[list[ConsentAnswer]]):
    """All consents of a person, withdrawn ones too; to whom policies do not let list them the one that is concerned."""


class ConsentPage(BaseModel):
    """A page of consents, oldest first; withdrawn ones too."""

    consents: list[ConsentAnswer]
    next: Next


def consent_answer(consent: Consent) -> ConsentAnswer:
    """A consent as it is told."""
    return ConsentAnswer(
        purpose=consent.purpose,
        notice=consent.notice,
        given=consent.given,
        withdrawn=consent.withdrawn,
        evidence=consent.evidence.written,
        guardian=guardian_answer(consent),
        of_age=consent.of_age,
        age_given=consent.age_given,
    )


def _answer(keep: Keep, label: str, concerned: Purpose, *, all_of_them: bool) -> Consents:
    every = keep.consents(label)
    shown = every if all_of_them else [consent for consent in every if consent.purpose is concerned][-1:]
    return Consents([consent_answer(consent) for consent in shown])


@router.get(
    "", response_model=ConsentPage, responses={**documented(*ALWAYS, "not-found", "invalid-request"), **NOT_MODIFIED}
)
async def list_consents(
    subject: str,
    request: Request,
    keep: KeepOf,
    who: Annotated[Principal, Depends(may(Action.LIST_CONSENTS))],
    *,
    after: Annotated[str | None, Query(pattern="^[0-9]{8}$", description="`next` of the page before.")] = None,
    limit: Limit = 50,
) -> Response:
    """A page of the consents of a person."""

    def consents() -> list[Consent]:
        label = keep.label_of(subject)
        keep.tell_viewed(label, Part.CONSENTS, by=who)
        return list(keep.consents(label))

    # Consents are only ever added, so that their number names them.
    every = await run_sync(consents)
    found, following = page(list(enumerate(every)), lambda one: f"{one[0]:08}", after, limit)
    return tagged(request, ConsentPage(consents=[consent_answer(consent) for _, consent in found], next=following))


@router.post(
    "",
    status_code=201,
    response_model=Consents,
    responses=documented(*WITH_BODY, "not-found", "consent-missing", "request-under-way"),
    openapi_extra=documented_body(ConsentRequest, **KEYED),
)
async def give_consent(
    subject: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.GIVE_CONSENT))]
) -> Response:
    """Record that a person consented to a purpose, or a minor's guardian; gives all consents, or this one.

    One that holds and says the same is renewed: it has been given at this time.
    """
    asked = await read(request, ConsentRequest)
    circumstances = asked.circumstances
    if isinstance(who, Account) and Role.DATA_SUBJECT in who.roles:
        if asked.notice:
            # A person consents to what the keep shows, and does not write it.
            raise UsageError("consent to a notice that the keep holds", hint="Give its notice_hash: GET /v1/notices.")
        if circumstances != UNTOLD:
            raise UsageError(
                "evidence, age and guardian are for the relying party to say", hint="Leave them away, or ask there."
            )
        if who.subject is not None:
            await run_sync(check_visible, keep, who.subject, asked.notice_hash)
        circumstances = Circumstances(Evidence(EvidenceKind.ACCOUNT, who.id.hex()))
    lists = allows(request, who, Action.LIST_CONSENTS, subject)

    def do() -> Consents:
        label = keep.label_of(subject)
        keep.give_consent(label, asked.purpose, notice_of(asked.notice, asked.notice_hash), circumstances)
        if lists:  # else nothing is shown but what was said just now
            keep.tell_viewed(label, Part.CONSENTS, by=who)
        return _answer(keep, label, asked.purpose, all_of_them=lists)

    return await once(request, keep, who, asked, do)


@router.delete(
    "/{purpose}",
    response_model=Consents,
    responses=documented(*KEYED_ON, "consent-missing"),
    openapi_extra=KEYED,
)
async def withdraw_consent(
    subject: str,
    purpose: Purpose,
    request: Request,
    keep: KeepOf,
    who: Annotated[Principal, Depends(may(Action.WITHDRAW_CONSENT))],
    *,
    by: Annotated[Withdrawing, Query(description="Who withdraws; a minor's guardian may.")] = Withdrawing.SUBJECT,
) -> Response:
    """Withdraw a consent: the next comparison leaves the person out. Gives all consents, or this one."""
    if by is Withdrawing.GUARDIAN and isinstance(who, Account) and Role.DATA_SUBJECT in who.roles:
        raise UsageError("who is signed in is the person, and no guardian", hint="Leave by away.")
    lists = allows(request, who, Action.LIST_CONSENTS, subject)

    def do() -> Consents:
        label = keep.label_of(subject)
        keep.withdraw_consent(label, purpose, by_guardian=by is Withdrawing.GUARDIAN)
        keep.tell_viewed(label, Part.CONSENTS, by=who)
        return _answer(keep, label, purpose, all_of_them=lists)

    return await once(request, keep, who, WithdrawalRequest(by=by), do, status=200)
