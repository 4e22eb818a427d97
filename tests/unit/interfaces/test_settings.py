from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from facekeep.errors import UsageError
from facekeep.interfaces.settings import PREFIX, Settings


def test_other_variables_are_not_looked_at() -> None:
    assert Settings.from_environment({"HOME": "/root", "FACE": "x", "facekeep_keep": "y"}) == Settings()


def test_values_are_read() -> None:
    settings = Settings.from_environment(
        {"FACEKEEP_KEEP": "a keep", "FACEKEEP_OPERATOR": "desk 1", "FACEKEEP_PASSPHRASE_FD": "3"}
    )
    assert settings.keep == Path("a keep")
    assert (settings.operator, settings.passphrase_fd) == ("desk 1", 3)


def test_an_empty_variable_counts_as_absent() -> None:
    assert Settings.from_environment({"FACEKEEP_KEEP": "", "FACEKEEP_TYPO": ""}).keep is None


def test_an_unknown_variable_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match="FACEKEEP_PASSPHRSE_LEFT") as caught:
        Settings.from_environment({"FACEKEEP_PASSPHRSE_LEFT": "a secret that must not be shown"})
    assert "FACEKEEP_PASSPHRASE_LEFT" in caught.value.hint
    assert "secret" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(("name", "value"), [("FD_OF", "1"), ("PASSPHRASE_FD", "-1"), ("PASSPHRASE_FD", "one")])
def test_a_value_that_does_not_fit_is_refused_without_being_shown(name: str, value: str) -> None:
    with pytest.raises(UsageError) as caught:
        Settings.from_environment({PREFIX + name: value})
    assert caught.value.__cause__ is None
    assert f"'{value}'" not in caught.value.message


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().keep = Path()  # type: ignore[misc]


def test_a_passphrase_is_not_shown() -> None:
    settings = Settings.from_environment({"FACEKEEP_PASSPHRASE_RIGHT": "correct horse battery"})
    assert "correct" not in repr(settings)
    secret = settings.passphrase("right")
    assert secret is not None
    assert secret.get_secret_value() == "correct horse battery"
    assert settings.passphrase("left") is None


@given(st.text(alphabet=st.characters(categories=["Lu", "Nd"], include_characters="_"), min_size=1, max_size=20))
def test_every_name_is_known_or_refused(name: str) -> None:
    known = name.lower() in Settings.model_fields and PREFIX + name == PREFIX + name.lower().upper()
    try:
        Settings.from_environment({PREFIX + name: "1"})
    except UsageError:
        assert not known
    else:
        assert known
