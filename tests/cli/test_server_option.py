"""The same commands on a keep here and on one that is served: the same documents, the same exit codes."""

from __future__ import annotations

import datetime
import ipaddress
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from facekeep.client import Client, WebhookDetails, verify_webhook
from facekeep.client.exchange import trusted
from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.consent import Notice, Purpose
from facekeep.interfaces.cli import main
from facekeep.interfaces.cli.hooking import _state
from tests.cli.conftest import Ran, clean_environment
from tests.mail_receiver import MailReceiver, receiving_mail
from tests.receiver import certificate, receiving

Run = Callable[..., Ran]
TEXT = "We keep a template of your face to open the door.\n"
MINOR = ["--age", "9", "--guardian", "Her mother", "--guardian-relation", "mother"]
DIGEST = sha256(TEXT.encode()).hexdigest()
SAID = ["--retention", "a year", "--alternative", "a card", "--replaces", DIGEST]
WHOLE = Notice(TEXT, "en", frozenset({Purpose.VERIFY}), "a year", "", "a card", DIGEST)


@dataclass(frozen=True, slots=True)
class Served:
    """A served keep.

    Attributes:
        address: of it.
        folder: with ``cert.pem``, ``token`` that may do everything and ``narrow`` that may verify.
        mail: its mail server.
    """

    address: str
    folder: Path
    mail: MailReceiver

    def options(self, file: str = "token") -> list[object]:
        """What a command needs to reach it."""
        authorities = ["--authorities", self.folder / "cert.pem"]
        return ["--server", self.address, "--token-file", self.folder / file, *authorities]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A new keep, served over TLS by a process of its own."""
    folder = tmp_path_factory.mktemp("served")
    certificate(folder, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    keep = folder / "keep"
    assert main(["init", str(keep), "--json"]) == 0
    from facekeep.service.keep import Keep

    assert main(["init", str(folder / "witness"), "--json"]) == 0
    with Keep.open(folder / "witness") as witness, Keep.open(keep) as opened:
        opened.add_witness(witness.witness_key)
        (folder / "ledger-key").write_text(opened.ledger_key)
        for name in ("ann", "bob"):
            key = X25519PrivateKey.generate().public_key().public_bytes_raw()
            opened.add_reviewer_key(key, who=opened.invite(name, [Role.REVIEWER]).account)
        for name, scopes in (("token", tuple(Scope)), ("narrow", (Scope.VERIFY,))):
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(opened.issue_token(name, scopes, days=1).token + "\n")
    given = ["--keep", str(keep), "--certificate", str(folder / "cert.pem"), "--key", str(folder / "key.pem")]
    with receiving_mail() as mail:
        named = {"MAIL_SERVER": f"smtp://localhost:{mail.port}", "MAIL_FROM": "facekeep@keep.example"}
        serving = subprocess.Popen(
            [sys.executable, "-m", "facekeep", "serve", "--port", "0", *given],
            stderr=subprocess.PIPE,
            env=clean_environment(
                **{f"FACEKEEP_{name}": value for name, value in named.items()}, FACEKEEP_WEBHOOKS_PRIVATE="1"
            ),
            text=True,
        )
        try:
            assert serving.stderr is not None
            address = serving.stderr.readline().split()[-1]
            assert address.startswith("https://127.0.0.1:")
            yield Served(address, folder, mail)
        finally:
            serving.send_signal(signal.SIGTERM)
            _, error = serving.communicate(timeout=30)
    assert "Traceback" not in error


@pytest.fixture
def people(tmp_path: Path, pictures: Path) -> Path:
    """A folder of three people, of whom one has a picture that is none."""
    for label, content in (
        ("biden", (pictures / "biden.jpg").read_bytes()),
        ("eileen", (pictures / "astronaut.png").read_bytes()),
        ("nobody", b"no picture"),
    ):
        (tmp_path / "people" / label).mkdir(parents=True)
        (tmp_path / "people" / label / "1.jpg").write_bytes(content)
    table = "label,age,guardian,evidence\neileen,9,Her mother,form:people/nobody/1.jpg\nbiden,17,,\n"
    (tmp_path / "consents.csv").write_text(table)
    return tmp_path / "people"


def _commands(pictures: Path, people: Path, notice: Path) -> list[list[object]]:
    consent = ["--consent", "verify,identify", "--notice", notice]
    obama2, obama3, eileen = pictures / "obama2.jpg", pictures / "obama3.jpg", pictures / "astronaut.png"
    return [
        ["list"],
        ["enrol", "obama", pictures / "obama.jpg", *consent, "--name", "Barack", "--gallery", "west wing"],
        ["enrol", "--people", people, *consent, "--consents", people.parent / "consents.csv"],
        ["enrol", "--people", people, *consent],
        ["enrol", "obama", people / "nobody" / "1.jpg", *consent],
        ["enrol", "x", pictures / "obama_partial_face2.jpg", *consent],
        ["enrol", "x", obama2, "--consent", "verify", "--notice", people],
        ["list"],
        ["show", "obama"],
        ["show", "no such person"],
        ["verify", "obama", obama2],
        ["verify", "biden", obama2],
        ["verify", "no such person", obama2],
        ["verify", "obama", obama2, "--fmr", "0.5"],
        ["verify", "obama", people / "nobody" / "1.jpg"],
        ["compare", obama2, obama3],
        ["compare", obama2, eileen],
        ["identify", obama3],
        ["identify", obama3, "--case", "no such case"],
        ["case", "open", "who is it", "--days", "3"],
        ["case", "open", "who is it"],
        ["case", "show"],
        ["identify", obama3, "--case", "who is it"],
        ["identify", obama3, "--case", "who is it", "--gallery", "main"],
        ["identify", obama3, people / "nobody" / "1.jpg", "--case", "who is it"],
        ["consent", "withdraw", "obama", "--purpose", "verify"],
        ["consent", "withdraw", "obama", "--purpose", "verify"],
        ["verify", "obama", obama2],
        ["consent", "give", "obama", "--purpose", "attendance", "--notice", notice],
        ["consent", "give", "obama", "--purpose", "verify", "--notice", notice, "--age", "17"],
        [
            "consent",
            "give",
            "obama",
            "--purpose",
            "payment",
            "--notice",
            notice,
            "--evidence",
            f"form:{notice}",
            *MINOR,
        ],
        [
            "consent",
            "give",
            "obama",
            "--purpose",
            "payment",
            "--notice-hash",
            DIGEST,
            "--evidence",
            "form:missing",
            *MINOR,
        ],
        ["consent", "show", "obama"],
        ["consent", "withdraw", "obama", "--purpose", "attendance", "--by-guardian"],
        ["consent", "withdraw", "obama", "--purpose", "payment", "--by-guardian"],
        ["show", "eileen"],
        ["case", "close", "who is it"],
        ["case", "close", "no such case"],
        ["case", "show"],
        ["identify", obama3, "--case", "who is it"],
        ["gallery", "list"],
        ["notice", "add", notice, "--language", "en", "--purposes", "verify"],
        ["notice", "add", notice, "--language", "de", "--purposes", "verify"],
        ["notice", "add", notice, "--language", "en", "--purposes", "verify", *SAID],
        ["notice", "list"],
        ["notice", "show", WHOLE.digest],
        ["notice", "show", "0" * 64],
        ["notice", "show", DIGEST],
        ["consent", "give", "obama", "--purpose", "verify", "--notice-hash", DIGEST],
        ["consent", "give", "obama", "--purpose", "payment", "--notice-hash", DIGEST],
        ["consent", "give", "obama", "--purpose", "verify", "--notice-hash", "0" * 64],
        ["consent", "give", "obama", "--purpose", "verify"],
        ["reference", "add", "obama", obama2, obama3, "--gallery", "later"],
        ["reference", "add", "no such person", obama2],
        ["reference", "list", "obama"],
        ["reference", "list", "no such person"],
        ["reference", "remove", "obama", "LAST"],
        ["reference", "remove", "obama", "0" * 32],
        ["webhook", "list"],
        ["webhook", "add", "https://example.org/hook", "--events", "subject.erased,case.opened"],
        ["webhook", "add", "http://example.org/hook", "--events", "subject.erased"],
        ["webhook", "list"],
        ["webhook", "show", "0" * 32],
        ["webhook", "remove", "0" * 32],
        ["webhook", "add", "https://example.org/hook", "--events", "verification.failed"],
        ["retention", "rules"],
        ["retention", "set", "illinois"],
        ["retention", "set", "own", "--basis", "consent-given", "--days", "3", "--purpose", "verify", "--law", "§ 1"],
        ["retention", "set", "own", "--days", "3"],
        ["retention", "set", "texas", "--days", "3"],
        ["retention", "plan", "--days", "1100"],
        ["retention", "remove", "texas"],
        ["retention", "remove", "§ 1"],
        ["retention", "remove", "illinois"],
        ["erase", "eileen", "--yes"],
        ["erase", "eileen", "--yes"],
        ["list"],
    ]


_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{44}|fk[it]1_[A-Za-z0-9_-]{43}")
_RANDOM = re.compile(r"\b[0-9a-f]{32}\b")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(\+00:00|Z)")


def _told(ran: Ran) -> object:
    """What a command told, without what has to differ: moments, who works, and the words of an error."""
    text = _SECRET.sub("a secret", ran.out)
    document = json.loads(_RANDOM.sub("an identifier", _MOMENT.sub("a moment", text)))
    for case in document.get("cases", []):
        assert case.pop("opened_by")
    if "receipt" in document:
        assert '"erased"' in document.pop("receipt")
    for failed in (document, *document.get("failed", []), *document.get("pictures", [])):
        if "error" in failed:
            assert failed.pop("message")
            assert failed.pop("hint")
    return ran.code, document


@pytest.mark.enable_socket
def test_a_served_keep_answers_as_one_here(
    run: Run, served: Served, pictures: Path, people: Path, notice: Path
) -> None:
    here = people.parent / "here"
    assert run("init", here).code == 0
    codes = set()
    for command in _commands(pictures, people, notice):
        told = []
        for place in (["--keep", here], served.options()):
            if "LAST" in command:
                last = run("reference", "list", "obama", *place, "--json").document["references"][-1]["id"]
            told.append(run(*(last if word == "LAST" else word for word in command), *place, "--json"))
        local, remote = told
        assert _told(remote) == _told(local), command
        codes.add(local.code)
    assert codes == {0, 1, 2, 3, 4}
    lines = run("verify", "biden", pictures / "biden.jpg", *served.options())
    assert lines.out.startswith("yes: verified. Fewer than one in ")


@pytest.mark.enable_socket
def test_tokens_and_accounts_are_managed_there_as_here(run: Run, served: Served, tmp_path: Path) -> None:
    here = tmp_path / "here"
    assert run("init", here).code == 0
    codes = set()
    for command in (
        ["token", "create", "door", "--scope", "read,verify", "--days", "2"],
        ["token", "create", "door", "--scope", "read"],
        ["token", "revoke", "door"],
        ["token", "revoke", "door"],
        ["account", "invite", "ada", "--role", "operator", "--oidc-issuer", "https://i.example", "--oidc-subject", "1"],
        ["account", "invite", "ada", "--role", "operator"],
        ["account", "invite", "ada"],
        ["account", "invite", "amy", "--role", "reviewer", "--organisation", "Acme"],
        ["account", "invite", "ada", "--organisation", "Acme"],
        ["token", "create", "acme", "--scope", "read", "--organisation", "Acme"],
        ["account", "invite", "nobody"],
        ["account", "invite", "eve", "--role", "data-subject", "--subject", "no such person"],
        ["account", "roles", "ada", "--role", "reviewer,auditor"],
        ["account", "roles", "nobody", "--role", "auditor"],
        ["account", "list"],
        ["account", "sign-out", "ada"],
        ["account", "sign-out", "nobody"],
        ["account", "revoke", "ada"],
        ["account", "revoke", "ada"],
        ["account", "revoke", "amy"],
        ["account", "list"],
    ):
        told = []
        for where in (["--keep", here], served.options()):
            ran = run(*command, *where, "--json")
            document = json.loads(_SECRET.sub("a secret", _MOMENT.sub("a moment", ran.out)))
            if "accounts" in document:  # there are reviewers there, for other tests
                document["accounts"] = [each for each in document["accounts"] if each["name"] not in ("ann", "bob")]
            for each in (document, *document.get("accounts", [])):
                each.pop("id", None)
                each.pop("message", None)
                each.pop("hint", None)
                if "link" in each:
                    each["link"] = each["link"].partition("/sign-up#")[2]
            told.append((ran.code, document))
        assert told[0] == told[1], command
        codes.add(told[0][0])
    assert codes == {0, 1, 2}
    # What the command line gives here, it does not get there.
    assert run("token", "create", "boss", "--scope", "administer", *served.options()).code == 3
    assert run("token", "create", "boss", "--scope", "administer", "--keep", here).code == 0
    assert {"token", "narrow"} <= {
        client["name"] for client in run("token", "list", *served.options(), "--json").document["clients"]
    }
    of = {
        client["name"]: client["organisation"]
        for client in run("token", "list", *served.options(), "--json").document["clients"]
    }
    assert (of["acme"], of["narrow"]) == ("Acme", "")
    shown = run("account", "invite", "zoe", "--role", "auditor", *served.options())
    assert f"{served.address.replace('127.0.0.1', 'localhost')}/sign-up#fki1_" in shown.out.replace("\n", "")


@pytest.mark.enable_socket
def test_a_served_keep_tells_of_what_happens(run: Run, served: Served) -> None:
    with receiving([500]) as receiver:
        add, letters = (
            run("webhook", "add", url, "--events", "case.opened", *served.options(), "--json")
            for url in (receiver.url, "mailto:duty@example.org")
        )
        assert (add.code, letters.code, letters.document["secret"]) == (0, 0, None)
        try:
            assert run("case", "open", "something happens", *served.options()).code == 0
            first = receiver.came.get(timeout=30)  # refused by 500, and sent again after some seconds
            again = receiver.came.get(timeout=30)
            arrived = served.mail.came.get(timeout=30)
        finally:
            for made in (add, letters):
                assert run("webhook", "remove", made.document["webhook"], *served.options()).code == 0
    assert (first.body, first.headers["webhook-id"]) == (again.body, again.headers["webhook-id"])
    now = datetime.datetime.now(datetime.UTC)
    message = verify_webhook(again.body, again.headers, add.document["secret"], now)
    assert (message.kind, message.data["purpose"]) == ("case.opened", "identify")
    assert b"something" not in again.body + arrived.raw
    assert (arrived.to, arrived.letter["Subject"]) == (["duty@example.org"], "Facekeep: a case was opened")
    assert message.data["case"] in arrived.letter.get_content()


@pytest.mark.enable_socket
def test_who_may_not_is_told(run: Run, served: Served, pictures: Path) -> None:
    narrow, picture = served.options("narrow"), pictures / "obama.jpg"
    assert run("verify", "nobody at all", picture, *narrow).code == 1
    ran = run("list", *narrow, "--json")
    assert (ran.code, ran.document["error"]) == (3, "RefusedError")
    (served.folder / "wrong").touch(mode=0o600)
    (served.folder / "wrong").write_text("fkt1_wrong")
    ran = run("list", *served.options("wrong"), "--json")
    assert (ran.code, ran.document["error"]) == (3, "AuthenticationError")


@pytest.mark.enable_socket
def test_a_certificate_that_nobody_vouches_for_is_refused(run: Run, served: Served) -> None:
    ran = run("list", "--server", served.address, "--token-file", served.folder / "token", "--json")
    assert (ran.code, ran.document["error"]) == (6, "UnavailableError")
    plain = run("list", *served.options()[2:], "--server", served.address.replace("https", "http"), "--json")
    assert plain.code == 6


@pytest.mark.enable_socket
def test_the_environment_names_server_and_token(run: Run, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("list", "--server", served.address).code == 2  # no token
    monkeypatch.setenv("FACEKEEP_SERVER", served.address)
    monkeypatch.setenv("FACEKEEP_AUTHORITIES", str(served.folder / "cert.pem"))
    token = (served.folder / "token").read_text().strip()
    monkeypatch.setenv("FACEKEEP_TOKEN", token)
    assert run("list").code == 0
    ran = run("refresh", "--json")
    assert (ran.code, ran.document["message"]) == (2, "this command works on a keep on this machine, not on a server")
    monkeypatch.setenv("FACEKEEP_KEEP", "somewhere")
    both = run("list")
    assert (both.code, "both set" in both.error) == (2, True)
    assert token not in both.error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "--keep", "x", "--server", "https://x"], "exclude"),
        (["list", "--keep", "x", "--token-file", "x"], "for a server"),
        (["list", "--server", "http://192.0.2.1", "--token-file", "TOKEN"], "plain HTTP"),
        (["list", "--server", "ftp://127.0.0.1", "--token-file", "TOKEN"], "no address"),
        (["list", "--server", "https://user:word@host", "--token-file", "TOKEN"], "no address"),
        (["list", "--server", "faces.example", "--token-file", "TOKEN"], "no address"),
        (["list", "--server", "https://127.0.0.1", "--token-file", "nowhere"], "cannot be read"),
        (
            ["list", "--server", "https://127.0.0.1", "--token-file", "OPEN"],
            "others may read the file that --token-file names",
        ),
        (["list", "--server", "https://127.0.0.1", "--token-file", "TOKEN", "--authorities", "TOKEN"], "authorities"),
        (["case", "open", "x", "--operator", "ann", "--server", "https://127.0.0.1", "--token-file", "TOKEN"], "token"),
        (["init", "x", "--server", "https://x"], "this machine only"),
        (["rotate", "--server", "https://x"], "while it is not served"),
        (["drill", "--quick", "--server", "https://x"], "this machine only"),
        (["refresh", "--server", "https://x"], "this machine only"),
        (
            ["account", "invite", "a", "--origin", "https://a", "--server", "https://x", "--token-file", "TOKEN"],
            "origin",
        ),
        (["switch", "--server", "https://x"], "this machine only"),
        (["retention", "run", "--server", "https://x"], "this machine only"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_sent(
    run: Run, tmp_path: Path, arguments: list[str], message: str
) -> None:
    for name, mode in (("TOKEN", 0o600), ("OPEN", 0o644)):
        (tmp_path / name).write_text("fkt1_x")
        (tmp_path / name).chmod(mode)
    ran = run(*(tmp_path / word if word in ("TOKEN", "OPEN") else word for word in arguments))
    assert (ran.code, message in ran.error) == (2, True), ran


def test_how_an_endpoint_does_is_said_in_numbers_that_fit() -> None:
    found = WebhookDetails("0" * 32, "https://x", (), datetime.datetime.now(datetime.UTC), None, 0, None, 0, 0, 0)
    said = [_state(replace(found, failures=failures)) for failures in range(3)]
    assert said == ["well", "failed once", "failed 2 times"]


@pytest.mark.enable_socket
def test_who_does_not_trust_a_server_is_told_how_to(run: Run, served: Served) -> None:
    ran = run("list", "--server", served.address, "--token-file", served.folder / "token")
    assert (ran.code, "FACEKEEP_AUTHORITIES" in ran.error) == (6, True), ran
    gone = run("list", "--server", "https://127.0.0.1:1", "--token-file", served.folder / "token")
    assert (gone.code, "FACEKEEP_AUTHORITIES" in gone.error) == (6, False), gone


@pytest.mark.enable_socket
def test_whether_a_server_can_work(run: Run, served: Served) -> None:
    asked = run("ready", *served.options(), "--json")
    assert (asked.code, asked.document.get("ready")) == (0, True), asked
    counted = run("ready", "--counters", *served.options())
    assert (counted.code, "facekeep_references " in counted.out) == (0, True)
    assert run("ready", *served.options("narrow")).code == 0
    assert run("ready", "--counters", *served.options("narrow")).code == 3
    assert run("ready").code == 2
    with httpx2.Client(base_url=served.address, verify=trusted(served.folder / "cert.pem")) as client:
        assert client.get("/health/live").headers["strict-transport-security"] == "max-age=63072000"


@pytest.mark.enable_socket
def test_a_keep_is_a_witness_of_one_that_is_served(run: Run, served: Served, tmp_path: Path) -> None:
    key, own = (served.folder / "ledger-key").read_text(), ["--keep", served.folder / "witness"]
    reach = ["--token-file", served.folder / "token", "--authorities", served.folder / "cert.pem"]
    sizes = []
    for number in range(2):
        done = run("audit", "cosign", served.address, "--key", key, *reach, *own, "--json")
        assert (done.code, done.error) == (0, ""), done
        sizes.append(done.document["size"])
        run("token", "create", f"later {number}", "--scope", "verify", *served.options())
    assert sizes[1] > sizes[0]
    with Client(
        served.address, (served.folder / "token").read_text().strip(), authorities=served.folder / "cert.pem"
    ) as it:
        (tmp_path / "bundle").write_bytes(it.ledger_bundle())
    witness = run("audit", "witness-key", *own).out.strip()
    report = run("audit", "verify", tmp_path / "bundle", "--key", key, "--witness", witness, "--json")
    assert (report.code, list(report.document["witnessed"].values())) == (0, [sizes[1]])
    # The head that the witness has seen last is of another log than this one, as if the keep had been made anew.
    other = run("audit", "key", *own).out.strip()
    wrong = run("audit", "cosign", served.address, "--key", other, *reach, *own)
    assert (wrong.code, "Not co-signed. unsigned" in wrong.out) == (1, True)


@pytest.mark.enable_socket
def test_reviews_at_a_server(run: Run, served: Served, pictures: Path) -> None:
    at, probe = served.options(), pictures / "obama2.jpg"
    filed = run("review", "file", probe, "--kind", "presentation", "--json", *at)
    assert filed.code == 0, filed.out
    review = filed.document["review"]
    assert run("review", "show", review, "--json", *at).document["state"] == "open"
    assert run("review", "withdraw", review, *at).code == 0
    assert run("review", "withdraw", review, *at).code == 3
    known = run("review", "known", probe, "--answer", "attack", "--reason", "refusal", "--json", *at)
    assert known.code == 0
    told = run("review", "statistics", "--json", *at).document
    assert (told["opened"], told["open"]) == (2, 1)
    assert run("review", "file", probe, "--kind", "presentation", "--account", "ann", *at).code == 2
    assert run("review", "list", "--server", served.address).code == 2
