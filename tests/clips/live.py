"""A simulated person who does what the timeline says, as frames of a camera."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tests.clips.head import Head, room
from tests.clips.script import CYCLE, Sway, Timeline
from tests.clips.sensor import Sensor

__all__ = ["Frame", "Light", "cycle", "played"]

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
    head: Head, timeline: Timeline, *, seed: int, rate: float = 20.0, light: Light | None = None, alive: bool = True
) -> Iterator[Frame]:
    """The frames of a timeline.

    Args:
        head: who plays it.
        timeline: what is done.
        seed: of room, sway, pulse and noise.
        rate: frames in a second.
        light: of the screen, where there is a step of light.
        alive: whether blood runs in the skin.
    """
    background, sway, sensor = room(seed), Sway(seed + 1), Sensor(seed + 2)
    for number in range(round(timeline.seconds * rate)):
        at = number / rate
        layer = head.layer(sway.of(timeline.pose(at), at))
        shine = light(at) if light is not None else (0.0, 0.0, 0.0)
        picture = sensor.take(at, background, (layer,), shift=sway.camera(at), light=shine, alive=alive)
        yield Frame(at, timeline.index(at), picture)


def cycle(head: Head, *, seed: int, rate: float = 20.0) -> Iterator[Frame]:
    """All active steps in turn, to be played over and over."""
    return played(head, Timeline(CYCLE), seed=seed, rate=rate)
