"""What is claimed of each theft: what lies open to the thief by design, and whether faces are among it.

One set of data for the drill, which plays the thieves and measures the claims, and for the breach pack, which says what
a thief of exactly these things has. docs/threat-model.md says the same in its tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["CLAIMS", "OPEN_BY_DESIGN", "Claim", "Lost", "Taken", "claims_of"]

_HALF: Final = "the number of rows, pseudonyms, galleries, purposes and its log of who searched when"
_BACKUPS: Final = "what the newest backup holds of rows, galleries, purposes and pseudonyms"
_HOARD: Final = "the number of rows, pseudonyms, galleries and purposes"
_WAITING: Final = "random identifiers of reviews whose pictures were there, how many each has, and when they end"

OPEN_BY_DESIGN: Final[Mapping[str, str]] = {
    "left-without-keys": "",
    "right-without-keys": "",
    "registry-without-keys": "",
    "left-with-keys": _HALF,
    "right-with-keys": _HALF,
    "registry-with-keys": "the names and consents of everybody, as the design says",
    "left-backups": _BACKUPS,
    "right-backups": _BACKUPS,
    "left-hoard": _HOARD,
    "right-hoard": _HOARD,
    "two-epochs": "what the right half holds of rows, galleries, purposes and its log",
    "two-epochs-hoard": "rows, pseudonyms, galleries and purposes",
    "both-without-keys": "",
    "evidence-without-keys": _WAITING,
    "evidence-with-gate-keys": f"{_WAITING}, roles of pictures, and identifiers of the keys that each is sealed to",
    "evidence-with-reviewer-key": _WAITING,
    "evidence-later": _WAITING,
}
"""By the name of a thief of the drill: what he has beside noise."""


class Lost(StrEnum):
    """Something that can be stolen."""

    LEFT = "left"
    """The left half, or a copy or backup of it."""
    RIGHT = "right"
    REGISTRY = "registry"
    EVIDENCE = "evidence"
    """The gate's store of what people have to look at, or a copy of it."""
    GATE = "gate"
    """The running gate, or its host: taken over, or its memory read."""
    KEYS_LEFT = "keys-left"
    KEYS_RIGHT = "keys-right"
    KEYS_REGISTRY = "keys-registry"
    KEYS_GATE = "keys-gate"
    KEYS_REGISTRAR = "keys-registrar"
    KEYS_REVIEWER = "keys-reviewer"
    """A private key of a reviewer or officer: the profile of their browser, open to somebody else."""


class Taken(StrEnum):
    """A category of data that a thief has."""

    FACES = "biometric templates of faces"
    PICTURES = "pictures of faces that were shown to the gate while it was taken over"
    EVIDENCE = "masked faces of the reviews whose pictures were there, as far as sealed to a reviewer's key that he has"
    NAMES = "names, labels, consents, and names of the guardians of minors"
    RECORDS = "cases, appeals, accounts, and what the ledger says of each person"
    ACTIVITY = "pseudonyms, galleries, purposes, and who searched when, under pseudonyms"
    NUMBERS = "how many rows and entries there are"
    CONTROL = "the means to ask the halves, within their budgets, or to sign in the keep's name"


@dataclass(frozen=True, slots=True)
class Claim:
    """What whoever has exactly these things has.

    Attributes:
        thief: his name in a drill, or a name of its own.
        title: who he is.
        lost: what he needs.
        has: what he has, as a sentence without its end.
        taken: the same as categories.
        measured: whether a drill plays him.
        one_process: whether this holds only where all roles run in one process, from one folder.
        joined: whether it says what several things tell together, beside what each of them does.
    """

    thief: str
    title: str
    lost: frozenset[Lost]
    has: str
    taken: frozenset[Taken]
    measured: bool = False
    one_process: bool = False
    joined: bool = False

    @property
    def faces(self) -> bool:
        """Whether he has faces."""
        return Taken.FACES in self.taken


_HALVES: Final = {Lost.LEFT: Lost.KEYS_LEFT, Lost.RIGHT: Lost.KEYS_RIGHT}
_STORES: Final = {**_HALVES, Lost.REGISTRY: Lost.KEYS_REGISTRY}
_EVERYTHING: Final = frozenset(Taken) - {Taken.EVIDENCE}
_NOISE: Final = "no face and no name: everything in it is sealed"


def _store(lost: Lost) -> Iterable[Claim]:
    half = lost in _HALVES
    what = f"the {lost} half" if half else "the registry"
    yield Claim(
        f"{lost}-without-keys", f"Thief of {what}", frozenset({lost}), _NOISE, frozenset({Taken.NUMBERS}), measured=True
    )
    name = f"{lost}-with-keys"
    more = (
        ""
        if half
        else "; cases, appeals, accounts without their secrets, secrets of webhooks, and the ledger's entries"
    )
    yield Claim(
        name,
        f"Thief of {what} and its keys",
        frozenset({lost, _STORES[lost]}),
        f"no face; {OPEN_BY_DESIGN[name]}{more}",
        frozenset({Taken.NUMBERS, Taken.ACTIVITY} if half else {Taken.NUMBERS, Taken.NAMES, Taken.RECORDS}),
        measured=True,
    )
    yield Claim(
        f"{lost}-keys",
        f"Thief of the keys of {what} alone",
        frozenset({_STORES[lost]}),
        f"nothing by themselves; they open every copy of {what} that was made since the last refresh",
        frozenset(),
    )
    yield Claim(
        f"gate-and-{lost}",
        f"Who took over the gate and has {what} with its keys",
        frozenset({Lost.GATE, lost, _STORES[lost]}),
        "faces: two roles together recover templates",
        _EVERYTHING,
    )
    if half:
        yield Claim(
            f"{lost}-and-registry",
            f"Thief of {what} and the registry, both with their keys",
            frozenset({lost, _STORES[lost], Lost.REGISTRY, Lost.KEYS_REGISTRY}),
            f"no face; whose the pseudonyms are, and so by name who was compared and when, in the log of {what}",
            frozenset({Taken.NAMES, Taken.RECORDS, Taken.ACTIVITY, Taken.NUMBERS}),
            joined=True,
        )
        yield Claim(
            f"gate-keys-and-{lost}",
            f"Thief of the gate's keys and of {what} with its keys",
            frozenset({Lost.KEYS_GATE, lost, _STORES[lost]}),
            "faces, if he reaches the other half as the gate does: two roles together recover templates",
            frozenset({Taken.FACES, Taken.ACTIVITY, Taken.NUMBERS, Taken.CONTROL}),
        )


