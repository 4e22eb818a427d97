"""Reading what is sent: bounded before it is read, in memory only, as multipart or as JSON with base64.

The framework's own forms write larger parts to temporary files. Pictures must never touch a disk, so the parser is
driven here, and its parts are bytes.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Final, TypeVar

from anyio.to_thread import run_sync
from fastapi import Request
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from facekeep.interfaces.http.problems import Fault, Problem

__all__ = [
    "BODY_BYTES_MAX",
    "PARTS_MAX",
    "PLAIN_BYTES_MAX",
    "TEXT_BYTES_MAX",
    "VALUES_MAX",
    "Body",
    "Bytes",
    "Gallery",
    "Picture",
    "Unpadded",
    "documented_body",
    "read",
    "read_raw",
    "unpadded",
]

BODY_BYTES_MAX: Final = 96 << 20
"""Two pictures of 32 MiB in base64, or many usual ones."""
TEXT_BYTES_MAX: Final = 4 << 20
"""Of a body without pictures that may hold a notice: a million characters in UTF-8."""
PLAIN_BYTES_MAX: Final = 64 << 10
"""Of any other body."""

PARTS_MAX: Final = 64

VALUES_MAX: Final = 10_000
"""Commas, colons and opening brackets outside the strings of a body in JSON. The parser holds the interpreter, on
whichever thread: bounding its work is what keeps others served. No body that is taken needs nearly as many."""

_ASIDE_BYTES: Final = 64 << 10
"""Larger bodies are parsed on another thread, between whose steps the event loop goes on."""


def _bytes_of(value: object) -> object:
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("This is not base64.") from None
    return value


def _base64_of(value: bytes) -> str:
    return base64.b64encode(value).decode()


Picture = Annotated[bytes, BeforeValidator(_bytes_of)]
"""A picture: the bytes of a part, or base64 in JSON."""

Bytes = Annotated[
    bytes,
    BeforeValidator(_bytes_of),
    PlainSerializer(_base64_of, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
"""Bytes of another kind: base64 in JSON."""


def unpadded(data: bytes) -> str:
    """Base64url without padding, as browsers have keys."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes_of_unpadded(value: object) -> object:
    if isinstance(value, str):
        try:
            data = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("This is not base64url.") from None
        if unpadded(data) != value:
            raise ValueError("This is not base64url without padding.")
        return data
    return value


Unpadded = Annotated[
    bytes,
    BeforeValidator(_bytes_of_unpadded),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]*$"}),
]
"""Bytes in base64url without padding."""


Gallery = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        description="The group: 1 to 64 bytes in UTF-8, no control characters, spaces around it are cut off; "
        "`never-return` is reserved.",
    ),
]
"""The name of a gallery. It is there as soon as a reference is in it."""


class Body(BaseModel):
    """The root of everything that can be sent."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


_B = TypeVar("_B", bound=Body)
_PICTURES = {"picture", "other_picture", "pictures", "probe", "reference"}
_TEXTS = {"text", "notice"}


async def read(request: Request, model: type[_B], *, most: int | None = None) -> _B:
    """The body of a request.

    Args:
        request: not read yet.
        model: the form that it has.
        most: bytes that it may have, if not the usual bound.

    Raises:
        Problem: too large, of another kind, or not of the form of the model.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind == b"application/json":
        parse: Callable[[bytearray], Mapping[str, Any]] = _json
    elif kind == b"multipart/form-data" and b"boundary" in options:
        parse = partial(_multipart, boundary=options[b"boundary"], model=model)
    else:
        raise Problem(
            "media-type", "The body is neither JSON nor a form.", "Send application/json or multipart/form-data."
        )
    body = await _bounded(request, most or _bound(model))
    if len(body) > _ASIDE_BYTES:
        return await run_sync(_fitting, body, parse, model)
    return _fitting(body, parse, model)


async def read_raw(request: Request, media: str, most: int) -> bytearray:
    """The body of a request that is of one kind and has no form that is known here.

    Args:
        request: not read yet.
        media: its kind.
        most: bytes that it may have.

    Raises:
        Problem: too large, or of another kind.
    """
    kind, _ = parse_options_header(request.headers.get("content-type", ""))
    if kind != media.encode():
        raise Problem("media-type", "The body is of another kind.", f"Send {media}.")
    return await _bounded(request, most)


def _bound(model: type[Body]) -> int:
    fields = set(model.model_fields)
    return BODY_BYTES_MAX if fields & _PICTURES else TEXT_BYTES_MAX if fields & _TEXTS else PLAIN_BYTES_MAX


def _fitting(body: bytearray, parse: Callable[[bytearray], Mapping[str, Any]], model: type[_B]) -> _B:
    plain = parse(body)
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        raise Problem(
            "invalid-request", "Some fields do not fit.", "See faults.", faults=_faults(error, model)
        ) from None


