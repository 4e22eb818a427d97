"""An example shop: its customers sign in by face or passkey, and confirm a payment the same way.

It shows what an integrator has to do, and no more: no database, no design. Everything that matters for security is here
and commented: a capture counts only for the browser that asked for it and that came back from it, its result is fetched
by the server and never taken from a page, and a payment is held against the order that is to be paid. See README.md
beside this file.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path

import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from facekeep.client import CaptureResult, Client, read_result
from facekeep.domain.capture import Intent, Statement
from facekeep.domain.capture_order import CaptureOrder
from facekeep.domain.capture_session import CaptureOutcome
from facekeep.domain.consent import Purpose
from facekeep.errors import FacekeepError

PAYEE = "Example Shop"
CURRENCY = "EUR"
COOKIE = "example-shop"


@dataclass(frozen=True, slots=True)
class Pending:
    """A capture that this browser asked for.

    Attributes:
        id: of the session.
        nonce: of the session, which its result has to carry.
        state: a secret of the way back: the keep tells it to whoever opens the link, and nobody else knows it.
        customer: whose it is.
        purpose: what was asked.
        returned: whether this browser came back with the secret.
    """

    id: str
    nonce: str
    state: str
    customer: str
    purpose: Purpose
    returned: bool = False


@dataclass(slots=True)
class Visit:
    """What the shop knows of a browser.

    Attributes:
        customer: who is signed in, "" for nobody.
        pending: the capture under way.
        order: the amount that is to be paid.
        paid: what was paid so far, as it was confirmed.
    """

    customer: str = ""
    pending: Pending | None = None
    order: str = "12.50"
    paid: list[str] = field(default_factory=list)

    def statement(self, purpose: Purpose) -> Statement | None:
        """What has to be confirmed, as things stand now."""
        return Statement(self.order, CURRENCY, PAYEE) if purpose is Purpose.PAYMENT else None


class Shop:
    """The shop and its visitors, in memory."""

    def __init__(self, client: Client, *, keep: str, origin: str, client_id: str, notices: tuple[str, ...]) -> None:
        """Be ready.

        Args:
            client: of the keep, whose token has the scope ``capture``.
            keep: origin of the keep as browsers see it.
            origin: of this shop.
            client_id: the identifier of the shop's token: results for others are refused.
            notices: digests of the notices that customers are shown.
        """
        self.client, self.keep, self.origin, self.client_id, self.notices = client, keep, origin, client_id, notices
        self.visits: dict[str, Visit] = {}

    def visit(self, request: Request, response: Response) -> Visit:
        """The visit of a browser, known by a cookie that no script reads."""
        name = request.cookies.get(COOKIE, "")
        if name not in self.visits:
            name = secrets.token_urlsafe(32)
            self.visits[name] = Visit()
            secure = self.origin.startswith("https:")
            # Lax: sent too when the keep leads the browser back, which a strict one is not.
            response.set_cookie(COOKIE, name, httponly=True, samesite="lax", secure=secure)
        return self.visits[name]

    def begin(self, visit: Visit, customer: str, purpose: Purpose) -> str:
        """Ask the keep for a capture; gives its link."""
        # Made here, since the way back is told before the capture has an identifier.
        state = secrets.token_urlsafe(32)
        made = self.client.create_capture(
            CaptureOrder(
                Intent.VERIFY,
                purpose,
                self.notices,
                label=customer,
                statement=visit.statement(purpose),
                return_url=f"{self.origin}/back?state={state}",
            )
        )
        # Kept for this browser alone. That does not say which browser opens the link: whoever asked may have sent it to
        # the customer, who goes through and would have signed in the sender. See back().
        visit.pending = Pending(made.id, made.nonce, state, customer, purpose)
        return made.link

    def back(self, request: Request, state: str) -> bool:
        """Note that a browser came back from its capture; says whether it is the one that asked for it.

        The customer's face was before the browser that comes back, and the shop's cookie says which asked. Only where
        both are the same does the result count: the sender of a link has the cookie and never learns the secret, the
        customer who was sent it has the secret and not the cookie.
        """
        visit = self.visits.get(request.cookies.get(COOKIE, ""))
        if visit is None or visit.pending is None:
            return False
        if not secrets.compare_digest(visit.pending.state.encode(), state.encode()):
            return False
        visit.pending = replace(visit.pending, returned=True)
        return True

    def finish(self, visit: Visit) -> CaptureResult:
        """Fetch the result of the capture under way, once, and check all of it.

        Raises:
            HTTPException: there is none, this browser did not come back from it, or it is of something else.
            FacekeepError: the result is another's, for something else, or was altered.
        """
        pending, visit.pending = visit.pending, None
        if pending is None:
            raise HTTPException(409, "No capture is under way.")
        if not pending.returned:
            raise HTTPException(409, "This browser did not come back from the capture.")
        found = self.client.capture(pending.id)
        if found.result is None:
            raise HTTPException(409, "The capture is not finished.")
        # The statement is made of the order anew: what was confirmed has to be what is paid, to the last digit.
        result = read_result(
            found.result,
            self.client.result_keys(),
            audience=self.client_id,
            nonce=pending.nonce,
            statement=visit.statement(pending.purpose),
            issuer=self.keep,
        )
        if (result.capture, result.purpose) != (pending.id, pending.purpose):
            raise HTTPException(409, "This is the result of something else.")
        return result


def build(shop: Shop) -> FastAPI:
    """The shop as an application."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    # The keep's script is the only one from elsewhere; it opens a window and needs nothing else.
    policy = (
        f"default-src 'none'; script-src 'self' {shop.keep}; style-src 'self'; connect-src 'self'; form-action 'self'"
    )
    files = Path(__file__).parent

    def page(visit: Visit, response: Response) -> HTMLResponse:
        shown = HTMLResponse(_page(shop, visit), headers={"Content-Security-Policy": policy})
        if "set-cookie" in response.headers:
            shown.headers["set-cookie"] = response.headers["set-cookie"]
        return shown

    @app.exception_handler(FacekeepError)
    def told(_: Request, error: Exception) -> JSONResponse:
        """The keep is away, or does not take what the shop asks: nobody is let in, and nothing is paid."""
        return JSONResponse({"passed": False, "outcome": type(error).__name__}, 502)

    @app.get("/")
    def home(request: Request, response: Response) -> HTMLResponse:
        return page(shop.visit(request, response), response)

    @app.get("/shop.js")
    def script() -> Response:
        return Response((files / "shop.js").read_bytes(), media_type="text/javascript")

    @app.get("/shop.css")
    def style() -> Response:
        return Response((files / "shop.css").read_bytes(), media_type="text/css")

    @app.get("/back")
    def back(request: Request, state: str = "") -> Response:
        """Where the capture page leads when it is done: in a window of its own it tells the shop's page and closes."""
        known = shop.back(request, state)
        return HTMLResponse(_BACK if known else _ASTRAY, 200 if known else 403, {"Content-Security-Policy": policy})

    @app.post("/sign-in/{customer}")
    def begin_sign_in(customer: str, request: Request, response: Response) -> JSONResponse:
        _own(request, shop)
        return _begun(shop.begin(shop.visit(request, response), customer, Purpose.VERIFY))

    @app.post("/pay")
    def begin_payment(request: Request, response: Response) -> JSONResponse:
        _own(request, shop)
        visit = shop.visit(request, response)
        if not visit.customer:
            raise HTTPException(401, "Nobody is signed in.")
        return _begun(shop.begin(visit, visit.customer, Purpose.PAYMENT))

    @app.post("/finish")
    def finish(request: Request, response: Response) -> JSONResponse:
        _own(request, shop)
        visit = shop.visit(request, response)
        pending = visit.pending
        result = shop.finish(visit)
        passed = result.outcome is CaptureOutcome.PASSED
        if passed and pending is not None:
            if pending.purpose is Purpose.PAYMENT:
                visit.paid.append(f"{visit.order} {CURRENCY}")
            else:
                visit.customer = pending.customer
        return JSONResponse({"passed": passed, "outcome": result.outcome, "reasons": list(result.reasons)})

    @app.post("/sign-out")
    def sign_out(request: Request, response: Response) -> Response:
        _own(request, shop)
        shop.visit(request, response).customer = ""
        return RedirectResponse("/", 303)

    return app


