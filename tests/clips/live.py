"""A simulated person who does what the timeline says, as frames of a camera."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.capture import ACTIVE_STEPS, StepKind
from tests.clips.fake_camera import encoded
from tests.clips.head import Head, room
from tests.clips.script import CYCLE, Act, Sway, Timeline
from tests.clips.sensor import Sensor

__all__ = ["Frame", "Light", "cycle", "played", "repertoire", "rest"]

Light = Callable[[float], tuple[float, float, float]]
"""What a screen adds to a face at a time, by red, green and blue."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What the camera sees.

    Attributes:
        at: seconds.
        act: index of the act.
        picture: RGB, shape (480, 640, 3).
    """

    at: float
    act: int
    picture: NDArray[np.uint8] = field(repr=False)


def played(
    head: Head,
    timeline: Timeline,
    *,
    seed: int,
    rate: float = 20.0,
    light: Light | None = None,
    alive: bool = True,
    period: float | None = None,
    noise: float = 1.0,
) -> Iterator[Frame]:
    """The frames of a timeline.

    Args:
        head: who plays it.
        timeline: what is done.
        seed: of room, sway, pulse and noise.
        rate: frames in a second.
        light: of the screen, where there is a step of light.
        alive: whether blood runs in the skin.
        period: seconds after which the sway begins anew without a jump.
        noise: of the sensor, 1 as a webcam indoors.
    """
    background, sway, sensor = room(seed), Sway(seed + 1, period), Sensor(seed + 2, noise=noise)
    for number in range(round(timeline.seconds * rate)):
        at = number / rate
        layer = head.layer(sway.of(timeline.pose(at), at))
        shine = light(at) if light is not None else (0.0, 0.0, 0.0)
        picture = sensor.take(at, background, (layer,), shift=sway.camera(at), light=shine, alive=alive)
        yield Frame(at, timeline.index(at), picture)


def cycle(head: Head, *, seed: int, rate: float = 20.0) -> Iterator[Frame]:
    """All active steps in turn, to be played over and over."""
    timeline = Timeline(CYCLE)
    return played(head, timeline, seed=seed, rate=rate, period=timeline.seconds)


def rest(head: Head, *, seed: int, rate: float = 15.0) -> list[bytes]:
    """Somebody who looks at the camera and blinks now and then, JPEGs to be shown over and over.

    Ten seconds, in which sway and pulse come round: at the seam nothing jumps. The camera adds the noise.
    """
    timeline = Timeline([Act(None, 10.0)], blinks=(1.6, 4.9, 8.2))
    frames = played(head, timeline, seed=seed, rate=rate, period=timeline.seconds, noise=0.0)
    return [encoded(frame.picture) for frame in frames]


def repertoire(head: Head, *, seed: int, rate: float = 15.0, seconds: float = 2.0) -> dict[StepKind, list[bytes]]:
    """Each active step done once, JPEGs for a :class:`tests.clips.fake_camera.FakeCamera`."""
    done: dict[StepKind, list[bytes]] = {}
    for kind in sorted(ACTIVE_STEPS):
        frames = played(head, Timeline([Act(kind, seconds)]), seed=seed, rate=rate, noise=0.0)
        done[kind] = [encoded(frame.picture) for frame in frames]
    return done
