"""A small provider of identities (OpenID Connect), as a process of its own: ``python -m tests.api.provider``.

It prints its address. ``/lie`` sets what it says wrongly from then on: other claims (null leaves one out), another key,
another algorithm, another issuer in the answer or the description.
"""

from __future__ import annotations

import base64
import secrets
import socket
import sys
import time
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwk, jwt
from joserfc.jws import JWSRegistry

CLIENT, SECRET = "facekeep", "a secret of the test: +/%"

app = FastAPI()
keys = {"RS256": jwk.RSAKey.generate_key(2048, {"kid": "one"}), "other": jwk.RSAKey.generate_key(2048, {"kid": "one"})}
codes: dict[str, dict[str, str]] = {}
lies: dict[str, Any] = {}


@app.post("/lie")
async def lie(request: Request) -> None:
    lies.clear()
    lies.update(await request.json())
    if "rotate" in lies:
        keys["RS256"] = jwk.RSAKey.generate_key(2048, {"kid": "two"})


@app.get("/.well-known/openid-configuration")
async def described() -> dict[str, str]:
    here = app.state.address
    names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
    return {"issuer": lies.get("described", here), **{name: f"{here}/{path}" for name, path in names.items()}}


@app.get("/authorize")
async def authorize(request: Request) -> Response:
    """Everybody is signed in at once, as who ``/lie`` says."""
    asked = dict(request.query_params)
    assert (asked["response_type"], asked["client_id"], asked["scope"]) == ("code", CLIENT, "openid")
    assert asked["code_challenge_method"] == "S256"
    if "error" in lies:
        return RedirectResponse(
            f"{asked['redirect_uri']}?{urlencode({'error': lies['error'], 'state': asked['state']})}"
        )
    code = secrets.token_urlsafe(16)
    codes[code] = asked
    back = {"code": code, "state": asked["state"], "iss": lies.get("answered", app.state.address)}
    return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}")


@app.post("/token")
async def token(request: Request) -> Response:
    form = await request.form()
    asked = codes.pop(str(form["code"]), None)
    basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
    challenge = base64.urlsafe_b64encode(sha256(str(form["code_verifier"]).encode()).digest()).rstrip(b"=").decode()
    how = lies.get("authentication", "client_secret_basic")
    shown = (request.headers.get("authorization"), form.get("client_id"), form.get("client_secret"))
    wanted = {
        "client_secret_basic": (f"Basic {basic}", None, None),
        "client_secret_post": (None, CLIENT, SECRET),
        "none": (None, CLIENT, None),
    }[how]
    if (
        asked is None
        or shown != wanted
        or asked["code_challenge"] != challenge
        or asked["redirect_uri"] != form["redirect_uri"]
    ):
        return JSONResponse({"error": "invalid_grant"}, 400)
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": app.state.address, "sub": "ada at the provider", "aud": CLIENT, "nonce": asked["nonce"],
        "iat": now, "exp": now + 300,
    }  # fmt: skip
    claims |= lies.get("claims", {})
    if "expired" in lies:
        claims["exp"] = now - 120
    claims = {name: value for name, value in claims.items() if value is not None}
    return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": _signed(claims)})


def _signed(claims: dict[str, Any]) -> str:
    how = lies.get("algorithm", "RS256")
    if how == "none":
        parts = [jwt.encode({"alg": "RS256"}, claims, keys["RS256"]).split(".")[1]]
        header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
        return f"{header}.{parts[0]}."
    if how == "HS256":  # signed with the secret that both know, or with the public key as if it were one
        key = jwk.OctKey.import_key(SECRET * 2)
        return jwt.encode({"alg": "HS256", "kid": "one"}, claims, key, registry=JWSRegistry(algorithms=["HS256"]))
    return jwt.encode({"alg": "RS256", "kid": keys[how].kid}, claims, keys[how])


@app.get("/keys")
async def public() -> dict[str, Any]:
    return {"keys": [keys["RS256"].as_dict(private=False, use="sig", alg="RS256")]}


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as bound:
        app.state.address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        sys.stdout.write(f"{app.state.address}\n")
        sys.stdout.flush()
        uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[bound])
