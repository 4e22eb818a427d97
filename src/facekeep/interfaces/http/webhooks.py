"""Webhooks: endpoints elsewhere that are told of events."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from facekeep.domain.accounts import Principal
from facekeep.domain.actions import Action
from facekeep.domain.mailbox import is_mail
from facekeep.domain.webhooks import EventKind, Webhook, shown_secret
from facekeep.interfaces.http.bodies import Body, documented_body, read
from facekeep.interfaces.http.once import KEYED, Nothing, once, without
from facekeep.interfaces.http.paging import After, Limit, Next, page
from facekeep.interfaces.http.problems import ALWAYS, KEYED_ON, WITH_BODY, documented
from facekeep.interfaces.http.security import KeepOf, may
from facekeep.interfaces.http.tags import NOT_MODIFIED, tagged
from facekeep.service.keep import Keep
from facekeep.service.webhooks import WebhookStatus

__all__ = ["router"]

router = APIRouter(prefix="/v1/webhooks")


class WebhookRequest(Body):
    """An endpoint, and what it is told of."""

    url: str = Field(
        max_length=2048,
        description="https, outside this network unless an administrator allowed that; or mailto: and one address.",
    )
    events: list[EventKind] = Field(min_length=1, max_length=len(EventKind), description="Which kinds of events.")


class NewWebhookAnswer(BaseModel):
    """An endpoint with its secret, which is not shown again."""

    id: str
    url: str
    events: list[EventKind]
    created: datetime
    secret: str | None = Field(
        description="Signs what is sent; give it to the receiver. Null for mail, and if the request is sent again."
    )


class WebhookAnswer(BaseModel):
    """An endpoint as it is now."""

    id: str
    url: str
    events: list[EventKind]
    created: datetime
    disabled: datetime | None = Field(description="Since when nothing is sent, after too many failures or a 410.")
    failures: int = Field(description="Attempts in a row that failed.")
    retry: datetime | None = Field(description="When the next attempt may be made.")
    waiting: int = Field(description="Messages that wait.")
    delivered: int = Field(description="Messages that were taken.")
    dropped: int = Field(description="Messages that were given up.")


class WebhookPage(BaseModel):
    """A page of endpoints, in a random order that stays the same."""

    webhooks: list[WebhookAnswer]
    next: Next


class RemovedWebhookAnswer(BaseModel):
    """What was forgotten."""

    id: str


@router.post(
    "",
    status_code=201,
    response_model=NewWebhookAnswer,
    responses=documented(*WITH_BODY, "request-under-way"),
    openapi_extra=documented_body(WebhookRequest, **KEYED),
)
async def add_webhook(
    request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.ADD_WEBHOOK))]
) -> Response:
    """Have an endpoint told of events of the own organisation. Its secret is shown this once."""
    asked = await read(request, WebhookRequest)
    do = partial(_add, keep, asked, who, private=request.app.state.private, mail=request.app.state.mail)
    return await once(request, keep, who, asked, do, kept=without("secret"))


def _add(keep: Keep, asked: WebhookRequest, by: Principal, *, private: bool, mail: bool) -> NewWebhookAnswer:
    made = keep.add_webhook(asked.url, asked.events, private=private, mail=mail, by=by, organisation=by.organisation)
    secret = None if is_mail(made.url) else shown_secret(made.secret)
    return NewWebhookAnswer(id=made.id.hex(), url=made.url, events=_kinds(made), created=made.created, secret=secret)


@router.get("", response_model=WebhookPage, responses={**documented(*ALWAYS, "invalid-request"), **NOT_MODIFIED})
async def list_webhooks(
    request: Request,
    keep: KeepOf,
    who: Annotated[Principal, Depends(may(Action.LIST_WEBHOOKS))],
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """A page of endpoints of the own organisation."""
    every = await run_sync(keep.webhooks, who.organisation)
    found, following = page(every, lambda one: one.webhook.id.hex(), after, limit)
    return tagged(request, WebhookPage(webhooks=[_status(one) for one in found], next=following))


@router.get("/{webhook}", response_model=WebhookAnswer, responses={**documented(*ALWAYS, "not-found"), **NOT_MODIFIED})
async def show(
    webhook: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.READ_WEBHOOK))]
) -> Response:
    """An endpoint: whether it is disabled, and what waits for it."""
    return tagged(request, _status(await run_sync(keep.webhook, webhook, who.organisation)))


@router.delete(
    "/{webhook}",
    response_model=RemovedWebhookAnswer,
    responses=documented(*KEYED_ON),
    openapi_extra=KEYED,
)
async def remove_webhook(
    webhook: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.REMOVE_WEBHOOK))]
) -> Response:
    """Forget an endpoint and what waits for it."""
    return await once(request, keep, who, Nothing(), partial(_remove, keep, webhook, who), status=200)


def _remove(keep: Keep, webhook: str, by: Principal) -> RemovedWebhookAnswer:
    keep.remove_webhook(webhook, by=by, organisation=by.organisation)
    return RemovedWebhookAnswer(id=webhook)


def _kinds(webhook: Webhook) -> list[EventKind]:
    return [kind for kind in EventKind if kind in webhook.events]


def _status(status: WebhookStatus) -> WebhookAnswer:
    webhook = status.webhook
    return WebhookAnswer(
        id=webhook.id.hex(),
        url=webhook.url,
        events=_kinds(webhook),
        created=webhook.created,
        disabled=webhook.disabled,
        failures=webhook.failures,
        retry=webhook.retry_at,
        waiting=status.waiting,
        delivered=webhook.delivered,
        dropped=webhook.dropped,
    )
