"""Canaries: references of nobody, known to this process, that are asked for and must be answered rightly.

To a half a canary is a row like any other: a random pseudonym, the usual gallery and purposes, seeds or masked codes.
Its embedding is not stored: it is drawn from the gate's secret, and so are probes at any cosine to it. A probe over the
threshold must pass 1:1 and be found among all rows; one below it must not be found. None of it costs a rejection.

They catch what goes wrong for everybody: a half that answers wrongly, a store that was swapped, a threshold that moved.
They do not catch a lie about one row, nor a half that learns which rows are canaries and is honest about those.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.comparison import SCORE_SCALE, Calibration
from facekeep.domain.consent import Purpose
from facekeep.errors import DisagreementError, RefusedError, TokenError
from facekeep.service.canary_labels import CANARIES_MAX, label_of
from facekeep.service.opening import Roles
from facekeep.split.codes import fine_code
from facekeep.split.gate import Question
from facekeep.split.rules import VERIFY_FMR_MAX
from facekeep.split.statement import CANDIDATES_MAX, NEVER_RETURN

OPERATOR = "canary"
"""Who asks for canaries, in the logs of the halves under a pseudonym of its own."""

NOTICE = "This is a canary: a reference of nobody, by which the keep is watched."

MARGIN = 0.04
"""How far a probe's cosine stays from the threshold: the rounding of codes moves a score by 0.003 (one deviation)."""

_BEST = 0.8

Vector = NDArray[np.float32]
Verify = Callable[[str, Vector], bool | None]
"""Whether the halves verify a probe as the person of a label."""


class CanaryFault(StrEnum):
    """What was answered wrongly."""

    MISSED = "missed"
    """A probe over the threshold was refused."""
    FALSE = "false"
    """A probe below the threshold was found."""
    LOST = "lost"
    """A probe over the threshold was not found among all rows."""
    ABORTED = "aborted"
    """The halves disagreed."""


@dataclass(frozen=True, slots=True)
class CanaryReport:
    """What asking for canaries gave.

    Attributes:
        canaries: how many there are.
        asked: how many questions were answered.
        fault: the first wrong answer, or None.
    """

    canaries: int
    asked: int
    fault: CanaryFault | None = None


class Canaries:
    """Draws canaries and their probes, and asks for them. Not safe for threads."""

    def __init__(self, calibration: Calibration, secret: bytes, dimension: int) -> None:
        """Be ready.

        Args:
            calibration: of the keep's model.
            secret: what embeddings are drawn from, 32 bytes.
            dimension: coordinates of an embedding.
        """
        self._calibration = calibration
        self._secret = secret
        self._dimension = dimension

    def embedding(self, number: int) -> Vector:
        """The embedding of a canary: a random direction, as far from every face as strangers are or farther."""
        return self._direction(f"{number}").astype(np.float32)

    def probe(self, number: int, cosine: float) -> Vector:
        """A probe at a cosine to a canary, in a new random direction."""
        own = self._direction(f"{number}")
        other = self._direction(f"{number}/{secrets.token_hex(16)}")
        other -= own * float(own @ other)
        other /= np.linalg.norm(other)
        probe: Vector = (cosine * own + np.sqrt(1 - cosine**2) * other).astype(np.float32)
        return probe

    def _direction(self, name: str) -> NDArray[np.float64]:
        # Sums of four uniform numbers are near enough to normal ones, and the same on every machine and version.
        drawn = hashlib.shake_256(b"facekeep/1/canary\x00" + self._secret + name.encode()).digest(8 * self._dimension)
        sums = np.frombuffer(drawn, "<u2").reshape(self._dimension, 4).astype(np.int64).sum(axis=1)
        vector = (sums - 2 * 65_535).astype(np.float64)
        direction: NDArray[np.float64] = vector / np.linalg.norm(vector)
        return direction

    def ask(self, roles: Roles, operator: str, verify: Verify | None) -> CanaryReport:
        """Ask for one canary in each way.

        Args:
            roles: of the keep.
            operator: pseudonym of who asks.
            verify: asks 1:1; None where that is switched off, or nobody may sign for it.
        """
        planted = list(self._planted(roles))
        if not planted:
            return CanaryReport(0, 0)
        asked = 0
        try:
            for fault, right in self._questions(roles, operator, verify, secrets.choice(planted)):
                if right is None:
                    continue
                asked += 1
                if not right:
                    return CanaryReport(len(planted), asked, fault)
        except (DisagreementError, TokenError):
            return CanaryReport(len(planted), asked, CanaryFault.ABORTED)
        except RefusedError:
            return CanaryReport(len(planted), asked)  # a budget that is used up, for instance, is no wrong answer
        return CanaryReport(len(planted), asked)

    def _planted(self, roles: Roles) -> Iterator[int]:
        for number in range(1, CANARIES_MAX + 1):
            subject = roles.registry.subject_by_label(label_of(number))
            if subject is not None and roles.registry.references_of(subject.id):
                yield number

    def _questions(
        self, roles: Roles, operator: str, verify: Verify | None, number: int
    ) -> Iterator[tuple[CanaryFault, bool | None]]:
        strictest = len(self._calibration.levels) - 1
        over, below = self._cosine_over(strictest), _between(0.0, self._threshold(strictest) - MARGIN)
        yield CanaryFault.LOST, self._is_found(roles, operator, number, over)
        yield CanaryFault.FALSE, not self._is_found(roles, operator, number, below)
        level = self._calibration.level_for_fmr(VERIFY_FMR_MAX)
        if verify is not None and level is not None:
            yield CanaryFault.MISSED, verify(label_of(number), self.probe(number, self._cosine_over(level)))

    def _threshold(self, level: int) -> float:
        return self._calibration.integer_thresholds()[level] / SCORE_SCALE

    def _cosine_over(self, level: int) -> float:
        return _between(self._threshold(level) + MARGIN, _BEST)

    def _is_found(self, roles: Roles, operator: str, number: int, cosine: float) -> bool:
        subject = roles.registry.subject_by_label(label_of(number))
        own = set() if subject is None else {r.pseudonym for r in roles.registry.references_of(subject.id)}
        # The one search that every keep makes without a case, and that the desk always signs for.
        level = len(self._calibration.levels) - 1
        question = Question(NEVER_RETURN, level, operator, candidates=CANDIDATES_MAX)
        hits = roles.gate.search(question, fine_code(self.probe(number, cosine)))
        return bool(own & {hit.pseudonym for hit in hits})


def _between(low: float, high: float) -> float:
    return low + (max(high, low) - low) * secrets.randbelow(10**6) / 10**6


def verifies(purposes: dict[Purpose, bool], desk: int) -> bool:
    """Whether a canary can be verified: the purpose is on, and the desk may sign for it."""
    return bool(purposes.get(Purpose.VERIFY)) and bool(desk & Purpose.VERIFY.bit)
