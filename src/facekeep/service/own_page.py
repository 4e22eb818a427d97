"""All that is held of a person as one HTML page to read or print: no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache, partial
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from facekeep.service.own_data import OwnData

__all__ = ["Language", "own_page"]


class Language(StrEnum):
    """A language that the page is written in."""

    ENGLISH = "en"
    CHINESE = "zh-Hans"


_SECTIONS: Final = ("references", "consents", "notices", "appeals", "reviews", "review_words", "accounts")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def own_page(own: OwnData, language: Language = Language.ENGLISH) -> str:
    """The page, a complete HTML document.

    Args:
        own: what is held.
        language: of headings and words; what others wrote is shown as it is.
    """
    environment = Environment(
        loader=PackageLoader("facekeep.service"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    words = _words(language)
    environment.filters.update(name=partial(_name, words), value=partial(_value, words))
    return environment.get_template("own.html.j2").render(
        own=own, plain=own.plain(), words=words, language=language.value, sections=_SECTIONS
    )


def _name(words: Mapping[str, str], name: str) -> str:
    """What a field is called; one without a word goes by its own name rather than not at all."""
    return words.get(f"name.{name}", name.replace("_", " "))


def _value(words: Mapping[str, str], value: str | int | None) -> str:
    if isinstance(value, str) and _TIME.fullmatch(value):
        return f"{value[:10]} {value[11:16]} UTC"
    plain = value if isinstance(value, str) else json.dumps(value)
    return words.get(f"value.{plain}", plain)


@cache
def _words(language: Language) -> Mapping[str, str]:
    text = (resources.files("facekeep.service") / "words" / f"own.{language.value}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
