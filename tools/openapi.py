"""Write openapi.yaml from the app: `python -m tools.openapi > openapi.yaml`."""

import sys
from typing import Any

import yaml
from unseen_service.app import create_app
from unseen_service.settings import Settings

_HEADER = "# Generated from the app by `make openapi`; a test fails when the two differ.\n"


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, as a person would."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def openapi_schema() -> dict[str, Any]:
    """Return the OpenAPI document of the app. Needs no database."""
    return create_app(Settings(database_url="postgresql://unused")).openapi()


def openapi_yaml() -> str:
    """Return the text of openapi.yaml."""
    return _HEADER + yaml.dump(
        openapi_schema(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=96
    )


if __name__ == "__main__":
    sys.stdout.write(openapi_yaml())
