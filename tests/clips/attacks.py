"""Attacks, simulated from the same pictures: prints, a screen, eyes cut out of a print, one person after another.

SIMULATIONS, as all of these clips: paper, screens and hands as a program imagines them. An attacker knows what is
asked and tries to follow. Each kind gives frames as :mod:`tests.clips.live` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from facekeep.domain.capture import StepKind
from tests.clips.head import FOCAL, FRAME_HEIGHT, FRAME_WIDTH, Head, Layer, Pose, room
from tests.clips.live import Frame, Light
from tests.clips.plane import Plane
from tests.clips.portrait import ORIGIN, SCALE, Portrait
from tests.clips.script import REST, Act, Sway, Timeline
from tests.clips.sensor import Sensor

__all__ = ["KINDS", "Attacker", "printed", "side_by_side"]

_Bytes = NDArray[np.uint8]

_EDGE = 0.25  # white around a photograph, in inter-eye distances
_SHOWN = (1.9, 2.3, 2.7)  # what of a portrait is printed: to either side, above and below the eyes
_BEZEL = 0.22
_GRID = 1.37  # pixels of a screen in one of its picture: near the camera's own, so that the two beat (moiré)
_GLASS = 0.025  # what a screen scatters of light that falls on it, by what skin does: about 1 % by 40 %
_DARK = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Attacker:
    """What an attacker has.

    Attributes:
        head: of the victim, for a recording of it.
        portrait: of the victim, for a print.
        other: of the attacker.
    """

    head: Head = field(repr=False)
    portrait: Portrait = field(repr=False)
    other: Head = field(repr=False)


_Kind = Callable[[Attacker, Sequence[Act], int, float, Light | None], Iterator[Frame]]


def printed(portrait: Portrait) -> tuple[_Bytes, tuple[float, float]]:
    """A photograph on paper: duller, with a white border.

    Returns:
        RGB, and where the middle between the eyes lies in it, in inter-eye distances.
    """
    side, above, below = _SHOWN
    left, top = round((ORIGIN[0] - side) * SCALE), round((ORIGIN[1] - above) * SCALE)
    cut = portrait.colour[top : round((ORIGIN[1] + below) * SCALE), left : round((ORIGIN[0] + side) * SCALE)]
    ink = cv2.GaussianBlur(cut, (0, 0), 0.8).astype(np.float64) * 0.82 + 24
    edge = round(_EDGE * SCALE)
    paper = cv2.copyMakeBorder(ink, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=(232, 231, 226))
    return np.asarray(np.clip(paper, 0, 255), np.uint8), (side + _EDGE, above + _EDGE)


def _still(attacker: Attacker, acts: Sequence[Act], seed: int, rate: float, light: Light | None) -> Iterator[Frame]:
    """A photograph held as still as a hand can."""
    return _paper(attacker, [replace(act, kind=None) for act in acts], seed, rate, light)


def _print(attacker: Attacker, acts: Sequence[Act], seed: int, rate: float, light: Light | None) -> Iterator[Frame]:
    """A photograph that is turned, tipped and brought closer as the steps ask."""
    return _paper(attacker, acts, seed, rate, light)


def _bent(attacker: Attacker, acts: Sequence[Act], seed: int, rate: float, light: Light | None) -> Iterator[Frame]:
    """The same, bent around the face as far as one hand does it."""
    return _paper(attacker, acts, seed, rate, light, bend=0.16)


def _paper(
    attacker: Attacker, acts: Sequence[Act], seed: int, rate: float, light: Light | None, *, bend: float = 0.0
) -> Iterator[Frame]:
    picture, origin = printed(attacker.portrait)
    plane = Plane(picture.shape[1] / SCALE, picture.shape[0] / SCALE, origin, bend)
    timeline, sway, sensor, background = Timeline(acts), Sway(seed + 1, strength=1.8), Sensor(seed + 2), room(seed)
    for at in _times(timeline, rate):
        layer, _ = plane.layer(picture, _held(sway.of(timeline.pose(at), at)))
        shine = light(at) if light is not None else _DARK
        shot = sensor.take(at, background, (layer,), shift=sway.camera(at), light=shine, alive=False)
        yield Frame(at, timeline.index(at), shot)


def _cut_out(attacker: Attacker, acts: Sequence[Act], seed: int, rate: float, light: Light | None) -> Iterator[Frame]:
    """A photograph with holes for the eyes, through which the attacker looks and blinks."""
    picture, origin = printed(attacker.portrait)
    plane = Plane(picture.shape[1] / SCALE, picture.shape[0] / SCALE, origin)
    opacity = np.full(picture.shape[:2], 255, np.uint8)
    for eye in (attacker.portrait.points[36:42], attacker.portrait.points[42:48]):
        middle = eye.mean(axis=0)
        hole = middle + (eye - middle) * (1.35, 1.7) + origin
        cv2.fillConvexPoly(opacity, cv2.convexHull(np.asarray(hole * SCALE, np.int32)), 0)
    timeline = Timeline(acts, blinks=_blinks(acts))
    hand, behind = Sway(seed + 1, strength=1.5), Sway(seed + 3)
    sensor, background = Sensor(seed + 2), room(seed)
    for at in _times(timeline, rate):
        pose = timeline.pose(at)
        # The head behind follows, as well as one follows what one cannot see, a finger's width away.
        own = replace(pose, yaw=0.7 * pose.yaw, pitch=0.7 * pose.pitch, distance=pose.distance + 0.25, smile=0.0)
        face = attacker.other.layer(behind.of(own, at))
        paper, _ = plane.layer(picture, _held(hand.of(pose, at)), opacity)
        shine = light(at) if light is not None else _DARK
        shot = sensor.take(at, background, (face, paper), shift=hand.camera(at), light=shine)
        yield Frame(at, timeline.index(at), shot)


def _screen(attacker: Attacker, acts: Sequence[Act], seed: int, rate: float, light: Light | None) -> Iterator[Frame]:
    """A recording of the victim on a screen, made before the steps were known: they come in another order."""
    active = [index for index, act in enumerate(acts) if act.kind not in (None, StepKind.LOOK, StepKind.LIGHT)]
    shifted = list(acts)
    for index, other in zip(active, [*active[1:], *active[:1]], strict=True):
        shifted[index] = replace(acts[index], kind=acts[other].kind)
    return _replayed(attacker, shifted, seed, rate, light)


def _driven(attacker: Attacker, acts: Sequence[Act], seed: int, rate: float, light: Light | None) -> Iterator[Frame]:
    """A screen on which the victim's face does what is asked, in time: the hardest of these."""
    return _replayed(attacker, acts, seed, rate, light)


