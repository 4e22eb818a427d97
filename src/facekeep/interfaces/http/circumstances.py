"""How a consent came about, as it is sent and told: evidence, guardian, age. Flat fields, so that forms have them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from facekeep.domain.consent import Consent
from facekeep.domain.evidence import (
    AGE_MAX,
    EVIDENCE_PATTERN,
    RELATION_MAX,
    Circumstances,
    Evidence,
    Guardian,
)
from facekeep.domain.subject import NAME_MAX
from facekeep.errors import UsageError
from facekeep.interfaces.http.bodies import Body

__all__ = ["CircumstancesFields", "GuardianAnswer", "MinorFields", "guardian_answer"]

_Evidence = Annotated[str, Field(pattern=EVIDENCE_PATTERN)]


class MinorFields(Body):
    """How old somebody is, and who consents for a minor."""

    age: int | None = Field(
        None,
        ge=0,
        le=AGE_MAX,
        description="In whole years on the day of the consent, as the relying party knows it. It is not kept.",
    )
    guardian: str = Field(
        "", max_length=NAME_MAX, description="Who consents for a minor: a name, or what stands for it in your books."
    )
    guardian_relation: str = Field("", max_length=RELATION_MAX, description="To the minor, if it matters.")
    guardian_evidence: _Evidence = Field("word", description="What shows that the guardian may; as `evidence`.")

    @property
    def named_guardian(self) -> Guardian | None:
        """The guardian, if one is named.

        Raises:
            UsageError: something is said of a guardian who is not named.
            FormatError: the name cannot be kept.
        """
        if self.guardian:
            return Guardian(self.guardian, self.guardian_relation, Evidence.read(self.guardian_evidence))
        if self.guardian_relation or self.guardian_evidence != "word":
            raise UsageError("something is said of a guardian who is not named", hint="Name the guardian too.")
        return None


class CircumstancesFields(MinorFields):
    """How a consent came about."""

    evidence: _Evidence = Field(
        "word",
        description="What shows that it was given: `word` of the operator, or `form:` and the SHA-256 of a scanned "
        "form in hexadecimal digits. Of a capture, and of a person who signed in, the service says it itself.",
    )

    @property
    def circumstances(self) -> Circumstances:
        """As the keep takes them. For what they raise see :attr:`MinorFields.named_guardian`."""
        return Circumstances(Evidence.read(self.evidence), self.named_guardian, self.age)


class GuardianAnswer(BaseModel):
    """Who consented for a minor."""

    name: str
    relation: str
    evidence: str


def guardian_answer(consent: Consent) -> GuardianAnswer | None:
    """The guardian of a consent as told."""
    guardian = consent.guardian
    if guardian is None:
        return None
    return GuardianAnswer(name=guardian.name, relation=guardian.relation, evidence=guardian.evidence.written)
