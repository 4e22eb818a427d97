"""Halves that disagree about anything: every search aborts, none releases, none repeats a pad (docs/spec, "Claims").

Real halves, each on a store of its own, and a real gate. Before each search one thing is changed in one half's view of
it, by the way on which it could come to be different: a committed transaction of this half alone, a message that was
altered on the way to it, a selector that lies to it. The probe is always one of an enrolled person, so that a search
that did not abort would release.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from facekeep.domain.consent import Purpose
from facekeep.domain.row import Change, Pseudonym, PutRow, RemoveRow, RowFlag, TransactionId
from facekeep.errors import RefusedError
from facekeep.split import gate, left, right, searching, selector
from facekeep.split.budget import Limits
from facekeep.split.codes import encode_probe, fine_code
from facekeep.split.gate import Question
from facekeep.split.messages import Claim, Released, SearchRequest
from facekeep.split.ratchet import Ratchet
from facekeep.split.searching import SearchingHalf
from facekeep.split.statement import Statement
from facekeep.split.ticket import sign
from tests.unit.split.cluster import Cluster, near, units

D = 64
UNLIMITED = Limits(*[10**9] * 6)
ONE, SMALL, COARSE = "1:1", "1:N, whole", "1:N, coarse"
FEW, MANY = 30, 1030


class Watch:
    """Sees every key that a half draws, every table and what is released, and objects to any repetition."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.released = 0
        self.tables: set[tuple[str, bytes]] = set()
        self.turns: Counter[bytes] = Counter()
        self.covers: Counter[bytes] = Counter()
        self._patch = patch
        for role, names in ((left, ("band_tables", "token_tables")), (right, ("band_picks", "token_picks"))):
            for name in names:
                self._wrap(role, name, self._table(role.__name__))
        self._wrap(searching, "stage_key", self._cover)
        self._wrap(Ratchet, "take", self._turn)
        self._wrap(SearchingHalf, "release", self._release)

    def _wrap(self, owner: object, name: str, after: Callable[[tuple[object, ...], object], None]) -> None:
        true = getattr(owner, name)

        def wrapped(*arguments: object) -> object:
            answer = true(*arguments)
            after(arguments, answer)
            return answer

        self._patch.setattr(owner, name, wrapped)

    def _table(self, role: str) -> Callable[[tuple[object, ...], object], None]:
        def see(arguments: tuple[object, ...], _: object) -> None:
            for key in arguments[-2:]:  # of the shifts and of the pads
                assert isinstance(key, bytes)
                assert (role, key) not in self.tables, "a half used a key for a second table"
                self.tables.add((role, key))

        return see

    def _cover(self, arguments: tuple[object, ...], key: object) -> None:
        assert isinstance(key, bytes)
        if arguments[1] in (b"permutation", b"zero"):
            self.covers[key] += 1
            assert self.covers[key] <= 2, "more than the two halves covered sums by one key"

    def _turn(self, _: tuple[object, ...], key: object) -> None:
        assert isinstance(key, bytes)
        self.turns[key] += 1
        assert self.turns[key] <= 2, "a turn was given out twice"

    def _release(self, _: tuple[object, ...], given: object) -> None:
        assert isinstance(given, list)
        self.released += len(given)


class Wire:
    """The way between the gate and one half, on which a message may change."""

    def __init__(self, half: SearchingHalf) -> None:
        self.half = half
        self.request: Callable[[SearchRequest], SearchRequest] = lambda request: request
        self.chosen: Callable[[np.ndarray], np.ndarray] = lambda chosen: chosen

    def __getattr__(self, name: str) -> object:
        return getattr(self.half, name)

    def begin(self, requests: Sequence[SearchRequest]) -> list[RefusedError | None]:
        return self.half.begin([self.request(request) for request in requests])

    def tokens(self, search: bytes, chosen: np.ndarray) -> object:
        return self.half.tokens(search, self.chosen(chosen))  # type: ignore[attr-defined]

    def release(self, search: bytes, claims: Sequence[Claim]) -> list[Released]:
        return self.half.release(search, claims)

    def clear(self) -> None:
        self.request, self.chosen = lambda request: request, lambda chosen: chosen