async def _bounded(request: Request, bound: int) -> bytearray:
    stated = request.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > bound:
        raise _too_large(bound)
    held = bytearray()
    try:
        async for chunk in request.stream():
            if len(held) + len(chunk) > bound:
                raise _too_large(bound)
            held += chunk
    except ClientDisconnect:
        raise _malformed("it ended early") from None
    return held


def _too_large(bound: int) -> Problem:
    return Problem(
        "body-too-large",
        f"A body has at most {bound >> 10} KiB.",
        "Send less at once, or smaller pictures.",
        headers={"Connection": "close"},  # what was not read is not waited for
    )


def _malformed(what: str) -> Problem:
    return Problem("invalid-request", f"The body does not parse: {what}.", "See /v1/openapi.json.")


def _json(body: bytearray) -> Mapping[str, Any]:
    if _values(body) > VALUES_MAX:
        raise _malformed(f"it has more than {VALUES_MAX} values")
    try:
        plain = json.loads(body)
    except (ValueError, RecursionError):
        raise _malformed("it is no JSON") from None
    if not isinstance(plain, dict):
        raise _malformed("it is no object")
    return plain


def _values(body: bytearray) -> int:
    """How much there is to parse, at most one more than is taken: what stands outside of strings, in linear time."""
    if len(body) <= VALUES_MAX:
        return 0
    plain = body
    if b"\\" in plain:
        plain = plain.replace(b"\\\\", b"").replace(b'\\"', b"")  # what is left of quotes begins and ends strings
    if plain.count(b'"') > 2 * VALUES_MAX:
        return VALUES_MAX + 1
    outside = b"".join(plain.split(b'"')[::2])
    return len(outside) - len(outside.translate(None, b",:[{"))


@dataclass(slots=True)
class _Part:
    """A part of a form while it is read."""

    name: str = ""
    is_file: bool = False
    header: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    content: bytearray = field(default_factory=bytearray)


class _Parts:
    """Takes what the parser finds."""

    def __init__(self) -> None:
        self.done: list[_Part] = []
        self._part = _Part()

    def begin(self) -> None:
        if len(self.done) == PARTS_MAX:
            raise _malformed(f"it has more than {PARTS_MAX} parts")
        self._part = _Part()

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._part.header += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.value += data[start:end]

    def header_end(self) -> None:
        if bytes(self._part.header).lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._part.value))
            self._part.name = options.get(b"name", b"").decode("utf-8", "replace")
            self._part.is_file = b"filename" in options
        self._part.header.clear()
        self._part.value.clear()

    def content(self, data: bytes, start: int, end: int) -> None:
        self._part.content += data[start:end]

    def end(self) -> None:
        self.done.append(self._part)


def _multipart(body: bytearray, boundary: bytes, model: type[Body]) -> Mapping[str, Any]:
    parts = _Parts()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": parts.begin,
                "on_header_field": parts.header_field,
                "on_header_value": parts.header_value,
                "on_header_end": parts.header_end,
                "on_part_data": parts.content,
                "on_part_end": parts.end,
            },
        )
        parser.write(bytes(body))
        parser.finalize()
    except FormParserError:
        raise _malformed("it is no form") from None
    lists = {name for name, info in model.model_fields.items() if "list" in str(info.annotation)}
    plain: dict[str, Any] = {}
    for part in parts.done:
        value = bytes(part.content) if part.is_file else _text(part.content)
        if part.name in lists:
            plain.setdefault(part.name, []).append(value)
        elif part.name in plain:
            raise _malformed("a field is given twice")
        else:
            plain[part.name] = value
    return plain


def _text(content: bytearray) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed("a field is no UTF-8") from None


def _faults(error: ValidationError, model: type[Body]) -> list[Fault]:
    # Names of fields that the model does not know are the sender's own words, and are not repeated.
    faults = []
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        known = [str(step) for step in fault["loc"] if isinstance(step, int) or step in model.model_fields]
        message = "This field is not known here." if fault["type"] == "extra_forbidden" else fault["msg"]
        faults.append(Fault(field="/".join(known), message=message.removeprefix("Value error, ")))
    return faults


def documented_body(model: type[Body], **more: Any) -> dict[str, Any]:
    """The ``openapi_extra`` of an operation that takes this body, as JSON or as a form; and ``more``."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    plain = _inlined(schema, definitions)
    form = _inlined(schema, definitions)
    for properties, picture in (
        (plain["properties"], {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/*"}),
        (form["properties"], {"type": "string", "format": "binary"}),
    ):
        for name in _PICTURES & set(properties):
            schema = properties[name]
            properties[name] = {**schema, "items": picture} if schema.get("type") == "array" else picture
    return {
        **more,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": plain}, "multipart/form-data": {"schema": form}},
        },
    }


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        return {name: _inlined(value, definitions) for name, value in schema.items()}
    if isinstance(schema, list):
        return [_inlined(value, definitions) for value in schema]
    return schema
