"""Tokens of machine clients: shown once, kept as digests, ended by time or by revoking."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from facekeep.domain.access import Scope
from facekeep.errors import AuthenticationError, FormatError, NotFoundError, UsageError
from facekeep.service.access import AccessService
from facekeep.store.keys import MemoryKeyProvider
from facekeep.store.registry import Registry

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "registry.db"


@pytest.fixture
def access(path: Path) -> AccessService:
    return AccessService(Registry.create(path, MemoryKeyProvider(), keep_id=b"keep", model="ab" * 32))


def test_a_token_is_good_until_its_time_is_over(access: AccessService) -> None:
    issued = access.issue("till", [Scope.VERIFY], 2, NOW)
    assert issued.token.startswith("fkt1_")
    assert len(issued.token) == 48
    assert issued.token not in repr(issued)
    for moment in (NOW, NOW + timedelta(days=2, seconds=-1)):
        assert access.authenticate(issued.token, moment) == issued.client
    with pytest.raises(AuthenticationError):
        access.authenticate(issued.token, NOW + timedelta(days=2))


def test_no_two_tokens_are_alike_and_none_is_kept(access: AccessService, path: Path) -> None:
    tokens = {access.issue(f"client {number}", [Scope.READ], 1, NOW).token for number in range(20)}
    assert len(tokens) == 20
    kept = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert not any(token.encode() in kept or sha256(token.encode()).digest() in kept for token in tokens)


@pytest.mark.parametrize("token", ["", "x", "fkt1_", "fkt1_" + "A" * 43, "\ud800", "é", "x" * 100_000])
def test_what_is_no_token_is_nobody(access: AccessService, token: str) -> None:
    access.issue("till", [Scope.VERIFY], 2, NOW)
    with pytest.raises(AuthenticationError):
        access.authenticate(token, NOW)


def test_a_revoked_token_is_nobody_and_its_name_is_free(access: AccessService) -> None:
    issued = access.issue("till", [Scope.VERIFY], 2, NOW)
    access.revoke("till", NOW)
    with pytest.raises(AuthenticationError):
        access.authenticate(issued.token, NOW)
    with pytest.raises(NotFoundError):
        access.revoke("till", NOW)
    assert access.clients() == ()
    assert access.issue("till", [Scope.VERIFY], 2, NOW).token != issued.token


@pytest.mark.parametrize(("scopes", "days"), [([], 1), ([Scope.READ], 0), ([Scope.READ], 367)])
def test_what_cannot_be_issued(access: AccessService, scopes: list[Scope], days: int) -> None:
    with pytest.raises(UsageError):
        access.issue("till", scopes, days, NOW)
    assert access.clients() == ()


def test_a_client_is_of_its_organisation(access: AccessService) -> None:
    issued = access.issue("till", [Scope.READ], 1, NOW, organisation=" Acme ")
    assert issued.client.organisation == "Acme"
    assert "Acme" not in repr(issued)
    assert access.authenticate(issued.token, NOW).organisation == access.named("till").organisation == "Acme"
    assert access.issue("own", [Scope.READ], 1, NOW).client.organisation == ""
    for wrong in (" ", "a\nb", "x" * 65):
        with pytest.raises(FormatError):
            access.issue("third", [Scope.READ], 1, NOW, organisation=wrong)
    with pytest.raises(ValueError, match="organisation"):
        replace(issued.client, organisation="Acme ")
    assert len(access.clients()) == 2


def test_a_name_that_cannot_be_written(access: AccessService) -> None:
    with pytest.raises(FormatError):
        access.issue("a\0b", [Scope.READ], 1, NOW)
