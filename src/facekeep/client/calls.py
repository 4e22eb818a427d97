"""Each operation of the service as a value: what to send, and what the answer means. Nothing here sends anything."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from facekeep.client.signing import Stated
from facekeep.domain.consent import Consent, KnownNotice, Notice, Purpose
from facekeep.domain.evidence import Circumstances, Evidence, Guardian
from facekeep.domain.webhooks import EventKind
from facekeep.service.answers import (
    Erasure,
    GallerySummary,
    Identification,
    IdentifiedCandidate,
    ReferenceDetails,
    SubjectDetails,
    SubjectSummary,
    Verification,
)
from facekeep.split.approval import Approval, PasskeyApproval

_T = TypeVar("_T")

_PAGE = 100
_PARTICULARS = ("retention", "recipients", "alternative", "replaces")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call(Generic[_T]):
    """One request.

    Attributes:
        method: of HTTP.
        path: below the address of the service.
        parse: makes the answer of the document.
        json: body, or None.
        fields: of a form, if pictures are sent.
        pictures: names and bytes.
        query: parameters.
        key: by which the request is known if it is sent again, or "".
        plain: whether the answer is text and no document.
        body: media type and bytes of a body that is neither document nor form, or None.
    """

    method: str
    path: str
    parse: Callable[[Any], _T]
    json: Json | None = None
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)
    pictures: Sequence[tuple[str, bytes]] = field(default=(), repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    key: str = field(default="", repr=False)
    plain: bool = False
    body: tuple[str, bytes] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Page(Generic[_T]):
    """A page of a list; ``next`` asks for the page behind it, None on the last."""

    items: tuple[_T, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class AddedReferences:
    """References that were added to a known person; ``never_returned`` as of an enrolment."""

    references: int
    gallery: str
    never_returned: bool


@dataclass(frozen=True, slots=True)
class NoticeSummary:
    """A notice without its text.

    Attributes:
        hash: 64 hexadecimal digits, by which consents name it.
        language: a tag of BCP 47, "" if nobody said.
        purposes: what it speaks of; empty if nobody said.
        characters: length of the text.
        replaces: hash of the version before, or "".
        replaced_by: hash of the version after, "" of the newest.
    """

    hash: str
    language: str
    purposes: tuple[Purpose, ...]
    characters: int
    replaces: str = ""
    replaced_by: str = ""


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """An endpoint with its secret, which is not shown again (it is "" of mail, and where a request was sent again).

    See :func:`facekeep.client.verify_webhook`.
    """

    id: str
    url: str = field(repr=False)
    events: tuple[EventKind, ...]
    created: datetime
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebhookDetails:
    """An endpoint as it is now.

    Attributes:
        id: random, 32 hexadecimal digits.
        url: where it is.
        events: what it is told of.
        created: when.
        disabled: since when nothing is sent any more, or None.
        failures: attempts in a row that failed.
        retry: when the next attempt may be made, None for now.
        waiting: messages that wait.
        delivered: messages that were taken.
        dropped: messages that were given up.
    """

    id: str
    url: str = field(repr=False)
    events: tuple[EventKind, ...]
    created: datetime
    disabled: datetime | None
    failures: int
    retry: datetime | None
    waiting: int
    delivered: int
    dropped: int


@dataclass(frozen=True, slots=True)
class EnrolledSubject:
    """An acknowledged enrolment.

    Attributes:
        id: of the person, 32 hexadecimal digits.
        references: how many were added.
        gallery: to which group.
        purposes: what they may be used for.
        never_returned: whether no 1:N search gives the person.
    """

    id: str
    references: int
    gallery: str
    purposes: tuple[Purpose, ...]
    never_returned: bool


@dataclass(frozen=True, slots=True)
class SubjectPage:
    """A page of data subjects; ``next`` asks for the page behind it, None on the last."""

    subjects: tuple[SubjectSummary, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class CaseDetails:
    """A case, bounded in time; ``id`` is random, 32 hexadecimal digits."""

    id: str
    title: str = field(repr=False)
    purpose: Purpose
    opened_by: str = field(repr=False)
    opened: datetime
    expires: datetime
    closed: datetime | None


def verification(subject: str, picture: bytes, fmr: float, purpose: Purpose, *, by_label: bool) -> Call[Verification]:
    """See :meth:`facekeep.client.Client.verify`."""
    fields = {"label" if by_label else "subject": subject, "fmr": repr(fmr), "purpose": purpose.value}
    pictures = [("picture", picture)]
    return Call("POST", "/v1/verifications", _verification, fields=fields, pictures=pictures)


def _verification(d: Json) -> Verification:
    reasons = tuple(d["reasons"])
    return Verification(d["verified"], d["one_in"], d["extrapolated"], d["acquired"], reasons)


def comparison(first: bytes, second: bytes, fmr: float) -> Call[Verification]:
    """See :meth:`facekeep.client.Client.compare`."""
    pictures = [("picture", first), ("other_picture", second)]
    return Call("POST", "/v1/comparisons", _verification, fields={"fmr": repr(fmr)}, pictures=pictures)


def identification(
    picture: bytes, *, case: str, fpir: float, gallery: str, candidates: int, purpose: Purpose
) -> Call[Identification]:
    """See :meth:`facekeep.client.Client.identify`."""
    fields = {"case": case, "fpir": repr(fpir), "gallery": gallery, "candidates": str(candidates)}
    return Call(
        "POST",
        "/v1/identifications",
        _identification,
        fields={**fields, "purpose": purpose.value},
        pictures=[("picture", picture)],
    )


def _identification(d: Json) -> Identification:
    found = (IdentifiedCandidate(c["label"], c["name"], c["one_in"], c["extrapolated"]) for c in d["candidates"])
    return Identification(tuple(found), d["fmr"], d["searched"], d["acquired"], tuple(d["reasons"]))


def verification_statement(
    subject: str, picture: bytes, fmr: float, purpose: Purpose, key: str, *, by_label: bool
) -> Call[Stated | Verification]:
    """What to sign for a verification; the answer itself if the picture could not be used."""
    claim = "label" if by_label else "subject"
    fields = {claim: subject, "fmr": repr(fmr), "purpose": purpose.value, "key": key}
    return Call(
        "POST",
        "/v1/verifications/statements",
        lambda d: _verification(d["answer"]) if d["statement"] is None else _stated(d),
        fields=fields,
        pictures=[("picture", picture)],
    )


def signed_verification(stated: Stated, approval: Approval) -> Call[Verification]:
    """A verification with its operator's signature."""
    path = f"/v1/verifications/statements/{quote(stated.id, safe='')}"
    return Call("POST", path, _verification, json=_approval(approval))


