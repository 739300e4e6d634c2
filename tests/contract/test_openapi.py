"""openapi.yaml says what the app does."""

from pathlib import Path

import yaml

from tools.openapi import openapi_yaml

_COMMITTED = Path(__file__).parents[2] / "openapi.yaml"


def test_openapi_yaml_is_the_apps_own() -> None:
    assert _COMMITTED.read_text() == openapi_yaml(), "run `make openapi`, and look at what changed"


def test_every_call_that_asks_for_a_key_says_how_it_refuses() -> None:
    paths = yaml.safe_load(_COMMITTED.read_text())["paths"]
    keyed = {
        f"{method} {path}": set(operation["responses"])
        for path, operations in paths.items()
        for method, operation in operations.items()
        if operation.get("security")
    }
    assert len(keyed) > 20
    assert {
        name for name, said in keyed.items() if not {"401", "403", "429", "503"} <= said
    } == set()


def test_every_refusal_is_a_problem_but_that_of_readyz() -> None:
    paths = yaml.safe_load(_COMMITTED.read_text())["paths"]
    others = [
        (path, status)
        for path, operations in paths.items()
        for operation in operations.values()
        for status, answer in operation["responses"].items()
        if status >= "400" and list(answer["content"]) != ["application/problem+json"]
    ]
    assert others == [("/readyz", "503")]
