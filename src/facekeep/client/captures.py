"""Captures as an integrator has them: ordered, read, cancelled; and whether a signed result is to be believed."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from facekeep.client.calls import Call, Json, minor_fields
from facekeep.domain.capture import Assurance, Intent, Statement
from facekeep.domain.capture_order import CaptureOrder
from facekeep.domain.capture_session import RESULT_TYPE, CaptureOutcome, CaptureState
from facekeep.domain.consent import Purpose
from facekeep.errors import AuthenticationError, UsageError

__all__ = ["CaptureDetails", "CaptureResult", "NewCapture", "read_result"]

LEEWAY: Final = timedelta(seconds=30)
"""How far the clocks may be apart."""
_CHARACTERS_MAX: Final = 16_384


@dataclass(frozen=True, slots=True)
class NewCapture:
    """A capture with its link, which is not shown again.

    Attributes:
        id: 32 hexadecimal digits.
        link: for the person's browser; whoever opens it first has it.
        nonce: 32 hexadecimal digits, which the result has to repeat; keep it out of the browser's reach.
        expires: until when it works.
        tries: how many.
    """

    id: str
    link: str = field(repr=False)
    nonce: str
    expires: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class CaptureDetails:
    """A capture as it is now.

    Attributes:
        id: 32 hexadecimal digits.
        state: how far it is.
        outcome: what it came to, or None.
        reasons: why.
        tries_left: tries that may still begin.
        expires: until when it works; of what went to people, when their review ends at the latest.
        pad: what presentation attack detection found in the last try, as docs/reference/http.md has it; None before.
        result: once it is done, see :func:`read_result`; of people for a day.
        review: identifier of the review, of what went to people.
    """

    id: str
    state: CaptureState
    outcome: CaptureOutcome | None
    reasons: tuple[str, ...]
    tries_left: int
    expires: datetime
    pad: Mapping[str, Any] | None = field(repr=False)
    result: str | None = field(repr=False)
    review: str | None = None


@dataclass(frozen=True, slots=True)
class CaptureResult:
    """What a capture came to, as it was signed.

    Attributes:
        capture: identifier of the capture; take each once.
        outcome: believe ``passed`` alone.
        reasons: why.
        intent: what it was for.
        purpose: of it.
        assurance: that was reached, None unless it passed.
        subject: identifier of who was claimed or enrolled; None unless it passed, and where it is about nobody.
        fmr: of the comparison that held, or None.
        notice: digest of the notice that the person agreed to, or None.
        statement: digest of what was confirmed, or None; it was held against the statement given.
        issued: when it ended.
        decided_by: ``people``, or "" for the machine alone. Only people refuse.
        review: identifier of the review, "" where nobody looked.
    """

    capture: str
    outcome: CaptureOutcome
    reasons: tuple[str, ...]
    intent: Intent
    purpose: Purpose
    assurance: Assurance | None
    subject: str | None
    fmr: float | None
    notice: str | None
    statement: str | None
    issued: datetime
    decided_by: str = ""
    review: str = ""

    def reaches(self, wanted: Assurance) -> bool:
        """Whether it passed, and is at least as sure."""
        return self.outcome is CaptureOutcome.PASSED and self.assurance is not None and self.assurance.reaches(wanted)


def read_result(
    token: str,
    keys: Mapping[str, Any],
    *,
    audience: str,
    nonce: str,
    statement: Statement | None = None,
    issuer: str = "",
    now: datetime | None = None,
) -> CaptureResult:
    """Check a signed result, and take it apart. Whoever relies on it still looks at outcome and assurance.

    Args:
        token: of the capture, as the service gave it.
        keys: the JWK set of ``/v1/keys``, fetched from the service and nowhere else.
        audience: the own identifier, of the machine client that ordered the capture.
        nonce: of the capture, as it was ordered.
        statement: what is to be paid now, from the own books, and not from the browser; None if nothing was to be
            confirmed.
        issuer: origin of the service, where several are known.
        now: the time, with time zone; the clock's if it is not given.

    Raises:
        AuthenticationError: it is not signed by one of the keys, is of another capture, for somebody else, too old, or
            about another statement.
        UsageError: the keys are no JWK set.
    """
    header, claims, signed, signature = _parts(token)
    if header.get("alg") != "EdDSA" or header.get("typ") != RESULT_TYPE or "crit" in header:
        raise _denied()
    try:
        _key(keys, header.get("kid")).verify(signature, signed)
    except InvalidSignature:
        raise _denied() from None
    at = now or datetime.now(UTC)
    try:
        issued, expires = (datetime.fromtimestamp(claims[name], UTC) for name in ("iat", "exp"))
        found = CaptureResult(
            capture=str(claims["jti"]),
            outcome=CaptureOutcome(claims["outcome"]),
            reasons=tuple(map(str, claims["reasons"])),
            intent=Intent(claims["intent"]),
            purpose=Purpose(claims["purpose"]),
            assurance=Assurance(claims["assurance"]) if "assurance" in claims else None,
            subject=claims.get("sub"),
            fmr=claims.get("fmr"),
            notice=claims.get("notice"),
            statement=claims.get("statement"),
            issued=issued,
            decided_by=str(claims.get("decided_by", "")),
            review=str(claims.get("review", "")),
        )
    except (KeyError, ValueError, TypeError, OverflowError, OSError):
        raise _denied() from None
    fits = (
        claims.get("aud") == audience,
        claims.get("nonce") == nonce,
        found.statement == (None if statement is None else statement.digest),
        not issuer or claims.get("iss") == issuer,
        issued <= at + LEEWAY,
        at < expires + LEEWAY,
    )
    if not all(fits):
        raise _denied()
    return found


def _parts(token: str) -> tuple[Json, Json, bytes, bytes]:
    try:
        head, body, seal = token[: _CHARACTERS_MAX + 1].split(".")
        header, claims = (json.loads(_decoded(part)) for part in (head, body))
        signature = _decoded(seal)
    except (ValueError, RecursionError):
        raise _denied() from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise _denied()
    return header, claims, f"{head}.{body}".encode(), signature


def _decoded(text: str) -> bytes:
    """Of base64url without padding, in the one form that it has."""
    try:
        data = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("this is no base64url") from None
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise ValueError("this is no base64url")
    return data


def _key(keys: Mapping[str, Any], identifier: Any) -> Ed25519PublicKey:
    given = keys.get("keys")
    if not isinstance(given, Sequence) or not all(isinstance(each, Mapping) for each in given):
        raise UsageError("this is no JWK set", hint="Fetch /v1/keys from the service.")
    for each in given:
        if (each.get("kid"), each.get("kty"), each.get("crv")) == (identifier, "OKP", "Ed25519"):
            try:
                return Ed25519PublicKey.from_public_bytes(_decoded(str(each["x"])))
            except (KeyError, ValueError):
                raise UsageError("a key of the set is none", hint="Fetch /v1/keys from the service.") from None
    raise _denied()


def _denied() -> AuthenticationError:
    return AuthenticationError(
        "this result is not of this service, this capture or this order, or too old",
        hint="Fetch the keys anew, and order another capture. Do not rely on it.",
    )


def create_capture(order: CaptureOrder) -> Call[NewCapture]:
    """See :meth:`facekeep.client.Client.create_capture`."""
    statement, newcomer = order.statement, order.newcomer
    body: dict[str, Any] = {
        "intent": order.intent,
        "purpose": order.purpose,
        "subject": order.subject,
        "label": order.label,
        "gallery": order.gallery,
        "notices": list(order.notices),
        "assurance": order.assurance,
        "alternatives": order.alternatives,
        "light": order.light,
        "fmr": order.fmr,
        "doubt_fmr": order.doubt_fmr,
        "expires_in": int(order.expires_in.total_seconds()),
        "return_url": order.return_url,
    }
    if order.known is not None:
        body["known"] = order.known
    if statement is not None:
        body["statement"] = asdict(statement)
    if newcomer is not None:
        known = {"label": newcomer.label, "name": newcomer.name, "purposes": list(newcomer.purposes)}
        body["newcomer"] = {**known, **minor_fields(newcomer.circumstances(""))}
    return Call("POST", "/v1/capture-sessions", _created, json=body)


def _created(d: Json) -> NewCapture:
    return NewCapture(d["id"], d["link"], d["nonce"], datetime.fromisoformat(d["expires"]), d["tries"])


def capture(capture: str) -> Call[CaptureDetails]:
    """See :meth:`facekeep.client.Client.capture`."""
    return Call("GET", _of(capture), _details)


def _details(d: Json) -> CaptureDetails:
    return CaptureDetails(
        d["id"],
        CaptureState(d["state"]),
        None if d["outcome"] is None else CaptureOutcome(d["outcome"]),
        tuple(d["reasons"]),
        d["tries_left"],
        datetime.fromisoformat(d["expires"]),
        d["pad"],
        d["result"],
        d["review"],
    )


def cancel_capture(capture: str) -> Call[None]:
    """See :meth:`facekeep.client.Client.cancel_capture`."""
    return Call("DELETE", _of(capture), lambda _: None)


def result_keys() -> Call[Mapping[str, Any]]:
    """See :meth:`facekeep.client.Client.result_keys`."""
    return Call("GET", "/v1/keys", lambda d: {"keys": [dict(each) for each in d["keys"]]})


def _of(capture: str) -> str:
    return f"/v1/capture-sessions/{quote(capture, safe='')}"
