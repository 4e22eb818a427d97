"""The ledger by the command line: a head that is kept, bundles that are checked, and what is said of a false one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Ran

Run = Callable[..., Ran]


def test_a_person_checks_what_is_written_about_them(run: Run, keep: Path, tmp_path: Path) -> None:
    key = run("audit", "key", "--keep", keep).out.strip()
    head = run("audit", "head", "--keep", keep)
    (tmp_path / "head").write_text(head.out, encoding="utf-8")
    size = head.out.splitlines()[1]
    run("consent", "withdraw", "obama", "--purpose", "verify", "--keep", keep)
    wrote = run("audit", "export", tmp_path / "mine", "--label", "obama", "--since", size, "--keep", keep)
    assert (wrote.code, wrote.error) == (0, "")
    checked = run("audit", "verify", tmp_path / "mine", "--key", key, "--seen", tmp_path / "head", "--json")
    assert checked.code == 0
    assert [entry["kind"] for entry in checked.document["opened"]][-2:] == ["consent-withdrawn", "viewed"]
    # Nothing is written over.
    again = run("audit", "export", tmp_path / "mine", "--label", "obama", "--keep", keep)
    assert (again.code, "not there yet" in again.error) == (4, True)


def test_a_log_that_is_not_what_was_signed_ends_with_one(run: Run, keep: Path, tmp_path: Path) -> None:
    key = run("audit", "key", "--keep", keep).out.strip()
    bundle = tmp_path / "whole"
    assert run("audit", "export", bundle, "--keep", keep).code == 0
    assert run("audit", "verify", bundle, "--key", key).out.startswith("Right: facekeep/")
    data = bytearray(bundle.read_bytes())
    place = data.rindex(b'"leaves":["') + 15  # behind the logs of the halves
    data[place] = ord("1") if data[place] == ord("0") else ord("0")
    bundle.write_bytes(data)
    altered = run("audit", "verify", bundle, "--key", key)
    assert altered.code == 1
    assert "altered" in altered.out
    assert "leaves 0 to" in altered.out


def test_what_cannot_be_checked_is_no_finding(run: Run, keep: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "whole"
    run("audit", "export", bundle, "--keep", keep)
    for options in (["--key", "none"], ["--key", run("audit", "key", "--keep", keep).out, "--seen", bundle]):
        ran = run("audit", "verify", bundle, *options)
        assert (ran.code, "as facekeep audit key shows them" in ran.error) == (4, True)
    ran = run("audit", "export", tmp_path / "two", "--since", "1", "--keep", keep)
    assert (ran.code, "needs no proof" in ran.error) == (2, True)


def test_what_is_shown_and_given_at_the_keep_itself_is_told_of(run: Run, keep: Path, tmp_path: Path) -> None:
    key = run("audit", "key", "--keep", keep).out.strip()
    run("list", "--keep", keep)
    run("show", "obama", "--keep", keep)
    run("consent", "show", "obama", "--keep", keep)
    run("reference", "list", "obama", "--keep", keep)
    run("token", "create", "till", "--scope", "read", "--keep", keep)
    run("audit", "export", tmp_path / "mine", "--label", "obama", "--keep", keep)
    run("audit", "export", tmp_path / "whole", "--keep", keep)
    opened = [
        run("audit", "verify", tmp_path / name, "--key", key, "--json").document["opened"] for name in ("mine", "whole")
    ]
    mine, whole = ([(entry["kind"], entry.get("part", "")) for entry in entries] for entries in opened)
    assert [part for kind, part in mine if kind == "viewed"][-4:] == ["record", "consents", "references", "ledger"]
    assert [kind for kind, _ in whole][-3:] == ["listed", "token-created", "exported"]
    operators = {entry["operator"] for entry in [*opened[0][-4:], *opened[1][-3:]]}
    assert len(operators) == 1  # the account of the operating system


def test_a_receipt_of_an_erasure_is_written_and_checked(run: Run, keep: Path, tmp_path: Path) -> None:
    key = run("audit", "key", "--keep", keep).out.strip()
    receipt = tmp_path / "receipt"
    receipt.write_text("something", encoding="utf-8")
    refused = run("erase", "obama", "--yes", "--receipt", receipt, "--keep", keep)
    assert (refused.code, "already a file" in refused.error) == (2, True)
    receipt.unlink()
    assert run("erase", "obama", "--yes", "--receipt", receipt, "--keep", keep).code == 0
    checked = run("audit", "verify", receipt, "--key", key, "--json")
    assert [entry["kind"] for entry in checked.document["opened"]] == ["erased"]
