"""Errors on the wire: a code for each class that a role may raise, its message and its hint, and nothing else."""

from __future__ import annotations

from facekeep.errors import (
    BadInputError,
    BudgetError,
    ConsentError,
    DamagedStoreError,
    DisagreementError,
    FacekeepError,
    FormatError,
    KeyMissingError,
    NotFoundError,
    ProbeError,
    PurposeOffError,
    RefusedError,
    TicketError,
    TokenError,
    UnavailableError,
    UsageError,
)
from facekeep.split.wire.primitives import Codec, Reader, Writer, malformed, number, text, unwritable

MESSAGE_BYTES_MAX = 512
STORE_BYTES_MAX = 64

CODES: dict[type[FacekeepError], int] = {
    UsageError: 1,
    RefusedError: 2,
    PurposeOffError: 3,
    TicketError: 4,
    ProbeError: 5,
    BudgetError: 6,
    DisagreementError: 7,
    TokenError: 8,
    BadInputError: 9,
    FormatError: 10,
    DamagedStoreError: 11,
    KeyMissingError: 12,
    UnavailableError: 13,
    NotFoundError: 14,
    ConsentError: 15,
}
"""The numbers are part of the protocol."""

_KINDS = {code: kind for kind, code in CODES.items()}
_CODE = number(1, 1, len(CODES))
_MESSAGE = text(MESSAGE_BYTES_MAX)
_HINT = text(MESSAGE_BYTES_MAX, 1)
_STORE = text(STORE_BYTES_MAX)


def told(error: BaseException, role: str) -> FacekeepError:
    """What of a failure may be told: an error of a class that has a code, cut to its bounds.

    Args:
        error: whatever a role raised.
        role: the role that failed, as a person reads it ("left half").
    """
    if not isinstance(error, FacekeepError):
        hint = "Read the log of its host: what went wrong is told there alone."
        return DamagedStoreError(f"the {role} failed", store=role, hint=hint)
    kind = next((kind for kind in type(error).__mro__ if kind in CODES), None)
    if kind is None:
        return RefusedError(f"the {role} refused", hint="Read the log of its host.")
    message, hint = _cut(error.message, MESSAGE_BYTES_MAX), _cut(error.hint, MESSAGE_BYTES_MAX)
    if isinstance(error, DamagedStoreError):
        return _build(kind, message, hint, _cut(error.store, STORE_BYTES_MAX))
    return _build(kind, message, hint, None)


def _cut(words: str, longest: int) -> str:
    raw = words.encode("utf-8", "replace")
    return raw[:longest].decode("utf-8", "ignore")


def _build(kind: type[FacekeepError], message: str, hint: str, store: str | None) -> FacekeepError:
    if issubclass(kind, DamagedStoreError):
        return kind(message, store=store or "", hint=hint)
    return kind(message, hint=hint)


def _write(writer: Writer, error: FacekeepError) -> None:
    code = CODES.get(type(error))
    if code is None:
        raise unwritable("an error of this class")
    _CODE.write(writer, code)
    _MESSAGE.write(writer, error.message)
    _HINT.write(writer, error.hint)
    if isinstance(error, DamagedStoreError):
        _STORE.write(writer, error.store)


def _read(reader: Reader) -> FacekeepError:
    return _read_coded(_CODE.read(reader), reader)


def _read_coded(code: int, reader: Reader) -> FacekeepError:
    kind = _KINDS[code]
    message, hint = _MESSAGE.read(reader), _HINT.read(reader)
    return _build(kind, message, hint, _STORE.read(reader) if issubclass(kind, DamagedStoreError) else None)


ERROR: Codec[FacekeepError] = Codec(
    _write, _read, _CODE.size_max + _MESSAGE.size_max + _HINT.size_max + _STORE.size_max
)

_ADMITTED = 0
_OUTCOME = number(1, _ADMITTED, len(CODES))


def _write_outcome(writer: Writer, outcome: RefusedError | None) -> None:
    if outcome is None:
        _OUTCOME.write(writer, _ADMITTED)
    else:
        _write(writer, outcome)


def _read_outcome(reader: Reader) -> RefusedError | None:
    code = _OUTCOME.read(reader)
    if code == _ADMITTED:
        return None
    error = _read_coded(code, reader)
    if not isinstance(error, RefusedError):
        raise malformed("refuses a search with an error that is no refusal")
    return error


OUTCOME: Codec[RefusedError | None] = Codec(
    _write_outcome, _read_outcome, _OUTCOME.size_max + _MESSAGE.size_max + _HINT.size_max
)
"""What ``begin`` answers to one search: None, or the refusal."""