def _replayed(attacker: Attacker, acts: Sequence[Act], seed: int, rate: float, light: Light | None) -> Iterator[Frame]:
    timeline, sway, hand = Timeline(acts, blinks=_blinks(acts)), Sway(seed + 1), Sway(seed + 4, strength=0.7)
    first, sensor = Sensor(seed + 5, noise=0.6), Sensor(seed + 2)
    room_then, room_now = room(seed + 6), room(seed)
    wide = 400
    left = (FRAME_WIDTH - wide) // 2
    scale = FOCAL / REST.distance  # pixels of the recording in an inter-eye distance
    edge = round(_BEZEL * scale)
    origin = ((wide / 2) / scale + _BEZEL, (FRAME_HEIGHT / 2) / scale + _BEZEL)
    plane = Plane(wide / scale + 2 * _BEZEL, FRAME_HEIGHT / scale + 2 * _BEZEL, origin)
    glare = _glare(seed)
    for at in _times(timeline, rate):
        live = first.take(at, room_then, (attacker.head.layer(sway.of(timeline.pose(at), at)),))
        shown = _displayed(live[:, left : left + wide])
        shown = cv2.copyMakeBorder(shown, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=(14, 14, 15))
        held = replace(hand.of(Pose(distance=REST.distance), at), lids=0.0)
        layer, maps = plane.layer(np.asarray(shown, np.uint8), held)
        beat = 1 + 0.05 * np.cos(2 * math.pi * _GRID * maps[0]) + 0.04 * np.cos(2 * math.pi * _GRID * maps[1])
        colour = layer.colour * beat[..., np.newaxis].astype(np.float32) + glare * layer.opacity[..., np.newaxis]
        glass = Layer(colour, layer.opacity, layer.skin)
        shine = light(at) if light is not None else _DARK
        faint = (shine[0] * _GLASS, shine[1] * _GLASS, shine[2] * _GLASS)
        shot = sensor.take(at, room_now, (glass,), shift=hand.camera(at), light=faint, alive=False)
        yield Frame(at, timeline.index(at), shot)


