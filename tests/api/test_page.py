"""The page about the service is what the application says."""

from tools.docs.service import PAGE, page


def test_the_page_is_what_the_program_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python tools/docs/service.py"
