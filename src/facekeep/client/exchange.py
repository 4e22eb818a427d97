"""From a call to a request, and from a response to its answer or to the error that the library would have raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import httpx2

from facekeep import errors
from facekeep.client.calls import Call
from facekeep.errors import FacekeepError, UnavailableError, UsageError

TIMEOUT_SECONDS = 30.0

_T = TypeVar("_T")
_URN = "urn:facekeep:problem:"
_ERRORS: Mapping[str, type[FacekeepError]] = {
    "unauthenticated": errors.AuthenticationError,
    "forbidden": errors.RefusedError,
    "other-site": errors.RefusedError,
    "consent-missing": errors.ConsentError,
    "purpose-off": errors.PurposeOffError,
    "refused": errors.RefusedError,
    "not-found": errors.NotFoundError,
    "method-not-allowed": errors.UsageError,
    "body-too-large": errors.BadInputError,
    "media-type": errors.FormatError,
    "invalid-request": errors.UsageError,
    "picture-unreadable": errors.ImageError,
    "picture-not-fit": errors.QualityError,
    "too-many-requests": errors.RateError,
    "budget-used-up": errors.BudgetError,
    "request-under-way": errors.RepeatedError,
    "internal": errors.FacekeepError,
    "busy": errors.UnavailableError,
    "unavailable": errors.UnavailableError,
}


def headers_for(token: str) -> dict[str, str]:
    """What every request carries.

    Raises:
        UsageError: the token cannot be sent.
    """
    if not token.isascii() or not token.isprintable() or " " in token or not token:
        raise UsageError("this is no token", hint="Give what facekeep token create printed.")
    return {"Authorization": f"Bearer {token}", "Accept": "application/json"}


def request_of(call: Call[Any]) -> dict[str, Any]:
    """The arguments of a request by the library for HTTP."""
    arguments: dict[str, Any] = {"method": call.method, "url": call.path, "params": dict(call.query)}
    if call.key:
        arguments["headers"] = {"Idempotency-Key": call.key}
    if call.json is not None:
        arguments["json"] = call.json
    if call.pictures:
        arguments["data"] = dict(call.fields)
        arguments["files"] = [(name, ("picture", data, "application/octet-stream")) for name, data in call.pictures]
    return arguments


def unreachable() -> UnavailableError:
    """The error where no answer came."""
    return UnavailableError("the service cannot be reached, or did not answer in time")


def answer_of(call: Call[_T], response: httpx2.Response) -> _T:
    """What a response means.

    Raises:
        FacekeepError: the problem that it tells, as the class that the library raises.
        UnavailableError: it is not the answer of a Facekeep.
    """
    try:
        document = response.json()
        if response.is_success:
            return call.parse(document)
    except (ValueError, KeyError, TypeError):
        raise UnavailableError("what answers at this address is no Facekeep that this client knows") from None
    raise _error_of(document)


def _error_of(document: Any) -> FacekeepError:
    name = str(document.get("type", "")).removeprefix(_URN) if isinstance(document, dict) else ""
    kind = _ERRORS.get(name)
    if kind is None:
        return UnavailableError("what answers at this address is no Facekeep that this client knows")
    message, hint = str(document.get("detail", "")), str(document.get("hint", "")) or None
    faults = [f"{fault['field']}: {fault['message']}" for fault in document.get("faults", [])]
    if faults:
        message = f"{message} {' '.join(faults)}"
    if kind is errors.QualityError:
        return errors.QualityError(message, reasons=tuple(document.get("reasons", ())), hint=hint)
    error = kind(message, hint=hint)
    error.add_note(f"request {document.get('request_id', '')}")
    return error