def _swap(attacker: Attacker, acts: Sequence[Act], seed: int, rate: float, light: Light | None) -> Iterator[Frame]:
    """The victim looks, somebody else does what is asked."""
    timeline, sway, sensor, background = (
        Timeline(acts, blinks=_blinks(acts)),
        Sway(seed + 1),
        Sensor(seed + 2),
        room(seed),
    )
    for at in _times(timeline, rate):
        head = attacker.head if timeline.index(at) == 0 else attacker.other
        layer = head.layer(sway.of(timeline.pose(at), at))
        shine = light(at) if light is not None else _DARK
        shot = sensor.take(at, background, (layer,), shift=sway.camera(at), light=shine)
        yield Frame(at, timeline.index(at), shot)


def side_by_side(attacker: Attacker, seed: int) -> _Bytes:
    """The victim and the attacker before one camera, RGB, shape (480, 640, 3)."""
    left, right = (replace(REST, x=x, y=0.0) for x in (-1.6, 1.6))
    return Sensor(seed).take(0.0, room(seed), (attacker.head.layer(left), attacker.other.layer(right)))


KINDS: dict[str, _Kind] = {
    "still": _still,
    "print": _print,
    "bent-print": _bent,
    "cut-out-eyes": _cut_out,
    "screen": _screen,
    "driven-screen": _driven,
    "swap": _swap,
}


def _times(timeline: Timeline, rate: float) -> Iterator[float]:
    return (number / rate for number in range(round(timeline.seconds * rate)))


def _held(pose: Pose) -> Pose:
    """What a hand does with a sheet to have it look like that pose."""
    return replace(pose, lids=0.0, smile=0.0)


def _blinks(acts: Sequence[Act]) -> tuple[float, ...]:
    """When a living person blinks unasked: every three seconds or so of the first act."""
    return tuple(float(at) for at in np.arange(1.3, acts[0].seconds - 0.5, 3.1))


def _displayed(picture: _Bytes) -> _Bytes:
    """What a screen makes of a picture: more contrast, black that glows, a blue cast."""
    levels = np.arange(256) / 255
    tables = [np.clip(255 * (gain * levels**1.2) + 10, 0, 255) for gain in (0.88, 0.93, 1.0)]
    table = np.asarray(np.rint(np.stack(tables, axis=1)), np.uint8)[np.newaxis]
    return np.asarray(cv2.LUT(picture, table), np.uint8)


def _glare(seed: int) -> NDArray[np.float32]:
    """A lamp's reflection on glass."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(FRAME_WIDTH), np.arange(FRAME_HEIGHT))
    at = rng.uniform(0.3, 0.7) * FRAME_WIDTH, rng.uniform(0.15, 0.4) * FRAME_HEIGHT
    spot = np.exp(-(((x - at[0] + 0.5 * (y - at[1])) / 60) ** 2) - ((y - at[1]) / 110) ** 2)
    return (26 * spot[..., np.newaxis] * np.array([1.0, 0.98, 0.9])).astype(np.float32)
