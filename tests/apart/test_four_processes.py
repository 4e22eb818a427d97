"""A keep on four hosts: enrol, search; kill, freeze and restart a role in the middle: nothing lost, nothing wrong."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from facekeep.domain.access import Scope
from facekeep.domain.consent import Purpose
from facekeep.interfaces.composition import Composition
from facekeep.interfaces.pairing.folder import RoleFolder
from facekeep.interfaces.settings import Settings
from facekeep.interfaces.vault.certificates import Made, make
from facekeep.interfaces.vault.tls import KeyFiles, client_context
from facekeep.split.wire.methods import Role
from tests.apart.hosts import ANSWER_SECONDS, PATIENCE, ROLES, SERVERS, Hosts, until

pytestmark = [pytest.mark.enable_socket, pytest.mark.extended]

NOTICE = "We keep two random halves of your template, to verify and to find you."
LIMIT = 6 * ANSWER_SECONDS["gate"]
"""Seconds within which all is answered while a host is away: an answer, a sign of life, an attempt to return."""


@pytest.fixture(scope="module")
def token() -> list[str]:
    """Filled by ``hosts``."""
    return []


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory, token: list[str], pictures: Path) -> Iterator[Hosts]:
    """Four roles, with obama and biden enrolled over them."""
    made = Hosts(tmp_path_factory.mktemp("hosts"))
    try:
        made.set_up()
        made.start(*SERVERS)
        made.make_token()
        with Composition(Settings(), lambda *_: "").open(made.directory("gate")) as keep:
            for label in ("obama", "biden"):
                picture = (pictures / f"{label}.jpg").read_bytes()
                purposes = [Purpose.VERIFY, Purpose.IDENTIFY]
                keep.enrol(label, [picture], purposes=purposes, notice=NOTICE, operator="desk")
            token.append(keep.issue_token("test", frozenset(Scope), days=1).token)
        made.start("gate")
        yield made
    finally:
        made.close()


@pytest.fixture
def client(hosts: Hosts, token: list[str]) -> Iterator[httpx2.Client]:
    """Asks the gate, which is ready."""
    hosts.until_ready()
    with hosts.client(token[0]) as asking:
        yield asking


@pytest.fixture
def search(client: httpx2.Client, pictures: Path) -> Callable[[str], httpx2.Response]:
    """Searches for the person in a picture, under a case of this test."""
    case = client.post("/v1/cases", json={"title": os.urandom(4).hex()}).json()["title"]

    def searching(name: str) -> httpx2.Response:
        with (pictures / f"{name}.jpg").open("rb") as picture:
            return client.post("/v1/identifications", data={"case": case}, files={"picture": picture})

    return searching


def found(answer: httpx2.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [candidate["label"] for candidate in answer.json()["candidates"]]


def is_unavailable(answer: httpx2.Response) -> bool:
    """Whether an answer is the clear refusal of a keep with a host away."""
    if answer.status_code != 503:
        return False
    document = answer.json()
    assert document["type"] == "urn:facekeep:problem:unavailable"
    assert document["hint"]
    assert int(answer.headers["Retry-After"]) > 0
    assert "127.0.0.1" not in answer.text
    return True


def enrol(client: httpx2.Client, label: str, picture: Path) -> httpx2.Response:
    with picture.open("rb") as file:
        data = {"label": label, "purposes": ["verify", "identify"], "notice": NOTICE}
        return client.post("/v1/subjects", data=data, files={"pictures": file})


def labels(client: httpx2.Client) -> list[str]:
    return sorted(person["label"] for person in client.get("/v1/subjects").json()["subjects"])


def test_people_are_found_over_four_processes(search: Callable[[str], httpx2.Response]) -> None:
    assert found(search("obama2")) == ["obama"]
    assert found(search("biden")) == ["biden"]
    assert found(search("obama3")) == ["obama"]


def test_no_folder_holds_the_secret_of_another_role(hosts: Hosts) -> None:
    secrets = {role: {path.name for path in hosts.directory(role).rglob("*.key")} for role in ROLES}
    assert secrets["gate"] == {"gate.sign.key", "gate.desk.key", "gate.results.key", "gate.ledger.key", "tls.key"}
    own = {"registrar": "registry", "left": "left", "right": "right"}
    for role, store in own.items():
        allowed = ("tls.key", f"{role}.sign.key", f"{store}.key", f"{store}.epoch.")
        assert all(name.startswith(allowed) for name in secrets[role]), secrets[role]
        assert {path.name for path in hosts.directory(role).iterdir() if path.is_dir()} == {"keys", "peers", store}
    contents = Counter(
        path.read_bytes() for role in ROLES for path in hosts.directory(role).rglob("*.key") if path.is_file()
    )
    assert max(contents.values()) == 1
    for role in ROLES:
        for path in hosts.directory(role).rglob("*"):
            assert path.stat().st_mode & 0o077 == 0 or path.is_socket(), path


@pytest.mark.parametrize("role", ["left", "registrar"])
def test_a_role_that_is_killed_amid_searches_and_comes_back(
    role: str, hosts: Hosts, client: httpx2.Client, search: Callable[[str], httpx2.Response]
) -> None:
    assert found(search("obama2")) == ["obama"]
    answers: list[tuple[float, httpx2.Response]] = []
    ending = threading.Event()

    def searching() -> None:
        while not ending.is_set():
            began = time.monotonic()
            answer = search("obama2")
            answers.append((time.monotonic() - began, answer))
            ending.wait(0.1)

    threads = [threading.Thread(target=searching) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        before = len(answers)
        until(lambda: len(answers) > before + 2, "searches")
        hosts.kill(role)
        until(lambda: any(answer.status_code == 503 for _, answer in answers), "a refusal")
        hosts.until_not_ready()
        hosts.start(role)
        hosts.until_ready()
        after = len(answers)
        until(lambda: sum(answer.status_code == 200 for _, answer in answers[after:]) > 2, "searches that find again")
    finally:
        ending.set()
        for thread in threads:
            thread.join(PATIENCE)
    for seconds, answer in answers:
        assert is_unavailable(answer) or found(answer) == ["obama"]
        assert seconds < LIMIT
    assert labels(client) == ["biden", "obama"]


def test_an_enrolment_amid_which_a_half_is_killed_is_not_half_done(
    hosts: Hosts, client: httpx2.Client, pictures: Path
) -> None:
    # Frozen, the right half takes the rows off the line and never prepares them: the left one has prepared them then.
    hosts.freeze("right")
    answer = enrol(client, "late", pictures / "astronaut.png")
    assert is_unavailable(answer)
    hosts.kill("right")
    hosts.until_not_ready()
    hosts.start("right")
    hosts.until_ready()
    assert labels(client) == ["biden", "obama"]
    assert enrol(client, "late", pictures / "astronaut.png").status_code == 201
    (late,) = (person for person in client.get("/v1/subjects").json()["subjects"] if person["label"] == "late")
    with (pictures / "astronaut.png").open("rb") as picture:
        claimed = {"subject": late["id"]}
        assert client.post("/v1/verifications", data=claimed, files={"picture": picture}).json()["verified"] is True
    assert client.delete(f"/v1/subjects/{late['id']}").status_code == 200
    assert labels(client) == ["biden", "obama"]


def test_a_role_that_answers_nothing_holds_nobody_up_for_ever(
    hosts: Hosts, client: httpx2.Client, search: Callable[[str], httpx2.Response]
) -> None:
    taken: list[tuple[float, httpx2.Response]] = []

    def ask(how: Callable[[], httpx2.Response]) -> None:
        began = time.monotonic()
        taken.append((time.monotonic() - began, how()))

    hosts.freeze("left")
    try:
        asked = [lambda: search("obama2"), lambda: client.get("/v1/subjects"), lambda: search("biden")]
        threads = [threading.Thread(target=ask, args=(how,)) for how in asked]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert time.monotonic() - began < LIMIT
        assert any(is_unavailable(answer) for _, answer in taken)
        hosts.until_not_ready()
        began = time.monotonic()
        assert hosts.ready() == 503
        assert time.monotonic() - began < 1
    finally:
        hosts.thaw("left")
    hosts.until_ready()
    assert found(search("obama2")) == ["obama"]


def test_a_gate_that_is_killed_and_started_again(hosts: Hosts, token: list[str], pictures: Path) -> None:
    hosts.until_ready()
    hosts.kill("gate")
    hosts.start("gate")
    hosts.until_ready()
    with hosts.client(token[0]) as client:
        assert labels(client) == ["biden", "obama"]
        (person,) = (each for each in client.get("/v1/subjects").json()["subjects"] if each["label"] == "obama")
        with (pictures / "obama2.jpg").open("rb") as picture:
            answer = client.post("/v1/verifications", data={"subject": person["id"]}, files={"picture": picture})
        assert answer.json()["verified"] is True


@pytest.mark.parametrize("role", SERVERS)
def test_a_stranger_is_refused_by_each_host_and_logged_by_it(role: str, hosts: Hosts, tmp_path: Path) -> None:
    stranger = make("facekeep gate", now=datetime.now(UTC))
    _keep(tmp_path, stranger)
    context = client_context(
        KeyFiles(tmp_path / "tls.crt", tmp_path / "tls.key"), RoleFolder.read(hosts.directory("gate")).peers(Role(role))
    )
    refusals = [len(hosts.lines(each)) for each in SERVERS]
    with pytest.raises((ssl.SSLError, ConnectionError)):
        _ask_something(context, hosts.ports[role])
    until(lambda: len(hosts.lines(role)) > refusals[SERVERS.index(role)], "a line in the log")
    line = hosts.lines(role)[-1]
    assert (line["role"], line["happening"], line["address"]) == (role, "refused", "127.0.0.1")
    others = [len(hosts.lines(each)) for each in SERVERS if each != role]
    assert others == [count for each, count in zip(SERVERS, refusals, strict=True) if each != role]


def _ask_something(context: ssl.SSLContext, port: int) -> None:
    """Ask for a half's epoch; with TLS 1.3 a refusal shows when the answer is read."""
    with (
        socket.create_connection(("127.0.0.1", port), PATIENCE) as plain,
        context.wrap_socket(plain) as connection,
    ):
        connection.send(b"\x01\x04" + bytes(5) + b"\x01" + bytes(4))
        if not connection.recv(12):
            raise ConnectionResetError


def _keep(folder: Path, made: Made) -> None:
    (folder / "tls.crt").write_bytes(made.certificate)
    (folder / "tls.key").write_bytes(made.key)
