"""docs/spec/split-gallery.md names what the code does; where one changes, the other has to."""

from dataclasses import fields
from pathlib import Path

import pytest

from facekeep.domain.consent import Purpose
from facekeep.split import (
    approval,
    budget,
    deltas,
    forgiveness,
    left,
    masks,
    operators,
    ratchet,
    refusals,
    searching,
    selector,
    statement,
    ticket,
    word,
)
from facekeep.split.bands import CODEWORDS
from facekeep.split.budget import Limits
from facekeep.split.codes import score_bound
from facekeep.split.rows import NEVER_RETURN_BIT

TEXT = (Path(__file__).parents[3] / "docs" / "spec" / "split-gallery.md").read_text(encoding="utf-8")


def _label(label: bytes) -> str:
    return label.replace(b"\0", b"\\0").decode()


@pytest.mark.parametrize(
    "written",
    [
        "| codeword | " + " | ".join(f"{word:02x}" for word in CODEWORDS) + " |",
        _label(ticket._LABEL),
        _label(ratchet._HELLO),
        _label(deltas._associated(b"", 0)[:-4]),  # type: ignore[arg-type]
        f"{score_bound(512):,} for D = 512",
        f"at most {score_bound(1024):,} for D = 1,024",
        *(_label(label) for label in (statement.LABEL, statement._COMMITMENT, statement._LEAF, statement._CLAIM)),
        *(
            _label(label)
            for label in (statement._NONCE, operators._LABEL, operators._KEY_LABEL, forgiveness.FORGIVENESS.label)
        ),
        f"at most {statement.PAYLOAD_BYTES_MAX:,} bytes",
        f"0 < expires − issued ≤ {statement.LIFETIME_SECONDS}",
        f"issued > now + {statement.CLOCK_SKEW_SECONDS}",
        f"at most {statement.NAME_BYTES_MAX} bytes",
        f"1 to {statement.CANDIDATES_MAX}",
        f"up to {statement.CLAIM_ROWS} rows",
        f"{statement.OPENING_BYTES} bytes",
        f"(at most {operators.KEYS_MAX:,}; none, no search)",
        f"at most {word.WORD_BYTES_MAX:,} bytes",
        f"{approval.AUTHENTICATOR_BYTES_MIN} to {approval.AUTHENTICATOR_BYTES_MAX}, 1 to"
        f" {approval.CLIENT_DATA_BYTES_MAX:,}, 1 to {approval.PASSKEY_SIGNATURE_BYTES_MAX} bytes",
        f"the first {refusals.REFUSALS_PER_HOUR:,} are logged",
        f"{ratchet.TURN_WINDOW - 1:,} ahead",
        f"the newest {ratchet.TURN_WINDOW:,} of them",
        f"more than {searching.COARSE_ABOVE:,} rows",
        f"next multiple of {searching.ANSWER_STEP}",
        f"At most {searching.OPEN_MAX} searches are open in a half",
        f"K = min({selector.BEST}, n)",
        f"at most {selector._OPEN_MAX} searches open",
        f"chunks of at most {left.CHUNK_ROWS} rows",
        "key of the stream of zero shares",
        f"*never return* {NEVER_RETURN_BIT}",
        *(f"{purpose.value} {purpose.bit}" for purpose in Purpose),
        *(f"`{field.name}`" for field in fields(statement.Statement)),
        *(f"`{field.name}`" for field in fields(operators.OperatorKey)),
        *(f"`{field.name}`" for field in fields(operators.KeyChange)),
        *(f"`{field.name}`" for field in fields(forgiveness.Forgiveness)),
        f"1 to {forgiveness.FORGIVEN_ROWS_MAX} rows",
        f"0 < expires − issued ≤ {forgiveness.FORGIVENESS_SECONDS:,}",
        *(
            f"| {value:,} |"
            for value in (Limits().rejects_per_day, Limits().searches_per_day, Limits().searches_per_case)
        ),
        f"alarm at {Limits().rejects_alarm}, locked at {Limits().rejects_for_life}",
        f"| {Limits().searches_per_operator_day} |",
    ],
)
def test_the_specification_says_it(written: str) -> None:
    assert written in TEXT


def test_labels_of_masks() -> None:
    assert masks._FINE == b"facekeep/1/mask/" + b"fine" + b"\0"
    assert masks._COARSE == b"facekeep/1/mask/" + b"coarse" + b"\0"
    assert '"facekeep/1/mask/" ‖ use ‖ \\0' in TEXT
    assert budget._DAY == 86_400


@pytest.mark.parametrize("module", [searching, left])
def test_every_stage_is_in_the_table(module: object) -> None:
    for stage in ("permutation", "zero", "fine/shift", "fine/pad", "token/shift", "token/pad", "token/i/j"):
        assert f"`{stage}`" in TEXT
    source = Path(module.__file__).read_text(encoding="utf-8")  # type: ignore[attr-defined]
    drawn = {part.split('"')[0] for part in source.split("stage_key(")[1:] for part in part.split(', b"')[1:2]}
    assert {name.replace("%d/%d", "i/j") for name in drawn} <= {
        "permutation",
        "zero",
        "fine/shift",
        "fine/pad",
        "token/shift",
        "token/pad",
        "token/i/j",
    }
