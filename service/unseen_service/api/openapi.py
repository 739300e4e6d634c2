"""openapi.yaml: what FastAPI knows of the routes, and what it cannot know."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from .bodies import JSON, RAW
from .problems import MEDIA_TYPE, Problem
from .schemas.match import MatchIn

_WHY = {
    401: "No key, or not one that is in force.",
    403: "The key lacks the scope.",
    404: "Not found.",
    409: "It is in the way of something that was done before.",
    410: "The cursor is of another history: drop your copy, begin without one.",
    413: "The body is too large.",
    415: "Not this media type.",
    422: "The request breaks a rule.",
    500: "The audit log does not fit what was signed.",
    429: "Too fast; Retry-After says when.",
    503: "Not now; Retry-After says when.",
}

MATCH_REQUEST = {
    "security": [{"key": []}],
    "parameters": [
        {
            "name": "max_distance",
            "in": "query",
            "required": False,
            "description": "With raw hashes: the distance in bits.",
            "schema": {"type": "integer", "minimum": 0, "maximum": 256},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": {"$ref": "#/components/schemas/MatchIn"}},
            RAW: {
                "schema": {"type": "string", "format": "binary"},
                "x-description": "32 bytes a hash, 1 to 10,000 of them.",
            },
        },
    },
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problems that a route may answer."""
    return {status: {"model": Problem, "description": _WHY[status]} for status in statuses}


def keyed(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problems of a route that asks for a key: those that all have, and these."""
    return problems(*sorted({401, 403, 429, 503, *statuses}))


def describe(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Make the app's `openapi`: FastAPI's own, mended."""

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            schema = get_openapi(
                title=app.title, version=app.version, routes=app.routes, description=app.description
            )
            schema["components"]["schemas"]["MatchIn"] = MatchIn.model_json_schema()
            _mend_problems(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    return openapi


def _mend_problems(schema: dict[str, Any]) -> None:
    for path in schema["paths"].values():
        for operation in path.values():
            for answer in operation["responses"].values():
                content = answer.get("content", {})
                # FastAPI files it under what the route answers when all is well.
                for media_type in list(content):
                    if content[media_type].get("schema", {}).get("$ref", "").endswith("/Problem"):
                        content[MEDIA_TYPE] = content.pop(media_type)
