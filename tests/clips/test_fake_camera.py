"""A real Chromium shows what is written over its camera's file, and each JPEG in it keeps its pixels."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.browser.devtools import chromium
from tests.clips.fake_camera import ROOM, FakeCamera, encoded, switched
from tests.clips.sensor import jpeg

CAMERA = """navigator.mediaDevices.getUserMedia({video: {width: 640, height: 480}}).then(stream => {
  const video = document.querySelector('video'), canvas = document.createElement('canvas');
  const paint = canvas.getContext('2d', {willReadFrequently: true});
  const look = () => {
    paint.drawImage(video, 0, 0, 1, 1);
    const level = paint.getImageData(0, 0, 1, 1).data[0];
    if (document.body.dataset.level !== String(level)) document.body.dataset.level = level;
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  video.srcObject = stream;
  return video.play().then(() => [video.videoWidth, video.videoHeight]);
})"""


class _Empty(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>Camera</title><video muted></video>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Empty) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()


def _grey(level: int) -> bytes:
    return encoded(np.full((480, 640, 3), level, np.uint8))


@pytest.mark.enable_socket
def test_the_browser_sees_what_is_played_and_then_who_rests(tmp_path: Path, address: str) -> None:
    near = "Math.abs(document.body.dataset.level - {}) < 9"
    with (
        FakeCamera(tmp_path / "camera.mjpeg", [_grey(60)]) as camera,
        chromium(tmp_path, *camera.arguments) as page,
    ):
        page.open(address)
        assert page.evaluate(CAMERA) == [640, 480]
        page.until(near.format(60))
        camera.play([_grey(180)] * 60)
        page.until(near.format(180))
        page.until(near.format(60))
        camera.settle([_grey(120)])
        page.until(near.format(120))


@given(st.integers(0, 2**32 - 1), st.integers(0, 1))
@settings(max_examples=20, deadline=None)
def test_one_file_holds_two_pictures_and_shows_one_whatever_the_other_is(seed: int, shown: int) -> None:
    rng = np.random.default_rng(seed)
    pictures = [cv2.resize(rng.integers(0, 256, (12, 16, 3), np.uint8), (640, 480)) for _ in range(2)]
    data = [jpeg(picture) for picture in pictures]
    file = bytearray(switched(data, shown))
    assert _same(bytes(file), data[shown])
    # Half of the hidden one is overwritten by something else at the moment.
    start = 6 + (1 - shown) * ROOM + 20_000
    file[start : start + 10_000] = bytes(rng.integers(0, 255, 10_000, np.uint8))
    assert _same(bytes(file), data[shown])


def _same(first: bytes, second: bytes) -> bool:
    read = [cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_COLOR) for each in (first, second)]
    return np.array_equal(read[0], read[1])


def test_a_jpeg_that_is_too_long_is_refused() -> None:
    data = jpeg(np.random.default_rng(1).integers(0, 256, (480, 640, 3), np.uint8), 100)
    with pytest.raises(ValueError, match="too long"):
        switched([_grey(1), data], 0)


def test_no_frame_is_shown_twice_with_the_same_noise(tmp_path: Path) -> None:
    camera = FakeCamera(tmp_path / "camera.mjpeg", [_grey(60)])
    shown = {camera._grained(_grey(60)) for _ in range(5)}
    assert len(shown) == 5
    levels = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) for data in shown]
    assert all(0.5 < level.std() < 2.5 for level in levels)


def test_a_busy_picture_is_made_to_fit(tmp_path: Path) -> None:
    stripes = np.full((480, 640, 3), 110, np.uint8)
    stripes[:, np.arange(640) % 6 < 3] = 150
    shown = FakeCamera(tmp_path / "camera.mjpeg", [encoded(stripes)])._grained(encoded(stripes))
    assert len(encoded(stripes)) > ROOM >= len(shown)
