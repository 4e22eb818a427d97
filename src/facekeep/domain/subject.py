"""Data subjects and their references, as the registry knows them.

Invariants: a subject identifier is 16 random bytes and tells nothing; a label is unique in a keep, has 1 to 128
characters, is in Unicode form NFC and holds no control character; what is personal is never shown by ``repr``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import NewType

from facekeep.domain.row import Pseudonym
from facekeep.errors import FormatError, NotFoundError

SubjectId = NewType("SubjectId", bytes)
_IDENTIFIER = re.compile(r"[0-9a-f]{32}")

SUBJECT_ID_BYTES = 16
LABEL_MAX = 128
NAME_MAX = 512
ATTRIBUTES_MAX = 64
ATTRIBUTE_MAX = 4096


@dataclass(frozen=True, slots=True)
class DataSubject:
    """One person who is enrolled, or about to be.

    Attributes:
        id: 16 random bytes.
        label: what operators call the person by, unique in the keep.
        name: the name, 0 to 512 characters; empty if none was given.
        attributes: further text by name, 64 at most.
    """

    id: SubjectId
    label: str = field(repr=False)
    name: str = field(default="", repr=False)
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if len(self.id) != SUBJECT_ID_BYTES:
            raise ValueError(f"a subject identifier has {SUBJECT_ID_BYTES} bytes")
        # Not normalised_label: Python's Unicode tables grow, and a label once accepted must stay readable.
        if not self.label or not is_text(self.label, LABEL_MAX):
            raise FormatError(f"a label has 1 to {LABEL_MAX} characters")
        if not is_text(self.name, NAME_MAX):
            raise FormatError(f"a name has at most {NAME_MAX} characters")
        if len(self.attributes) > ATTRIBUTES_MAX:
            raise FormatError(f"a data subject has at most {ATTRIBUTES_MAX} attributes")
        for key, value in self.attributes.items():
            if not (key and is_text(key, LABEL_MAX) and is_text(value, ATTRIBUTE_MAX)):
                raise FormatError(f"an attribute has a name and at most {ATTRIBUTE_MAX} characters of text")
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))


@dataclass(frozen=True, slots=True)
class Reference:
    """The registry's record of one biometric reference. The template itself lies in the two halves.

    Attributes:
        pseudonym: 16 random bytes, the name of its rows in both halves.
        subject: whose it is.
        gallery: the group it belongs to.
        model: SHA-256 of the embedding model, 64 hexadecimal digits.
        created: when it was enrolled, with time zone.
    """

    pseudonym: Pseudonym
    subject: SubjectId
    gallery: str
    model: str
    created: datetime


def subject_id(text: str) -> SubjectId | None:
    """The identifier that is written as 32 hexadecimal digits in lower case, or None.

    There is one way to write it: policies and paths name people by this text.
    """
    return SubjectId(bytes.fromhex(text)) if _IDENTIFIER.fullmatch(text) else None


def named_subject(text: str) -> SubjectId:
    """The same, where somebody is asked for by it.

    Raises:
        NotFoundError: it is none, so there is nobody of it.
    """
    identifier = subject_id(text)
    if identifier is None:
        raise NotFoundError("there is no such data subject")
    return identifier


def normalised_label(label: str) -> str:
    """The form in which a label is kept and looked up: NFC, without spaces around it.

    Raises:
        FormatError: it is empty, longer than 128 characters, or holds a control character.
    """
    normalised = unicodedata.normalize("NFC", label).strip()
    if not normalised or not is_text(normalised, LABEL_MAX) or not normalised.isprintable():
        raise FormatError(f"a label has 1 to {LABEL_MAX} characters, none of them a control character")
    return normalised


def is_text(value: str, longest: int) -> bool:
    """Whether ``value`` has at most ``longest`` characters and can be written as UTF-8."""
    return len(value) <= longest and not any("\ud800" <= character <= "\udfff" for character in value)
