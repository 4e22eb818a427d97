import json
import os
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from facekeep.domain.row import Pseudonym
from facekeep.errors import (
    BudgetError,
    DisagreementError,
    ProbeError,
    RefusedError,
    TicketError,
    TokenError,
    UsageError,
)
from facekeep.split.budget import Limits
from facekeep.split.codes import encode_probe, fine_code
from facekeep.split.gate import Question
from facekeep.split.messages import Claim, LeftTables, RightPicks, SearchRequest
from facekeep.split.onetime import open_bands, open_tokens
from facekeep.split.searching import NO_ROW, OPEN_MAX
from facekeep.split.statement import statement_digest
from facekeep.split.ticket import SignedTicket, sign
from tests.unit.split.cluster import Cluster, units

D = 64
PEOPLE = units(1010, D)


@pytest.fixture(scope="module")
def large() -> Cluster:
    made = Cluster(dimension=D, limits=Limits(searches_per_case=10**6))
    made.names = made.enrol(PEOPLE)
    return made


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(dimension=D)
    made.names = made.enrol(PEOPLE[:5])
    return made


def _verify(cluster: Cluster, who: int = 0, vector: np.ndarray | None = None) -> SearchRequest:
    probe = fine_code(PEOPLE[who] if vector is None else vector)
    return cluster.gate.request(Question("verify", 2, "op", row=cluster.names[who]), probe)


def _identify(cluster: Cluster, who: int = 0, candidates: int = 3) -> SearchRequest:
    return cluster.gate.request(Question("identify", 2, "op", "c", candidates=candidates), fine_code(PEOPLE[who]))


def _begin(cluster: Cluster, *requests: SearchRequest) -> None:
    for half in (cluster.left, cluster.right):
        assert half.begin(requests) == [None] * len(requests)


def _tokens(cluster: Cluster, search: bytes, chosen: list[int]) -> list[bytes]:
    cluster.left.fine(search)
    cluster.right.fine(search)
    return _only_tokens(cluster, search, chosen)


def _only_tokens(cluster: Cluster, search: bytes, chosen: list[int]) -> list[bytes]:
    positions = np.asarray(chosen, np.int32)
    left, right = cluster.left.tokens(search, positions), cluster.right.tokens(search, positions)
    return open_tokens(left.tables.view(np.uint64), right.indices, right.pads)


# Admission


def _records(cluster: Cluster) -> list[dict[str, object]]:
    return [json.loads(record) for record in cluster.logs["left"].replay()]


def test_a_search_is_on_disk_in_the_log_before_it_is_computed(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, bool]] = []
    append, start = type(cluster.left._log).append_many, type(cluster.left)._start

    def append_many(self: object, records: list[bytes], *, durable: bool) -> None:
        append(self, records, durable=durable)  # type: ignore[arg-type]
        seen.append((json.loads(records[0])["kind"], durable))

    def started(self: object, *arguments: object) -> None:
        seen.append(("start", False))
        start(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(type(cluster.left._log), "append_many", append_many)
    monkeypatch.setattr(type(cluster.left), "_start", started)
    cluster.left.begin([_verify(cluster)])
    assert seen == [("search", True), ("start", False)]


def test_the_log_says_who_asked_what_and_for_what(cluster: Cluster) -> None:
    search, other = _verify(cluster), _identify(cluster)
    cluster.left.begin([search, replace(other, probe=b""), other])
    first, second, refused = _records(cluster)[-3:]
    fields: dict[str, object] = {"kind": "search", "time": cluster.now, "gallery": "", "operator": "op", "level": 2}
    fields |= {"expires": cluster.now + 300, "key": cluster.desk.id}
    nonce, row = search.nonce.hex(), cluster.names[0].hex()
    digests = [statement_digest(request.ticket.statement).hex() for request in (search, other)]
    one = {"nonce": nonce, "purpose": "verify", "row": row, "case": "", "rows": 1, "statement": digests[0]}
    assert first == {**fields, **one}
    many = {"nonce": other.nonce.hex(), "purpose": "identify", "row": "", "case": "c", "rows": 5}
    assert second == {**fields, **many, "statement": digests[1]}
    what = "the probe has the wrong size"
    assert refused == {"kind": "refuse", "time": cluster.now, "why": "ProbeError", "what": what, "count": 1}


def test_what_was_released_is_logged(cluster: Cluster) -> None:
    cluster.verify(cluster.names[0], PEOPLE[0])
    accept = _records(cluster)[-1]
    assert (accept["kind"], accept["row"], accept["searched"]) == ("accept", cluster.names[0].hex(), cluster.now)
    cluster.identify(PEOPLE[1])
    release = _records(cluster)[-1]
    assert (release["kind"], release["rows"]) == ("release", [cluster.names[1].hex()])
    cluster.identify(-PEOPLE[1])
    assert _records(cluster)[-1]["kind"] == "search"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda _, r: replace(r, nonce=os.urandom(16)), TicketError),
        (lambda _, r: replace(r, turn=r.turn - 1), TicketError),
        (lambda _, r: replace(r, turn=r.turn + 1024), TicketError),
        (lambda _, r: replace(r, probe=r.probe + b"\0"), ProbeError),
        (lambda _, r: replace(r, probe=encode_probe(np.full(D, 1, np.int16))), ProbeError),
        (lambda _, r: replace(r, ticket=replace(r.ticket, signature=bytes(64))), TicketError),
        (lambda c, r: replace(r, ticket=_signed_by(r.ticket, c.identities["left"])), TicketError),
    ],
)
def test_a_request_that_is_not_in_order_is_refused_and_not_counted(
    cluster: Cluster, change: Callable[[Cluster, SearchRequest], SearchRequest], refusal: type[RefusedError]
) -> None:
    cluster.verify(cluster.names[0], PEOPLE[0])
    before = cluster.left._budgets.snapshot()
    request = _verify(cluster)
    (answer,) = cluster.left.begin([change(cluster, request)])
    assert type(answer) is refusal
    assert cluster.left._budgets.snapshot() == before
    assert cluster.left.begin([request]) == [None]


