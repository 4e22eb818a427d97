"""The whole of a 1:N search timed beside plaintext exact search, in one process, on the same cores and vectors.

Ours is everything between a fine code and released pseudonyms: tickets signed and checked, the log of both halves on
disk, scan, zero shares, permutation, selector, one-time tables, tokens, release. The peers get float32 vectors and give
the nearest row. Rows are random unit vectors; probes are mates of some of them at a given cosine.
"""

from __future__ import annotations

import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.comparison import Calibration, Level
from facekeep.domain.consent import Purpose
from facekeep.domain.row import Pseudonym, RowHead, TransactionId
from facekeep.errors import RefusedError, UsageError
from facekeep.service.benchmark_callers import Asked, Callers, time_callers
from facekeep.service.keep_file import KeepFile
from facekeep.service.key_plan import KeyPlan
from facekeep.service.opening import Roles, create_stores, open_roles, system_clock
from facekeep.split.budget import Limits
from facekeep.split.codes import fine_code
from facekeep.split.gate import Question

PEERS = ("faiss", "usearch")
_CHUNK = 20_000
_WARM_ROWS = 1000
_MODEL = "be" * 32
_LEVELS = (Level(1e-3, 0.33), Level(1e-6, 0.55))
_UNLIMITED = Limits(*([10**9] * 6))

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """What to measure.

    Attributes:
        rows: size of the gallery.
        probes: how many are searched together.
        peers: any of ``PEERS``.
        threads: cores that this process is pinned to, ours and the peers' alike; None for all it has.
        repeats: how often each is timed; the median counts.
        cosine: of each probe to its mate.
        candidates: how many rows a search may release; peers give as many nearest rows.
        seed: of the vectors.
        callers: numbers of callers that search at once, besides.
    """

    rows: int = 100_000
    probes: int = 1
    peers: tuple[str, ...] = ("faiss",)
    threads: int | None = None
    repeats: int = 9
    cosine: float = 0.7
    candidates: int = 1
    seed: int = 1
    callers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if set(self.peers) - set(PEERS):
            raise UsageError("no such peer", hint=f"Known are {', '.join(PEERS)}.")
        if not (1 <= self.rows <= 10_000_000 and 1 <= self.probes <= min(1000, self.rows) and self.repeats >= 1):
            raise UsageError("rows, probes or repeats are out of range")
        if not all(1 <= number <= 64 for number in self.callers):
            raise UsageError("there are 1 to 64 callers at once")


@dataclass(frozen=True, slots=True)
class PeerResult:
    """How long a peer took.

    Attributes:
        ms: median of all probes together, milliseconds.
        ratio: its time over ours.
    """

    ms: float
    ratio: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What was measured.

    Attributes:
        settings: of the run.
        cores: cores it was pinned to.
        ours_ms: median of all probes together, milliseconds.
        peers: by name.
        recall_at_1: share of probes whose first released row is the exact nearest in float32.
        bytes_per_row_and_half: resident memory that the open halves added, a row and half.
        disk_bytes_per_row_and_half: size of the two stores, likewise.
        open_seconds: from closed files to both halves ready.
        callers: what each number of callers at once had.
    """

    settings: SearchSettings
    cores: int
    ours_ms: float
    peers: dict[str, PeerResult]
    recall_at_1: float
    bytes_per_row_and_half: float
    disk_bytes_per_row_and_half: float
    open_seconds: float
    callers: tuple[Callers, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The result as plain values."""
        return asdict(self)


Progress = Callable[[str, int, int], None]


def _vectors(settings: SearchSettings) -> Iterator[Vectors]:
    generator = np.random.default_rng(settings.seed)
    for start in range(0, settings.rows, _CHUNK):
        chunk = generator.standard_normal((min(_CHUNK, settings.rows - start), 512), dtype=np.float32)
        yield chunk / np.linalg.norm(chunk, axis=1, keepdims=True)


