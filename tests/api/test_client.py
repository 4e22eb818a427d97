"""The Python client against the application: every method, and the errors that the library raises too."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from facekeep import errors
from facekeep.client import AsyncClient, Client, exchange
from facekeep.domain.access import Scope
from facekeep.domain.consent import Purpose
from facekeep.errors import FacekeepError
from facekeep.interfaces.http.problems import PROBLEMS
from facekeep.service.keep import Keep
from tests.api.conftest import NOTICE

Picture = Callable[[str], bytes]


@pytest.fixture
def picture(pictures: Path) -> Picture:
    return lambda name: (pictures / name).read_bytes()


@pytest.fixture
def token(keep: Keep) -> Iterator[str]:
    yield keep.issue_token("the client", list(Scope), days=1).token
    keep.revoke_token("the client")


class Through(httpx2.BaseTransport):
    """To the application in this process, by starlette's own client."""

    def __init__(self, app: FastAPI) -> None:
        self._inner = TestClient(app, raise_server_exceptions=False)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = self._inner.request(
            request.method, str(request.url), content=request.read(), headers=dict(request.headers)
        )
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)


@pytest.fixture
def client(app: FastAPI, token: str) -> Iterator[Client]:
    with Client("http://keep", token, transport=Through(app)) as made:
        yield made


def test_a_person_comes_and_goes(client: Client, picture: Picture) -> None:
    done = client.enrol("eileen", [picture("astronaut.png")], purposes=[Purpose.VERIFY], notice=NOTICE, name="Eileen")
    assert (done.references, done.gallery, done.purposes, done.never_returned) == (1, "main", (Purpose.VERIFY,), False)
    found = client.verify(done.id, picture("astronaut.png"))
    assert found.verified
    assert found.one_in is not None
    assert found.one_in >= 10_000
    assert not client.verify(done.id, picture("obama.jpg")).verified
    details = client.subject(done.id)
    assert (details.label, details.name, details.references) == ("eileen", "Eileen", 1)
    assert client.find(" eileen ") == details
    assert client.verify("eileen", picture("astronaut.png"), by_label=True).verified
    assert not client.verify("eileen", picture("astronaut.png")).verified
    (withdrawn,) = client.withdraw_consent(done.id, Purpose.VERIFY)
    assert client.never_return(done.id) == 1
    assert client.never_return(done.id) == 0
    assert not withdrawn.holds
    assert not client.verify(done.id, picture("astronaut.png")).verified
    assert [c.holds for c in client.give_consent(done.id, Purpose.VERIFY, NOTICE)] == [False, True]
    assert client.erase(done.id).references == 1
    with pytest.raises(errors.NotFoundError):
        client.subject(done.id)


def test_everybody_is_listed_once_over_pages(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sorted(person.label for person in client.subjects()) == ["biden", "obama"]
    first = client.page(limit=1)
    assert len(first.subjects) == 1
    assert client.page(limit=1, after=first.next).next is None


def test_a_search_under_a_case(client: Client, picture: Picture) -> None:
    case = client.open_case("lost by the client", days=2)
    assert case in client.cases()
    found = client.identify(picture("obama2.jpg"), case=case.title)
    assert [candidate.label for candidate in found.candidates] == ["obama"]
    assert client.identify(picture("astronaut.png"), case=case.title).candidates == ()
    with pytest.raises(errors.UsageError, match="case"):
        client.identify(picture("obama2.jpg"))


def test_two_pictures(client: Client, picture: Picture) -> None:
    assert client.compare(picture("obama2.jpg"), picture("obama3.jpg")).verified
    assert not client.compare(picture("obama2.jpg"), picture("biden.jpg")).verified


def test_errors_are_those_of_the_library(client: Client, app: FastAPI, keep: Keep, picture: Picture) -> None:
    with pytest.raises(errors.ImageError):
        client.verify("0" * 32, b"no picture")
    with pytest.raises(errors.QualityError) as unfit:
        client.enrol("x", [picture("obama_partial_face2.jpg")], purposes=[Purpose.VERIFY], notice=NOTICE)
    assert unfit.value.reasons
    with pytest.raises(errors.UsageError, match="fmr"):
        client.verify("0" * 32, b"", fmr=0.5)
    keep.switch(Purpose.VERIFY, False)
    try:
        with pytest.raises(errors.PurposeOffError) as off:
            client.verify("0" * 32, picture("obama.jpg"))
        assert off.value.__notes__
    finally:
        keep.switch(Purpose.VERIFY, True)
    with Client("http://keep", "fkt1_unknown", transport=Through(app)) as stranger:
        with pytest.raises(errors.AuthenticationError):
            stranger.cases()
        assert stranger.version()
    narrow = keep.issue_token("narrow", [Scope.READ], days=1).token
    with Client("http://keep", narrow, transport=Through(app)) as reader, pytest.raises(errors.RefusedError):
        reader.erase("0" * 32)


def test_every_problem_has_its_error() -> None:
    assert exchange._ERRORS.keys() == PROBLEMS.keys()


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(200, text="<html>a proxy</html>"),
        httpx2.Response(200, json=[]),
        httpx2.Response(200, json={"vers": 1}),
        httpx2.Response(502, text="bad gateway"),
        httpx2.Response(404, json={"detail": "Not Found"}),
        httpx2.Response(500, json=[1]),
        httpx2.Response(302, headers={"Location": "http://elsewhere"}, json={}),
    ],
)
def test_what_is_no_facekeep_is_told(answer: httpx2.Response) -> None:
    transport = httpx2.MockTransport(lambda _: answer)
    with Client("http://keep", "x", transport=transport) as client, pytest.raises(errors.UnavailableError):
        client.version()


def test_nobody_there() -> None:
    def refuse(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    transport = httpx2.MockTransport(refuse)
    with Client("http://keep", "x", transport=transport) as client, pytest.raises(errors.UnavailableError):
        client.version()


@pytest.mark.parametrize("token", ["", "two words", "a\nb", "ü"])
def test_what_is_no_token_is_told_before_anything_is_sent(token: str) -> None:
    with pytest.raises(errors.UsageError):
        Client("http://keep", token)


def test_a_token_is_not_shown(client: Client, token: str) -> None:
    assert token not in repr(client)
    assert token not in repr(vars(client))


def test_the_other_client_does_the_same(app: FastAPI, token: str, picture: Picture) -> None:
    async def work() -> None:
        transport = httpx2.ASGITransport(app)
        async with AsyncClient("http://keep", token, transport=transport) as client:
            people = [person async for person in client.subjects()]
            assert sorted(person.label for person in people) == ["biden", "obama"]
            (obama,) = [person.id for person in people if person.label == "obama"]
            answers = {}

            async def verify(name: str) -> None:
                answers[name] = (await client.verify(obama, picture(name))).verified

            async with anyio.create_task_group() as tasks:
                for name in ("obama2.jpg", "biden.jpg", "obama3.jpg"):
                    tasks.start_soon(verify, name)
            assert answers == {"obama2.jpg": True, "biden.jpg": False, "obama3.jpg": True}
            with pytest.raises(errors.NotFoundError):
                await client.subject("0" * 32)

    anyio.run(work)


def test_both_clients_have_the_same_methods() -> None:
    def methods(kind: type) -> dict[str, object]:
        found = inspect.getmembers(kind, inspect.isfunction)
        return {
            name: (list(inspect.signature(method).parameters.values()), method.__doc__)
            for name, method in found
            if not name.startswith("_")
        }

    assert methods(Client) == methods(AsyncClient)
    assert len(methods(Client)) == 62
    assert issubclass(errors.UnavailableError, FacekeepError)
