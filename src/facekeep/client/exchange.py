"""From a call to a request, and from a response to its answer or to the error that the library would have raised."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping
from pathlib import Path
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
    "another-capture": errors.RefusedError,
    "capture-refused": errors.RefusedError,
    "review-conflict": errors.ReviewConflictError,
    "gone": errors.GoneError,
    "frame-too-wide": errors.FrameTooWideError,
    "purpose-off": errors.PurposeOffError,
    "refused": errors.RefusedError,
    "not-found": errors.NotFoundError,
    "method-not-allowed": errors.UsageError,
    "body-too-large": errors.BadInputError,
    "media-type": errors.FormatError,
    "invalid-request": errors.UsageError,
    "picture-unreadable": errors.ImageError,
    "picture-marked": errors.MarkedPictureError,
    "picture-not-fit": errors.QualityError,
    "too-many-requests": errors.RateError,
    "budget-used-up": errors.BudgetError,
    "request-under-way": errors.RepeatedError,
    "signature-needed": errors.UnsignedError,
    "due-at-once": errors.DueAtOnceError,
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


def checked(address: str, *, plain: bool) -> str:
    """The address of a service, if it may be asked.

    Args:
        address: as it was given.
        plain: whether plain HTTP may leave this machine.

    Raises:
        UsageError: it is none, or plain HTTP would leave this machine.
    """
    try:
        url = httpx2.URL(address)
    except httpx2.InvalidURL:
        raise _no_address() from None
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise _no_address()
    if url.scheme == "http" and not plain and not is_loopback(url.host):
        raise UsageError(
            "plain HTTP does not leave this machine: pictures and the token would be in clear",
            hint="Use an address that begins with https://; in a network that you trust, --insecure-plain-http.",
        )
    return address


def _no_address() -> UsageError:
    return UsageError("this is no address of a service", hint="For example https://faces.example.")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its address or as ``localhost``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def trusted(authorities: Path | None) -> ssl.SSLContext | bool:
    """Whose certificates are believed: those in a file, or the usual ones. Verification is never off.

    Raises:
        UsageError: the file cannot be read, or holds no certificate.
    """
    if authorities is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(authorities))
    except OSError:
        raise UsageError("the authorities cannot be read", hint="Give a file of certificates, PEM.") from None


def request_of(call: Call[Any]) -> dict[str, Any]:
    """The arguments of a request by the library for HTTP."""
    headers = {"Idempotency-Key": call.key} if call.key else {}
    arguments: dict[str, Any] = {
        "method": call.method,
        "url": call.path,
        "params": dict(call.query),
        "headers": headers,
    }
    if call.body is not None:
        headers["Content-Type"], arguments["content"] = call.body
    if call.json is not None:
        arguments["json"] = call.json
    if call.pictures:
        arguments["data"] = dict(call.fields)
        arguments["files"] = [(name, ("picture", data, "application/octet-stream")) for name, data in call.pictures]
    return arguments


def unreachable(problem: BaseException) -> UnavailableError:
    """The error where no answer came.

    Args:
        problem: why, as the library of HTTP raised it.
    """
    return UnavailableError(
        "the service cannot be reached, or did not answer in time", hint=_UNTRUSTED if _is_untrusted(problem) else None
    )


_UNTRUSTED = "Its certificate is not trusted here: name the authorities that are (FACEKEEP_AUTHORITIES)."


def _is_untrusted(problem: BaseException | None) -> bool:
    while problem is not None:
        if isinstance(problem, ssl.SSLCertVerificationError):
            return True
        problem = problem.__cause__ or problem.__context__
    return False


def answer_of(call: Call[_T], response: httpx2.Response) -> _T:
    """What a response means.

    Raises:
        FacekeepError: the problem that it tells, as the class that the library raises.
        UnavailableError: it is not the answer of a Facekeep.
    """
    try:
        if call.plain and response.is_success:
            return call.parse(response.text)
        document = None if response.status_code == httpx2.codes.NO_CONTENT else response.json()
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
    reasons = tuple(document.get("reasons", ()))
    if kind is errors.QualityError:
        return errors.QualityError(message, reasons=reasons, hint=hint)
    if kind is errors.MarkedPictureError:
        return errors.MarkedPictureError(message, reasons=reasons, hint=hint)
    error = kind(message, hint=hint)
    error.add_note(f"request {document.get('request_id', '')}")
    return error
