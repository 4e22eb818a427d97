"""Examples of all that the description of the interface describes: what is sent, what is answered, what goes wrong.

They are put together from the schemas and one value for each name of a field, so that none can be forgotten or disagree
with its schema; a test holds each against it. Times, identifiers and people are made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from facekeep.interfaces.http.problems import MEDIA_TYPE, PROBLEMS, Kind

__all__ = ["illustrate", "problem_example"]

_ID: Final = "6f1d3a0c9b2e4875a1c0d4e2f3b59687"
_HASH: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_PLACE: Final = f"01795694400000000-{_ID}".zfill(53)
_PICTURE: Final = "/9j/4AAQSkZJRgABAQAAAQABAAD/2Q=="
_BASE64: Final = "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs="
_UNPADDED: Final = "3q2-7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs"
_TIME: Final = "2026-11-26T12:00:00Z"
_LATER: Final = "2026-12-26T12:00:00Z"

_VALUES: Final[Mapping[str, Any]] = {
    "account": _ID,
    "backups_readable_until": _LATER,
    "case": "lost at the fair",
    "ceremony": _ID,
    "characters": 1834,
    "days": 30,
    "bundle": '{"format":"facekeep-ledger-1",…}\n',
    "ledger_key": f"facekeep/{_ID}/registry+316bce6e+AaCqnR9sWQCxxVBeA4eH74cNUshztDzTLjbqR4471TDk",
    "note": f"facekeep/{_ID}/registry\n412\n…\n",
    "witnessed": f"facekeep/{_ID}/registry\n400\n…\n",
    "cosignature": f"\N{EM DASH} facekeep/{_ID}/witness qv8…",
    "old": 400,
    "proof": _HASH,
    "size": 412,
    "receipt": '{"format":"facekeep-ledger-1",…}\n',
    "delivered": 17,
    "expires": _LATER,
    "failures": 0,
    "fmr": 0.0001,
    "fpir": 0.01,
    "gallery": "main",
    "hash": _HASH,
    "id": _ID,
    "issuer": "https://id.example.org",
    "issuer_subject": "4711",
    "key": _ID,
    "label": "ada",
    "language": "en",
    "law": "740 ILCS 14/15(a)",
    "due": _LATER,
    "link": "https://faces.example.org/sign-up#fki1_…",
    "link_expires": _LATER,
    "name": "Ada Lovelace",
    "notice": "We keep a template of your face to open the door.",
    "notice_hash": _HASH,
    "one_in": 10_000,
    "opened_by": "client till",
    "other_picture": _PICTURE,
    "picture": _PICTURE,
    "pictures": _PICTURE,
    "probe": _PICTURE,
    "public": _UNPADDED,
    "sealed": _UNPADDED,
    "share": _UNPADDED,
    "wrapped": _UNPADDED,
    "reference": _ID,
    "references": 2,
    "request_id": "b3f1c2d4e5968778695a4b3c2d1e0f00",
    "salt": _BASE64,
    "searched": 1200,
    "secret": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "signature": _BASE64,
    "authenticator_data": _BASE64,
    "leaf": 412,
    "operator": "client till",
    "client_data": _BASE64,
    "statement": _BASE64,
    "status": "ready",
    "subject": _ID,
    "text": "We keep a template of your face to open the door.",
    "title": "lost at the fair",
    "token": "fkt1_…",
    "url": "https://hooks.example.org/facekeep",
    "verified": True,
    "acquired": True,
    "amount": "12.50",
    "asked_by": "shop",
    "camera": True,
    "crv": "Ed25519",
    "currency": "EUR",
    "digest": _HASH,
    "expires_in": 180,
    "frames": 61,
    "head": _HASH,
    "index": 0,
    "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    "kty": "OKP",
    "nonce": "1c9f7a2b6d5e4830bb10a4c7e2d9f685",
    "notices": _HASH,
    "payee": "Bakery Miller",
    "result": "eyJhbGciOiJFZERTQSJ9.eyJvdXRjb21lIjoicGFzc2VkIn0.…",
    "return_url": "https://shop.example.org/paid",
    "seconds": 12.0,
    "tries": 3,
    "tries_left": 3,
    "try": 1,
    "use": "sig",
    "alg": "EdDSA",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "version": "0.1.0",
    "webhook": _ID,
}

_OF_MODEL: Final[Mapping[tuple[str, str], Any]] = {
    ("ConsentAnswer", "notice"): _HASH,
    ("AppealRequest", "text"): "I was at home that day.",
    ("AppealAnswer", "text"): "I was at home that day.",
    ("FiledAppeal", "text"): "I was at home that day.",
    ("AppealAnswer", "answer"): "",
    ("FiledAppeal", "answer"): "",
    ("AccessAnswer", "case"): _ID,
    ("DecisionRequest", "text"): "You are right: the picture shows somebody else.",
    ("ReviewRequest", "days"): 3,
    ("ReviewRequest", "reference"): _PICTURE,
    ("KnownRequest", "reference"): _PICTURE,
    ("ConcernRequest", "text"): "There is shouting behind.",
    ("ReportedConcernAnswer", "text"): "There is shouting behind.",
    ("ReportedConcernAnswer", "answer"): "",
    ("ConcernAnswerRequest", "text"): "The police were told.",
    ("WordsRequest", "text"): "I wore a mask on that day.",
    ("OwnReviewAnswer", "statement"): "",
    ("OwnReviewAnswer", "appeal"): "",
    ("EvidenceAnswer", "statement"): "",
    ("EvidenceAnswer", "appeal"): "",
    ("DutyDayAnswer", "day"): "2026-11-27",
    ("TryRequest", "notice"): _HASH,
    ("GalleryAnswer", "name"): "main",
    ("NewCaptureAnswer", "link"): "https://faces.example.org/capture#fkl1_…",
    ("OpeningRequest", "link"): "fkl1_…",
    ("TokenAnswer", "name"): "till",
    ("TokenRequest", "name"): "till",
}

_EMPTY: Final = frozenset({"reasons", "faults", "identities"})
_NULL: Final = frozenset(
    {
        "about",
        "answer",
        "answered",
        "decided_by",
        "closed",
        "disabled",
        "doubt_fmr",
        "review",
        "review_until",
        "last_seen",
        "next",
        "retry",
        "upheld",
        "withdrawn",
    }
)
_LEFT_OUT: Final[Mapping[str, frozenset[str]]] = {
    "VerificationRequest": frozenset({"label"}),
    "CaptureRequest": frozenset({"label", "newcomer", "known"}),
    "StatedVerificationRequest": frozenset({"label"}),
    "EnrolmentRequest": frozenset({"notice_hash"}),
    "ConsentRequest": frozenset({"notice_hash"}),
    "KnownRequest": frozenset({"reasons"}),
    "ApprovalRequest": frozenset({"authenticator_data", "client_data"}),
    "AccountRequest": frozenset({"label", "subject", "issuer", "issuer_subject"}),
}
"""Fields that exclude another one, or are usually not given."""

_DETAILS: Final[Mapping[str, tuple[str, str]]] = {
    "unauthenticated": ("nobody is known by this token", "Send a token as “Authorization: Bearer …”."),
    "forbidden": ("You may not do this: erase-subject.", "docs/reference/access.md says which roles and scopes may."),
    "consent-missing": ("enrolment needs consent to at least one purpose", "Record a consent first."),
    "capture-refused": ("a step took too long, or the frames' times do not fit the server's", "Begin another try."),
    "another-capture": (
        "the request does not name the capture that this browser opened last",
        "Send its id in Facekeep-Capture.",
    ),
    "frame-too-wide": ("the face fills too little of a crop", "Send crops of the face only."),
    "purpose-off": ("the purpose is switched off", "An administrator can switch the purpose on."),
    "refused": ("the case is closed, has expired, or is for another purpose", "Open a new case for this purpose."),
    "not-found": ("there is no such data subject", "List what there is."),
    "invalid-request": ("Some fields do not fit.", "See faults."),
    "picture-unreadable": ("the picture cannot be decoded", "Give a still picture as JPEG, PNG, WebP, HEIC or TIFF."),
    "picture-marked": ("the picture is marked as no camera's", "Give a picture as a camera took it."),
    "picture-not-fit": ("the picture is not fit for enrolment", "Take the picture again: one face, frontal, in focus."),
    "too-many-requests": ("More than 1200 requests in 60 seconds.", "Ask again in 3 s, as Retry-After says."),
    "due-at-once": (
        "people and cases of which something is due at once: 3",
        "If it is meant, say so: --yes, or “sure” over HTTP. The next run then lets it go.",
    ),
    "review-conflict": (
        "this reviewer voted in this review before",
        "Four eyes are two different people's: take another review.",
    ),
    "gone": ("the evidence of this review was destroyed", "Have the person captured again, if it still matters."),
    "budget-used-up": ("a budget is used up", "Wait for the next day, or have the lock reviewed."),
}


def problem_example(kind: Kind) -> dict[str, Any]:
    """A problem of a kind, as it is sent."""
    detail, hint = _DETAILS.get(kind.name, (f"{kind.title}.", "See /v1/openapi.json."))
    document: dict[str, Any] = {
        "type": f"urn:facekeep:problem:{kind.name}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "hint": hint,
        "request_id": _VALUES["request_id"],
    }
    if kind.name == "invalid-request":
        document["faults"] = [{"field": "fmr", "message": "Input should be less than or equal to 0.0001"}]
    if kind.name == "capture-refused":
        document["reasons"] = ["late"]
    if kind.name == "picture-marked":
        document["reasons"] = ["marked-generated"]
    if kind.name == "picture-not-fit":
        document["reasons"] = ["the face is too small"]
    return document


def illustrate(document: dict[str, Any]) -> None:
    """Add examples to every parameter, body and answer of a description."""
    schemas = document["components"]["schemas"]
    for item in document["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", ()):
                parameter["example"] = _parameter(parameter, schemas)
            for content in operation.get("requestBody", {}).get("content", {}).values():
                content["examples"] = {"usual": {"value": _example(content["schema"], "", "", schemas)}}
            for status, answer in operation["responses"].items():
                _answer(status, answer, schemas)


def _answer(status: str, answer: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    for media, content in answer.get("content", {}).items():
        if media == MEDIA_TYPE:
            kinds = [
                kind for kind in PROBLEMS.values() if str(kind.status) == status and kind.title in answer["description"]
            ]
            content["examples"] = {k.name: {"summary": k.title, "value": problem_example(k)} for k in kinds}
        elif media == "text/plain":
            content["examples"] = {"usual": {"value": "facekeep_references 1200.0\n"}}
        else:
            content["examples"] = {"usual": {"value": _example(content["schema"], "", "", schemas)}}


def _parameter(parameter: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    name, place = parameter["name"], parameter["in"]
    if place == "path" and name in ("capture", "case", "concern", "review", "statement", "token"):
        return _HASH if name == "statement" else _ID
    if name == "after":
        pattern = next(str(s["pattern"]) for s in parameter["schema"]["anyOf"] if "pattern" in s)
        return {"{64}": _HASH, "{8}": "00000049", "{12}": "000000000412", "{20}-[0-9a-f]{32}": _PLACE}.get(
            pattern[pattern.find("{") : -1], _ID
        )
    if name == "Idempotency-Key":
        return "0b8f6a4e-8c1d-4f6e-9a57-2f3c1d5e7b90"
    return _example(parameter["schema"], "", name, schemas)


def _example(schema: Mapping[str, Any], model: str, name: str, schemas: Mapping[str, Any]) -> Any:
    """A value that fits a schema.

    Args:
        schema: of the value.
        model: the model that has it as a field.
        name: of that field.
        schemas: what schemas refer to.
    """
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return _optional(schema["anyOf"], model, name, schemas)
    if schema.get("type") == "array":
        return [] if name in _EMPTY else [_example(schema["items"], model, name, schemas)]
    if "properties" in schema:
        own = schema.get("title", "")
        left = _LEFT_OUT.get(own, frozenset())
        return {each: _example(s, own, each, schemas) for each, s in schema["properties"].items() if each not in left}
    return _plain(schema, model, name)


_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,)
}  # fmt: skip
_OTHERWISE: Final[Mapping[str, Any]] = {"string": "text", "integer": 0, "number": 0.5, "boolean": False, "object": {}}


def _plain(schema: Mapping[str, Any], model: str, name: str) -> Any:
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if (model, name) in _OF_MODEL:
        return _OF_MODEL[model, name]
    if schema.get("format") == "date-time":
        return _VALUES.get(name, _TIME)
    kind = str(schema.get("type", "object"))
    if name in _VALUES and type(_VALUES[name]) in _TYPES.get(kind, ()):
        return _VALUES[name]
    return schema.get("default", schema.get("minimum", _OTHERWISE[kind]))


def _optional(choices: Any, model: str, name: str, schemas: Mapping[str, Any]) -> Any:
    some = [choice for choice in choices if choice.get("type") != "null"]
    if name in _NULL and len(some) < len(choices):
        return None
    return _example(some[0], model, name, schemas)