def identification_statement(
    picture: bytes, *, case: str, fpir: float, gallery: str, candidates: int, purpose: Purpose, key: str
) -> Call[Stated | Identification]:
    """What to sign for an identification; the answer itself if the picture could not be used."""
    fields = {"case": case, "fpir": repr(fpir), "gallery": gallery, "candidates": str(candidates), "key": key}
    return Call(
        "POST",
        "/v1/identifications/statements",
        lambda d: _identification(d["answer"]) if d["statement"] is None else _stated(d),
        fields={**fields, "purpose": purpose.value},
        pictures=[("picture", picture)],
    )


def signed_identification(stated: Stated, approval: Approval) -> Call[Identification]:
    """An identification with its operator's signature."""
    path = f"/v1/identifications/statements/{quote(stated.id, safe='')}"
    return Call("POST", path, _identification, json=_approval(approval))


def _stated(d: Json) -> Stated:
    return Stated(d["id"], base64.b64decode(d["statement"]), base64.b64decode(d["salt"]), _time(d["expires"]))


def _approval(approval: Approval) -> dict[str, str]:
    parts = {"signature": approval.signature}
    if isinstance(approval, PasskeyApproval):
        parts |= {"authenticator_data": approval.authenticator_data, "client_data": approval.client_data}
    return {name: base64.b64encode(part).decode() for name, part in parts.items()}