def _own(request: Request, shop: Shop) -> None:
    """Only the shop's own pages may ask: another site must not start a payment in somebody's browser."""
    if request.headers.get("origin") != shop.origin:
        raise HTTPException(403, "This comes from elsewhere.")


def _begun(link: str) -> JSONResponse:
    return JSONResponse({"link": link}, headers={"Cache-Control": "no-store"})


_HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/shop.css">"""

_BACK = (
    _HEAD.format(title="Back to the shop")
    + """<script type="module" src="/shop.js"></script>
<main><h1>Thank you</h1><p>You may close this window. <a href="/">Back to the shop</a></p></main></html>"""
)

_ASTRAY = (
    _HEAD.format(title="Not begun here")
    + """<main><h1>Not begun here</h1><p>You were sent to show your face for something that was not begun in this
browser. It does not count: nobody was signed in, and nothing was paid. If somebody sent you a link, they may have
wanted to sign in as you.</p><p><a href="/">To the shop</a></p></main></html>"""
)


def _page(shop: Shop, visit: Visit) -> str:
    paid = "".join(f"<li>Paid {escape(amount)} to {escape(PAYEE)}</li>" for amount in visit.paid)
    if visit.customer:
        body = f"""<p>Signed in as <strong>{escape(visit.customer)}</strong>.</p>
<h2>Your order</h2><p>One umbrella: <strong>{escape(visit.order)} {CURRENCY}</strong></p>
<face-keep start="/pay" finish="/finish"><button>Confirm the payment</button></face-keep>
<form method="post" action="/sign-out"><button class="plain">Sign out</button></form><ul id="paid">{paid}</ul>"""
    else:
        body = """<label for="customer">Customer</label> <input id="customer" autocomplete="username" value="">
<face-keep start="/sign-in/" finish="/finish"><button>Sign in</button></face-keep>"""
    return f"""{_HEAD.format(title="Example shop")}
<script type="module" src="{escape(shop.keep)}/capture/face-keep.js"></script>
<script type="module" src="/shop.js"></script>
<main><h1>Example shop</h1>{body}<p id="state" role="status"></p></main></html>"""


def main() -> None:
    """Serve the shop, with what the environment says (README.md)."""
    keep, origin = os.environ["KEEP"], os.environ.get("SHOP", "http://localhost:8790")
    token = Path(os.environ["TOKEN_FILE"]).read_text(encoding="utf-8").strip()
    with Client(keep, token) as client:
        shop = Shop(
            client,
            keep=keep,
            origin=origin,
            client_id=os.environ["CLIENT_ID"],
            notices=tuple(os.environ["NOTICES"].split(",")),
        )
        port = int(origin.rpartition(":")[2])
        uvicorn.run(build(shop), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
