"""A keep on invented faces: a picture is a name, and pictures of one name are of one person."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from facekeep.domain.template import Template
from facekeep.errors import ImageError
from facekeep.service.acquisition import Acquisition, Probe
from facekeep.service.stages import Stages


class InventedFaces(Acquisition):
    """Stands in for the models, which would take the time of a hundred openings."""

    def __init__(self, model: str) -> None:
        self._model = model
        self.stages = Stages()

    @property
    def model(self) -> str:
        return self._model

    @property
    def dimension(self) -> int:
        return 512

    def _template(self, picture: bytes) -> Template:
        seed = int.from_bytes(hashlib.sha256(picture.split(b"/")[0]).digest()[:8], "big")
        vector = np.random.default_rng(seed).standard_normal(512)
        vector += 0.3 * np.random.default_rng(len(picture)).standard_normal(512)
        return Template((vector / np.linalg.norm(vector)).astype(np.float32), self._model)

    def for_enrolment(self, picture: bytes) -> Template:
        return self._template(picture)

    def for_right(self, picture: bytes) -> Template:
        return self._template(picture)

    def for_probe(self, picture: bytes) -> Probe:
        return Probe(self._template(picture))

    def for_probes(self, pictures: Sequence[bytes]) -> list[Probe | ImageError]:
        return [self.for_probe(picture) for picture in pictures]
