"""A process that enrols, erases, withdraws and refreshes until it is killed. Says on stdout what was acknowledged."""

from __future__ import annotations

import random
import sys
from functools import cache
from pathlib import Path

from facekeep.domain.consent import Purpose
from facekeep.service.acquisition import Acquisition
from facekeep.service.keep import Keep

NOTICE = "Your face opens this door."
BOTH = (Purpose.VERIFY, Purpose.IDENTIFY)


def say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def main(directory: Path, picture: Path, seed: int) -> None:
    # Every enrolment is of the same picture; embedding it once leaves more moments to be killed in.
    Acquisition.for_enrolment = cache(Acquisition.for_enrolment)  # type: ignore[method-assign]
    data = picture.read_bytes()
    choose = random.Random(seed)
    with Keep.open(directory) as keep:
        people = sorted(person.label for person in keep.subjects())
        keep._acquisition.for_enrolment(data)
        say("open")
        number = 0
        while True:
            dice = choose.random()
            if dice < 0.55 or not people:
                label = f"p{seed}-{number}"
                number += 1
                say("begin", "enrol", label)
                keep.enrol(label, [data], purposes=BOTH, notice=NOTICE, operator="test")
                people.append(label)
                say("done", "enrol", label)
            elif dice < 0.85:
                label = people.pop(choose.randrange(len(people)))
                say("begin", "erase", label)
                keep.erase(label)
                say("done", "erase", label)
            elif dice < 0.95:
                label = choose.choice(people)
                say("begin", "withdraw", label)
                if any(c.holds and c.purpose is Purpose.IDENTIFY for c in keep.consents(label)):
                    keep.withdraw_consent(label, Purpose.IDENTIFY)
                say("done", "withdraw", label)
            elif dice < 0.98:
                say("begin", "refresh", "-")
                keep.refresh()
                say("done", "refresh", "-")
            else:
                say("begin", "rotate", "-")
                keep.rotate()
                say("done", "rotate", "-")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
