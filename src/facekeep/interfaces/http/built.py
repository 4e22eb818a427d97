"""Pages as ``make web`` built them. Nothing comes from elsewhere.

Built files have digests in their names and never change; a page itself is asked for each time. Where a browser takes
it, what was compressed when the page was built is sent.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from fastapi import Request, Response

from facekeep.interfaces.http.problems import Problem

__all__ = ["ASK", "Built"]

ASK: Final = "no-cache"
"""How what may change is cached: it is asked for each time."""

_FOREVER: Final = "public, max-age=31536000, immutable"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_KINDS: Final = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".html": "text/html"}
_WAYS: Final = (("br", ".br"), ("gzip", ".gz"))


@dataclass(frozen=True)
class Built:
    """A page with what it loads.

    Attributes:
        folder: of the built files.
        page: the file of the page itself.
        headers: of every answer; the policy of the page among them.
    """

    folder: str
    page: str
    headers: Mapping[str, str] = field(hash=False)

    def show(self, request: Request) -> Response:
        """The page.

        Raises:
            Problem: it was not built.
        """
        return self._answer(request, (self.page,), ASK)

    def asset(self, request: Request, name: str) -> Response:
        """What the page loads.

        Raises:
            Problem: there is no such file.
        """
        return self._answer(request, ("assets", name), _FOREVER)

    def beside(self, request: Request, name: str) -> Response:
        """What lies beside the page.

        Raises:
            Problem: there is no such file.
        """
        return self._answer(request, (name,), ASK)

    def nothing(self) -> Problem:
        """There is no such file."""
        return Problem("not-found", "There is no such file.", f"See /{self.folder}.")

    def _answer(self, request: Request, path: tuple[str, ...], cached: str) -> Response:
        if not _folder(self.folder).joinpath(self.page).is_file():
            raise Problem("unavailable", "This page was not built.", "Build it: make web. A wheel has it already.")
        name = path[-1]
        if not _NAME.fullmatch(name) or name.endswith(tuple(ending for _, ending in _WAYS)):
            raise self.nothing()
        if path not in _files(self.folder):
            raise self.nothing()
        way, data = _content(self.folder, path, _way(request))
        headers = {**self.headers, "Cache-Control": cached, "Vary": "Accept-Encoding"}
        if way:
            headers["Content-Encoding"] = way
        ending = name[name.rfind(".") :]
        kind = _KINDS.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(data, media_type=kind, headers=headers)


def _way(request: Request) -> frozenset[str]:
    taken = set()
    for each in request.headers.get("accept-encoding", "").split(","):
        name, _, weight = each.partition(";")
        if weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}:
            taken.add(name.strip().lower())
    return frozenset(taken & {way for way, _ in _WAYS})


@cache
def _files(folder: str) -> frozenset[tuple[str, ...]]:
    """The paths of all files that there are: whoever asks for others makes nothing be looked for, nor remembered."""
    place = _folder(folder)
    return frozenset(
        (*above, file.name)
        for above in ((), ("assets",))
        for file in (place.joinpath(*above).iterdir() if place.joinpath(*above).is_dir() else ())
        if file.is_file()
    )


@cache
def _content(folder: str, path: tuple[str, ...], taken: frozenset[str]) -> tuple[str, bytes]:
    """The smallest form that is taken and was made, of a file that there is: how it is encoded, and the bytes."""
    for way, ending in _WAYS:
        packed = (*path[:-1], path[-1] + ending)
        if way in taken and packed in _files(folder):
            return way, _folder(folder).joinpath(*packed).read_bytes()
    return "", _folder(folder).joinpath(*path).read_bytes()


def _folder(name: str) -> Traversable:
    return resources.files("facekeep.interfaces.http") / "web" / name
