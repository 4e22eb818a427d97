"""After real requests to a real `facekeep serve`, nothing of a face is left: in its memory, its files, its log.

What is sent here goes the ways that pictures go: verifications and comparisons (as forms and in JSON), captures, and
requests that are turned down at each stage. The control is the same service without interfaces/memory.py.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from numpy.typing import NDArray

from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pipeline import FacePipeline, subject_of
from facekeep.face.runtime import Session
from facekeep.interfaces.http.capture import MEDIA_TYPE, NAMING
from tests.capturing import Clock, Crops, Studio, Taker
from tests.cli.test_served import Served, served
from tests.hunting import CARELESS, FaceFinder, Found, Hunt, Traces

pytestmark = [pytest.mark.enable_socket, pytest.mark.extended]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a served keep shows its memory to root alone")

CACHED_MAX = 1032
"""Bytes of a piece that a thread's own cache may hold (docs/adr/0025-memory.md)."""
_SETTLED_SECONDS = 10  # less than a connection is kept open for, with which the last that was sent would go


@dataclass(frozen=True)
class Sent:
    """What is sent, and all that is looked for afterwards."""

    probe: bytes
    other: bytes
    crops: Crops
    hunt: Hunt


@contextmanager
def _tensors(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[NDArray[np.float32]]]:
    """What models are given in a block, of this process."""
    given: list[NDArray[np.float32]] = []
    run = Session.run

    def running(session: Session, tensor: NDArray[np.float32]) -> Any:
        given.append(tensor.copy())
        return run(session, tensor)

    with monkeypatch.context() as patched:
        patched.setattr(Session, "run", running)
        yield given


@pytest.fixture(scope="module")
def sent(pack: ModelPack, pipeline: FacePipeline, pictures: Path) -> Sent:
    studio, traces = Studio(pack), Traces()
    probe, other = ((pictures / name).read_bytes() for name in ("obama2.jpg", "biden.jpg"))
    crops = studio.crops(pictures / "obama2.jpg")
    with pytest.MonkeyPatch.context() as monkeypatch, _tensors(monkeypatch) as tensors:
        for name, picture in (("probe", probe), ("other", other)):
            sample = decode(picture)
            subject = subject_of(sample, pipeline.detect(sample))
            assert subject is not None
            aligned = pipeline.extractor.align(sample, subject)
            pipeline.extractor.embed([aligned])
            traces.add_picture(name, picture)
            traces.add_pixels(f"{name}, aligned", aligned)
        for name, picture in (("crop", crops.face), ("thumbnail", crops.thumbnail)):
            studio.gate._detector.detect(decode(picture).pixels)
            traces.add_picture(name, picture)
    assert len(tensors) > 5
    for tensor in tensors:
        traces.add_floats("what a model is given", tensor)
    return Sent(probe, other, crops, Hunt(FaceFinder(pack), traces))


