"""The page about the service is what the application says."""

from tools.docs.service import PAGE, page

from facekeep.domain.access import Scope


def test_the_page_is_what_the_program_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python tools.docs.service.py"


def test_every_scope_serves_something() -> None:
    for line in page().splitlines():
        for scope in Scope:
            assert line != f"| `{scope}` |  |"
