"""Write docs/reference/http.md from the application: python tools/docs/service.py."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from fastapi.routing import APIRoute

from facekeep.interfaces.http.app import PARTS
from facekeep.interfaces.http.bodies import BODY_BYTES_MAX, PARTS_MAX, PLAIN_BYTES_MAX, TEXT_BYTES_MAX, VALUES_MAX
from facekeep.interfaces.http.intake import HELD_BYTES_MAX
from facekeep.interfaces.http.problems import PROBLEMS
from facekeep.interfaces.http.rates import Rate, Rates
from facekeep.interfaces.http.security import action_of
from facekeep.interfaces.http.signing import OF_ONE

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "http.md"


def _rate(rate: Rate | None) -> str:
    return "no limit" if rate is None else f"{rate.requests} requests in {rate.seconds} seconds"


_INTRODUCTION = f"""# The service over HTTP

This page is made from the program by `python tools/docs/service.py`; do not edit it.

`facekeep serve` serves an open keep. Its description by OpenAPI 3.1, with examples, is at `/v1/openapi.json`. It
listens on this machine only, unless it has a certificate, or `--insecure-plain-http` says that a proxy in front of it
has one.

A client sends `Authorization: Bearer TOKEN`. An administrator makes the token, for some scopes and at most a year:

```
facekeep token create till --scope verify,read --days 30
```

Only its SHA-256 is kept, sealed. People [sign in](../how-to/sign-in.md), and their browsers send the cookie of a
session. Each operation is an action; which roles and scopes may do it is in [Who may do what](access.md). Whoever may
not is refused with 403, before anything of the body is read.

Bodies are JSON, with pictures in base64, or forms (`multipart/form-data`), with pictures as files; both have the same
fields. A body has at most {BODY_BYTES_MAX >> 20} MiB, without pictures {TEXT_BYTES_MAX >> 20} MiB,
and {PLAIN_BYTES_MAX >> 10} KiB where it can hold no notice either; {PARTS_MAX} parts if it is a form,
{VALUES_MAX} values (commas, colons and opening brackets outside of strings) if it is JSON. One that is larger is
refused before it is read, or where it passes the bound. Of all bodies at once, {HELD_BYTES_MAX >> 20} MiB are held; who
comes when there is no room is told so by 503 and `Retry-After`. Nothing of a body is written to a disk. A person is
named in paths by the identifier from the list of subjects and never by label, so that logs of
proxies hold no names.

A gallery is a group of references, and is there while a reference is in it. Its name has 1 to 64 bytes in UTF-8, no
control characters and no spaces around it; `never-return` is reserved. A notice is a text that people are shown,
and may say for how long, who else and what instead. It is named by [its hash](../spec/notices.md), never changes and
never goes; a newer version may replace it. An enrolment or a consent gives its text (`notice`) or its hash
(`notice_hash`); without either it is refused (422), as with a hash that is not known, and a consent to a purpose that
the notice does not speak of is, too (403). A text that comes with a consent is kept as well, without language and
purposes, which may be added once by `POST /v1/notices`.

How a consent came about is said with it: `evidence`, and for minors `age` and `guardian`
([how to record consents](../how-to/consent.md)). Where the rules of the keep want a guardian or an age, or no guardian,
the answer is 403. An age comes from who sends it, is used for the rules, and is in no answer. Somebody who is signed in
as a data subject says none of these.

Every answer has `X-Request-Id`: the caller's own, if it is 8 to 64 letters, digits and hyphens, else a random one.
The service writes one line of JSON for each request to its standard error: time, number, operation, status, problem,
what refused it, client and milliseconds. The operation is a path with the names of its parameters, the client a random
identifier of a client, an account or a capture; what was asked about whom is in no line. Counters and traces:
[Watch a served keep](../how-to/observe.md).

A `POST`, `PUT` or `DELETE` of subjects, references, consents, notices, cases, webhooks and rules of retention, and a
`POST` of tokens, accounts, invitations, reviews, keys, concerns and what a person says in a review, may bear an
`Idempotency-Key`, a new random one for each request. Sent again within a day, it is not done again, and the first
answer is given, without a token, link or secret that was in it. One that was refused may be sent again; one that was
cut short by a fault is answered by 409, since it may have been done. So is one about somebody who was erased since: of
what was kept about that person only the use of the key is left, for the rest of the day.

