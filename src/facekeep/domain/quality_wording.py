"""The names of the quality measures, and how a person is told about each.

Invariants: every measure has a wording, and one for each side on which a policy may bound it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MeasureName(StrEnum):
    """What is measured, in the words of ISO/IEC 29794-5."""

    FACE_COUNT = "face count"
    SINGLE_FACE = "single face present"
    CROP = "crop of the face"
    INTER_EYE_DISTANCE = "inter-eye distance"
    SHARPNESS = "sharpness"
    LUMINANCE = "luminance mean"
    UNDER_EXPOSURE = "under-exposure prevention"
    OVER_EXPOSURE = "over-exposure prevention"
    ILLUMINATION = "illumination uniformity"
    YAW = "head pose yaw"
    PITCH = "head pose pitch"
    ROLL = "head pose roll"
    EYES_OPEN = "eyes open"
    MOUTH_CLOSED = "mouth closed"


@dataclass(frozen=True, slots=True)
class Wording:
    """How a measure is spoken of.

    Attributes:
        unit: of its value.
        digits: decimals that are shown.
        low: below the range, what is wrong and what to do, with places for {value} and {limit}.
        high: likewise above it. None where that side cannot be wrong: no face is too open-eyed.
    """

    unit: str
    digits: int
    low: tuple[str, str] | None
    high: tuple[str, str] | None


_LIGHT = "Take it in even light from the front, without a window or a lamp behind."
_UPRIGHT = "Hold the head and the camera upright."
_FRONTAL = "Look straight into the camera, held at the height of the eyes."
WORDINGS = {
    MeasureName.FACE_COUNT: Wording(
        "faces",
        0,
        ("No face was found.", "Show the whole face, upright, in good light, at least a fifth of the picture wide."),
        ("{value} faces were found; at most {limit} are accepted.", "Take a picture of one person alone."),
    ),
    MeasureName.SINGLE_FACE: Wording(
        "of the subject's size",
        2,
        None,
        (
            "A second face is {value} times as large as the subject's; at most {limit} is accepted.",
            "Take a picture of one person alone, or cut the others away.",
        ),
    ),
    MeasureName.CROP: Wording(
        "of the face box inside the picture",
        2,
        (
            "Only {value} of the face lies inside the picture; at least {limit} is needed.",
            "Leave some room around the face.",
        ),
        None,
    ),
    MeasureName.INTER_EYE_DISTANCE: Wording(
        "pixels",
        0,
        (
            "The eyes are {value} pixels apart; at least {limit} are needed.",
            "Come closer to the camera, or give the picture in its full resolution.",
        ),
        ("The eyes are {value} pixels apart; at most {limit} are accepted.", "Step back from the camera."),
    ),
    MeasureName.SHARPNESS: Wording(
        "of the contrast is fine detail",
        3,
        (
            "The face is blurred: sharpness {value}, at least {limit} is needed.",
            "Hold still, clean the lens, let the camera focus on the face.",
        ),
        ("The face is grainy: sharpness {value}, at most {limit} is accepted.", "Take it in better light."),
    ),
    MeasureName.LUMINANCE: Wording(
        "of full white",
        2,
        ("The face is too dark: mean luminance {value}, at least {limit} is needed.", _LIGHT),
        ("The face is too bright: mean luminance {value}, at most {limit} is accepted.", _LIGHT),
    ),
    MeasureName.UNDER_EXPOSURE: Wording(
        "of the face nearly black",
        2,
        None,
        ("{value} of the face is nearly black; at most {limit} is accepted.", _LIGHT),
    ),
    MeasureName.OVER_EXPOSURE: Wording(
        "of the face nearly white",
        2,
        None,
        ("{value} of the face is nearly white; at most {limit} is accepted.", "Turn off the flash. " + _LIGHT),
    ),
    MeasureName.ILLUMINATION: Wording(
        "of the two halves alike",
        2,
        ("The two halves of the face are lit differently: {value} alike, at least {limit} is needed.", _LIGHT),
        None,
    ),
    MeasureName.YAW: Wording(
        "degrees",
        0,
        ("The head is turned {value} degrees to its right; at most {limit} are accepted.", _FRONTAL),
        ("The head is turned {value} degrees to its left; at most {limit} are accepted.", _FRONTAL),
    ),
    MeasureName.PITCH: Wording(
        "degrees",
        0,
        ("The head is raised by {value} degrees; at most {limit} are accepted.", _FRONTAL),
        ("The head is lowered by {value} degrees; at most {limit} are accepted.", _FRONTAL),
    ),
    MeasureName.ROLL: Wording(
        "degrees",
        0,
        (
            "The head leans {value} degrees to its left shoulder; at most {limit} are accepted.",
            "Hold the head upright.",
        ),
        (
            "The head leans {value} degrees to its right shoulder; at most {limit} are accepted.",
            "Hold the head upright.",
        ),
    ),
    MeasureName.EYES_OPEN: Wording(
        "open, the more closed eye",
        2,
        (
            "An eye is closed or covered: {value}, at least {limit} is needed.",
            "Open both eyes, take off sunglasses, avoid reflections on glasses.",
        ),
        None,
    ),
    MeasureName.MOUTH_CLOSED: Wording(
        "lip gap by inter-eye distance",
        2,
        None,
        ("The mouth is open: {value}, at most {limit} is accepted.", "Close the mouth; a smile is fine."),
    ),
}
ANGLES = {MeasureName.YAW, MeasureName.PITCH, MeasureName.ROLL}
