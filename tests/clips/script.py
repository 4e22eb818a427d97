"""What a simulated person does, and when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.capture import StepKind
from tests.clips.head import Pose

__all__ = ["CYCLE", "FAR", "NEAR", "REST", "Act", "Sway", "Timeline"]

FAR, NEAR = 7.2, 4.2
"""Distances in inter-eye distances: about 45 cm, and 26 cm after coming closer."""
REST = Pose(distance=FAR)
YAW, PITCH = 28.0, 20.0
"""Degrees that a person turns and nods who was asked to."""
_BLINK = 0.24  # seconds that lids need to go down and up again, unasked
_ASKED_BLINK = 0.45


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that is done.

    Attributes:
        kind: what; None for sitting still without a blink.
        seconds: how long it takes, return to rest included.
        wait: seconds before it begins, within ``seconds``: the time in which a person reads and understands.
    """

    kind: StepKind | None
    seconds: float
    wait: float = 0.0


CYCLE: tuple[Act, ...] = tuple(
    Act(kind, 1.1, 0.2)
    for kind in (
        StepKind.TURN_LEFT, StepKind.BLINK, StepKind.TURN_RIGHT, StepKind.SMILE, StepKind.NOD, StepKind.COME_CLOSER
    )
)  # fmt: skip
"""All active steps in 6.6 seconds, so that any 8 seconds of it played over and over contain each of them whole."""


class Timeline:
    """Acts one after the other."""

    def __init__(self, acts: Sequence[Act], blinks: Sequence[float] = ()) -> None:
        """A timeline.

        Args:
            acts: at least one.
            blinks: when the person blinks unasked, in seconds.
        """
        self.acts = tuple(acts)
        self.blinks = tuple(blinks)
        self._ends = tuple(accumulate(act.seconds for act in acts))

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self._ends[-1]

    def index(self, at: float) -> int:
        """Which act it is then."""
        return min(int(np.searchsorted(self._ends, at + 1e-9, side="right")), len(self.acts) - 1)

    def pose(self, at: float) -> Pose:
        """How the head is held then."""
        index = self.index(at)
        act = self.acts[index]
        begun = self._ends[index] - act.seconds + act.wait
        pose = _doing(act.kind, at - begun, act.seconds - act.wait)
        return replace(pose, lids=max([pose.lids, *(_lids(at - blink, _BLINK) for blink in self.blinks)]))


class Sway:
    """That nobody keeps quite still: slow wandering of head and camera, the same for the same seed."""

    def __init__(self, seed: int, period: float | None = None, strength: float = 1.0) -> None:
        """Somebody's way of moving.

        Args:
            seed: which.
            period: seconds after which it begins anew without a jump, for frames that are shown over and over.
            strength: 1 for a person at a table, more for something held in the hand.
        """
        rng = np.random.default_rng(seed)
        self._rates = rng.uniform(0.08, 0.6, (8, 4))
        if period is not None:
            self._rates = np.maximum(np.rint(self._rates * period), 1) / period
        self._phases = rng.uniform(0, 2 * math.pi, (8, 4))
        self._sizes = np.array([0.9, 0.8, 0.6, 0.03, 0.02, 0.02, 0.35, 0.35]) * strength

    def of(self, pose: Pose, at: float) -> Pose:
        """A pose with the head's own wandering."""
        yaw, pitch, roll, away, x, y, _, _ = self._moved(at)
        return replace(
            pose, yaw=pose.yaw + yaw, pitch=pose.pitch + pitch, roll=pose.roll + roll,
            distance=pose.distance + away, x=pose.x + x, y=pose.y + y,
        )  # fmt: skip

    def camera(self, at: float) -> tuple[float, float]:
        """Where the camera has wandered, x and y in pixels."""
        moved = self._moved(at)
        return float(moved[6]), float(moved[7])

    def _moved(self, at: float) -> NDArray[np.float64]:
        waves = np.sin(2 * math.pi * self._rates * at + self._phases) / 2
        return np.asarray(waves.sum(axis=1) * self._sizes)


def _doing(kind: StepKind | None, at: float, seconds: float) -> Pose:
    """The pose so many seconds into an act of so many seconds."""
    share = min(max(at / seconds, 0.0), 1.0)
    high = _hill(share)
    done: dict[StepKind | None, dict[str, float]] = {
        StepKind.TURN_LEFT: {"yaw": YAW * high},
        StepKind.TURN_RIGHT: {"yaw": -YAW * high},
        StepKind.NOD: {"pitch": PITCH * high},
        StepKind.SMILE: {"smile": high},
        StepKind.COME_CLOSER: {"distance": FAR + (NEAR - FAR) * high},
        StepKind.BLINK: {"lids": _lids(at - 0.1, max(0.2, min(_ASKED_BLINK, seconds - 0.1)))},
    }
    return replace(REST, **done.get(kind, {}))


def _hill(share: float) -> float:
    """Up within two fifths, held for one, down within two; smooth."""
    along = min(share, 1 - share) / 0.4
    return 1.0 if along >= 1 else (1 - math.cos(math.pi * along)) / 2


def _lids(at: float, seconds: float) -> float:
    """Down within a quarter, held for a half, up within a quarter."""
    share = at / seconds
    return 0.0 if not 0 < share < 1 else min(1.0, min(share, 1 - share) * 4)