An operator who signs by a key of their own asks in two steps. `POST …/statements`, with the picture and the identifier
of the key, gives a statement; it is sent back signed to `POST …/statements/ID`, and answered as the search in one step
is. The signature is Ed25519 over `facekeep/1/statement`, a zero byte and the statement; or an assertion of a passkey
whose challenge is ID, as bytes. The server keeps the code of the probe in memory meanwhile, and no picture: for five
minutes and one signature, and {OF_ONE} searches of one caller. Where the keep's desk may sign for the purpose, one step
is enough. See [Have operators sign](../how-to/signing.md).

A [capture](../how-to/capture.md) is ordered by a client (`/v1/capture-sessions`) and gone through by the browser of a
person (`/v1/capture`), which has a cookie of its own for it and is nobody otherwise, and names in
`Facekeep-Capture` the capture that its page shows. Frames are one body of
`application/vnd.facekeep.capture`, at most 12 MiB: see [the format](../spec/capture.md). What a capture came to is
signed by the key of `/v1/keys`.

A review is a question that people decide, by what was measured and, where that is not enough, by a masked face. Its
pictures are sealed to the keys of reviewers' browsers ([the format](../spec/review.md)); `sealed`, `share` and
`wrapped` open one there, and nowhere else. Everything of a review is for the organisation whose it is; to others it is
not there. What people alone do (list, claim, look, vote, report) no token does. An open list has the urgent first, then
whatever ends first; one of reviews that are over is in the order of their identifiers. Votes are told once it is
decided, without whose they are. `gone` (410) says that evidence was destroyed, `review-conflict` (409) that whoever
asks voted before, has no claim, filed it or knows the person, reported what is to be answered, or reported more than
may wait, or that it is over. See [how to
review](../how-to/review.md) and [how to have people look](../how-to/review-api.md).

Whoever asks too often is answered by 429 (`too-many-requests`) with `Retry-After`: a client after
{_rate(Rates().client)} (`FACEKEEP_RATE_CLIENT`), an address after {_rate(Rates().address)} that
bore no token that is known (`FACEKEEP_RATE_ADDRESS`). Requests may come all at once and are counted by a bucket that
fills steadily, when they come; what an address asked is given back once its client is known. An address that has used
up its requests is refused before its token is looked at, also if the token is good: put clients and strangers on
different addresses, and name the proxy before the service in `FACEKEEP_PROXIES`, else all that come through it are
one address. Health is not counted, nor what pages are made of, which an address gets as long as it may ask. Every
other answer says where the caller stands, by `RateLimit-Policy` and
`RateLimit` (draft-ietf-httpapi-ratelimit-headers-10). Counts are in the memory of the process and begin anew with it.
The budgets of both halves are something else, and also answered by 429
(`budget-used-up`), without `Retry-After`: see [budgets](../how-to/budgets.md).

Lists come in pages, but for tokens and accounts, in an order that stays the same: `limit` says how many, and `next` of
a page, given as `after`, asks for the page behind it. Answers to `GET` of what the registry holds have an `ETag`; sent
again as `If-None-Match`, an answer that is still the same is 304 without a body.
"""


def page() -> str:
    """The page as it should be."""
    operations = ["## Operations", "", "| operation | what it does | action |", "|---|---|---|"]
    for route in routes():
        action = action_of(route)
        what = (route.endpoint.__doc__ or "").strip().partition("\n")[0]
        operations.append(f"| `{operation(route)}` | {what} | {f'`{action}`' if action else 'none'} |")
    problems = ["## Problems", "", _PROBLEMS, "", "| type | status | title |", "|---|---|---|"]
    problems += [f"| `urn:facekeep:problem:{kind.name}` | {kind.status} | {kind.title} |" for kind in PROBLEMS.values()]
    return "\n".join([_INTRODUCTION, *operations, "", *problems, ""])


_PROBLEMS = """\
Errors are `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail`, `hint` and `request_id`;
`faults` names fields that do not fit, `reasons` why a picture is not fit. A type keeps its meaning. A claim that is not
verified and a search without candidates are answers and no errors. A 503 has `Retry-After`: with roles on other hosts
one of them is away, and what was asked may have been done or not."""


def routes() -> list[APIRoute]:
    """Every operation, in the order of its description."""
    return [route for part in PARTS for route in cast("list[APIRoute]", part.router.routes)]


def operation(route: APIRoute) -> str:
    """Method and path."""
    (method,) = route.methods or {""}
    return f"{method} {route.path}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE.name)
