"""From aligned faces to templates: embeddings of a picture and of its mirror image, added and brought to length 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.sample import BiometricSample, DetectedFace
from facekeep.domain.template import Template
from facekeep.errors import ModelError
from facekeep.face.alignment import align
from facekeep.face.model_spec import ModelRole
from facekeep.face.runtime import Session

_MOST_AT_ONCE = 32  # pictures in one run, mirrors included: larger batches gain nothing and cost memory


class EmbeddingExtractor:
    """An embedding model of the pack. Several threads may use it at once."""

    def __init__(self, session: Session) -> None:
        """Wrap a loaded model.

        Raises:
            ModelError: the model is no embedding.
        """
        spec = session.spec
        if spec.role is not ModelRole.EMBEDDING or spec.alignment is None or spec.output.dimension is None:
            raise ModelError(f"the model {spec.name} is no embedding")
        self._session = session
        self._alignment = spec.alignment
        self._dimension = spec.output.dimension

    @property
    def model(self) -> str:
        """SHA-256 of the embedding model, 64 hexadecimal digits."""
        return self._session.spec.sha256

    @property
    def dimension(self) -> int:
        """Number of coordinates of its templates."""
        return self._dimension

    def align(self, sample: BiometricSample, face: DetectedFace) -> NDArray[np.uint8]:
        """The face as this model wants it, RGB, shape (side, side, 3)."""
        return align(sample, face.landmarks, self._alignment)

    def extract(self, sample: BiometricSample, faces: Sequence[DetectedFace]) -> tuple[Template, ...]:
        """One template for each face, in their order."""
        return self.embed([self.align(sample, face) for face in faces])

    def embed(self, aligned: Sequence[NDArray[np.uint8]]) -> tuple[Template, ...]:
        """One template for each aligned face, of however many pictures.

        Args:
            aligned: what :meth:`align` gave.

        Raises:
            ModelError: the model gave no finite embedding.
        """
        if not aligned:
            return ()
        pictures = np.stack(aligned)
        both = np.stack([pictures, pictures[:, :, ::-1]], axis=1).reshape(-1, *pictures.shape[1:])
        step = _MOST_AT_ONCE if self._session.spec.input.batch else 1
        rows = [self._run(both[start : start + step]) for start in range(0, len(both), step)]
        # In double precision, so that a template does not depend on the order of the two.
        sums = np.concatenate(rows).astype(np.float64).reshape(len(aligned), 2, self._dimension).sum(axis=1)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and (lengths > 0).all()):
            raise ModelError(f"the model {self._session.spec.name} gave an embedding without a finite length")
        units = (sums / lengths).astype(np.float32)
        return tuple(Template(unit.copy(), self.model) for unit in units)

    def _run(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        rows = self._session.run(self._session.spec.input.tensor(pictures))[0]
        if rows.shape != (len(pictures), self._dimension):
            raise ModelError(f"the model {self._session.spec.name} gave {rows.shape}, not its dimension")
        return rows