def _probes(settings: SearchSettings) -> Vectors:
    """Mates of rows spread over the gallery."""
    wanted = np.linspace(0, settings.rows - 1, settings.probes).astype(int)
    rows, at = [], 0
    for chunk in _vectors(settings):
        rows += [chunk[i - at] for i in wanted if at <= i < at + len(chunk)]
        at += len(chunk)
    mates = np.stack(rows)
    noise = np.random.default_rng([settings.seed, 1]).standard_normal(mates.shape).astype(np.float32)
    noise -= mates * np.sum(mates * noise, axis=1, keepdims=True)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    probes: Vectors = settings.cosine * mates + np.float32(np.sqrt(1 - settings.cosine**2)) * noise
    return probes


def run(settings: SearchSettings, progress: Progress | None = None) -> SearchResult:
    """Measure.

    Raises:
        UsageError: a peer is not installed, or there are fewer cores than asked for.
    """
    tell = progress or (lambda *_: None)
    cores = sorted(os.sched_getaffinity(0))
    wanted = settings.threads or len(cores)
    if wanted > len(cores):
        raise UsageError("there are fewer cores than that")
    os.sched_setaffinity(0, cores[:wanted])
    try:
        with tempfile.TemporaryDirectory(prefix="facekeep-bench-") as folder:
            return _run(settings, wanted, Path(folder), tell)
    finally:
        os.sched_setaffinity(0, cores)


def _run(settings: SearchSettings, cores: int, folder: Path, tell: Progress) -> SearchResult:
    engines = {name: _ENGINES[name](cores) for name in settings.peers}  # told now if one is missing
    _warm(folder / "small", cores)
    directory = folder / "keep"
    file = _create(directory)
    names = _enrol(settings, directory, file, cores, tell)
    probes = _probes(settings)
    gc.collect()
    before, started = _resident(), time.perf_counter()
    roles = _open(directory, file, cores)
    opened = time.perf_counter() - started
    try:
        ours, found = _time_ours(settings, roles, probes, tell)
        resident = _resident() - before
        callers = _time_callers(settings, roles, probes, tell)
    finally:
        roles.close()
    del roles
    gc.collect()
    peers = {}
    exact: Sequence[int] | None = None
    for name, engine in engines.items():
        tell(f"time {name}", 0, 1)
        ms, exact = engine(settings, probes)
        peers[name] = PeerResult(round(ms, 3), round(ms / ours, 2))
    if exact is None:
        exact = _exact(settings, probes)
    recall = float(
        np.mean([name is not None and names[index] == name for index, name in zip(exact, found, strict=True)])
    )
    disk = sum((directory / side / "half.db").stat().st_size for side in ("left", "right"))
    return SearchResult(
        settings,
        cores,
        round(ours, 3),
        peers,
        recall,
        round(resident / (2 * settings.rows), 1),
        round(disk / (2 * settings.rows), 1),
        round(opened, 2),
        callers,
    )


def _create(directory: Path) -> KeepFile:
    calibration = Calibration(_MODEL, _LEVELS, "made up for a benchmark")
    create_stores(
        directory,
        KeyPlan(),
        dimension=512,
        calibration=calibration,
        calibration_text="",
        purposes=[Purpose.IDENTIFY],
        limits=_UNLIMITED,
        now=system_clock(),
    )
    return KeepFile.read(directory)


def _warm(directory: Path, cores: int) -> None:
    # The compiled kernels are loaded by a small search first: what they take is not memory of the rows.
    settings = SearchSettings(rows=2 * _WARM_ROWS, probes=1)
    file = _create(directory)
    _enrol(settings, directory, file, cores, lambda *_: None)
    roles = _open(directory, file, cores)
    try:
        _time_ours(settings, roles, _probes(settings), lambda *_: None)
    finally:
        roles.close()


def _open(directory: Path, file: KeepFile, cores: int) -> Roles:
    return open_roles(
        directory, KeyPlan(), file, levels=len(_LEVELS), clock=system_clock, threads=cores, check_registry=False
    )


def _enrol(settings: SearchSettings, directory: Path, file: KeepFile, cores: int, tell: Progress) -> list[bytes]:
    names: list[bytes] = []
    roles = _open(directory, file, cores)
    try:
        for chunk in _vectors(settings):
            tell("enrol", len(names), settings.rows)
            fresh = [Pseudonym(os.urandom(16)) for _ in chunk]
            heads = [RowHead(name, roles.left.epoch, 0, "bench", Purpose.IDENTIFY.bit) for name in fresh]
            transaction = TransactionId(os.urandom(16))
            roles.gate.stage_enrol(transaction, list(zip(heads, fine_code(chunk), strict=True)))
            roles.left.commit(transaction)
            roles.right.commit(transaction)
            names += fresh
    finally:
        roles.close()
    return names


