"""What the pipeline asks of a detector and of an extractor; anything of this form can take their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from facekeep.domain.sample import BiometricSample, DetectedFace
from facekeep.domain.template import Template


class Detector(Protocol):
    """Finds faces."""

    def detect(self, sample: BiometricSample) -> tuple[DetectedFace, ...]:
        """The faces of a picture in its own pixels, the most confident first; empty if there is none."""
        ...


class Extractor(Protocol):
    """Makes templates."""

    @property
    def model(self) -> str:
        """SHA-256 of the embedding model, 64 hexadecimal digits."""
        ...

    @property
    def dimension(self) -> int:
        """Number of coordinates of its templates."""
        ...

    def extract(self, sample: BiometricSample, faces: Sequence[DetectedFace]) -> tuple[Template, ...]:
        """One template for each face, in their order."""
        ...
