"""What a keep cannot know of itself and its papers have to say: who is responsible, why, on which ground, for whom.

It is read from a file that the operator writes (``facekeep report about`` makes the template). Each field that is left
empty is shown as missing; nothing is made up. The file holds what the controller publishes anyway, and no data subject.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from facekeep.domain.consent import Purpose
from facekeep.errors import BadInputError
from facekeep.service.paper import Cell, Missing

__all__ = ["FIELDS", "PURPOSE_FIELDS", "About", "template"]

_LARGEST: Final = 1 << 20

FIELDS: Final[Mapping[str, str]] = {
    "controller.name": "name of the controller",
    "controller.address": "address of the controller",
    "controller.contact": "how people reach the controller",
    "controller.representative": "representative of a controller outside the Union, or that there is none to be named",
    "officer.name": "data protection officer, or why there is none",
    "officer.contact": "how people reach the data protection officer",
    "authority.name": "supervisory authority that is competent",
    "processing.people": "categories of the people who are enrolled",
    "processing.recipients": "recipients of the data beside those that the keep tells of events",
    "processing.transfers": "transfers to other countries and their safeguards, or that there are none",
    "processing.organisation": "organisational measures: who has access to the hosts, training, contracts",
    "processing.filing": "filing with an authority, where the number of people asks for it, or that none is needed",
    "assessment.necessity": "why the processing is necessary, and what milder means were weighed",
    "assessment.proportionality": "why it is proportionate to its purposes",
    "assessment.views": "views of the people concerned, or why they were not asked",
    "assessment.officer_advice": "advice of the data protection officer",
    "assessment.residual": "what remains of the risks, and who accepts it",
    "assessment.review": "when the assessment is looked at again",
}
"""What may be said, by the name of the table and the key."""

PURPOSE_FIELDS: Final[Mapping[str, str]] = {
    "why": "what the purpose is for",
    "ground": "legal ground of the purpose (GDPR 6 and 9(2))",
    "alternative": "equal way without a face",
    "retention": "how long references for the purpose are kept",
}
"""The same for each purpose, in a table ``purpose.NAME``."""


@dataclass(frozen=True, slots=True)
class About:
    """What was said.

    Attributes:
        said: texts by the names of fields, as ``controller.name`` and ``purpose.verify.why``; none of them empty.
    """

    said: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        """What was said of a field, or None."""
        if name not in _known():
            raise ValueError(f"there is no field {name}")
        return self.said.get(name)

    def cell(self, name: str) -> Cell:
        """The same for a paper."""
        said = self.get(name)
        return Missing(_known()[name], f"Say it in the file of --about, as {name}.") if said is None else said

    def draft(self, name: str) -> str:
        """The same for a letter."""
        said = self.get(name)
        return f"[missing: {_known()[name]}]" if said is None else said

    @classmethod
    def read(cls, path: Path) -> About:
        """Read the file.

        Raises:
            BadInputError: it cannot be read, is no TOML, or has another field.
        """
        try:
            with path.open("rb") as file:
                data = file.read(_LARGEST + 1)
            if len(data) > _LARGEST:
                raise _unfit("the file of --about is too long")
            values = tomllib.loads(data.decode("utf-8"))
        except (OSError, ValueError):
            raise _unfit("the file of --about cannot be read") from None
        said: dict[str, str] = {}
        for name, value in _flat(values):
            if name not in _known() or not isinstance(value, str):
                raise _unfit("the file of --about has a field that no paper asks for")
            if value.strip():
                said[name] = value.strip()
        return cls(said)


def template() -> str:
    """The file with every field, to be filled in."""
    lines = [
        "# What a keep cannot know of itself, for facekeep report and facekeep doctor --law.",
        "# What is left empty is shown as missing. Write what you would publish; no name of a data subject.",
    ]
    table = ""
    for name, what in _known().items():
        head, _, key = name.rpartition(".")
        if head != table:
            table = head
            lines += ["", f"[{head}]"]
        lines += [f"# {what}", f'{key} = ""']
    return "\n".join(lines) + "\n"


@cache
def _known() -> Mapping[str, str]:
    purposes = {
        f"purpose.{purpose}.{key}": f"{what} ({purpose})" for purpose in Purpose for key, what in PURPOSE_FIELDS.items()
    }
    return {**FIELDS, **purposes}


def _flat(values: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _unfit(message: str) -> BadInputError:
    return BadInputError(message, hint="Make the template anew: facekeep report about FILE. Then fill it in.")
