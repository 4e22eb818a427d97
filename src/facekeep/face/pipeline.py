"""The whole way from a picture to templates.

Detection and extraction are separate steps on purpose: between them a caller judges the quality of the face (or counts
the faces) and may stop, before any template exists.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from facekeep.domain.sample import BiometricSample, DetectedFace
from facekeep.domain.template import Template
from facekeep.face.detection import AdaptiveDetector, DetectionSettings
from facekeep.face.extraction import EmbeddingExtractor
from facekeep.face.models import ModelPack
from facekeep.face.ports import Detector

DEFAULT_DETECTOR = "centerface"
DEFAULT_EMBEDDING = "fr_feature"

_CENTRALITY = 0.3


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """Which models, and how they run.

    Attributes:
        detector: name of a detector in the pack.
        embedding: name of an embedding in the pack.
        detection: how faces are searched.
        threads: how many work on one picture; None for as many as this process may use.
    """

    detector: str = DEFAULT_DETECTOR
    embedding: str = DEFAULT_EMBEDDING
    detection: DetectionSettings = field(default_factory=DetectionSettings)
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class Acquired:
    """The subject of a picture.

    Attributes:
        face: the subject's face.
        faces: all faces of the picture, the most confident first.
        template: the subject's template.
    """

    face: DetectedFace
    faces: tuple[DetectedFace, ...]
    template: Template


@dataclass(frozen=True, slots=True)
class FacePipeline:
    """A detector and an extractor, ready to run. Several threads may use it at once."""

    detector: Detector
    extractor: EmbeddingExtractor

    @classmethod
    def build(cls, pack: ModelPack, settings: PipelineSettings | None = None) -> FacePipeline:
        """Load the models, each held against its digest.

        Raises:
            ModelError: a model is missing, altered, or of another role.
        """
        chosen = settings or PipelineSettings()
        detector = AdaptiveDetector(pack.open(chosen.detector, threads=chosen.threads), chosen.detection)
        return cls(detector, EmbeddingExtractor(pack.open(chosen.embedding, threads=chosen.threads)))

    def detect(self, sample: BiometricSample) -> tuple[DetectedFace, ...]:
        """All faces, the most confident first; empty if there is none."""
        return self.detector.detect(sample)

    def templates(self, sample: BiometricSample) -> tuple[Template, ...]:
        """The templates of all faces, in the order of :meth:`detect`."""
        return self.extractor.extract(sample, self.detect(sample))

    def acquire(self, sample: BiometricSample) -> Acquired | None:
        """The subject of a picture (see :func:`subject_of`), or None if no face was found (a failure to acquire)."""
        return self.extract_many([sample])[0]

    def extract_many(self, samples: Iterable[BiometricSample]) -> tuple[Acquired | None, ...]:
        """The subject of each picture, embedded together, which is faster than one by one.

        Args:
            samples: taken one at a time, so that a generator need not hold all pictures at once.

        Returns:
            In the order of the samples; None where no face was found.
        """
        found: list[tuple[DetectedFace, tuple[DetectedFace, ...]] | None] = []
        aligned = []
        for sample in samples:
            faces = self.detect(sample)
            subject = subject_of(sample, faces)
            found.append(None if subject is None else (subject, faces))
            if subject is not None:
                aligned.append(self.extractor.align(sample, subject))
        templates = iter(self.extractor.embed(aligned))
        return tuple(None if pair is None else Acquired(*pair, next(templates)) for pair in found)


def subject_of(sample: BiometricSample, faces: Sequence[DetectedFace]) -> DetectedFace | None:
    """The face that a picture of one person is about: large and near the middle."""
    middle = sample.width / 2, sample.height / 2
    return max(faces, key=lambda face: _CENTRALITY * face.box.width - math.dist(face.box.centre, middle), default=None)