def cases(after: str | None) -> Call[Page[CaseDetails]]:
    """See :meth:`facekeep.client.Client.cases`."""
    return listed("/v1/cases", "cases", _case, after)


def case(case: str) -> Call[CaseDetails]:
    """See :meth:`facekeep.client.Client.case`."""
    return Call("GET", f"/v1/cases/{_quoted(case)}", _case)


def close_case(case: str, key: str) -> Call[CaseDetails]:
    """See :meth:`facekeep.client.Client.close_case`."""
    return Call("POST", f"/v1/cases/{_quoted(case)}/closure", _case, key=key)


def open_case(title: str, purpose: Purpose, days: int, key: str) -> Call[CaseDetails]:
    """See :meth:`facekeep.client.Client.open_case`."""
    return Call("POST", "/v1/cases", _case, json={"title": title, "purpose": purpose.value, "days": days}, key=key)


def _case(d: Json) -> CaseDetails:
    opened, expires = _time(d["opened"]), _time(d["expires"])
    return CaseDetails(d["id"], d["title"], Purpose(d["purpose"]), d["opened_by"], opened, expires, _maybe(d["closed"]))


def enrolment(
    label: str,
    pictures: Sequence[bytes],
    *,
    purposes: Sequence[Purpose],
    notice: str | KnownNotice,
    name: str,
    gallery: str,
    circumstances: Circumstances,
    key: str,
) -> Call[EnrolledSubject]:
    """See :meth:`facekeep.client.Client.enrol`."""
    said = {name: str(value) for name, value in _circumstances(circumstances).items()}
    fields = {"label": label, "name": name, "gallery": gallery, **_notice_of(notice), **said}
    return Call(
        "POST",
        "/v1/subjects",
        _enrolled,
        fields={**fields, "purposes": [purpose.value for purpose in purposes]},
        pictures=[("pictures", picture) for picture in pictures],
        key=key,
    )


def _enrolled(d: Json) -> EnrolledSubject:
    return EnrolledSubject(d["id"], d["references"], d["gallery"], _purposes(d), d["never_returned"])


def subjects(after: str | None, limit: int) -> Call[SubjectPage]:
    """See :meth:`facekeep.client.Client.subjects`."""
    query = {"limit": str(limit)} | ({} if after is None else {"after": after})
    return Call("GET", "/v1/subjects", _page, query=query)


def _page(d: Json) -> SubjectPage:
    return SubjectPage(tuple(map(_summary, d["subjects"])), d["next"])


def _summary(d: Json) -> SubjectSummary:
    return SubjectSummary(d["id"], d["label"], d["name"], d["references"], _purposes(d), _maybe(d["enrolled"]))


def subject(subject: str) -> Call[SubjectDetails]:
    """See :meth:`facekeep.client.Client.subject`."""
    return Call("GET", _of(subject), _details)


def find(label: str) -> Call[SubjectDetails]:
    """See :meth:`facekeep.client.Client.find`."""
    return Call("POST", "/v1/subjects/lookups", _details, json={"label": label})


def _details(d: Json) -> SubjectDetails:
    return SubjectDetails(
        d["id"],
        d["label"],
        d["name"],
        tuple(d["galleries"]),
        d["references"],
        _purposes(d),
        _maybe(d["enrolled"]),
        _consents(d["consents"]),
        d["never_returned"],
        d["locked"],
    )


def erasure(subject: str, key: str) -> Call[Erasure]:
    """See :meth:`facekeep.client.Client.erase`."""
    return Call("DELETE", _of(subject), _erasure, key=key)


def _erasure(d: Json) -> Erasure:
    return Erasure(d["references"], _time(d["backups_readable_until"]), d["receipt"])


def references(subject: str, after: str | None) -> Call[Page[ReferenceDetails]]:
    """See :meth:`facekeep.client.Client.references`."""
    return listed(f"{_of(subject)}/references", "references", _reference, after)


