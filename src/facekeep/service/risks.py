"""Risks to people that an impact assessment weighs, each with what stands against it and what measures it.

From docs/threat-model.md, in which each of them is told at length. Which of them a drill or an evaluation measures is
said by name, so that a paper can show what was measured and not what was hoped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["RISKS", "Risk"]


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk.

    Attributes:
        name: for programs, stable.
        source: who or what it comes from, as the threat model has it.
        harm: to people.
        measures: what stands against it.
        remains: what does not.
        thieves: of a drill, that measure it.
        evaluated: whether an evaluation measures it.
    """

    name: str
    source: str
    harm: str
    measures: str
    remains: str
    thieves: tuple[str, ...] = ()
    evaluated: bool = False


RISKS: Final[tuple[Risk, ...]] = (
    Risk(
        "store-stolen",
        "a thief of one store, without or with its keys, or of its backups",
        "faces, which nobody can change, or names become known",
        "two halves in two stores; sealing; a fresh seed for every write",
        "whoever has the registry with its keys has names and consents",
        (
            *("left-without-keys", "right-without-keys", "registry-without-keys", "both-without-keys"),
            *("left-with-keys", "right-with-keys", "registry-with-keys", "left-backups", "right-backups"),
        ),
    ),
    Risk(
        "old-copies",
        "a thief of copies of different times",
        "copies that lie about for years are put together",
        "refresh draws new masks and epoch keys and destroys the old",
        "copies of one moment, both halves with their keys, hold every template",
        ("two-epochs", "two-epochs-hoard", "left-hoard", "right-hoard"),
    ),
    Risk(
        "taken-over",
        "who takes over the process, or reads its memory",
        "faces and names become known; searches are made in the name of others",
        "budgets and logs of both halves; signatures of operators; roles on hosts of their own",
        "in one process everything; where the gate is apart, what adaptive questions yield within the budgets",
    ),
    Risk(
        "silent-search",
        "an operator who searches for private ends",
        "people are found, followed or exposed",
        "purpose, case, signature and budget of each search; the ledger, which the person can read",
        "a search under a pretended case is seen only afterwards",
    ),
    Risk(
        "false-match",
        "the model takes one person for another",
        "people are suspected, refused or let in wrongly",
        "thresholds as error rates; unknown as the default; candidates are leads and no findings",
        "some groups of people are mistaken more often than others",
        evaluated=True,
    ),
    Risk(
        "false-non-match",
        "the model does not recognise somebody",
        "people are shut out, some groups more often",
        "an equal way without a face; several references",
        "whoever is shut out has to know of the other way",
        evaluated=True,
    ),
    Risk(
        "presentation-attack",
        "who shows a picture, a mask or a made-up face",
        "somebody acts in another's name",
        "captures with presentation attack detection; a passkey beside the face",
        "a browser cannot prove that a camera was there; verification of a mere picture has no such check",
    ),
    Risk(
        "evidence-stolen",
        "a thief of the pictures that people have to look at, with keys of the gate or of a reviewer",
        "faces of people in doubtful moments become known",
        "masked faces alone; sealed to people's keys in their browsers, and under a key that is destroyed at the hour; "
        "in no backup",
        "who has the file, the gate's keys of that moment and a reviewer's private key has the faces that were there "
        "and sealed to it",
        ("evidence-without-keys", "evidence-with-gate-keys", "evidence-with-reviewer-key", "evidence-later"),
    ),
    Risk(
        "reviewer",
        "a reviewer who looks for private ends, knows the person, or takes pictures of the screen",
        "somebody is exposed; or refused out of ill will or fatigue",
        "each look has a reason, is in the ledger before and on the person's own page; name and time across the "
        "picture; recusal; two votes, neither told to the other; appeal to others; questions of known answer",
        "no program keeps anybody from photographing a screen; two can agree to lie",
    ),
    Risk(
        "not-heard",
        "nobody who looks when somebody before the camera is in need of help",
        "somebody is forced, is a child, or is dead, and a capture was all that saw it",
        "urgent reviews stand first and are told at once; reviewers report to an officer",
        "whoever sends nobody to look in time has no use of it",
    ),
    Risk(
        "function-creep",
        "an operator who uses references for another purpose",
        "consent is stretched to what nobody agreed to",
        "one consent and one switch per purpose, checked by both halves",
        "who may enrol can invent consents of people who were not known before",
    ),
    Risk(
        "no-way-out",
        "a controller who keeps what should be gone",
        "withdrawal or erasure has no effect",
        "withdrawal changes both halves before it returns; erasure destroys the person's key, with a receipt",
        "copies of before can be opened until the next refresh",
    ),
    Risk(
        "pressure",
        "an employer, a school or an authority that leaves no real choice",
        "consent is not free",
        "an equal way without a face is shown beside the capture, as large",
        "no program can see whether a consent was free",
    ),
)
