"""Every exception that Facekeep raises on purpose, as one tree.

::

    FacekeepError
    ├── UsageError              the call itself is wrong (exit code 2)
    ├── UnsignedError           the registrar has to sign it on another host first (exit code 2)
    ├── RefusedError            a security check denied it (exit code 3)
    │   ├── AuthenticationError     nobody is known by this token or session
    │   ├── ConsentError            no consent for this purpose, or it was withdrawn
    │   ├── PurposeOffError         the purpose is switched off
    │   ├── TicketError             a ticket is forged, expired, replayed or does not fit
    │   ├── ProbeError              a probe is not a unit embedding
    │   ├── RateError               requests come too fast
    │   ├── BudgetError             a budget of comparisons or searches is used up
    │   ├── RepeatedError           a request with the same key is under way
    │   ├── CaptureError            a capture broke its own rules, or is over
    │   ├── ReviewConflictError     somebody voted before, has no claim, or is a party
    │   ├── DisagreementError       the two halves disagree: the search was aborted
    │   └── TokenError              a release was asked for without a valid token
    ├── BadInputError           the data given cannot be used (exit code 4)
    │   ├── ImageError              a picture is damaged, too large, or of no known format
    │   │   └── MarkedPictureError      a picture says of itself that it was generated, or its face replaced
    │   ├── QualityError            a picture is readable, but not fit for enrolment
    │   ├── FrameTooWideError       a frame of a capture shows more than the one face that it may
    │   ├── ModelError              a model file is missing, altered or does not fit
    │   └── FormatError             a record, code or message does not parse
    ├── UnavailableError        another host cannot be reached (exit code 6)
    ├── NotFoundError           no such data subject, case or notice (exit code 1)
    │   └── GoneError               the evidence of a review was destroyed, as was said
    └── DamagedStoreError       a store is damaged, swapped or older than its twins (exit code 5)
        └── KeyMissingError         a key is missing or does not open its store

A failed security check raises one of these. A non-match, a low quality and a failure to acquire are values, never
exceptions, except where an operation (enrolment) cannot go on without them. No message holds a name, a path given by a
person, a score, a template or a pixel.
"""


class FacekeepError(Exception):
    """The root. ``hint`` says what the reader can do about it."""

    default_hint = "See the documentation of the command for what it expects."

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint


class UsageError(FacekeepError):
    """The call itself is wrong: an option out of range, two options that exclude each other."""


class LabelTakenError(UsageError):
    """Somebody new was to be enrolled, and somebody of this label is known."""

    default_hint = "For further references, name the person. Somebody else needs another label."


class DueAtOnceError(UsageError):
    """Rules of retention would make something go at once, and nobody said that this is meant."""

    default_hint = "If it is meant, say so: --yes, or “sure” over HTTP. The next run then lets it go."


