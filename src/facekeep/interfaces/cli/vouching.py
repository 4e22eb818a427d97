"""The registrar's word on the command line: asked for at the gate, looked at and signed at the registrar, applied."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facekeep.domain.consent import Purpose
from facekeep.errors import BadInputError, RefusedError, UnsignedError, UsageError
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.options import JsonOption, KeepOption
from facekeep.interfaces.cli.reply import Line, Rows, console, reply, show, when

if TYPE_CHECKING:
    from facekeep.interfaces.pairing.folder import RoleFolder
    from facekeep.service.word_requests import AskedForgiveness, AskedKey, WordAsked
    from facekeep.store.keys import KeyProvider

__all__ = ["RequestOption", "apply_word", "read_file", "requested", "sign_request"]

_FILE_BYTES_MAX = 128 << 10

RequestOption = Annotated[
    Path | None,
    typer.Option(
        "--request",
        metavar="FILE",
        help="Where the registrar has a host of its own: write what it has to sign into this new file.",
        show_default=False,
    ),
]


@contextmanager
def requested(request: Path | None, *, as_json: bool) -> Iterator[None]:
    """Write what the registrar has to sign where it is not signed here, and end the command."""
    try:
        yield
    except UnsignedError as unsigned:
        if request is None:
            raise
        _write_new(request, unsigned.payload)
    else:
        return
    told = "On the registrar's host: facekeep operator sign FILE --registrar DIR."
    reply({"requested": True}, ["It has to be signed by the registrar.", told], as_json=as_json)


def sign_request(
    context: typer.Context,
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What --request wrote.", show_default=False)],
    registrar: Annotated[
        Path, typer.Option("--registrar", metavar="DIR", help="The registrar's folder.", show_default=False)
    ],
    fingerprint: Annotated[
        str,
        typer.Option(
            "--fingerprint",
            metavar="KEY",
            help="The key's identifier, as its owner told it and not the gate; another key is refused.",
            show_default=False,
        ),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.", show_default=False)] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what the gate asks the registrar to sign, ask, and sign it into FILE.signed, on the registrar's host.

    The file comes from the gate. What it says of people's names is the gate's word.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from facekeep.interfaces.pairing.folder import RoleFolder
    from facekeep.service.opening import system_clock
    from facekeep.service.word_requests import AskedKey, read_request, serial_of
    from facekeep.split.wire.methods import Role

    if not yes and (as_json or not sys.stdin.isatty()):
        raise UsageError("signing asks at a terminal, and there is none", hint="Give --yes if you know what it says.")
    parts = composition(context)
    folder = RoleFolder.read(registrar)
    if folder.role is not Role.REGISTRAR:
        raise UsageError("this folder is not the registrar's", hint="Sign on the registrar's host.")
    asked = read_request(read_file(file, "the request"))
    keep_id = folder.facts().keep_id
    if asked.keep != keep_id.hex():
        raise UsageError("this request is for another keep", hint="Check where the file comes from.")
    if fingerprint and (not isinstance(asked, AskedKey) or asked.key != fingerprint.strip().lower()):
        raise RefusedError("the request is about another key", hint="Sign nothing. Somebody changed it on its way.")
    provider = parts.plan(parts.record(registrar)).provider(registrar, keep_id)
    now = system_clock()
    document, lines = _meaning(asked, folder, provider, now)
    if not as_json:
        screen = console()
        for line in lines:
            show(screen, line)
    if not yes:
        typer.confirm("Sign this?", abort=True, err=True)
    key = Ed25519PrivateKey.from_private_bytes(provider.get("registrar.sign"))
    _write_new(file.with_name(f"{file.name}.signed"), asked.signed(key, now=now, serial=serial_of(now)).to_bytes())
    reply(document, ["Signed. On the gate: facekeep operator apply FILE.signed."], as_json=as_json)


def apply_word(
    context: typer.Context,
    *,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What facekeep operator sign wrote.", show_default=False)
    ],
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give both halves what the registrar signed: a change of operators' keys, or a released lock."""
    from facekeep.service.word_requests import Signed

    signed = Signed.from_bytes(read_file(file, "the file"))
    with composition(context).open(keep) as opened:
        opened.apply_word(signed)
    reply({"applied": True}, ["Both halves know it."], as_json=as_json)


