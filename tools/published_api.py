"""Add new names of the API to tests/contract/published_api.txt: `python -m tools.published_api`.

The file lists every name that clients may rely on. This never removes a line: a name that the API
no longer has is an error, here and in tests/contract/test_published_api.py.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from unseen_service import errors
from unseen_service.api.problems import HTTP_PROBLEMS

from tools.openapi import openapi_schema

PUBLISHED = Path(__file__).parents[1] / "tests" / "contract" / "published_api.txt"

GONE = (
    "The API no longer has these published names, on which clients rely:\n\n{names}\n\n"
    "Restore them. If you rename or remove one on purpose, keep the old name working until its "
    "removal is announced in CHANGELOG.md; then delete its line from {file} by hand."
)


def current_names() -> set[str]:
    """Return the names that the API has now, one per published thing."""
    schema = openapi_schema()
    return {
        *_operation_names(schema["paths"]),
        *_schema_names(schema["components"]["schemas"]),
        *(f"problem {slug}" for slug in _problem_types()),
    }


def published_names() -> set[str]:
    """Return the names that were published."""
    lines = PUBLISHED.read_text(encoding="utf-8").splitlines() if PUBLISHED.exists() else []
    return {line for line in lines if line and not line.startswith("#")}


def gone_message(names: set[str]) -> str:
    """Return what to do about published names that the API no longer has."""
    return GONE.format(names="\n".join(sorted(names)), file=f"tests/contract/{PUBLISHED.name}")


def _operation_names(paths: Mapping[str, Any]) -> Iterator[str]:
    for path, operations in paths.items():
        for method, operation in operations.items():
            name = operation["operationId"]
            yield f"operation {name} {method.upper()} {path}"
            for parameter in operation.get("parameters", []):
                yield f"parameter {name} {parameter['in']} {parameter['name']}"
                for value in _values(parameter["schema"]):
                    yield f"value {name} {parameter['name']} {value}"
            for media_type in operation.get("requestBody", {}).get("content", {}):
                yield f"body {name} {media_type}"


def _schema_names(schemas: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in schemas.items():
        yield f"schema {name}"
        for value in _values(schema):
            yield f"value {name} {value}"
        for member, described in schema.get("properties", {}).items():
            yield f"property {name} {member}"
            for value in _values(described):
                yield f"value {name} {member} {value}"


def _values(schema: Mapping[str, Any]) -> list[Any]:
    """Return the values that an enum or a constant allows, also in an array or an alternative."""
    nested = [*schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]
    own = [*schema.get("enum", []), *([schema["const"]] if "const" in schema else [])]
    return own + [value for each in nested for value in _values(each)]


def _problem_types(root: type[errors.ServiceError] = errors.ServiceError) -> Iterator[str]:
    yield root.slug
    if root is errors.ServiceError:
        yield from (slug for slug, _, _ in HTTP_PROBLEMS.values())
    for each in root.__subclasses__():
        yield from _problem_types(each)


def main() -> int:
    """Add the new names to the file. Return 1 if a published name is gone."""
    current, published = current_names(), published_names()
    header = (
        "# Names that clients may rely on. Add new ones with `python -m tools.published_api`.\n"
    )
    lines = "".join(f"{name}\n" for name in sorted(current | published))
    PUBLISHED.write_text(header + lines, encoding="utf-8")
    for name in sorted(current - published):
        print(f"added: {name}")
    if gone := published - current:
        print(gone_message(gone), file=sys.stderr)
    return 1 if gone else 0


if __name__ == "__main__":
    sys.exit(main())
