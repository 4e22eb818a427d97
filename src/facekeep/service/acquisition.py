"""From the bytes of a picture to one template, or to reasons why not. The picture is dropped when this returns."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.quality import ENROLMENT, PROBE, QualityPolicy
from facekeep.domain.template import Template
from facekeep.errors import ImageError, MarkedPictureError, QualityError
from facekeep.face.images import decode
from facekeep.face.pipeline import FacePipeline, subject_of
from facekeep.face.provenance import marks
from facekeep.face.quality import QualityAssessor
from facekeep.service.combining import Combiner
from facekeep.service.stages import Stage, Stages

_EMBEDDED_TOGETHER = 8  # faces of one run; more would keep each waiting for all
_LOOKED_AT_ONCE = (
    4  # pictures: their pixels fill the memory, and on a few cores more of them only get in each other's way
)


@dataclass(frozen=True, slots=True)
class Probe:
    """What a picture gave.

    Attributes:
        template: of its subject; None for a failure to acquire.
        reasons: why there is none.
        crop: SHA-256 over the aligned face that the template was made of, 32 bytes; empty if there is none.
    """

    template: Template | None = field(repr=False)
    reasons: tuple[str, ...] = ()
    crop: bytes = field(default=b"", repr=False)


class Acquisition:
    """Decodes, detects, judges and embeds. Safe for threads; faces that wait at once are embedded in one run.

    Attributes:
        stages: times what is done here.
    """

    def __init__(self, pipeline: FacePipeline, assessor: QualityAssessor) -> None:
        self.stages = Stages()
        self._pipeline = pipeline
        self._assessor = assessor
        self._room = threading.BoundedSemaphore(_LOOKED_AT_ONCE)
        self._embed = Combiner(pipeline.extractor.embed, largest=_EMBEDDED_TOGETHER)

    @property
    def model(self) -> str:
        """SHA-256 of the embedding model, 64 hexadecimal digits."""
        return self._pipeline.extractor.model

    @property
    def dimension(self) -> int:
        """Coordinates of an embedding."""
        return self._pipeline.extractor.dimension

    def for_enrolment(self, picture: bytes) -> Template:
        """The template of a reference picture.

        Raises:
            ImageError: the picture cannot be decoded, or says of itself that it shows no camera's view.
            QualityError: it is not fit for enrolment; its reasons name the measures that failed.
        """
        return self._one(picture, ENROLMENT, "the picture is not fit for enrolment")

    def for_right(self, picture: bytes) -> Template:
        """The template of a picture by which a person exercises a right: no stricter than for a probe.

        Raises:
            ImageError: the picture cannot be decoded, or says of itself that it shows no camera's view.
            QualityError: no face of that quality was found.
        """
        return self._one(picture, PROBE, "the picture shows no face well enough")

    def _one(self, picture: bytes, policy: QualityPolicy, complaint: str) -> Template:
        (probe,) = self._acquire([picture], policy)
        if isinstance(probe, ImageError):
            raise probe
        if probe.template is None:
            raise QualityError(f"{complaint}: {' '.join(probe.reasons)}", reasons=probe.reasons)
        return probe.template

    def for_probe(self, picture: bytes) -> Probe:
        """The template of a probe, or why there is none.

        Raises:
            ImageError: the picture cannot be decoded, or says of itself that it shows no camera's view.
        """
        (probe,) = self._acquire([picture], PROBE)
        if isinstance(probe, ImageError):
            raise probe
        return probe

    def for_probes(self, pictures: Sequence[bytes]) -> list[Probe | ImageError]:
        """Several probes, embedded together; a picture that cannot be decoded gives its error."""
        return self._acquire(pictures, PROBE)

    def _look(self, picture: bytes, policy: QualityPolicy) -> tuple[Probe | ImageError, NDArray[np.uint8] | None]:
        """The aligned face of a picture whose quality suffices, or None and why. All other pixels are dropped here."""
        marked = marks(picture)
        if marked:
            return MarkedPictureError("the picture is marked as no camera's", reasons=tuple(sorted(marked))), None
        try:
            with self.stages(Stage.DECODE):
                sample = decode(picture)
        except ImageError as error:
            return error, None
        with self.stages(Stage.DETECT):
            faces = self._pipeline.detect(sample)
        subject = subject_of(sample, faces)
        with self.stages(Stage.ASSESS):
            report = self._assessor.assess(sample, subject, faces, policy)
        probe = Probe(None, tuple(f"{r.reason} {r.advice}" for r in report.rejections))
        fit = subject is not None and report.passed
        return probe, self._pipeline.extractor.align(sample, subject) if fit and subject is not None else None

    def _acquire(self, pictures: Sequence[bytes], policy: QualityPolicy) -> list[Probe | ImageError]:
        # Quality stands between detection and extraction: of a picture that is turned down no template ever exists.
        answers: list[Probe | ImageError] = []
        aligned, places = [], []
        for picture in pictures:
            with self.stages(Stage.WAIT):
                self._room.acquire()
            try:
                answer, crop = self._look(picture, policy)
            finally:
                self._room.release()
            if crop is not None:
                aligned.append(crop)
                places.append(len(answers))
            answers.append(answer)
        if aligned:
            with self.stages(Stage.EMBED):
                templates = self._embed(aligned)
            for place, crop, template in zip(places, aligned, templates, strict=True):
                answers[place] = Probe(template, crop=sha256(crop.tobytes()).digest())
        return answers
