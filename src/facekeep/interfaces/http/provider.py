"""A provider of identities by OpenID Connect: where it is, what it says of whom, and whether that can be believed.

Authorization code, always with PKCE, and with a secret unless the service is registered there as a public client. Of
an ID token the signature, issuer, audience, nonce and times are checked, with algorithms of public keys only. The one
thing taken from it is who its issuer says that the person is (``sub``): which account that is, an administrator has
said before. Nothing of the provider is fetched before somebody signs in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx2
from joserfc import jwk, jwt
from joserfc.errors import JoseError

from facekeep.errors import AuthenticationError, UnavailableError, UsageError

__all__ = ["Authentication", "Provider", "ProviderSettings"]

_ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
_SECONDS: Final = 10.0
_BYTES_MAX: Final = 1 << 20
_LEEWAY_SECONDS: Final = 60
_FRESH_SECONDS: Final = 3600
_AGAIN_SECONDS: Final = 60
_SUBJECT_MAX: Final = 255  # OpenID Connect Core, 2
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Authentication(StrEnum):
    """How the service shows the provider that it is who asks (OpenID Connect Core, 9)."""

    BASIC = "client_secret_basic"
    """By its secret, in a header."""
    POST = "client_secret_post"
    """By its secret, in the form."""
    NONE = "none"
    """Not at all: a public client, whom PKCE alone binds to the browser that left."""


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """Which provider, and as whom the service is known there.

    Attributes:
        issuer: its address, as it writes it.
        client_id: the service's name there.
        secret: the service's secret there; "" for a public client.
        authentication: how the service shows that it is who asks.
    """

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    authentication: Authentication = Authentication.BASIC

    def __post_init__(self) -> None:
        if not _is_safe(self.issuer) or urlsplit(self.issuer).query or urlsplit(self.issuer).fragment:
            raise UsageError(
                "this is no issuer of identities", hint="Give its address with https:// as it writes it itself."
            )
        if self.authentication is Authentication.NONE and self.secret:
            raise UsageError(
                "a public client has no secret", hint="Set FACEKEEP_OIDC_AUTHENTICATION otherwise, or leave the secret."
            )
        if not self.client_id or (not self.secret and self.authentication is not Authentication.NONE):
            raise UsageError(
                "a provider of identities needs the service's name and secret there",
                hint="Set FACEKEEP_OIDC_CLIENT_ID, and FACEKEEP_OIDC_SECRET or FACEKEEP_OIDC_SECRET_FILE.",
            )


def _is_safe(address: object) -> bool:
    """Whether an address is HTTPS, or stays on this machine."""
    if not isinstance(address, str):
        return False
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (
        parts.scheme == "https" or (parts.scheme == "http" and host in {"localhost", "127.0.0.1", "::1"})
    )


class Provider:
    """A provider as it describes itself. For one event loop."""

    def __init__(self, settings: ProviderSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._settings = settings
        self._found: tuple[float, dict[str, str]] | None = None
        self._keys: tuple[float, jwk.KeySet] | None = None

    @property
    def host(self) -> str:
        """By which people know it."""
        return urlsplit(self._settings.issuer).hostname or ""

    @property
    def issuer(self) -> str:
        """Its address, as it writes it."""
        return self._settings.issuer

    async def address(self, *, back: str, state: str, nonce: str, challenge: str) -> str:
        """Where a browser is sent to sign in there.

        Args:
            back: where it sends the browser afterwards.
            state: comes back with the browser.
            nonce: comes back in the ID token.
            challenge: SHA-256 of the verifier of PKCE, in base64url.

        Raises:
            UnavailableError: the provider cannot be reached, or is not what it should be.
        """
        endpoint = (await self._described())["authorization_endpoint"]
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": back,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"

    async def subject(self, *, code: str, back: str, verifier: str, nonce: str) -> str:
        """Who somebody is to the provider, by the code that it sent along.

        Args:
            code: what it sent, good for once.
            back: the same as before.
            verifier: of PKCE.
            nonce: the same as before.

        Raises:
            AuthenticationError: the code is refused, or the ID token cannot be believed.
            UnavailableError: the provider cannot be reached, or is not what it should be.
        """
        endpoint = (await self._described())["token_endpoint"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        status, answer = await _fetch("POST", endpoint, **self._authenticated(form))
        token = answer.get("id_token")
        if status != httpx2.codes.OK or not isinstance(token, str):
            raise _refused()
        claims = await self._claims(token)
        try:
            jwt.JWTClaimsRegistry(
                leeway=_LEEWAY_SECONDS,
                iss={"essential": True, "value": self._settings.issuer},
                sub={"essential": True},
                aud={"essential": True, "value": self._settings.client_id},
                nonce={"essential": True, "value": nonce},
                exp={"essential": True},
                iat={"essential": True},
            ).validate(claims)
        except JoseError:
            raise _refused() from None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self._settings.client_id) != self._settings.client_id:
            raise _refused()
        subject: str = claims["sub"]
        if not 0 < len(subject) <= _SUBJECT_MAX:
            raise _refused()
        return subject

    def _authenticated(self, form: dict[str, str]) -> dict[str, Any]:
        """A form with what shows who sends it, as the arguments of a request."""
        settings = self._settings
        if settings.authentication is Authentication.BASIC:
            return {"data": form, "auth": httpx2.BasicAuth(settings.client_id, settings.secret)}
        secret = {"client_secret": settings.secret} if settings.authentication is Authentication.POST else {}
        return {"data": {**form, "client_id": settings.client_id, **secret}}

    async def _claims(self, token: str) -> dict[str, Any]:
        fresh = self._keys is None
        while True:
            try:
                return dict(jwt.decode(token, await self._key_set(anew=fresh), algorithms=_ALGORITHMS).claims)
            except (JoseError, ValueError):
                # It may be signed by a key that is newer than what is known here.
                if fresh or self._keys is None or self._clock() - self._keys[0] < _AGAIN_SECONDS:
                    raise _refused() from None
                fresh = True

    async def _key_set(self, *, anew: bool) -> jwk.KeySet:
        if anew or self._keys is None:
            status, answer = await _fetch("GET", (await self._described())["jwks_uri"])
            try:
                keys = jwk.KeySet.import_key_set({"keys": answer["keys"]})
            except (JoseError, ValueError, KeyError, TypeError, AttributeError):
                raise _not_a_provider() from None
            if status != httpx2.codes.OK:
                raise _not_a_provider()
            self._keys = self._clock(), keys
        return self._keys[1]

    async def _described(self) -> dict[str, str]:
        if self._found is None or self._clock() - self._found[0] > _FRESH_SECONDS:
            address = f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration"
            status, answer = await _fetch("GET", address)
            sound = status == httpx2.codes.OK and answer.get("issuer") == self._settings.issuer
            if not sound or not all(_is_safe(answer.get(name)) for name in _ENDPOINTS):
                raise _not_a_provider()
            self._found = self._clock(), {name: answer[name] for name in _ENDPOINTS}
        return self._found[1]


async def _fetch(method: str, address: str, **more: Any) -> tuple[int, dict[str, Any]]:
    try:
        async with (
            httpx2.AsyncClient(timeout=_SECONDS, trust_env=False, follow_redirects=False) as client,
            client.stream(method, address, headers={"Accept": "application/json"}, **more) as response,
        ):
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _BYTES_MAX:
                    raise _not_a_provider()
            response_status = response.status_code
        answer = httpx2.Response(response_status, content=bytes(body)).json()
    except httpx2.HTTPError:
        raise UnavailableError("the provider of identities cannot be reached", hint="Try again later.") from None
    except ValueError:
        raise _not_a_provider() from None
    if not isinstance(answer, dict):
        raise _not_a_provider()
    return response_status, answer


def _not_a_provider() -> UnavailableError:
    return UnavailableError(
        "what answers in the place of the provider of identities is none",
        hint="Compare FACEKEEP_OIDC_ISSUER with the issuer that the provider names.",
    )


def _refused() -> AuthenticationError:
    return AuthenticationError("the provider's word on who this is cannot be believed", hint="Sign in again.")
