"""The drill: build a keep to be robbed, rob it in every way, and see that nobody got a face.

Everything happens in a folder of its own, readable by its owner alone and removed at the end. The stores, the halves,
the keys and the gate are those of the product; the people get made-up names. What is stolen is read from the files.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from facekeep.domain.comparison import Calibration, Level
from facekeep.domain.row import Pseudonym
from facekeep.errors import UsageError
from facekeep.service.drill_attacks import faces
from facekeep.service.drill_bytes import needles
from facekeep.service.drill_controls import controls
from facekeep.service.drill_gates import active_gate, curious_gate
from facekeep.service.drill_keep import SIDES, DrillKeep, Identity, identities
from facekeep.service.drill_people import People, Vectors, gather_people
from facekeep.service.drill_report import DrillReport, Thief
from facekeep.service.drill_review_thieves import review_thieves
from facekeep.service.drill_thieves import Robbed, Robbery, people_of
from facekeep.split.budget import Limits

Progress = Callable[[str, int, int], None]

LEAST_PEOPLE = 64
"""With fewer people the floors are so high that a leak could hide below them."""

_UNKNOWN_MODEL = "0" * 64

TYPICAL = Calibration(
    _UNKNOWN_MODEL,
    (Level(1e-2, 0.232), Level(1e-3, 0.336), Level(1e-4, 0.413), Level(1e-5, 0.479), Level(1e-6, 0.535, True)),
    "thresholds of the order of the model pack's embedding, for templates that come without a calibration",
)
"""Levels for templates that come without a calibration."""


@dataclass(frozen=True, slots=True)
class DrillSettings:
    """How thorough a drill is.

    Attributes:
        people: how many are enrolled at least; made-up ones fill up.
        verifications: transcripts of 1:1 comparisons that the curious gate keeps; more than the templates have
            coordinates, or elimination has nothing to solve.
        searches: transcripts of 1:N searches that it keeps.
        questions: how many the active gate asks at most in each of its attempts.
        dimension: coordinates of made-up templates, where none are given.
        calibration: levels of the keep; None for typical ones.
        limits: budgets of the halves, to see where they stop an active gate.
        seed: of the statistics: permutations, made-up people, directions. Shares are never seeded.
    """

    people: int = 128
    verifications: int = 600
    searches: int = 400
    questions: int = 600
    dimension: int = 512
    calibration: Calibration | None = None
    limits: Limits = field(default_factory=Limits)
    seed: int = 20_180_701

    def __post_init__(self) -> None:
        if self.people < LEAST_PEOPLE:
            raise UsageError(f"a drill needs at least {LEAST_PEOPLE} people, real or made up")
        if min(self.verifications, self.searches, self.questions) < 1:
            raise UsageError("a drill keeps at least one transcript and asks at least one question of each kind")

    @classmethod
    def quick(cls, calibration: Calibration | None = None, limits: Limits | None = None) -> DrillSettings:
        """The same drill, smaller: for demonstrations and tests."""
        return cls(
            people=LEAST_PEOPLE,
            verifications=540,
            searches=20,
            questions=60,
            calibration=calibration,
            limits=limits or Limits(),
        )


def run_drill(
    templates: Mapping[str, Sequence[Vectors]] | None = None,
    settings: DrillSettings | None = None,
    progress: Progress | None = None,
) -> DrillReport:
    """Rob a keep in every way.

    Args:
        templates: for each real person one or more unit vectors of shape (D,), float32; or None to make people up. The
            names serve to tell people apart and are not written anywhere.
        settings: how thorough; by default all of it.
        progress: told what is being done, how many steps are done, and of how many.

    Returns:
        The report; whether it passed is in there.

    Raises:
        UsageError: settings or templates do not fit.
        DamagedStoreError: a store of the drill does not open with its own keys: the product is broken.
        RefusedError: the halves of the drill refuse what they should answer: likewise.
    """
    chosen = settings or DrillSettings()
    tell = progress or (lambda _what, _done, _of: None)
    begun = time.monotonic()
    random = np.random.default_rng(chosen.seed)
    people = gather_people(templates, chosen.people, random, dimension=chosen.dimension)
    if chosen.verifications <= people.dimension:
        raise UsageError("the curious gate of a drill keeps more verifications than templates have coordinates")
    truth = faces(people.references, people.probes, random)
    calibration = chosen.calibration or TYPICAL
    with tempfile.TemporaryDirectory(prefix="facekeep-drill-") as name:
        folder = Path(name)  # mode 0700, see tempfile.mkdtemp
        tell("building two keeps", 0, 2)
        names = identities(len(people))
        keep = _robbed(folder / "keep", people, names, calibration, epochs=2, limits=chosen.limits)
        tell("building two keeps", 1, 2)
        other = _robbed(folder / "other", people, names, calibration, epochs=1, limits=chosen.limits)
        loot = folder / "loot"
        loot.mkdir(mode=0o700)
        searched = needles(names, [Pseudonym(row) for row in keep.person_of_row], people.references)
        robbery = Robbery(keep, other, truth, searched, folder=loot, random=random)
        thieves = _work(robbery, tell)
        tell("controls", 0, 1)
        proofs = controls(robbery, truth, searched, names, random)
        gates = folder / "gates"
        gates.mkdir(mode=0o700)
        counts = (chosen.verifications, chosen.searches)
        curious = curious_gate(gates / "curious", people, calibration, counts=counts, random=random, tell=tell)
        active = active_gate(
            gates, people, calibration, limits=chosen.limits, count=chosen.questions, random=random, tell=tell
        )
    seconds = time.monotonic() - begun
    return DrillReport(len(people), people.given, people.dimension, thieves, proofs, curious, active, seconds)


def _work(robbery: Robbery, tell: Progress) -> tuple[Thief, ...]:
    works = [*robbery.thieves(), *review_thieves(robbery)]
    found = []
    for done, work in enumerate(works):
        tell("thieves", done, len(works))
        found.append(work())
    return tuple(found)


def _robbed(
    folder: Path, people: People, names: Sequence[Identity], calibration: Calibration, *, epochs: int, limits: Limits
) -> Robbed:
    """Build a keep, let it work, back it up in every epoch, and rob it."""
    keep = DrillKeep(folder, calibration, people.dimension, limits)
    try:
        order = keep.shuffled(len(people))
        keep.enrol(people.references[order], [names[person] for person in order.tolist()])
        keep.have_looked_at(people.references[order])
        taken = {side: [keep.backup(side)] for side in SIDES}
        keep.ask(people.probes[order][:8])
        for _ in range(epochs):
            keep.refresh()
            for side in SIDES:
                taken[side].append(keep.backup(side))
        rows, subjects = people_of(keep.pseudonyms, order), people_of(keep.subjects, order)
        evidence = keep.steal_evidence(order.tolist())
    except BaseException:
        keep.close()
        raise
    return Robbed(keep.steal(), taken, rows, subjects, evidence)
