"""Writes that a client may send again: with an ``Idempotency-Key``, the first answer is kept for a day and given again.

A request that changed nothing, being refused or not fit, is forgotten, so that it may be sent again. One that failed in
the middle is not: it may have been done, and saying so is better than doing it twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Any

from anyio.to_thread import run_sync
from fastapi import Request, Response
from pydantic import BaseModel

from facekeep.domain.accounts import Principal
from facekeep.domain.requests import KeptAnswer, RequestId
from facekeep.domain.subject import subject_id
from facekeep.errors import BadInputError, NotFoundError, RefusedError, UsageError
from facekeep.interfaces.http.bodies import Body
from facekeep.service.keep import Keep

__all__ = ["KEYED", "Nothing", "once"]

_CHANGED_NOTHING = (BadInputError, NotFoundError, RefusedError, UsageError)

KEYED: dict[str, Any] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "A new random one for each request: sent again, the request is not done twice.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
        }
    ]
}
"""What the description of such an operation has in addition."""


class Nothing(Body):
    """Nothing has to be said."""


async def once(
    request: Request,
    keep: Keep,
    who: Principal,
    asked: Body,
    do: Callable[[], BaseModel],
    *,
    status: int = 201,
    kept: Callable[[BaseModel], BaseModel] = lambda answer: answer,
    about: Callable[[Any], str | None] | None = None,
) -> Response:
    """Do what is asked, or give the answer of the first time.

    Args:
        request: may bear a key.
        keep: where keys and answers are kept, sealed.
        who: asks.
        asked: what.
        do: does it, on another thread.
        status: of the answer when it is done.
        kept: makes what is kept of the answer; the first answer is given whole.
        about: the data subject of whom an answer speaks, with whom what is kept goes; else the one in the path.

    Raises:
        RepeatedError: a request with this key is under way, or its outcome is not known.
        UsageError: the key served another request, or cannot be one.
    """
    key = request.headers.get("idempotency-key")
    told = partial(_told, status)
    if key is None:
        answer = told(await run_sync(do))
    else:
        begin = partial(keep.begin_request, who, key, _print(request, asked))
        of_path = request.path_params.get("subject")

        def keeping(given: BaseModel) -> KeptAnswer:
            subject = of_path if about is None else about(given)
            return replace(told(kept(given)), subject=None if subject is None else subject_id(subject))

        answer = await run_sync(_once, keep, begin, do, keeping, told)
    return Response(answer.body, answer.status, media_type="application/json")


def without(secret: str) -> Callable[[BaseModel], BaseModel]:
    """For ``once``: an answer is kept without this field, which is told once only."""
    return lambda answer: answer.model_copy(update={secret: None})


def _told(status: int, answer: BaseModel) -> KeptAnswer:
    return KeptAnswer(status, answer.model_dump_json().encode())


def _once(
    keep: Keep,
    begin: Callable[[], KeptAnswer | RequestId],
    do: Callable[[], BaseModel],
    kept: Callable[[BaseModel], KeptAnswer],
    told: Callable[[BaseModel], KeptAnswer],
) -> KeptAnswer:
    begun = begin()
    if isinstance(begun, KeptAnswer):
        return begun
    try:
        answer = do()
    except _CHANGED_NOTHING:
        keep.drop_request(begun)
        raise
    keep.finish_request(begun, kept(answer))
    return told(answer)


def _print(request: Request, asked: Body) -> bytes:
    """SHA-256 of what is asked, however it was sent: a form has another boundary each time."""
    digest = sha256(f"{request.method} {request.url.path}\0".encode())
    for name in sorted(type(asked).model_fields):
        digest.update(f"{name}\0".encode())
        for part in _parts(getattr(asked, name)):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def _parts(value: object) -> list[bytes]:
    if isinstance(value, list):
        return [part for one in value for part in _parts(one)]
    return [value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")]
