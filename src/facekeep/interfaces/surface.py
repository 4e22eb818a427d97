"""What the program can be asked for, by names: operations, fields, values and options of all its interfaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from facekeep.interfaces.cli.app import build as command_line
from facekeep.interfaces.http.app import build as service
from facekeep.service.keep import Keep
from facekeep.service.law_checks import Surface

__all__ = ["surface_of", "surface_of_description"]


def surface_of(keep: Keep) -> Surface:
    """The names of the service, the command line and the library.

    Args:
        keep: what the service would serve. It is not asked anything.
    """
    return surface_of_description(service(keep).openapi())


def surface_of_description(document: dict[str, Any]) -> Surface:
    """The same, with the description of a service at hand (OpenAPI)."""
    names = set(_names(document["paths"])) | set(_names(document["components"]))
    names |= set(_commands(typer.main.get_command(command_line())))
    names |= {name for name in dir(Keep) if not name.startswith("_")}
    return Surface(frozenset(names), frozenset(_answers(document)))


def _names(part: object) -> Iterator[str]:
    """Keys and enumerated values of a description, but no prose and no examples."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("example", "examples", "description", "summary", "title"):
                continue
            yield str(key)
            if key in ("enum", "required", "const", "operationId", "name"):
                yield from _texts(value)
            yield from _names(value)
    elif isinstance(part, list):
        for value in part:
            yield from _names(value)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (one for one in value if isinstance(one, str))


def _answers(document: dict[str, Any]) -> Iterator[str]:
    """Names of the fields of all answers."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    waiting = [
        answer
        for item in document["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict)
        for answer in operation.get("responses", {}).values()
    ]
    seen: set[str] = set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        if not isinstance(part, dict):
            continue
        reference = str(part.get("$ref", ""))
        if reference and reference not in seen:
            seen.add(reference)
            waiting.append(schemas[reference.rpartition("/")[2]])
        properties = part.get("properties", {})
        if isinstance(properties, dict):
            yield from properties
        waiting += [value for key, value in part.items() if key not in ("example", "examples")]


def _commands(command: Any) -> Iterator[str]:
    """Names of commands, their options, and what these say of their values."""
    yield str(command.name)
    for parameter in command.params:
        yield from (str(option) for option in (*parameter.opts, *parameter.secondary_opts))
        yield str(parameter.metavar or "")
    for child in getattr(command, "commands", {}).values():
        yield from _commands(child)