class Wired:
    """A selector that may tell one half other positions."""

    def __init__(self, true: selector.Selector) -> None:
        self._true = true
        self.lie: Callable[[bytes, np.ndarray], np.ndarray] = lambda _, positions: positions

    def offer(self, *arguments: object) -> None:
        self._true.offer(*arguments)  # type: ignore[arg-type]

    def positions(self, search: bytes, side: bytes) -> np.ndarray:
        return self.lie(side, self._true.positions(search, side))


@dataclass
class Scene:
    """One gallery and its halves."""

    cluster: Cluster
    people: np.ndarray
    wires: list[Wire]
    selector: Wired
    restores: list[Callable[[], None]]

    @classmethod
    def make(cls, rows: int) -> Scene:
        cluster = Cluster(dimension=D, limits=UNLIMITED)
        people = units(rows, D, seed=rows)
        cluster.names = cluster.enrol(people)
        wires = [Wire(cluster.left), Wire(cluster.right)]
        cluster.gate._left, cluster.gate._right = wires  # type: ignore[assignment]
        wired = Wired(cluster.selector)
        cluster.left._selector = cluster.right._selector = wired  # type: ignore[assignment]
        return cls(cluster, people, wires, wired, [])

    def change(self, half: SearchingHalf, *changes: Change) -> None:
        transaction = TransactionId(os.urandom(16))
        half._stage(transaction, changes)
        half.commit(transaction)

    def restore(self) -> None:
        for wire in self.wires:
            wire.clear()
        self.selector.lie = lambda _, positions: positions
        while self.restores:
            self.restores.pop()()


@dataclass
class Trial:
    """One search with one difference."""

    scene: Scene
    rng: np.random.Generator
    mode: str

    def __post_init__(self) -> None:
        self.who = int(self.rng.integers(len(self.scene.people)))
        self.which = int(self.rng.integers(2))
        self.wire = self.scene.wires[self.which]
        self.half = self.wire.half
        self.store = self.half._store
        self.probe = near(self.scene.people[self.who], 0.95, int(self.rng.integers(2**32)))

    @property
    def question(self) -> Question:
        names = self.scene.cluster.names
        if self.mode == ONE:
            return Question("verify", 4, "op", row=names[self.who])
        return Question("identify", 4, "op", case="c", candidates=int(self.rng.integers(1, 11)))

    def row(self) -> Pseudonym:
        """The claimed row, or any of those searched."""
        names = self.scene.cluster.names
        return names[self.who if self.mode == ONE else int(self.rng.integers(len(names)))]

    def put(self, name: Pseudonym, **changes: object) -> None:
        """Give a row another head in one half."""
        stored = self.store.find(name)
        assert stored is not None
        deep = self.store.deep([stored.slot])[0] if self.which else b""
        old = PutRow(stored.head, stored.quick, deep)
        self.scene.restores.append(lambda: self.scene.change(self.half, old))
        self.scene.change(self.half, PutRow(replace(stored.head, **changes), stored.quick, deep))  # type: ignore[arg-type]


def row_missing(trial: Trial) -> None:
    name = trial.row()
    trial.put(name)
    trial.scene.change(trial.half, RemoveRow(name))


def row_more(trial: Trial) -> None:
    stored = trial.store.find(trial.row())
    assert stored is not None
    name = Pseudonym(os.urandom(16))
    deep = os.urandom(2 * D) if trial.which else b""
    trial.scene.restores.append(lambda: trial.scene.change(trial.half, RemoveRow(name)))
    head = replace(stored.head, pseudonym=name)
    trial.scene.change(trial.half, PutRow(head, os.urandom(len(stored.quick)), deep))


def row_version(trial: Trial) -> None:
    trial.put(trial.row(), version=int(trial.rng.integers(2, 2**32)))


def row_epoch(trial: Trial) -> None:
    trial.put(trial.row(), epoch=int(trial.rng.integers(1, 2**32)))


def half_epoch(trial: Trial) -> None:
    contents = trial.store._contents  # type: ignore[attr-defined]
    contents.epoch += 1

    def back() -> None:
        contents.epoch -= 1

    trial.scene.restores.append(back)


def row_purposes(trial: Trial) -> None:
    trial.put(trial.row(), purposes=Purpose.PAYMENT.bit)


