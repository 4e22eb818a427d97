"""What deep parts are bound to, in memory, beside a dictionary."""

from hypothesis import given
from hypothesis import strategies as st

from facekeep.store.half_bounds import Bounds

slots = st.integers(0, 400)
bounds = st.binary(min_size=16, max_size=16).filter(any)
steps = st.lists(st.one_of(st.tuples(slots, bounds), st.tuples(slots, st.none()), st.none()), max_size=60)


@given(steps)
def test_holds_what_was_learned_last(done: list[tuple[int, bytes | None] | None]) -> None:
    held, expected = Bounds(), dict[int, bytes]()
    for step in done:
        if step is None:
            held.clear()
            expected.clear()
        elif step[1] is None:
            held.forget(step[0])
            expected.pop(step[0], None)
        else:
            held.learn(step[0], step[1])
            expected[step[0]] = step[1]
    assert {slot for slot in range(500) if slot in held} == set(expected)
    assert all(held[slot] == bound for slot, bound in expected.items())


def test_a_bound_of_another_length_is_known_to_nobody() -> None:
    held = Bounds()
    held.learn(3, bytes(range(1, 17)))
    held.learn(3, b"short")
    held.learn(4, bytes(range(17)))
    assert held[3] == bytes(range(1, 17))
    assert 4 not in held
    assert held[4] in {b"", bytes(16)}
