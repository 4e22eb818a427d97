"""Answers with an entity tag (RFC 9110, 8.8.3): whoever has this answer already is told so, and nothing is sent."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

__all__ = ["NOT_MODIFIED", "tagged"]

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "The answer is the one that is known already"}}

_DIGITS = 32


def tagged(request: Request, answer: BaseModel) -> Response:
    """An answer with its tag, or 304 where the request names it.

    Args:
        request: ``If-None-Match`` may list tags, or be ``*``.
        answer: what is told.
    """
    body = answer.model_dump_json().encode()
    tag = f'"{sha256(body).hexdigest()[:_DIGITS]}"'
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if tag in known or known == ["*"]:
        return Response(status_code=304, headers={"ETag": tag})
    return Response(body, media_type="application/json", headers={"ETag": tag})
