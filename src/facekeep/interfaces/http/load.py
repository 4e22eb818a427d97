"""How a served keep bears many clients at once: verifications from the photo to the decision, over HTTP.

The service runs as a process of its own, as a user starts it; the clients are threads of this one. Beside it stands the
same verification by the library in one process, so that what the service adds is seen. Every probe is of the person
that it claims to be of, and every answer is looked at.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from facekeep.client import Client
from facekeep.domain.access import Scope
from facekeep.domain.consent import Purpose
from facekeep.errors import BadInputError, UnavailableError, UsageError
from facekeep.interfaces.settings import PREFIX
from facekeep.service.benchmark_callers import at_99
from facekeep.service.keep import Keep
from facekeep.split.budget import Limits

__all__ = ["Load", "ServiceBenchmark", "benchmark_service", "serving"]

_CLIENTS_MAX = 64
_REQUESTS_MAX = 1_000_000
_UNLIMITED = Limits(*([10**9] * 6))
_CLOSING_SECONDS = 30

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class _Target:
    """Whom to ask, and what."""

    pid: int
    address: str
    token: str = field(repr=False)
    subject: str
    picture: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Load:
    """What was measured with some clients at once.

    Attributes:
        clients: at once, each asking again as soon as it is answered.
        p50_ms: median from a request to its answer, milliseconds.
        p99_ms: 99 of 100 took no longer.
        per_second: answers of all clients.
        resident_mib: memory of the service after each quarter of the requests.
    """

    clients: int
    p50_ms: float
    p99_ms: float
    per_second: float
    resident_mib: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ServiceBenchmark:
    """What was measured.

    Attributes:
        picture_bytes: size of the probe.
        requests: with each number of clients.
        library_ms: median of the same verification by the library in this process, one after the other.
        loads: by number of clients.
    """

    picture_bytes: int
    requests: int
    library_ms: float
    loads: tuple[Load, ...]

    def as_json(self) -> dict[str, Any]:
        """The result as plain values."""
        return asdict(self)


def benchmark_service(
    pictures: Sequence[bytes], clients: Sequence[int], requests: int, progress: Progress | None = None
) -> ServiceBenchmark:
    """Measure.

    Args:
        pictures: the first that is fit for enrolment is used.
        clients: how many at once, each 1 to 64.
        requests: with each number of clients, at most a million.
        progress: is told what is done.

    Raises:
        UsageError: a number is out of range.
        BadInputError: no picture is fit for enrolment.
    """
    if not clients or not all(1 <= n <= _CLIENTS_MAX for n in clients) or not max(clients) <= requests <= _REQUESTS_MAX:
        raise UsageError(
            "the numbers of clients or requests are out of range", hint="1 to 64 clients, and a request for each."
        )
    tell = progress or (lambda *_: None)
    with tempfile.TemporaryDirectory(prefix="facekeep-bench-") as folder:
        directory = Path(folder) / "keep"
        with Keep.create(directory, limits=_UNLIMITED) as keep:
            picture = _enrolled(keep, pictures)
            subject = keep.subject("somebody").id
            token = keep.issue_token("bench", [Scope.VERIFY], days=1).token
            library = _library_ms(keep, picture)
        with serving(directory) as (process, address):
            loads: list[Load] = []
            target = _Target(process.pid, address, token, subject, picture)
            for number in clients:
                tell(f"{number} clients", len(loads), len(clients))
                loads.append(_load(target, number, requests))
    return ServiceBenchmark(len(picture), requests, library, tuple(loads))


def _enrolled(keep: Keep, pictures: Sequence[bytes]) -> bytes:
    for picture in pictures:
        try:
            keep.enrol("somebody", [picture], purposes=[Purpose.VERIFY], notice="a benchmark", operator="bench")
        except BadInputError:
            continue
        return picture
    raise BadInputError("no picture is fit for enrolment", hint="Give one of a single face, frontal and in focus.")


def _library_ms(keep: Keep, picture: bytes, repeats: int = 15) -> float:
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        if not keep.verify("somebody", picture, operator="bench").verified:
            raise UnavailableError("a verification that must succeed did not")
        times.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(times), 1)


@contextmanager
def serving(directory: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve a keep by a process of its own, without a limit of requests, until the block ends.

    Args:
        directory: of the keep, which nothing else has open.
        options: of ``facekeep serve``.

    Raises:
        UnavailableError: it did not start.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment |= {f"{PREFIX}RATE_CLIENT": "none"}
    command = [sys.executable, "-m", "facekeep", "serve", "--port", "0", "--json", "--keep", str(directory), *options]
    with subprocess.Popen(  # noqa: S603 - this same program
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        try:
            lines = [] if process.stdout is None else _until_listening(process.stdout)
            yield process, _address(lines)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_CLOSING_SECONDS)


def _until_listening(output: Any) -> list[str]:
    lines: list[str] = []
    for line in output:
        lines.append(line)
        if line.startswith("}") or line.rstrip().endswith("}"):
            break
    return lines


def _address(lines: Sequence[str]) -> str:
    try:
        return str(json.loads("".join(lines))["listening"])
    except (ValueError, KeyError):
        raise UnavailableError("the service did not start") from None


def _load(target: _Target, number: int, requests: int) -> Load:
    def ask(count: int) -> list[float]:
        times = []
        with Client(target.address, target.token) as client:
            for _ in range(count):
                began = time.perf_counter()
                if not client.verify(target.subject, target.picture).verified:
                    raise UnavailableError("a verification that must succeed did not")
                times.append(1000 * (time.perf_counter() - began))
        return times

    ask(1)
    times: list[float] = []
    resident = []
    began = time.perf_counter()
    with ThreadPoolExecutor(number) as threads:
        for quarter in range(4):
            due = requests * (quarter + 1) // 4 - requests * quarter // 4
            shares = [due // number + (n < due % number) for n in range(number)]
            times += [one for part in threads.map(ask, shares) for one in part]
            resident.append(round(_resident_mib(target.pid), 1))
    seconds = time.perf_counter() - began
    times.sort()
    return Load(
        number,
        round(statistics.median(times), 1),
        round(at_99(times), 1),
        round(len(times) / seconds, 1),
        tuple(resident),
    )


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024
