"""From the pictures of an evaluation to embeddings, in memory only.

Threads do the work: decoding, OpenCV and ONNX Runtime all release the interpreter's lock, the models are loaded once,
and nothing has to be serialised between processes.

The rule for the subject of a picture is fixed here, whatever the pipeline's own rule may become, for a figure is only
comparable under one rule: the face whose middle lies nearest to the middle of the picture, less 0.3 of its width, so
that a large face beats a speck that happens to lie in the middle. LFW is cropped around its subject; pictures of one
person have no other face.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.sample import BiometricSample, DetectedFace
from facekeep.domain.scores import Floats
from facekeep.errors import ImageError, UsageError
from facekeep.face.images import decode
from facekeep.face.ports import Detector, Extractor

Progress = Callable[[str, int, int], None]
"""Called with the name of a stage, the steps done and the steps of the whole stage."""

DEFAULT_WORKERS = 2
MOST_WORKERS = 64

_WIDTH_BONUS = 0.3


class Embedder(Protocol):
    """Makes the embedding of the subject of an encoded picture. Several threads call it at once."""

    @property
    def model(self) -> str:
        """SHA-256 of the embedding model, 64 hexadecimal digits."""
        ...

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        ...

    def embed(self, data: bytes) -> NDArray[np.float32] | None:
        """The unit embedding, or None if no face was found.

        Raises:
            ImageError: the bytes are no picture that can be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class CentralFaceEmbedder:
    """Decodes a picture, finds its faces, takes the central one and embeds it.

    Attributes:
        detector: finds the faces.
        extractor: embeds the chosen one.
    """

    detector: Detector
    extractor: Extractor

    @property
    def model(self) -> str:
        """SHA-256 of the embedding model."""
        return self.extractor.model

    @property
    def dimension(self) -> int:
        """Number of coordinates of an embedding."""
        return self.extractor.dimension

    def embed(self, data: bytes) -> NDArray[np.float32] | None:
        """See :class:`Embedder`."""
        sample = decode(data)
        face = central_face(sample, self.detector.detect(sample))
        return None if face is None else self.extractor.extract(sample, [face])[0].vector


def central_face(sample: BiometricSample, faces: Sequence[DetectedFace]) -> DetectedFace | None:
    """The subject of a picture by the rule of this module; None without a face."""
    middle = sample.width / 2, sample.height / 2
    return min(faces, key=lambda face: math.dist(face.box.centre, middle) - _WIDTH_BONUS * face.box.width, default=None)


@dataclass(frozen=True, slots=True)
class Acquisition:
    """What became of the pictures.

    Attributes:
        embeddings: shape (pictures, dimension); rows of zeros where ``acquired`` is false.
        acquired: shape (pictures,).
        no_face: pictures that could be read, but in which no face was found: the failures to acquire.
        unreadable: files that are no picture.
        seconds: how long it took.
        model: SHA-256 of the embedding model.
        workers: threads at work.
    """

    embeddings: Floats
    acquired: NDArray[np.bool_]
    no_face: int
    unreadable: int
    seconds: float
    model: str
    workers: int


def acquire(
    paths: Sequence[Path],
    embedder: Embedder,
    *,
    workers: int = DEFAULT_WORKERS,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Acquisition:
    """Embed the subject of every picture.

    Args:
        paths: the files.
        embedder: makes the embeddings.
        workers: threads, 1 to 64. Each holds one picture at a time.
        progress: called after each picture.
        clock: seconds that never run backwards.

    Raises:
        UsageError: ``workers`` is out of range.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise UsageError(f"the number of workers lies between 1 and {MOST_WORKERS}")
    embeddings = np.zeros((len(paths), embedder.dimension), np.float32)
    acquired = np.zeros(len(paths), np.bool_)
    unreadable = 0
    start = clock()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="evaluation")
    try:
        for index, result in enumerate(pool.map(lambda path: _embed(path, embedder), paths)):
            if isinstance(result, ImageError):
                unreadable += 1
            elif result is not None:
                embeddings[index], acquired[index] = result, True
            if progress is not None:
                progress("embedding", index + 1, len(paths))
    finally:
        pool.shutdown(cancel_futures=True)
    return Acquisition(
        embeddings=embeddings,
        acquired=acquired,
        no_face=len(paths) - unreadable - int(acquired.sum()),
        unreadable=unreadable,
        seconds=clock() - start,
        model=embedder.model,
        workers=workers,
    )


def _embed(path: Path, embedder: Embedder) -> NDArray[np.float32] | ImageError | None:
    try:
        return embedder.embed(path.read_bytes())
    except ImageError as error:
        return error
    except OSError:
        return ImageError("a picture cannot be read from its file")
