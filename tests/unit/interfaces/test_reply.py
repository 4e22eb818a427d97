import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.consent import Purpose
from facekeep.errors import (
    BadInputError,
    DamagedStoreError,
    FacekeepError,
    KeyMissingError,
    NotFoundError,
    QualityError,
    RefusedError,
    UsageError,
)
from facekeep.interfaces.cli.reply import Exit, Heading, Rows, band, exit_code, extra_of, print_json, reply, shown, when

_ROOT = Path(__file__).resolve().parents[3]


def _kinds(kind: type[FacekeepError]) -> Iterator[type[FacekeepError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _kinds(child)


def _made(kind: type[FacekeepError]) -> FacekeepError:
    return kind("m", store="left") if issubclass(kind, DamagedStoreError) else kind("m")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("m"), 2),
        (RefusedError("m"), 3),
        (BadInputError("m"), 4),
        (NotFoundError("m"), 1),
        (DamagedStoreError("m", store="left"), 5),
        (KeyMissingError("m", store="left"), 5),
    ],
)
def test_the_codes_are_the_documented_ones(error: FacekeepError, code: int) -> None:
    assert exit_code(error) == code


def test_every_error_has_a_code_and_the_page_names_each() -> None:
    page = (_ROOT / "docs" / "reference" / "exit-codes.md").read_text()
    for kind in _kinds(FacekeepError):
        if not kind.__module__.startswith("facekeep.errors"):
            continue
        code = exit_code(_made(kind))
        assert code is not Exit.UNEXPECTED
        row = next(line for line in page.splitlines() if f"`{kind.__name__}`" in line)
        assert row.startswith(f"| {int(code)} |")
    for exit_ in Exit:
        assert f"| {int(exit_)} |" in page


def test_an_error_tells_its_reasons_or_its_store() -> None:
    assert extra_of(QualityError("m", reasons=("a", "b"))) == {"reasons": ["a", "b"]}
    assert extra_of(DamagedStoreError("m", store="right")) == {"store": "right"}
    assert extra_of(UsageError("m")) == {}


@given(st.text())
def test_shown_text_cannot_steer_the_terminal(text: str) -> None:
    result = shown(text)
    assert len(result) == len(text)
    assert result.isprintable()
    assert result.replace("�", "") == "".join(c for c in text if c.isprintable() and c != "�")


def test_a_band_says_when_it_is_extrapolated() -> None:
    assert band(100_000, extrapolated=False) == "fewer than one in 100,000 strangers would pass"
    assert "extrapolated" in band(10**9, extrapolated=True)


def test_json_is_one_document_with_times_and_sets(capsys: pytest.CaptureFixture[str]) -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    print_json({"t": moment, "p": Path("a"), "s": frozenset({"b", "a"}), "u": Purpose.VERIFY, "é": "\ud800"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"t": moment.isoformat(), "p": "a", "s": ["a", "b"], "u": "verify", "é": "?"}
    with pytest.raises(TypeError):
        print_json({"o": object()})


@pytest.mark.parametrize("as_json", [True, False])
def test_a_reply_ends_the_command_with_its_code(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    with pytest.raises(typer.Exit) as caught:
        reply({"a": 1}, ["x [bold]y", Heading("h"), Rows(("c",), [("\x1b[31mz",)])], as_json=as_json, code=Exit.NO)
    assert caught.value.exit_code == 1
    out, error = capsys.readouterr()
    assert error == ""
    if as_json:
        assert json.loads(out) == {"a": 1}
    else:
        assert "x [bold]y" in out
        assert "�[31mz" in out
        assert "\x1b" not in out


def test_times_are_short() -> None:
    assert when(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2026-01-02 03:04"
    assert when(None) == "–"
