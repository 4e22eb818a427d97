"""A biometric template: the unit embedding of a face, bound to the model that made it.

Invariants: float32, of Euclidean length 1 within 1e-3; two templates are compared only if the digests of their models
are equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.digits import is_hex


@dataclass(frozen=True, slots=True)
class Template:
    """The embedding of one face.

    Attributes:
        vector: shape (dimension,), float32, of unit length. Not shown by ``repr``: a template is as personal as a face.
        model: SHA-256 of the embedding model, 64 hexadecimal digits.
    """

    vector: NDArray[np.float32] = field(repr=False)
    model: str

    def __post_init__(self) -> None:
        if self.vector.ndim != 1 or self.vector.dtype != np.float32:
            raise ValueError(f"a template is one row of float32, not {self.vector.shape} of {self.vector.dtype}")
        length = float(np.linalg.norm(self.vector))
        if not abs(length - 1.0) <= 1e-3:
            raise ValueError("a template has unit length")
        if not is_hex(self.model, 64):
            raise ValueError("a model digest is 64 hexadecimal digits")
        self.vector.setflags(write=False)

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return int(self.vector.shape[0])
