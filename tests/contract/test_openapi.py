"""openapi.yaml describes what the app does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from unseen_service.api.openapi import problem_responses
from unseen_service.errors import ServiceError

from tools.openapi import openapi_yaml

_COMMITTED = Path(__file__).parents[2] / "openapi.yaml"


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name of every operation, such as `get /v1/keys`, and the operation."""
    for path, methods in yaml.safe_load(_COMMITTED.read_text())["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_openapi_yaml_is_up_to_date() -> None:
    assert _COMMITTED.read_text() == openapi_yaml(), "run `make openapi` and review the changes"


def test_an_error_without_a_sentence_is_named() -> None:
    class Unlisted(ServiceError):
        slug = "unlisted"

    with pytest.raises(LookupError, match="unlisted needs a sentence in _PROBLEMS"):
        problem_responses(Unlisted)


def test_every_operation_with_a_key_documents_its_refusals() -> None:
    keyed = {
        name: set(operation["responses"])
        for name, operation in operations()
        if operation.get("security")
    }
    assert len(keyed) > 20
    assert {
        name for name, statuses in keyed.items() if not {"401", "403", "429", "503"} <= statuses
    } == set()


def test_every_error_response_is_a_problem_except_that_of_readyz() -> None:
    others = [
        (name, status)
        for name, operation in operations()
        for status, response in operation["responses"].items()
        if status >= "400" and list(response["content"]) != ["application/problem+json"]
    ]
    assert others == [("get /readyz", "503")]


def test_every_operation_has_a_summary_and_a_description() -> None:
    for name, operation in operations():
        assert operation["summary"], name
        assert len(operation["summary"]) <= 60, f"{name}: the first line of a docstring is short"
        assert operation["description"], f"{name}: explain it below the docstring's first line"


def test_every_response_and_parameter_is_described() -> None:
    for name, operation in operations():
        for status, response in operation["responses"].items():
            assert response["description"] != "Successful Response", (name, status)
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), (name, parameter["name"])


def test_every_schema_is_described() -> None:
    schemas = yaml.safe_load(_COMMITTED.read_text())["components"]["schemas"]
    assert [name for name, schema in schemas.items() if not schema.get("description")] == []
