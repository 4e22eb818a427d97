"""How fast pictures become templates, in all and stage by stage.

A round takes every picture through decode, detect, quality, align and embed, one after the other. The figure of a stage
is the median over all pictures and rounds; the whole is timed on its own, so that one can be held against the other.
Nothing of a picture is kept or shown.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from facekeep.domain.quality import PROBE
from facekeep.errors import UsageError
from facekeep.face.images import decode
from facekeep.face.pipeline import FacePipeline, subject_of
from facekeep.face.quality import QualityAssessor

__all__ = ["STAGES", "PipelineBenchmark", "benchmark_pipeline"]

STAGES: Final = ("decode", "detect", "quality", "align", "embed")
"""The stages of the way, in their order."""

MOST_ROUNDS: Final = 1000


@dataclass(frozen=True, slots=True)
class PipelineBenchmark:
    """What was measured.

    Attributes:
        pictures: how many different ones.
        rounds: how often each was taken, after one that does not count.
        faces: how many pictures a face was found in.
        seconds: of all rounds.
        milliseconds: median time of a picture in each of :data:`STAGES`; a stage that no picture reached is absent.
    """

    pictures: int
    rounds: int
    faces: int
    seconds: float
    milliseconds: Mapping[str, float]

    @property
    def pictures_per_second(self) -> float:
        """Pictures that went the whole way in a second, one after the other."""
        return self.pictures * self.rounds / self.seconds if self.seconds > 0 else 0.0

    @property
    def milliseconds_per_picture(self) -> float:
        """Mean time of the whole way."""
        return 1000 * self.seconds / (self.pictures * self.rounds)


def benchmark_pipeline(
    pictures: Sequence[bytes],
    pipeline: FacePipeline,
    assessor: QualityAssessor,
    *,
    rounds: int = 5,
    progress: Callable[[int, int], None] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> PipelineBenchmark:
    """Measure.

    Args:
        pictures: encoded pictures, at least one.
        pipeline: detector and extractor.
        assessor: of the quality.
        rounds: 1 to 1,000; one more is done first, to warm up.
        progress: called with the rounds done and all rounds.
        clock: seconds that never run backwards.

    Raises:
        UsageError: no picture, or rounds out of range.
        ImageError: a picture cannot be decoded.
    """
    if not pictures:
        raise UsageError("there is no picture to measure with", hint="Give --pictures DIR.")
    if not 1 <= rounds <= MOST_ROUNDS:
        raise UsageError(f"the number of rounds lies between 1 and {MOST_ROUNDS}")
    spent: dict[str, list[float]] = {stage: [] for stage in STAGES}
    faces = sum(_one(picture, pipeline, assessor, clock, {stage: [] for stage in STAGES}) for picture in pictures)
    start = clock()
    for done in range(1, rounds + 1):
        for picture in pictures:
            _one(picture, pipeline, assessor, clock, spent)
        if progress is not None:
            progress(done, rounds)
    seconds = clock() - start
    medians = {stage: 1000 * statistics.median(times) for stage, times in spent.items() if times}
    return PipelineBenchmark(len(pictures), rounds, faces, seconds, medians)


def _one(
    picture: bytes,
    pipeline: FacePipeline,
    assessor: QualityAssessor,
    clock: Callable[[], float],
    spent: dict[str, list[float]],
) -> bool:
    """Take a picture the whole way; whether it has a face."""
    times = [clock()]
    sample = decode(picture)
    times.append(clock())
    faces = pipeline.detect(sample)
    times.append(clock())
    subject = subject_of(sample, faces)
    if subject is not None:
        assessor.assess(sample, subject, faces, PROBE)
        times.append(clock())
        aligned = pipeline.extractor.align(sample, subject)
        times.append(clock())
        pipeline.extractor.embed([aligned])
        times.append(clock())
    for stage, before, after in zip(STAGES, times, times[1:], strict=False):
        spent[stage].append(after - before)
    return subject is not None