def row_suppressed(trial: Trial) -> None:
    trial.put(trial.row(), flags=RowFlag.SUPPRESSED)


def probe(trial: Trial) -> None:
    """One coordinate differs by as little as it can, so that the half still takes it."""
    fine = fine_code(trial.probe)
    for coordinate in trial.rng.permutation(D):
        for step in (1, -1):
            other = fine.copy()
            other[coordinate] += step
            if abs(math.sqrt(int(other.astype(int) @ other.astype(int))) - 160) < math.sqrt(D) / 2:
                trial.wire.request = lambda request, other=other: replace(request, probe=encode_probe(other))  # type: ignore[misc]
                return


def ticket(trial: Trial) -> None:
    fields = {
        "level": 3,
        "case": "another",
        "operator": "another",
    }
    name = str(trial.rng.choice([*fields, "candidates", "expires"]))

    def other(request: SearchRequest) -> SearchRequest:
        values = json.loads(request.ticket.statement)
        if name == "expires":
            values[name] -= 1
        elif name == "candidates":
            values[name] = 10 if values[name] < 10 else 9
        else:
            values[name] = fields[name]
        statement, cluster = Statement(**values).to_bytes(), trial.scene.cluster
        approval, level = cluster.desk.approve(statement).to_bytes(), max(values["level"], request.ticket.level)
        opening = request.ticket.opening
        return replace(
            request, ticket=sign(statement, approval, cluster.identities["gate"], level=level, opening=opening)
        )

    trial.wire.request = other


def turn(trial: Trial) -> None:
    ahead = int(trial.rng.integers(1, 20))
    trial.wire.request = lambda request: replace(request, turn=request.turn + ahead)
    trial.scene.restores.append(trial.scene.cluster.gate.pair)  # this half has used up a turn that is to come


def used_turn(trial: Trial) -> None:
    trial.wire.request = lambda request: replace(request, turn=int(trial.rng.integers(-1, request.turn)))


def nonce(trial: Trial) -> None:
    """The same ticket again, in whatever turn and for whatever probe."""
    search = trial.scene.cluster.gate.request(trial.question, fine_code(trial.probe))
    assert [half.half.begin([search]) for half in trial.scene.wires] == [[None], [None]]
    other = units(1, D, int(trial.rng.integers(2**32)))[0]
    chosen = encode_probe(fine_code(other)) if trial.rng.integers(2) else search.probe

    def again(request: SearchRequest) -> SearchRequest:
        return replace(search, turn=request.turn, probe=chosen)

    for wire in trial.scene.wires if trial.rng.integers(2) else [trial.wire]:
        wire.request = again


def session(trial: Trial) -> None:
    """One half was paired anew and the other was not: it was restarted, or the gate lies about it."""
    trial.scene.cluster.gate.pair()  # both count their turns from 0 on, along different chains
    first, second = (wire.half.hello() for wire in trial.scene.wires)
    trial.half.pair(first if trial.which else second)
    trial.scene.restores.append(trial.scene.cluster.gate.pair)


def positions(trial: Trial) -> None:
    """The selector tells one half other positions, or the same in another order, or more of them, or none there is."""
    kind = int(trial.rng.integers(5))

    def lie(side: bytes, true: np.ndarray) -> np.ndarray:
        if side != trial.half.side:
            return true
        if kind == 0:
            free = np.setdiff1d(np.arange(MANY, dtype=np.int32), true)
            other = true.copy()
            other[trial.rng.integers(len(true))] = trial.rng.choice(free)
            return np.sort(other)
        if kind == 1:
            return trial.rng.permutation(true)
        if kind == 2:
            return np.append(true, np.int32(MANY))
        if kind == 3:
            return np.concatenate([true[:-1], np.asarray([MANY + 5], np.int32)])
        return np.concatenate([np.asarray([-1], np.int32), true[1:]])

    trial.scene.selector.lie = lie


def chosen(trial: Trial) -> None:
    """The gate asks the halves for tokens of different positions."""

    def other(true: np.ndarray) -> np.ndarray:
        if len(true) > 1 and trial.rng.integers(2):
            return true[::-1].copy()
        changed = true.copy()
        free = np.setdiff1d(np.arange(100, dtype=np.int32), true)
        changed[trial.rng.integers(len(true))] = trial.rng.choice(free)
        return changed

    trial.wire.chosen = other


