"""Searches from several threads while rows are written: each answer is right, or a documented refusal."""

import threading
from concurrent.futures import ThreadPoolExecutor

from facekeep.errors import RefusedError
from facekeep.split.budget import Limits
from facekeep.split.codes import fine_code
from facekeep.split.gate import Question
from tests.unit.split.cluster import Cluster, units

D = 64
PEOPLE = units(1030, D)


def test_searches_side_by_side_have_their_own_answers() -> None:
    cluster = Cluster(dimension=D, limits=Limits(*[10**9] * 6))
    cluster.names = cluster.enrol(PEOPLE)

    def ask(number: int) -> bool:
        who = number % 20
        row = cluster.names[who] if number % 3 else None
        question = Question("verify" if row else "identify", 4, "op", "" if row else "c", row=row)
        (hit,) = cluster.gate.search(question, fine_code(PEOPLE[who]))
        return hit.pseudonym == cluster.names[who]

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(ask, range(120)))
    cluster.close()


def test_searches_while_rows_are_written_are_right_or_refused() -> None:
    cluster = Cluster(dimension=D, limits=Limits(*[10**9] * 6))
    cluster.names = cluster.enrol(PEOPLE)
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            try:
                hits = cluster.identify(PEOPLE[0], level=4)
            except RefusedError:
                continue
            assert hits[0].pseudonym == cluster.names[0]

    with ThreadPoolExecutor(2) as threads:
        asking = [threads.submit(ask) for _ in range(2)]
        try:
            for number in range(4):
                cluster.refresh()
                cluster.enrol(-PEOPLE[number : number + 2])
        finally:
            ended.set()
        for job in asking:
            job.result()
    assert cluster.identify(PEOPLE[0])[0].pseudonym == cluster.names[0]
    assert cluster.left.status().root == cluster.right.status().root
    cluster.close()
