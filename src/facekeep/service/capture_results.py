"""What a capture came to, signed for whoever ordered it: a JWS (RFC 7515, compact) with EdDSA over Ed25519.

Written with ``cryptography`` alone: there is one algorithm, one key and one form, and nothing to choose by a header.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from facekeep.domain.capture_session import RESULT_TYPE, CaptureOutcome, MachineOutcome
from facekeep.domain.review import Review
from facekeep.service.capture_sessions import CaptureSession

__all__ = [
    "RESULT_LENGTH",
    "REVIEWED_RESULT_LENGTH",
    "claims_of",
    "claims_of_review",
    "key_id",
    "public_jwk",
    "signed_result",
    "valid_until",
]

RESULT_LENGTH: Final = timedelta(minutes=10)
DECIDED_BY_PEOPLE: Final = "people"
REVIEWED_RESULT_LENGTH: Final = timedelta(hours=24)
"""For how long a result of people is valid: nobody waits for it as for one of a machine."""


def public_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """The public key as a JSON Web Key (RFC 8037)."""
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": _encoded(key.public_bytes_raw()),
        "kid": key_id(key),
        "use": "sig",
        "alg": "EdDSA",
    }


def key_id(key: Ed25519PublicKey) -> str:
    """The thumbprint of a key (RFC 7638)."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": _encoded(key.public_bytes_raw())}
    return _encoded(sha256(_json(members)).digest())


def claims_of(session: CaptureSession, issuer: str) -> dict[str, Any]:
    """What is said of a session that is done.

    Args:
        session: done; its lock is held.
        issuer: origin of the service.
    """
    if session.outcome is None or session.ended is None:
        raise ValueError("only what is done has a result")
    order = session.what.order
    said = {
        "aud": session.who.id.hex(),
        "jti": session.name,
        "nonce": session.nonce.hex(),
        "intent": order.intent,
        "purpose": order.purpose,
        "outcome": session.outcome,
        "reasons": list(session.reasons),
        # Of another outcome it would tell whether somebody is enrolled, and that a try failed on that person's face.
        "sub": (session.subject or None) if session.outcome is MachineOutcome.PASSED else None,
        "assurance": session.reached,
        "fmr": session.fmr,
        "notice": session.notice or None,
        "statement": None if order.statement is None else order.statement.digest,
    }
    return _claims(issuer, session.ended, RESULT_LENGTH, said)


def valid_until(review: Review) -> datetime | None:
    """Until when the result of a review is valid; None before there is one."""
    ended = review.decided or review.destroyed
    return None if ended is None else ended + REVIEWED_RESULT_LENGTH


def claims_of_review(review: Review, issuer: str) -> dict[str, Any]:
    """What is said of a capture that went to people, once that is over.

    Args:
        review: of a capture, over.
        issuer: origin of the service.
    """
    capture, until = review.capture, valid_until(review)
    if capture is None or capture.outcome is None or until is None:
        raise ValueError("only what is done has a result")
    passed = capture.outcome is CaptureOutcome.PASSED
    said = {
        "aud": review.owner.hex(),
        "jti": capture.session,
        "nonce": capture.nonce,
        "intent": capture.intent,
        "purpose": capture.purpose,
        "outcome": capture.outcome,
        "reasons": list(capture.outcome_reasons),
        "review": review.id.hex(),
        "decided_by": None if review.decision is None else DECIDED_BY_PEOPLE,
        "sub": review.subject.hex() if passed and review.subject is not None else None,
        "assurance": capture.assurance if passed else None,
        "fmr": capture.fmr if passed and capture.holds else None,
        "notice": capture.notice or None,
        "statement": capture.statement or None,
    }
    return _claims(issuer, until - REVIEWED_RESULT_LENGTH, REVIEWED_RESULT_LENGTH, said)


def _claims(issuer: str, ended: datetime, valid: timedelta, said: Mapping[str, Any]) -> dict[str, Any]:
    """What is said, but for what is None, with who says it and for how long."""
    issued = int(ended.timestamp())
    times = {"iss": issuer, "iat": issued, "exp": issued + int(valid.total_seconds())}
    return times | {name: value for name, value in said.items() if value is not None}


def signed_result(claims: Mapping[str, Any], key: Ed25519PrivateKey) -> str:
    """The claims, signed; the same each time."""
    header = {"alg": "EdDSA", "kid": key_id(key.public_key()), "typ": RESULT_TYPE}
    signed = f"{_encoded(_json(header))}.{_encoded(_json(claims))}"
    return f"{signed}.{_encoded(key.sign(signed.encode()))}"


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