class UnsignedError(FacekeepError):
    """The registrar has to sign it on another host first. ``payload`` is what is asked for.

    No UsageError: of what was asked, all that needs no signature may have been done.
    """

    default_hint = "Give --request FILE, have it signed there (facekeep operator sign), and apply it."

    def __init__(self, message: str, *, payload: bytes = b"", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.payload = payload


class RefusedError(FacekeepError):
    """A security check denied the operation."""


class AuthenticationError(RefusedError):
    """Nobody is known by the token or session given: unknown, revoked or expired, and which of these is not said."""

    default_hint = "Send a token as “Authorization: Bearer …”. An administrator makes one: facekeep token create."


class ConsentError(RefusedError):
    """The data subject has not consented to this purpose, or has withdrawn."""

    default_hint = "Record a consent first: facekeep consent give SUBJECT --purpose PURPOSE --notice FILE."


class PurposeOffError(RefusedError):
    """The purpose is switched off for this keep."""

    default_hint = "An administrator can switch the purpose on: facekeep switch PURPOSE on."


class TicketError(RefusedError):
    """A ticket is forged, expired, replayed or does not fit the request."""

    default_hint = "Ask again: each ticket serves one search and expires within minutes. Check that the clocks agree."


class ProbeError(RefusedError):
    """A probe is not the fine code of a unit embedding."""

    default_hint = "Send the fine code of a unit embedding made by the model that the gallery is bound to."


class RateError(RefusedError):
    """Requests come too fast."""

    default_hint = "Wait for as long as the answer says, and ask less often."


class BudgetError(RefusedError):
    """A budget of comparisons or searches is used up."""

    default_hint = "Wait for the next day, or have the lock reviewed: docs/how-to/budgets.md."


class RepeatedError(RefusedError):
    """A request with the same key is under way, or was cut short, so that its outcome is not known."""

    default_hint = "Ask what became of it before sending it again with a new key: it may have been done."


class CaptureError(RefusedError):
    """What a browser sent does not fit its capture: late, in another order, of another chain. ``reason`` says which."""

    default_hint = "Ask how the capture stands (GET /v1/capture), and begin another try if one is left."

    def __init__(self, message: str, *, reason: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class ReviewConflictError(RefusedError):
    """Somebody voted in this review before, has not claimed it, is a party to it, or it was decided."""

    default_hint = "See how the review stands: somebody acted on it before, it is over, or it is not yours to act on."


class DisagreementError(RefusedError):
    """The two halves disagree about the search; nothing was released."""

    default_hint = "Run facekeep doctor: one half may have been restored from an older backup."


class TokenError(RefusedError):
    """A release was asked for without a valid token."""

    default_hint = "A token serves one position of one search, and only while that search is open."


class BadInputError(FacekeepError):
    """The data given cannot be used."""


class ImageError(BadInputError):
    """A picture is damaged, too large, animated, or of no known format."""

    default_hint = "Give a still picture as JPEG, PNG, WebP, HEIC or TIFF, at most 32 MiB and 64 megapixels."


class MarkedPictureError(ImageError):
    """A picture says of itself that it was generated, or that its face was replaced. ``reasons`` names the marks.

    An ImageError, so that one of many pictures does not stop the rest.
    """

    default_hint = "Give a picture as a camera took it: see docs/spec/marks.md."

    def __init__(self, message: str, *, reasons: tuple[str, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reasons = reasons


class QualityError(BadInputError):
    """A picture is readable, but not fit for enrolment. ``reasons`` names the quality measures that failed."""

    default_hint = "Take the picture again: one face, frontal, evenly lit, in focus, eyes open."

    def __init__(self, message: str, *, reasons: tuple[str, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reasons = reasons


class FrameTooWideError(BadInputError):
    """A frame of a capture shows more than the one face that it may. The whole body was dropped."""

    default_hint = "Send crops as docs/spec/capture.md says: one face, which fills the part of them that it must."


class ModelError(BadInputError):
    """A model file is missing, altered or does not fit its manifest."""

    default_hint = "Build the model pack again: make models."


class FormatError(BadInputError):
    """A record, code or message does not parse."""


class UnavailableError(FacekeepError):
    """A half or the selector on another host cannot be reached, or did not answer. Nothing was asked a second time."""

    default_hint = "Check that its host runs and can be reached. What was asked may have been done, or not."


class NotFoundError(FacekeepError):
    """No such data subject, case or notice."""

    default_hint = "List what there is: facekeep list."


class GoneError(NotFoundError):
    """The evidence of a review was destroyed at its deadline, or since it was decided. Nobody can open it any more."""

    default_hint = "Have the person captured again, if it still matters."


class DamagedStoreError(FacekeepError):
    """A store is damaged, swapped, or older than its twins. ``store`` names it: registry, left or right."""

    default_hint = "Nothing was changed. Restore the three stores of one moment, or run facekeep doctor."

    def __init__(self, message: str, *, store: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.store = store


class KeyMissingError(DamagedStoreError):
    """A key is missing or does not open its store."""

    default_hint = "Put the key back where facekeep init left it, or unlock the keyring. There is no default key."
