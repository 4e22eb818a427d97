"""A real Chromium's fake camera that shows what a test wants at the moment.

Chromium is started with ``--use-file-for-fake-video-capture=FILE.mjpeg``. It maps the file into its memory, shows one
JPEG after the other at 30 frames a second, and begins anew at the end; the file must be whole when the camera starts.
Whoever writes into the same bytes changes what is shown next (tried with Debian's Chromium 156). A page that asks for a
smile gets one, and nothing of the page or the browser is replaced.

A picture that is read while it is written would be torn, and one whose segments do not fit ends the camera for good. So
the file is one JPEG with room for two pictures, behind a comment. If that is empty, the first picture is decoded, and
what follows it is passed over; if it is so long that it covers the first, the second is. The next frame is written
where nobody reads, and then the comment's length, two bytes, changes at once. (24,000 frames in 15 seconds: the camera
went on; 50 in a second: none was torn.)

Tried too: a file that grows is played as long as it was at first; a pipe is no camera for Chromium (NotFoundError); a
canvas's stream in place of getUserMedia works, but then the page's camera is a script.

A file that nobody overwrites is played over and over (``python -m tests.clips``), but the steps of a capture come in an
order that no such file can know, and the same noise comes again with every round. The camera's label is the path of the
file, which gives it away as no camera: one doubt, that a test in a browser has to live with.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from itertools import chain, cycle
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.clips.sensor import jpeg

__all__ = ["ROOM", "FakeCamera", "encoded", "switched"]

ROOM = 0xFFFF - 2
"""Bytes for each of the two pictures: as many as a comment can cover, whose length counts itself."""
_NOISE = 2.0  # levels
_QUALITIES = (92, 84, 74, 60, 45)  # of what is shown: 55 kB at the first; one after the other until it fits
_LENGTH_AT = 4  # where the comment's length stands
_EMPTY, _COVERS = (2).to_bytes(2, "big"), (ROOM + 2).to_bytes(2, "big")


def switched(jpegs: Sequence[bytes], shown: int) -> bytes:
    """One JPEG that holds two and shows one of them.

    Args:
        jpegs: two.
        shown: 0 or 1.

    Raises:
        ValueError: one is too long.
    """
    return b"\xff\xd8\xff\xfe" + (_COVERS if shown else _EMPTY) + b"".join(map(_body, jpegs)) + b"\xff\xd9"


def _body(jpeg: bytes) -> bytes:
    """A JPEG between its first and its last marker, filled up: decoders stop when they have all blocks."""
    body = jpeg[2:-2]
    if len(body) > ROOM:
        raise ValueError(f"a JPEG of {len(jpeg)} bytes is too long for the fake camera")
    return body.ljust(ROOM, b"\0")


def encoded(picture: NDArray[np.uint8]) -> bytes:
    """A picture as JPEG for the fake camera.

    Chromium takes the levels of its file for those of video, 16 to 235, and spreads them to 0 to 255 (50 comes out as
    40, 200 as 214). They are drawn together before, so that the page sees the picture as it is.
    """
    return jpeg(np.asarray(np.rint(16 + picture * (219 / 255)), np.uint8), 95)


class FakeCamera:
    """What the browser takes for a camera, as long as a block lasts."""

    def __init__(self, file: Path, rest: Sequence[bytes], rate: float = 15.0) -> None:
        """A camera that shows somebody at rest until told otherwise.

        Each picture gets noise of its own when it is shown, as no sensor gives the same noise twice.

        Args:
            file: is made; its name must end with ``.mjpeg``.
            rest: what :func:`encoded` gives; over and over, at least one.
            rate: frames in a second.
        """
        self._file, self._rest, self._rate = file, tuple(rest), rate
        self._rng = np.random.default_rng(0)
        self._grain = self._rng.normal(0, _NOISE, (600, 800, 3)).astype(np.int8)
        self._shown = 0
        file.write_bytes(switched([self._grained(rest[0])] * 2, self._shown))
        self._lock = threading.Lock()
        self._next: tuple[bytes, ...] | None = None
        self._changed, self._played, self._ended = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def arguments(self) -> list[str]:
        """What Chromium has to be started with."""
        return [
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={self._file}",
        ]

    def play(self, frames: Iterable[bytes], *, wait: bool = False) -> None:
        """Show frames once from now on, then rest again.

        Args:
            frames: JPEGs.
            wait: until the last of them was shown.
        """
        with self._lock:
            self._played.clear()
            self._next = tuple(frames)
            self._changed.set()
        if wait:
            self._played.wait()

    def settle(self, frames: Sequence[bytes]) -> None:
        """Show other frames at rest from now on: somebody else sits down."""
        self._rest = tuple(frames)
        self.play(())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._ended.set()
            self._changed.set()
        self._thread.join()

    def _run(self) -> None:
        with self._file.open("r+b", buffering=0) as file:
            while True:
                with self._lock:
                    if self._ended.is_set():
                        return
                    once, self._next = self._next or (), None
                    self._changed.clear()
                self._show(file, once)

    def _grained(self, frame: bytes) -> bytes:
        """A JPEG with fresh noise: another piece of a large field each time."""
        picture = cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR)
        height, width = picture.shape[:2]
        down, right = (int(self._rng.integers(0, spare + 1)) for spare in (600 - height, 800 - width))
        noisy = cv2.add(picture, self._grain[down : down + height, right : right + width], dtype=cv2.CV_8U)
        made = b""
        for quality in _QUALITIES:
            made = jpeg(np.asarray(noisy, np.uint8)[..., ::-1], quality)
            if len(made) <= ROOM:
                break
        return made

    def _show(self, file: BinaryIO, once: tuple[bytes, ...]) -> None:
        """Frames once and those at rest after them, until something else is wanted."""
        due = time.monotonic()
        for number, frame in enumerate(chain(once, cycle(self._rest))):
            with self._lock:
                if number == len(once) and not self._changed.is_set():
                    self._played.set()
            self._write(file, self._grained(frame))
            due += 1 / self._rate
            if self._changed.wait(max(0.0, due - time.monotonic())):
                return

    def _write(self, file: BinaryIO, frame: bytes) -> None:
        """The next picture, where nobody reads; then the switch."""
        self._shown = 1 - self._shown
        file.seek(_LENGTH_AT + 2 + self._shown * ROOM)
        file.write(_body(frame))
        file.seek(_LENGTH_AT)
        file.write(_COVERS if self._shown else _EMPTY)