def _reference(d: Json) -> ReferenceDetails:
    return ReferenceDetails(d["id"], d["gallery"], _time(d["enrolled"]), d["locked"])


def add_references(subject: str, pictures: Sequence[bytes], gallery: str, key: str) -> Call[AddedReferences]:
    """See :meth:`facekeep.client.Client.add_references`."""
    return Call(
        "POST",
        f"{_of(subject)}/references",
        lambda d: AddedReferences(d["references"], d["gallery"], d["never_returned"]),
        fields={"gallery": gallery},
        pictures=[("pictures", picture) for picture in pictures],
        key=key,
    )


def remove_reference(subject: str, reference: str, key: str) -> Call[int]:
    """See :meth:`facekeep.client.Client.remove_reference`."""
    path = f"{_of(subject)}/references/{_quoted(reference)}"
    return Call("DELETE", path, lambda d: int(d["references"]), key=key)


def galleries(after: str | None) -> Call[Page[GallerySummary]]:
    """See :meth:`facekeep.client.Client.galleries`."""
    return listed("/v1/galleries", "galleries", lambda d: GallerySummary(d["name"], d["references"]), after)


def add_notice(notice: Notice, key: str) -> Call[Notice]:
    """See :meth:`facekeep.client.Client.add_notice`."""
    body: dict[str, Any] = {name: getattr(notice, name) for name in ("text", "language", *_PARTICULARS)}
    body["purposes"] = [purpose.value for purpose in Purpose if purpose in notice.purposes]
    return Call("POST", "/v1/notices", _notice, json=body, key=key)


def notices(after: str | None) -> Call[Page[NoticeSummary]]:
    """See :meth:`facekeep.client.Client.notices`."""
    return listed("/v1/notices", "notices", _notice_summary, after)


def _notice_summary(d: Json) -> NoticeSummary:
    return NoticeSummary(d["hash"], d["language"], _purposes(d), d["characters"], d["replaces"], d["replaced_by"])


def notice(digest: str) -> Call[Notice]:
    """See :meth:`facekeep.client.Client.notice`."""
    return Call("GET", f"/v1/notices/{_quoted(digest)}", _notice)


def _notice(d: Json) -> Notice:
    return Notice(d["text"], d["language"], frozenset(_purposes(d)), **{name: d[name] for name in _PARTICULARS})


def consents(subject: str, after: str | None) -> Call[Page[Consent]]:
    """See :meth:`facekeep.client.Client.consents`."""
    return listed(f"{_of(subject)}/consents", "consents", _consent, after)


def consent(
    subject: str, purpose: Purpose, notice: str | KnownNotice, circumstances: Circumstances, key: str
) -> Call[tuple[Consent, ...]]:
    """See :meth:`facekeep.client.Client.give_consent`."""
    body = {"purpose": purpose.value, **_notice_of(notice), **_circumstances(circumstances)}
    return Call("POST", f"{_of(subject)}/consents", _consents, json=body, key=key)


def withdrawal(subject: str, purpose: Purpose, key: str, *, by_guardian: bool) -> Call[tuple[Consent, ...]]:
    """See :meth:`facekeep.client.Client.withdraw_consent`."""
    query = {"by": "guardian"} if by_guardian else {}
    return Call("DELETE", f"{_of(subject)}/consents/{purpose.value}", _consents, query=query, key=key)


def never_return(subject: str, key: str) -> Call[int]:
    """See :meth:`facekeep.client.Client.never_return`."""
    return Call("PUT", f"{_of(subject)}/never-return", lambda d: int(d["references"]), key=key)


def add_webhook(url: str, events: Sequence[EventKind], key: str) -> Call[NewWebhook]:
    """See :meth:`facekeep.client.Client.add_webhook`."""
    body = {"url": url, "events": [kind.value for kind in events]}
    return Call("POST", "/v1/webhooks", _new_webhook, json=body, key=key)


def _new_webhook(d: Json) -> NewWebhook:
    return NewWebhook(d["id"], d["url"], _kinds(d), _time(d["created"]), d["secret"] or "")