def _asked(settings: SearchSettings, probes: Vectors) -> list[Asked]:
    question = Question("identify", 0, "bench", case="bench", candidates=settings.candidates)
    return [(question, code) for code in fine_code(probes)]


def _time_callers(settings: SearchSettings, roles: Roles, probes: Vectors, tell: Progress) -> tuple[Callers, ...]:
    measured: list[Callers] = []
    for number in settings.callers:
        tell(f"{number} callers", len(measured), len(settings.callers))
        measured.append(time_callers(roles.gate, _asked(settings, probes), number, settings.repeats))
    return tuple(measured)


def _time_ours(
    settings: SearchSettings, roles: Roles, probes: Vectors, tell: Progress
) -> tuple[float, list[bytes | None]]:
    asked = _asked(settings, probes)
    roles.gate.search_many(asked)  # compiled kernels are loaded, row sets are ordered
    times = []
    found: list[bytes | None] = []
    for repeat in range(settings.repeats):
        tell("time ours", repeat, settings.repeats)
        started = time.perf_counter()
        answers = roles.gate.search_many(asked)
        times.append(time.perf_counter() - started)
        found = []
        for answer in answers:
            if isinstance(answer, RefusedError):
                raise answer
            found.append(answer[0].pseudonym if answer else None)
    return 1e3 * statistics.median(times), found


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# Peers

_Engine = Callable[[SearchSettings, Vectors], tuple[float, list[int]]]


def _timed(settings: SearchSettings, search: Callable[[], NDArray[np.int64]]) -> tuple[float, list[int]]:
    nearest = search()
    times = []
    for _ in range(settings.repeats):
        started = time.perf_counter()
        nearest = search()
        times.append(time.perf_counter() - started)
    return 1e3 * statistics.median(times), [int(i) for i in nearest]


def _faiss(cores: int) -> _Engine:
    try:
        import faiss  # noqa: PLC0415 - an optional peer
    except ImportError as problem:
        raise UsageError("FAISS is not installed", hint="Install it: pip install 'facekeep[bench]'.") from problem

    def run_faiss(settings: SearchSettings, probes: Vectors) -> tuple[float, list[int]]:
        faiss.omp_set_num_threads(cores)
        index = faiss.IndexFlatIP(512)
        for chunk in _vectors(settings):
            index.add(chunk)
        return _timed(settings, lambda: index.search(probes, settings.candidates)[1][:, 0])

    return run_faiss


def _usearch(cores: int) -> _Engine:
    try:
        from usearch.compiled import MetricKind  # noqa: PLC0415 - an optional peer
        from usearch.index import search  # noqa: PLC0415
    except ImportError as problem:
        raise UsageError("USearch is not installed", hint="Install it: pip install 'facekeep[bench]'.") from problem

    def run_usearch(settings: SearchSettings, probes: Vectors) -> tuple[float, list[int]]:
        rows = np.concatenate(list(_vectors(settings)))

        def nearest() -> NDArray[np.int64]:
            found = search(rows, probes, settings.candidates, MetricKind.IP, exact=True, threads=cores)
            return np.asarray(found.keys, np.int64).reshape(len(probes), -1)[:, 0]

        return _timed(settings, nearest)

    return run_usearch


_ENGINES: dict[str, Callable[[int], _Engine]] = {"faiss": _faiss, "usearch": _usearch}


def _exact(settings: SearchSettings, probes: Vectors) -> Sequence[int]:
    best = np.full(len(probes), -2.0, np.float32)
    nearest = np.zeros(len(probes), np.int64)
    at = 0
    for chunk in _vectors(settings):
        scores = probes @ chunk.T
        index = scores.argmax(axis=1)
        score = scores[np.arange(len(probes)), index]
        nearest = np.where(score > best, index + at, nearest)
        best = np.maximum(best, score)
        at += len(chunk)
    return [int(i) for i in nearest]