class Callers:
    """Clients of a served keep, which send what there is to send."""

    def __init__(self, it: Served, sent: Sent, enrolled: bytes) -> None:
        self._it, self._sent = it, sent
        # Open for as long as the other one, and the last that it sent is a picture that nobody reads.
        self._unread = httpx2.Client(base_url=it.client.base_url, headers=it.client.headers, timeout=60)
        person = {"label": "somebody", "purposes": ["verify"], "notice": "A notice."}
        made = it.client.post("/v1/subjects", data=person, files=[("pictures", enrolled)])
        assert made.status_code == 201, made.text
        self._who: str = made.json()["id"]
        self._notice: str = it.client.get("/v1/notices").json()["notices"][0]["hash"]
        self._written = base64.b64encode(sent.probe).decode()

    def close(self) -> None:
        """Close the connections of their own."""
        self._unread.close()

    def ask(self) -> None:
        """Verify and compare, as a form and in JSON."""
        claim = {"subject": self._who}
        for way in (
            {"data": claim, "files": {"picture": self._sent.probe}},
            {"json": {**claim, "picture": self._written}},
        ):
            assert self._it.client.post("/v1/verifications", **way).json()["verified"] is True
        two = {"picture": self._sent.probe, "other_picture": self._sent.other}
        assert self._it.client.post("/v1/comparisons", files=two).json()["verified"] is False

    def be_refused(self) -> None:
        """Send pictures that come to nothing: unread, of another form, cut off."""
        probe = self._sent.probe
        for path, status, content in (
            ("/v1/verifications", 422, {"data": {"label": "x", "subject": "y"}, "files": {"picture": probe}}),
            ("/v1/verifications", 422, {"json": {"label": "x", "picture": self._written + "!"}}),
            ("/v1/verifications", 422, {"json": {"label": "x", "pictur": self._written}}),
            ("/v1/verifications", 401, {"files": {"picture": probe}, "headers": {"Authorization": "Bearer x"}}),
            ("/v1/nowhere", 404, {"files": {"picture": probe}}),
            ("/v1/verifications", 415, {"content": probe, "headers": {"Content-Type": "image/jpeg"}}),
        ):
            answer = self._unread.post(path, **content)  # type: ignore[arg-type]
            assert answer.status_code == status, answer.text
        for _ in range(2):  # an error that refers to the picture, and by its traceback to itself
            answer = self._it.client.post(
                "/v1/verifications", data={"label": "somebody"}, files={"picture": probe[:-9000]}
            )
            assert answer.status_code == 422, answer.text

    def leave(self) -> None:
        """Hang up in the middle of a picture."""

        def cut() -> Iterator[bytes]:
            yield self._sent.probe[:100_000]
            raise ConnectionAbortedError

        headers = {"Content-Type": MEDIA_TYPE, "Content-Length": "200000"}
        with pytest.raises(ConnectionAbortedError):
            self._it.client.post("/v1/comparisons", content=cut(), headers=headers)

    def capture(self) -> None:
        """Go through a capture, whatever it comes to: the person does not move."""
        order = {"intent": "prove-live", "purpose": "verify", "notices": [self._notice]}
        made = self._it.client.post("/v1/capture-sessions", json=order)
        assert made.status_code == 201, made.text
        headers = {"Sec-Fetch-Site": "same-origin"}
        with httpx2.Client(base_url=self._it.client.base_url, headers=headers, timeout=60) as page:
            opened = page.post("/v1/capture", json={"link": made.json()["link"].partition("#")[2]})
            page.headers |= {NAMING: opened.json()["id"], "Cookie": opened.headers["set-cookie"].partition(";")[0]}
            begun = page.post("/v1/capture/tries", json={"notice": self._notice}).json()
            clock = Clock()
            clock.now = datetime.now(UTC)
            taker = Taker(self._sent.crops, clock, begun["try"], bytes.fromhex(begun["nonce"]))
            step = begun["step"]
            while step is not None:
                taker.take(step["index"], frames=6, over=0.35)  # as fast as frames may come: nobody has to wait for it
                said = {"try": taker.number, "frames": len(taker.frames), "head": taker.head.hex()}
                step = page.post("/v1/capture/steps", json=said).json()["step"]
            sent = page.put("/v1/capture/frames", content=taker.body(), headers={"Content-Type": MEDIA_TYPE})
            assert sent.status_code == 200, sent.text


def _settled(hunt: Hunt, pid: int) -> Found:
    """What is left once the service has had a moment to sweep."""
    until = time.monotonic() + _SETTLED_SECONDS
    while True:
        found = hunt.process(pid)
        if (not found.pictures and found.longest <= CACHED_MAX) or time.monotonic() > until:
            return found


@needs_root
@pytest.mark.parametrize(
    ("rounds", "variables"),
    [
        (1, {}),
        pytest.param(80, {}, marks=pytest.mark.extended),  # more than a thousand requests with pictures
        pytest.param(10, {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}, marks=pytest.mark.extended),
    ],
    ids=["some", "a thousand", "no caches"],
)
def test_nothing_of_a_face_is_left(
    tmp_path: Path, pictures: Path, sent: Sent, rounds: int, variables: dict[str, str]
) -> None:
    with served(tmp_path, FACEKEEP_RATE_CLIENT="none", FACEKEEP_RATE_ADDRESS="none", **variables) as it:
        callers = Callers(it, sent, (pictures / "obama.jpg").read_bytes())
        before = sent.hunt.process(it.pid)
        assert before.clean, before  # what was not sent yet is not found: no part of a picture is in the program
        for _ in range(rounds):
            callers.ask()
            callers.leave()
            callers.capture()
            callers.be_refused()
        left = _settled(sent.hunt, it.pid)
        callers.close()
        files = sent.hunt.folders(tmp_path)
    log = sent.hunt.text("log", "".join(it.log))
    assert left.searched > 100 << 20
    assert left.pictures == [], left
    # A thread's own cache holds up to seven pieces of a size, up to 1,032 bytes: rows of a crop.
    assert left.longest <= (0 if variables else CACHED_MAX), left
    assert sum(trace.length for trace in left.traces) < 64 << 10, left
    assert files.clean, files
    assert log.clean, log
    assert files.searched > 1 << 16
    assert len(it.log) > 10 * rounds


@pytest.mark.extended
def test_without_it_faces_are_left(tmp_path: Path, pictures: Path, sent: Sent) -> None:
    with served(tmp_path, program=CARELESS, FACEKEEP_RATE_CLIENT="none", FACEKEEP_RATE_ADDRESS="none") as it:
        callers = Callers(it, sent, (pictures / "obama.jpg").read_bytes())
        for _ in range(3):
            callers.ask()
            callers.capture()
        left = sent.hunt.process(it.pid)
        callers.close()
    assert left.pictures
    assert left.longest > CACHED_MAX