CLAIMS: Final[tuple[Claim, ...]] = (
    *(claim for lost in _STORES for claim in _store(lost)),
    Claim(
        "both-without-keys",
        "Thief of both halves",
        frozenset(_HALVES),
        "no face: both are sealed",
        frozenset({Taken.NUMBERS}),
        measured=True,
    ),
    Claim(
        "both-with-keys",
        "Thief of both halves and their keys",
        frozenset({*_HALVES, *_HALVES.values()}),
        "every template, if both halves are of one epoch, and nothing here can show that they are not",
        frozenset({Taken.FACES, Taken.ACTIVITY, Taken.NUMBERS}),
    ),
    Claim(
        "gate",
        "Who took over the gate",
        frozenset({Lost.GATE}),
        "every picture that was shown to it meanwhile, and what he asked the halves and the registrar: names, and by "
        "adaptive questions within the budgets a likeness of the templates that he asked for",
        frozenset({Taken.PICTURES, Taken.NAMES, Taken.RECORDS, Taken.CONTROL, Taken.NUMBERS}),
    ),
    Claim(
        "everything",
        "Who took over the process of a keep in one folder",
        frozenset({Lost.GATE}),
        "everything: keys, templates and names pass through one process",
        _EVERYTHING,
        one_process=True,
    ),
    Claim(
        "evidence-without-keys",
        "Thief of the evidence of reviews",
        frozenset({Lost.EVIDENCE}),
        f"no face: {_WAITING}",
        frozenset({Taken.NUMBERS}),
        measured=True,
    ),
    Claim(
        "evidence-with-gate-keys",
        "Thief of the evidence of reviews and of the gate's keys",
        frozenset({Lost.EVIDENCE, Lost.KEYS_GATE}),
        f"no face: {OPEN_BY_DESIGN['evidence-with-gate-keys']}",
        frozenset({Taken.NUMBERS}),
        measured=True,
    ),
    Claim(
        "evidence-with-reviewer-key",
        "Thief of the evidence of reviews and of a reviewer's private key",
        frozenset({Lost.EVIDENCE, Lost.KEYS_REVIEWER}),
        f"no face: {_WAITING}",
        frozenset({Taken.NUMBERS}),
        measured=True,
    ),
    Claim(
        "evidence-with-both",
        "Thief of the evidence of reviews, of the gate's keys of that moment and of a reviewer's private key",
        frozenset({Lost.EVIDENCE, Lost.KEYS_GATE, Lost.KEYS_REVIEWER}),
        "masked faces: of each review that waited then, or had refused somebody who could still appeal, as far as it "
        f"was sealed to that reviewer; of what was destroyed before, none; and {_WAITING}",
        frozenset({Taken.EVIDENCE, Taken.NUMBERS}),
    ),
    Claim(
        "gate-and-reviewer-key",
        "Who took over the gate and has a reviewer's private key",
        frozenset({Lost.GATE, Lost.KEYS_REVIEWER}),
        "masked faces of the reviews whose pictures were there meanwhile, as far as they were sealed to that reviewer, "
        "whatever else he has",
        frozenset({Taken.EVIDENCE, Taken.NUMBERS}),
        joined=True,
    ),
    Claim(
        "reviewer-key",
        "Thief of a reviewer's private key",
        frozenset({Lost.KEYS_REVIEWER}),
        "nothing by itself: the service keeps a share of each key, and gives it to who is signed in as that reviewer, "
        "with a reason, and on record",
        frozenset(),
    ),
    Claim(
        "gate-keys",
        "Thief of the gate's keys",
        frozenset({Lost.KEYS_GATE}),
        "no face and no name by themselves; searches that the desk may sign for, if he reaches the halves as the gate "
        "does; he can sign results of captures and heads of the ledger, and knows the canaries",
        frozenset({Taken.CONTROL}),
    ),
    Claim(
        "registrar-keys",
        "Thief of the registrar's key",
        frozenset({Lost.KEYS_REGISTRAR}),
        "no face and no name by themselves; he can register keys of operators and release locks, if he reaches the "
        "halves as the gate does",
        frozenset({Taken.CONTROL}),
    ),
)


def claims_of(lost: frozenset[Lost], *, apart: bool) -> tuple[Claim, ...]:
    """What whoever has all of these things has; a claim that another one contains is left out.

    Args:
        lost: what was stolen.
        apart: whether the roles run on hosts of their own.
    """
    held = [claim for claim in CLAIMS if claim.lost <= lost and not (claim.one_process and apart)]
    return tuple(
        claim
        for claim in held
        if not any(claim.lost <= other.lost and claim.taken < other.taken for other in held if not other.joined)
    )