EVERYWHERE = [
    row_missing,
    row_version,
    row_epoch,
    half_epoch,
    row_purposes,
    probe,
    ticket,
    turn,
    used_turn,
    nonce,
    session,
    chosen,
]
KINDS = {
    ONE: EVERYWHERE,
    SMALL: [*EVERYWHERE, row_more, row_suppressed],
    COARSE: [*EVERYWHERE, row_more, row_suppressed, positions],
}


@pytest.fixture(scope="module")
def scenes() -> Iterator[dict[str, Scene]]:
    few, many = Scene.make(FEW), Scene.make(MANY)
    yield {ONE: few, SMALL: few, COARSE: many}
    few.cluster.close()
    many.cluster.close()


def _run(scenes: dict[str, Scene], count: int, seed: int) -> Iterator[tuple[str, str, object]]:
    """Searches with a difference: mode, kind and what the gate made of it."""
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        mode = str(rng.choice(list(KINDS), p=[0.4, 0.35, 0.25]))
        kind = KINDS[mode][int(rng.integers(len(KINDS[mode])))]
        scene = scenes[mode]
        trial = Trial(scene, rng, mode)
        kind(trial)
        try:
            (outcome,) = scene.cluster.gate.search_many([(trial.question, fine_code(trial.probe))])
        except RefusedError as refusal:
            outcome = refusal
        finally:
            scene.restore()
        scene.cluster.now += 1
        yield mode, kind.__name__, outcome


def _all_abort(scenes: dict[str, Scene], count: int, seed: int) -> Counter[tuple[str, str, str]]:
    with pytest.MonkeyPatch.context() as patch:
        watch = Watch(patch)
        seen: Counter[tuple[str, str, str]] = Counter()
        for mode, kind, outcome in _run(scenes, count, seed):
            assert isinstance(outcome, RefusedError), (mode, kind, outcome)
            assert watch.released == 0, (mode, kind)
            seen[mode, kind, type(outcome).__name__] += 1
        # The halves were put back: the next honest searches release.
        for mode, scene in scenes.items():
            trial = Trial(scene, np.random.default_rng(seed), mode)
            assert scene.cluster.gate.search(trial.question, fine_code(trial.probe)), mode
        assert watch.released == 2 * len(scenes)
        return seen


def test_500_disagreements_abort(scenes: dict[str, Scene]) -> None:
    seen = _all_abort(scenes, 500, 2026)
    assert {(mode, kind) for mode, kind, _ in seen} == {(m, k.__name__) for m, kinds in KINDS.items() for k in kinds}


@pytest.mark.extended
def test_10_000_disagreements_abort(scenes: dict[str, Scene]) -> None:
    seen = _all_abort(scenes, 10_000, 1)
    print(f"\n{seen.total():,} disagreements: all aborted, none released, no key used twice")  # noqa: T201
    for (mode, kind, refusal), times in sorted(seen.items()):
        print(f"{mode:12} {kind:16} {refusal:18} {times:5}")  # noqa: T201


def _without_tags(scenes: dict[str, Scene], count: int, seed: int) -> Counter[tuple[str, str]]:
    """What the bands' code and the range of sums catch where nobody compares agreement tags."""
    with pytest.MonkeyPatch.context() as patch:
        watch = Watch(patch)
        patch.setattr(gate, "_agree", lambda *_: None)
        patch.setattr(selector.hmac, "compare_digest", lambda *_: True)
        patch.setattr(searching.hmac, "compare_digest", lambda one, two: one == two)
        seen: Counter[tuple[str, str]] = Counter()
        for mode, kind, outcome in _run(scenes, count, seed):
            assert watch.released == 0, (mode, kind)
            seen[mode, type(outcome).__name__ if isinstance(outcome, RefusedError) else "no hit"] += 1
        return seen


@pytest.mark.parametrize("count", [200, pytest.param(5000, marks=pytest.mark.extended)])
def test_without_agreement_tags_nothing_is_released_either(scenes: dict[str, Scene], count: int) -> None:
    seen = _without_tags(scenes, count, 7)
    print(f"\nwithout tags: {sorted(seen.items())}")  # noqa: T201
    assert not any(outcome == "no hit" for _, outcome in seen)
