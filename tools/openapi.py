"""Write openapi.yaml from the app: `python -m tools.openapi > openapi.yaml`."""

import sys

import yaml
from unseen_service.app import create_app
from unseen_service.settings import Settings

_HEADER = "# Generated from the app by `make openapi`; a test fails when the two differ.\n"


def openapi_yaml() -> str:
    """Give the text that openapi.yaml must have."""
    app = create_app(Settings(database_url="postgresql://unused"))
    return _HEADER + yaml.safe_dump(app.openapi(), sort_keys=False, allow_unicode=True, width=96)


if __name__ == "__main__":
    sys.stdout.write(openapi_yaml())