def read_file(path: Path, what: str) -> bytes:
    """The bytes of a small file.

    Args:
        path: which.
        what: how an error calls it.
    """
    try:
        with path.open("rb") as file:
            return file.read(_FILE_BYTES_MAX)
    except OSError:
        raise BadInputError(f"{what} cannot be read", hint="Check that the file exists.") from None


def _write_new(path: Path, data: bytes) -> None:
    try:
        with path.open("xb") as out:
            out.write(data)
    except OSError:
        raise UsageError("the file cannot be written", hint="Name a new file in a folder that there is.") from None


def _meaning(
    asked: WordAsked, folder: RoleFolder, provider: KeyProvider, now: datetime
) -> tuple[dict[str, object], list[Line]]:
    from facekeep.service.word_requests import AskedKey

    return _key_meaning(asked, folder) if isinstance(asked, AskedKey) else _review_meaning(asked, folder, provider, now)


def _key_meaning(asked: AskedKey, folder: RoleFolder) -> tuple[dict[str, object], list[Line]]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from facekeep.split.operators import ANYBODY, client_key_id

    grant = asked.grant
    if grant is None:
        cells = [("to do", "revoke a key: it signs no search any more"), ("key", asked.revoke)]
        return {"revoke": asked.revoke, "grant": None}, [_table(cells)]
    desk = client_key_id(Ed25519PublicKey.from_public_bytes(bytes.fromhex(folder.facts().desk)))
    if grant.operator == ANYBODY and grant.id != desk:
        hint = "Sign nothing. Such a key would make every search in anybody's name."
        raise RefusedError("the key would sign for whoever is named, and is not the desk's", hint=hint)
    until = datetime.fromtimestamp(grant.not_after, UTC) if grant.not_after else None
    purposes = ", ".join(purpose for purpose in Purpose if grant.purposes & purpose.bit)
    whose = _called(asked.names, grant.operator) if grant.operator else "whoever is named: this keep's own desk"
    cells = [
        ("to do", "let a key sign searches"),
        ("key", grant.id),
        ("kind", grant.kind + (f", used at {grant.origin}" if grant.origin else "")),
        ("signs for", whose),
        ("purposes", purposes or "nothing but the list of those never returned"),
        ("until (UTC)", "for ever" if until is None else when(until)),
    ]
    lines: list[Line] = [_table(cells)]
    if grant.operator:
        lines.append("Compare the key with what its owner reads to you: the gate could have put in one of its own.")
    return {"revoke": "", "grant": {**grant.to_plain(), "id": grant.id}, "names": dict(asked.names)}, lines


def _review_meaning(
    asked: AskedForgiveness, folder: RoleFolder, provider: KeyProvider, now: datetime
) -> tuple[dict[str, object], list[Line]]:
    from facekeep.split.forgiveness import FORGIVENESS_SECONDS

    until = now + timedelta(seconds=FORGIVENESS_SECONDS)
    label = _whose(asked, folder, provider)
    cells = [
        ("to do", "forget the rejected comparisons of a person, once, and so release the lock"),
        ("person", f"{label}, as this registrar's registry has it"),
        ("references", f"{len(asked.rows)}"),
        *(("reviewer", _called(asked.names, reviewer)) for reviewer in asked.reviewers),
        ("until (UTC)", when(until)),
    ]
    ask = "Ask both reviewers yourself whether they agreed: the gate could have made them up."
    document = {
        "forgive": label,
        "references": len(asked.rows),
        "reviewers": {reviewer: asked.names.get(reviewer, "") for reviewer in asked.reviewers},
        "until": until,
    }
    return document, [_table(cells), ask]


def _whose(asked: AskedForgiveness, folder: RoleFolder, provider: KeyProvider) -> str:
    """The label of the one person whose references these are."""
    from facekeep.domain.row import Pseudonym
    from facekeep.service.opening import registry_path
    from facekeep.store.registry import Registry

    with Registry.look(registry_path(folder.directory), provider) as registry, registry.read() as view:
        people = {view.subject_of_pseudonym(Pseudonym(bytes.fromhex(row))) for row in asked.rows}
        person = people.pop()
        if people or person is None:
            hint = "Sign nothing. Somebody changed the request on its way, or the person was erased."
            raise RefusedError("the request is not about the references of one person", hint=hint)
        return view.subject(person).label


def _called(names: Mapping[str, str], pseudonym: str) -> str:
    return f"{names.get(pseudonym, 'somebody')}, as the gate says (in the logs {pseudonym})"


def _table(cells: list[tuple[str, str]]) -> Rows:
    return Rows(("what is asked for", ""), cells)
