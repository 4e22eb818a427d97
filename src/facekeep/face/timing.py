"""How long each stage of the pipeline takes, for ``facekeep bench pipeline``. Decoding is timed by the caller."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from facekeep.domain.sample import BiometricSample
from facekeep.face.pipeline import FacePipeline, subject_of


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Mean times in milliseconds per picture.

    Attributes:
        pictures: how many were timed.
        faces: in how many of them a face was found.
        detect_ms: finding faces.
        align_ms: moving the subject's face onto the template.
        embed_ms: picture and mirror through the network, in batches.
    """

    pictures: int
    faces: int
    detect_ms: float
    align_ms: float
    embed_ms: float

    @property
    def total_ms(self) -> float:
        """All stages."""
        return self.detect_ms + self.align_ms + self.embed_ms

    @property
    def pictures_per_second(self) -> float:
        """From decoded picture to template."""
        return 1000 / self.total_ms


def time_stages(
    pipeline: FacePipeline,
    samples: Sequence[BiometricSample],
    clock: Callable[[], float] = time.perf_counter,
) -> StageTimes:
    """Time the stages on decoded pictures.

    Args:
        pipeline: what is timed; its first run, which allocates memory, is not counted.
        samples: at least one.
        clock: gives seconds.

    Raises:
        ValueError: there is no sample.
    """
    if not samples:
        raise ValueError("timing needs at least one picture")
    pipeline.templates(samples[0])
    started = clock()
    subjects = [subject_of(sample, pipeline.detect(sample)) for sample in samples]
    detected = clock()
    pairs = zip(samples, subjects, strict=True)
    aligned = [pipeline.extractor.align(sample, face) for sample, face in pairs if face is not None]
    moved = clock()
    pipeline.extractor.embed(aligned)
    ended = clock()
    per_picture = 1000 / len(samples)
    return StageTimes(
        pictures=len(samples),
        faces=len(aligned),
        detect_ms=(detected - started) * per_picture,
        align_ms=(moved - detected) * per_picture,
        embed_ms=(ended - moved) * per_picture,
    )
