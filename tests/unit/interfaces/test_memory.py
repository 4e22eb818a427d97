"""What a process leaves in its memory, and who may read it. All in processes of their own: it cannot be undone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

from facekeep.face.models import ModelPack
from facekeep.interfaces import memory
from facekeep.interfaces.memory import Sweeper, Weakness, tell
from tests.hunting import FaceFinder, Found, Hunt, Traces, memory_of

PICTURE = """
import sys
from facekeep.face.images import decode
from facekeep.interfaces.memory import harden
if {harden}:
    assert harden() == (), "this machine is not one to test on"
encoded = open(sys.argv[1], "rb").read()
pixels = decode(encoded).pixels
if not {kept}:
    del encoded, pixels
print("ready", flush=True)
sys.stdin.read()
"""

# Two processes of one account, which is not root's: one is to be read by the other.
TWINS = """
import ctypes, os, sys
from facekeep.interfaces.memory import harden
library = ctypes.CDLL(None)
ready, told = os.pipe()
over, go_on = os.pipe()
victim = os.fork()
if victim == 0:
    os.close(go_on)
    os.setuid(65534)
    library.prctl(4, 1, 0, 0, 0)  # as a process is that was begun by this account
    if sys.argv[1] == "hardened":
        harden()
    os.write(told, b"x")
    os.read(over, 1)
    os._exit(0)
os.read(ready, 1)
os.setuid(65534)
try:
    open(f"/proc/{victim}/mem", "rb").close()
    print("read")
except PermissionError:
    print("refused")
os.close(go_on)
"""


@contextmanager
def running(code: str, *arguments: str) -> Iterator[int]:
    """A process that did what it is told, and waits."""
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
        assert process.stdin is not None
        process.stdin.close()


def ran(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def hunted(pack: ModelPack, pictures: Path) -> Callable[..., Found]:
    picture = pictures / "obama2.jpg"
    traces = Traces()
    traces.add_picture("picture", picture.read_bytes())
    hunt = Hunt(FaceFinder(pack), traces)

    def hunting(*, harden: bool, kept: bool) -> Found:
        with running(PICTURE.format(harden=harden, kept=kept), str(picture)) as pid:
            return hunt.process(pid)

    return hunting


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a hardened process shows its memory to root alone")


def test_a_picture_that_is_kept_is_found(hunted: Callable[..., Found]) -> None:
    found = hunted(harden=False, kept=True)
    assert {picture.form for picture in found.pictures} == {"JPEG"}
    assert {"picture, encoded", "picture, RGB"} <= set(found.by_source())


def test_a_picture_that_was_let_go_is_found_without_hardening(hunted: Callable[..., Found]) -> None:
    assert hunted(harden=False, kept=False).longest > 4096


@needs_root
def test_a_picture_that_was_let_go_is_gone_with_it(hunted: Callable[..., Found]) -> None:
    found = hunted(harden=True, kept=False)
    assert (found.pictures, found.longest <= 1032) == ([], True), found
    assert hunted(harden=True, kept=True).pictures, "what is in use is not hidden"


def test_no_core_dump_and_no_reader() -> None:
    code = """
import ctypes, resource
from facekeep.interfaces.memory import harden
assert harden() == ()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE), harden())
"""
    assert ran(code).strip() == "0 (0, 0) ()"


@needs_root
@pytest.mark.parametrize(("how", "outcome"), [("plain", "read"), ("hardened", "refused")])
def test_another_process_of_the_account_is_refused(how: str, outcome: str) -> None:
    assert ran(TWINS, how).strip() == outcome


@pytest.mark.parametrize(
    ("without", "codes"),
    [
        ("mallopt", ["freed-memory"]),  # musl
        ("process_vm_readv", ["freed-memory"]),
        ("prctl", ["dumpable"]),  # no Linux
    ],
)
def test_what_a_machine_does_not_have_is_told(without: str, codes: list[str]) -> None:
    code = f"""
import ctypes
from types import SimpleNamespace
from facekeep.interfaces import memory
real = ctypes.CDLL(None)
names = {{"mallopt", "process_vm_readv", "prctl", "malloc", "free"}} - {{"{without}"}}
ctypes.CDLL = lambda *_, **__: SimpleNamespace(**{{name: getattr(real, name) for name in names}})
print([weak.code for weak in memory.harden()])
"""
    assert ran(code).strip() == str(codes)


def test_a_library_that_only_says_yes_is_not_believed() -> None:
    code = """
from facekeep.interfaces import memory
memory._M_PERTURB = -3  # another of its options: taken, and nothing is overwritten
memory._FREED = 1 << 20
print([weak.code for weak in memory.harden()])
"""
    assert ran(code).strip() == "['freed-memory']"


def test_weaknesses_are_logged() -> None:
    with structlog.testing.capture_logs() as logged:
        tell([Weakness("freed-memory", "weak", "do this")])
    assert logged == [{"event": "weak", "code": "freed-memory", "hint": "do this", "log_level": "warning"}]


class _Circle:
    """Refers to itself, as an error and the frame that raised it."""

    def __init__(self) -> None:
        self.me = self


def test_circles_are_let_go_once_for_many_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_SWEPT_AFTER_SECONDS", 0.01)
    sweeps = []

    async def sweeping() -> None:
        sweeper, gone = Sweeper(), asyncio.Event()
        circle = _Circle()
        weakref.finalize(circle, gone.set)
        weakref.finalize(circle, sweeps.append, 1)
        del circle
        for _ in range(5):
            sweeper.soon()
        await asyncio.wait_for(gone.wait(), 10)
        later, again = _Circle(), asyncio.Event()
        weakref.finalize(later, again.set)
        del later
        sweeper.soon()
        await asyncio.wait_for(again.wait(), 10)

    asyncio.run(sweeping())
    assert sweeps == [1]


def test_memory_is_read_whole(tmp_path: Path) -> None:
    mark = os.urandom(64)
    code = "import sys; held = bytes.fromhex(sys.argv[1])[::-1]; print('ready', flush=True); sys.stdin.read()"
    with running(code, mark.hex()) as pid:
        assert any(mark[::-1] in piece.data for piece in memory_of(pid))