def webhooks(after: str | None) -> Call[Page[WebhookDetails]]:
    """See :meth:`facekeep.client.Client.webhooks`."""
    return listed("/v1/webhooks", "webhooks", _webhook, after)


def webhook(webhook: str) -> Call[WebhookDetails]:
    """See :meth:`facekeep.client.Client.webhook`."""
    return Call("GET", f"/v1/webhooks/{_quoted(webhook)}", _webhook)


def remove_webhook(webhook: str, key: str) -> Call[None]:
    """See :meth:`facekeep.client.Client.remove_webhook`."""
    return Call("DELETE", f"/v1/webhooks/{_quoted(webhook)}", lambda _: None, key=key)


def _webhook(d: Json) -> WebhookDetails:
    return WebhookDetails(
        d["id"],
        d["url"],
        _kinds(d),
        _time(d["created"]),
        _maybe(d["disabled"]),
        d["failures"],
        _maybe(d["retry"]),
        d["waiting"],
        d["delivered"],
        d["dropped"],
    )


def _kinds(d: Json) -> tuple[EventKind, ...]:
    return tuple(EventKind(kind) for kind in d["events"])


def version() -> Call[str]:
    """See :meth:`facekeep.client.Client.version`."""
    return Call("GET", "/v1/version", lambda d: str(d["version"]))


def ready() -> Call[None]:
    """See :meth:`facekeep.client.Client.check_ready`."""
    return Call("GET", "/health/ready", lambda _: None)


def metrics() -> Call[str]:
    """See :meth:`facekeep.client.Client.metrics`."""
    return Call("GET", "/metrics", str, plain=True)


def _of(subject: str) -> str:
    return f"/v1/subjects/{_quoted(subject)}"


def _quoted(identifier: str) -> str:
    return quote(identifier, safe="")


def _notice_of(notice: str | KnownNotice) -> dict[str, str]:
    return {"notice_hash": notice.digest} if isinstance(notice, KnownNotice) else {"notice": notice}


def minor_fields(circumstances: Circumstances) -> dict[str, str | int]:
    """What is sent of an age and a guardian; nothing of what nobody said."""
    guardian = circumstances.guardian
    fields: dict[str, str | int] = {} if circumstances.age is None else {"age": circumstances.age}
    if guardian is not None:
        fields |= {
            "guardian": guardian.name,
            "guardian_relation": guardian.relation,
            "guardian_evidence": guardian.evidence.written,
        }
    return fields


def _circumstances(circumstances: Circumstances) -> dict[str, str | int]:
    return {"evidence": circumstances.evidence.written, **minor_fields(circumstances)}


def listed(path: str, name: str, parse: Callable[[Any], _T], after: str | None) -> Call[Page[_T]]:
    """A page of a list.

    Args:
        path: of the list.
        name: of the field with what is listed.
        parse: one of them.
        after: ``next`` of the page before, or None.
    """
    query = {"limit": str(_PAGE)} | ({} if after is None else {"after": after})
    return Call("GET", path, lambda d: Page(tuple(map(parse, d[name])), d["next"]), query=query)


def _consents(documents: Sequence[Json]) -> tuple[Consent, ...]:
    return tuple(map(_consent, documents))


def _consent(d: Json) -> Consent:
    guardian = d["guardian"]
    return Consent(
        purpose=Purpose(d["purpose"]),
        notice=d["notice"],
        given=_time(d["given"]),
        withdrawn=_maybe(d["withdrawn"]),
        evidence=Evidence.read(d["evidence"]),
        guardian=None
        if guardian is None
        else Guardian(guardian["name"], guardian["relation"], Evidence.read(guardian["evidence"])),
        of_age=_maybe(d["of_age"]),
        age_given=d["age_given"],
    )


def _purposes(d: Json) -> tuple[Purpose, ...]:
    return tuple(Purpose(purpose) for purpose in d["purposes"])


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _maybe(text: str | None) -> datetime | None:
    return None if text is None else _time(text)