def _signed_by(ticket: SignedTicket, key: Ed25519PrivateKey) -> SignedTicket:
    return sign(ticket.statement, ticket.approval, key, level=ticket.level, opening=ticket.opening)


def test_a_nonce_serves_once_even_within_one_call(cluster: Cluster) -> None:
    request = _verify(cluster)
    answers = cluster.left.begin([request, replace(request, turn=request.turn + 1)])
    assert answers[0] is None
    assert isinstance(answers[1], TicketError)
    (again,) = cluster.left.begin([replace(request, turn=request.turn + 1)])
    assert isinstance(again, TicketError)


def test_an_expired_ticket_is_refused_and_a_search_ends_with_its_ticket(cluster: Cluster) -> None:
    request, late = _verify(cluster), _verify(cluster)
    _begin(cluster, request)
    cluster.now += 300
    with pytest.raises(TicketError, match="expired"):
        cluster.left.fine(request.nonce)
    (refusal,) = cluster.left.begin([late])
    assert isinstance(refusal, TicketError)
    assert cluster.left._open == {}


def test_budgets_are_counted_within_one_call(cluster: Cluster) -> None:
    answers = cluster.left.begin([_verify(cluster) for _ in range(12)])
    assert [type(answer) for answer in answers] == [type(None)] * 10 + [BudgetError] * 2


def test_a_comparison_counts_until_its_token_comes_back(cluster: Cluster) -> None:
    for _ in range(25):
        assert cluster.verify(cluster.names[0], PEOPLE[0])
    for _ in range(10):
        _begin(cluster, _verify(cluster))  # given up
    with pytest.raises(BudgetError):
        cluster.verify(cluster.names[0], PEOPLE[0])
    cluster.now += 86_400
    assert cluster.verify(cluster.names[0], PEOPLE[0])


def test_a_token_of_no_band_gives_no_budget_back(cluster: Cluster) -> None:
    for _ in range(10):
        request = _verify(cluster, vector=-PEOPLE[0])
        _begin(cluster, request)
        (token,) = _tokens(cluster, request.nonce, [0])
        assert cluster.left.release(request.nonce, [Claim(0, token)]) == []
    (refusal,) = cluster.left.begin([_verify(cluster)])
    assert isinstance(refusal, BudgetError)


def test_a_search_that_one_half_refuses_counts_in_the_other_and_harms_no_later_one(cluster: Cluster) -> None:
    request = _verify(cluster)
    assert cluster.left.begin([request]) == [None]
    assert cluster.verify(cluster.names[1], PEOPLE[1])
    assert cluster.left._budgets.snapshot() != cluster.right._budgets.snapshot()
    # The half that has not seen it takes it later, and both then agree: nothing was given for it before.
    assert cluster.right.begin([request]) == [None]
    (token,) = _tokens(cluster, request.nonce, [0])
    assert cluster.right.release(request.nonce, [Claim(0, token)])[0].pseudonym == cluster.names[0]


