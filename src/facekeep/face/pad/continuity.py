"""The voice of continuity: one face runs through all frames.

Faces are compared by the model of recognition: a frame of every half second, drawn at random so that nobody can know
between which of them another face would go unseen; those around each change of steps, where somebody else might take
over; and those that will be compared with a reference or become one, of which a single other face refutes. The face
that most frontal frames agree on stands for the person. Beside it the box is followed: a face does not jump across the
picture between two frames. Some thumbnails are compared too: what the passive voice hears has to be of the same face.
Embeddings are forgotten at once.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Collection, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.capture import RecordedFrame, Recording
from facekeep.domain.pad import Finding, PadReason, Verdict, Voice
from facekeep.domain.sample import BiometricSample, Pixels
from facekeep.face.extraction import EmbeddingExtractor
from facekeep.face.fine_points import FinePoints, face_at
from facekeep.face.light_detection import LightDetector
from facekeep.face.models import ModelPack
from facekeep.face.pad.crops import square_around
from facekeep.face.pad.measures import FrameMeasures

__all__ = ["SAME_FACE_FROM", "ContinuityVoice", "chosen_frames", "jumps"]

SAME_FACE_FROM = 0.45
"""Cosine to the frame that stands for the person. Of 62 people of the London set, 1 of 3,782 pairs of different ones
has more (0.505); one person, neutral and smiling, has 0.784 and more (docs/reference/pad.md)."""
SAME_THUMBNAIL_FROM = 0.42
"""The same of the face in a thumbnail, 47 pixels wide. London's 124 pictures, as a camera of 640 × 480 has them, have
0.55 and more with their own; of 15,128 pairs of different people 99.9 % have 0.36 and less, and none more than 0.47."""
COMPARED_MIN = 4
"""Frames below which the voice is silent."""
OTHERS_MIN = 2
"""Frames with another face that refute; a single one may be an error, and is a doubt, unless it is to be compared."""

_EVERY = 0.5  # seconds
_THUMBNAILS = 4  # compared, drawn at random among frontal frames
_FRONTAL = 15.0  # degrees of yaw within which a frame can stand for the person
_TURNED = 25.0  # degrees of yaw from which frames are not compared: the model agrees less the further a face is turned
# How far a face's middle moves between frames, in longer sides of its box, and how its size changes (natural
# logarithm): at once, and in a second. Simulated people have 0.08 and 0.16 in a tenth of a second.
_SHIFT, _SHIFT_A_SECOND = 0.25, 2.5
_GROWTH, _GROWTH_A_SECOND = 0.25, 1.0
_LOST = 1.0  # seconds without a frame after which nothing is said about movement


class ContinuityVoice:
    """Compares the faces of a recording. Several threads may use it at once."""

    def __init__(self, extractor: EmbeddingExtractor, detector: LightDetector, points: FinePoints) -> None:
        self._extractor, self._detector, self._points = extractor, detector, points

    @classmethod
    def build(cls, pack: ModelPack, embedding: str = "fr_feature") -> ContinuityVoice:
        """Loads an embedding of the pack and what finds the face in a thumbnail, each on one thread.

        Raises:
            ModelError: the model is missing, altered, or no embedding.
        """
        extractor = EmbeddingExtractor(pack.open(embedding, threads=1))
        return cls(extractor, LightDetector.build(pack), FinePoints.build(pack))

    def examine(
        self, recording: Recording, measures: Sequence[FrameMeasures], serving: Collection[int] = ()
    ) -> Finding:
        """Whether one face runs through all frames.

        Args:
            recording: the frames.
            measures: one for each of them.
            serving: places of the frames that serve a comparison or an enrolment: each of them is looked at.
        """
        chosen = [
            index
            for index in sorted({*chosen_frames(measures), *serving})
            if index in serving or abs(measures[index].yaw) <= _TURNED
        ]
        jumped = jumps(recording.frames)
        figures = {"compared": float(len(chosen)), "jumps": float(jumped)}
        if len(chosen) < COMPARED_MIN:
            verdict = Verdict.DOUBTS if jumped else Verdict.SILENT
            return Finding(Voice.CONTINUITY, verdict, (PadReason.FACE_JUMPED,) * bool(jumped), figures)
        vectors = self._embed(recording.frames, measures, chosen)
        person = vectors[_medoid(vectors, [abs(measures[index].yaw) for index in chosen])]
        cosines = vectors @ person
        others = int((cosines < SAME_FACE_FROM).sum())
        small = self._of_thumbnails(recording.frames, measures) @ person
        if small.size:
            figures |= {"thumbnails": float(small.size), "thumbnail_lowest": float(small.min())}
            others += int((small < SAME_THUMBNAIL_FROM).sum())
        served = sum(cosines[place] < SAME_FACE_FROM for place, index in enumerate(chosen) if index in serving)
        figures |= {"lowest": float(cosines.min()), "median": float(np.median(cosines)), "others": float(others)}
        reasons = (PadReason.ANOTHER_FACE,) * bool(others) + (PadReason.FACE_JUMPED,) * bool(jumped)
        if served or others >= OTHERS_MIN:
            return Finding(Voice.CONTINUITY, Verdict.REFUTES, reasons, figures)
        return Finding(Voice.CONTINUITY, Verdict.DOUBTS if reasons else Verdict.SUPPORTS, reasons, figures)

    def _embed(
        self, frames: Sequence[RecordedFrame], measures: Sequence[FrameMeasures], chosen: Sequence[int]
    ) -> NDArray[np.float64]:
        # Aligned by the 68 points that are there already: as good as the detector's five, and 18 ms less for a frame.
        faces = [(frames[index].face, face_at(frames[index].face_box, measures[index].points)) for index in chosen]
        aligned = [self._extractor.align(BiometricSample(pixels), face) for pixels, face in faces]
        return np.stack([template.vector for template in self._extractor.embed(aligned)]).astype(np.float64)

    def _of_thumbnails(self, frames: Sequence[RecordedFrame], measures: Sequence[FrameMeasures]) -> NDArray[np.float64]:
        """Embeddings of some thumbnails, shape (n, D); where no face is found, zeros, which nobody is like."""
        with_one = [
            frame.thumbnail
            for frame, measure in zip(frames, measures, strict=True)
            if frame.thumbnail is not None and abs(measure.yaw) <= _FRONTAL
        ]
        drawn = secrets.SystemRandom().sample(with_one, min(_THUMBNAILS, len(with_one)))
        rows = [self.of_crop(thumbnail) for thumbnail in drawn]
        return np.stack(rows) if rows else np.zeros((0, self._extractor.dimension))

    def of_crop(self, crop: Pixels) -> NDArray[np.float64]:
        """The embedding of the face in a crop of which nothing is known yet, of unit length; zeros if there is none."""
        faces = self._detector.detect(crop)
        if not faces:
            return np.zeros(self._extractor.dimension)
        square, (left, top, side) = square_around(crop, faces[0].box)
        face = face_at(faces[0].box, self._points.find(square) * side + np.array([left, top]))
        (template,) = self._extractor.embed([self._extractor.align(BiometricSample(crop), face)])
        return np.asarray(template.vector, np.float64)


def chosen_frames(measures: Sequence[FrameMeasures]) -> tuple[int, ...]:
    """Which frames are compared: one of each half second at random, and the last before and the first after a step."""
    spans: dict[int, list[int]] = {}
    for index, measure in enumerate(measures):
        spans.setdefault(int(measure.at / _EVERY), []).append(index)
    chosen = {secrets.choice(span) for span in spans.values()}
    for index in range(1, len(measures)):
        if measures[index].step != measures[index - 1].step:
            chosen |= {index - 1, index}
    return tuple(sorted(chosen))


def jumps(frames: Sequence[RecordedFrame]) -> int:
    """How often the face's box moved or grew between two frames as no face does."""
    count = 0
    for before, after in pairwise(frames):
        gap = after.at - before.at
        sides = [max(frame.box.width, frame.box.height) for frame in (before, after)]
        shift = math.dist(before.box.centre, after.box.centre) / min(sides)
        growth = abs(math.log(sides[1] / sides[0]))
        far = shift > _SHIFT + _SHIFT_A_SECOND * gap or growth > _GROWTH + _GROWTH_A_SECOND * gap
        count += gap <= _LOST and far
    return count


def _medoid(vectors: NDArray[np.float64], yaws: Sequence[float]) -> int:
    """The frontal one that agrees most with the other frontal ones; of all, if none is frontal."""
    frontal = np.flatnonzero(np.array(yaws) <= _FRONTAL)
    candidates = frontal if frontal.size else np.arange(len(vectors))
    agreement = (vectors[candidates] @ vectors[candidates].T).sum(axis=1)
    return int(candidates[int(np.argmax(agreement))])
