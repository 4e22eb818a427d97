"""Examples of the description: there for everything, of the form of their schemas, understood by the service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from fastapi import FastAPI

from facekeep.domain.access import Scope
from facekeep.interfaces.http.examples import problem_example
from facekeep.interfaces.http.problems import MEDIA_TYPE, PROBLEMS
from tests.api.conftest import Asking


def _operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in app.openapi()["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def _contents(operation: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield "request", media, content
    for status, answer in operation["responses"].items():
        for media, content in answer.get("content", {}).items():
            yield status, media, content


def test_everything_has_an_example_of_its_form(app: FastAPI) -> None:
    components, seen = app.openapi()["components"], 0
    for method, path, operation in _operations(app):
        for where, media, content in _contents(operation):
            assert content["examples"], (method, path, where, media)
            schema = {"allOf": [content["schema"]], "components": components}
            validator = jsonschema_rs.validator_for(schema, validate_formats=True)
            for name, example in content["examples"].items():
                faults = [fault.message for fault in validator.iter_errors(example["value"])]
                assert faults == [], (method, path, where, media, name)
                seen += 1
        for parameter in operation.get("parameters", ()):
            schema = {"allOf": [parameter["schema"]], "components": components}
            faults = [fault.message for fault in jsonschema_rs.validator_for(schema).iter_errors(parameter["example"])]
            assert faults == [], (method, path, parameter["name"])
    assert seen > 400


def test_every_problem_that_an_operation_can_give_has_an_example(app: FastAPI) -> None:
    shown = set()
    for method, path, operation in _operations(app):
        for where, media, content in _contents(operation):
            if media == MEDIA_TYPE:
                titles = operation["responses"][where]["description"].split("; ")
                summaries = [example["summary"] for example in content["examples"].values()]
                assert sorted(summaries) == sorted(titles), (method, path, where)
                shown |= set(content["examples"])
    # What no operation names: a path or method that is not there, and what nobody meant.
    assert set(PROBLEMS) - shown <= {"method-not-allowed", "internal", "other-site"}


def test_examples_of_problems_are_those_of_their_kinds() -> None:
    for kind in PROBLEMS.values():
        example = problem_example(kind)
        assert (example["type"], example["status"]) == (f"urn:facekeep:problem:{kind.name}", kind.status)
        assert example["detail"]
        assert example["hint"]


def test_the_service_understands_every_example(app: FastAPI, asking: Asking) -> None:
    client, asked = asking(*Scope), 0
    for method, path, operation in _operations(app):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is None or "registrations" in path or path.endswith("/sessions"):
            continue  # a browser's part in a ceremony cannot be made up
        values = {p["name"]: p["example"] for p in operation["parameters"] if p["in"] == "path"} if "{" in path else {}
        answer = client.request(method, path.format(**values), json=body["examples"]["usual"]["value"])
        assert answer.status_code not in {401, 405, 415, 500}, (path, answer.text)
        assert "faults" not in answer.json(), (path, answer.text)
        asked += 1
    assert asked >= 14