# Bounds


def test_abandoned_searches_do_not_pile_up(large: Cluster) -> None:
    first = _identify(large)
    _begin(large, first)
    for _ in range(OPEN_MAX // 16):
        _begin(large, *[_identify(large) for _ in range(16)])
    assert len(large.left._open) == OPEN_MAX
    with pytest.raises(TicketError, match="no such search"):
        large.left.fine(first.nonce)
    assert large.identify(PEOPLE[0])
    with pytest.raises(UsageError):
        large.left.begin([first] * (OPEN_MAX + 1))


# Stages


def test_stages_come_once_and_in_order(cluster: Cluster) -> None:
    request = _identify(cluster)
    _begin(cluster, request)
    search, chosen = request.nonce, np.asarray([0], np.int32)
    for half in (cluster.left, cluster.right):
        with pytest.raises(TicketError, match="out of order"):
            half.tokens(search, chosen)
        with pytest.raises(TicketError, match="out of order"):
            half.release(search, [])
        half.fine(search)
        with pytest.raises(TicketError, match="twice"):
            half.fine(search)
        half.tokens(search, chosen)
        with pytest.raises(TicketError, match="twice"):
            half.tokens(search, chosen)
        half.release(search, [])
        for stage in (lambda half=half: half.fine(search), lambda half=half: half.release(search, [])):
            with pytest.raises(TicketError, match="no such search"):
                stage()


def test_a_search_without_positions_is_over(large: Cluster) -> None:
    """Else a gate could have any rows compared: the order of a search that was not narrowed down holds all of them."""
    request = _identify(large)
    assert large.left.begin([request]) == [None]
    with pytest.raises(DisagreementError):
        large.left.fine(request.nonce)
    for stage in (
        lambda: large.left.tokens(request.nonce, np.asarray([500], np.int32)),
        lambda: large.left.fine(request.nonce),
    ):
        with pytest.raises(TicketError, match="out of order"):
            stage()


@pytest.mark.parametrize(
    "lie",
    [
        lambda p: p[:-1],
        lambda p: np.append(p, np.int32(1009)),
        lambda p: p[::-1],
        lambda p: np.concatenate([p[:1], p[:-1]]),
        lambda p: np.concatenate([np.asarray([-1], np.int32), p[1:]]),
        lambda p: np.concatenate([p[:-1], np.asarray([1010], np.int32)]),
        lambda p: p.reshape(-1, 1),
        lambda _: np.arange(1010, dtype=np.int32),
    ],
)
def test_positions_that_cannot_be_are_refused(large: Cluster, lie: Callable[[np.ndarray], np.ndarray]) -> None:
    request = _identify(large)
    _begin(large, request)
    true = large.selector.positions(request.nonce, b"left")
    large.left._selector = _Giving(lie(true))  # type: ignore[assignment]
    try:
        with pytest.raises(DisagreementError, match="cannot be"):
            large.left.fine(request.nonce)
    finally:
        large.left._selector = large.selector


class _Giving:
    def __init__(self, positions: np.ndarray) -> None:
        self._positions = positions

    def positions(self, *_: object) -> np.ndarray:
        return self._positions


@pytest.mark.parametrize("chosen", [[], [0, 0], [-1], [100], [0, 1, 2, 3]])
def test_tokens_for_what_was_not_compared_or_allowed_are_refused(cluster: Cluster, chosen: list[int]) -> None:
    for half in (cluster.left, cluster.right):
        request = _identify(cluster)
        assert half.begin([request]) == [None]
        half.fine(request.nonce)
        with pytest.raises(TicketError):
            half.tokens(request.nonce, np.asarray(chosen, np.int32))
        # The stage is used up: the gate cannot try lists.
        with pytest.raises(TicketError, match="out of order"):
            half.tokens(request.nonce, np.asarray([0], np.int32))
        with pytest.raises(TicketError, match="out of order"):
            half.release(request.nonce, [])


def test_answers_are_padded_and_padding_gives_nothing(cluster: Cluster) -> None:
    request = _identify(cluster)
    _begin(cluster, request)
    left, right = cluster.left.fine(request.nonce), cluster.right.fine(request.nonce)
    assert len(left.tables) == len(right.indices) == 100
    words = open_bands(left.tables.view(np.uint8), right.indices, right.pads)
    assert (words[5:] == 0).all()
    compared = cluster.left._open[request.nonce].compared
    assert sorted(compared[:5].tolist()) == [0, 1, 2, 3, 4]
    assert (compared[5:] == NO_ROW).all()
    tokens = _only_tokens(cluster, request.nonce, [7, 50, 99])
    claims = [Claim(index, token) for index, token in enumerate(tokens)]
    assert cluster.left.release(request.nonce, claims) == [] == cluster.right.release(request.nonce, claims)


# Release


def _opened(cluster: Cluster, who: int = 0) -> tuple[bytes, list[bytes]]:
    request = _identify(cluster, who)
    _begin(cluster, request)
    left, right = cluster.left.fine(request.nonce), cluster.right.fine(request.nonce)
    assert isinstance(left, LeftTables)
    assert isinstance(right, RightPicks)
    words = open_bands(left.tables.view(np.uint8), right.indices, right.pads)
    hit = int(np.argmax(words != 0))
    return request.nonce, _only_tokens(cluster, request.nonce, [hit, (hit + 1) % 5, 50])


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(
    "forge",
    [
        lambda _: [Claim(0, bytes(16))],
        lambda tokens: [Claim(0, tokens[0][:15])],
        lambda _: [Claim(0, b"")],
        lambda tokens: [Claim(0, tokens[1])],
        lambda tokens: [Claim(1, tokens[0])],
        lambda tokens: [Claim(0, tokens[0]), Claim(0, tokens[0])],
        lambda tokens: [Claim(3, tokens[0])],
        lambda tokens: [Claim(-1, tokens[0])],
        lambda tokens: [Claim(0, tokens[0]), Claim(1, bytes(16))],
    ],
)
def test_a_token_that_is_not_its_positions_gives_nothing_and_ends_the_search(
    cluster: Cluster, side: str, forge: Callable[[list[bytes]], list[Claim]]
) -> None:
    search, tokens = _opened(cluster)
    half = getattr(cluster, side)
    with pytest.raises(TokenError):
        half.release(search, forge(tokens))
    with pytest.raises(TicketError, match="no such search"):
        half.release(search, [Claim(0, tokens[0])])


def test_valid_tokens_give_the_row_and_its_band_once(cluster: Cluster) -> None:
    search, tokens = _opened(cluster)
    claims = [Claim(index, token) for index, token in enumerate(tokens)]
    for half in (cluster.left, cluster.right):
        (released,) = half.release(search, claims)
        assert (released.index, released.pseudonym, released.band) == (0, cluster.names[0], 5)
        with pytest.raises(TicketError):
            half.release(search, claims)


def test_a_token_serves_no_other_search(cluster: Cluster) -> None:
    _, tokens = _opened(cluster)
    search, _ = _opened(cluster)
    with pytest.raises(TokenError):
        cluster.left.release(search, [Claim(0, tokens[0])])


# What the gate sees


def test_no_two_searches_of_the_same_show_the_same(cluster: Cluster) -> None:
    shown: list[tuple[bytes, ...]] = []
    for _ in range(5):
        request = _verify(cluster)
        _begin(cluster, request)
        left, right = cluster.left.fine(request.nonce), cluster.right.fine(request.nonce)
        shown.append((left.tag, left.tables.tobytes(), right.indices.tobytes()))
    assert len({entry for entries in shown for entry in entries}) == 15


def test_positions_are_permuted_anew_in_every_search(cluster: Cluster) -> None:
    orders = set()
    for _ in range(30):
        request = _identify(cluster)
        _begin(cluster, request)
        cluster.left.fine(request.nonce)
        cluster.right.fine(request.nonce)
        found = [half._open[request.nonce].compared[:5].tolist() for half in (cluster.left, cluster.right)]
        orders.add(tuple(found[0]))
        names = [
            [half._table.pseudonym(slot) for slot in slots]
            for half, slots in zip((cluster.left, cluster.right), found, strict=True)
        ]
        assert names[0] == names[1]
    assert len(orders) > 15


def test_an_open_search_hides_its_secrets() -> None:
    made = Cluster(dimension=D)
    made.names = made.enrol(PEOPLE[:1])
    request = _verify(made)
    _begin(made, request)
    shown = repr(made.left._open[request.nonce]) + repr(request)
    assert "turn_key" not in shown
    assert "probe" not in shown


def test_an_unknown_search_is_refused(cluster: Cluster) -> None:
    with pytest.raises(TicketError):
        cluster.left.fine(bytes(16))
    assert cluster.left.head_of(Pseudonym(bytes(16))) is None
