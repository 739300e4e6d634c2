"""openapi.yaml says what the app does."""

from pathlib import Path

from tools.openapi import openapi_yaml

_COMMITTED = Path(__file__).parents[2] / "openapi.yaml"


def test_openapi_yaml_is_the_apps_own() -> None:
    assert _COMMITTED.read_text() == openapi_yaml(), "run `make openapi`, and look at what changed"
