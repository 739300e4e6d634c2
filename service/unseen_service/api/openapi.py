"""openapi.yaml: what FastAPI derives from the routes, with the parts that it cannot derive.

The first line of a route's docstring is the summary of its operation; the rest describes it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from .. import errors
from ..models.hashes import HASH_BYTES
from .bodies import GROUPS, JSON, RAW
from .problems import HTTP_PROBLEMS, MEDIA_TYPE, Problem
from .schemas.match import MAX_GROUP_HASHES, MAX_MATCH_HASHES, MAX_MATCH_IMAGES, MatchIn

_DESCRIPTION = """\
Unseen stores PDQ hashes of intimate images that are shared without consent, or that someone
threatens to share, and tells platforms whether an upload is close to one of them. It never
receives an image.

People who submit hashes need no account: a case is opened with its number and PIN. Platforms and
staff send a key as `Authorization: Bearer <key>`; each operation names the scope that it requires.
Responses to a key have `RateLimit` and `RateLimit-Policy` headers. Every error is a problem
document (RFC 9457) whose `type` is `urn:unseen:problem:` and one of the names listed with the
response."""

_TAGS = [
    {"name": "platform", "description": "Look up hashes of uploads."},
    {"name": "person", "description": "Submit hashes, follow a case and withdraw it."},
    {"name": "feed", "description": "Keep a copy of all hashes up to date."},
    {"name": "feedback", "description": "Report results, and that withdrawn hashes are deleted."},
    {"name": "webhooks", "description": "Get notified when hashes change."},
    {"name": "stopncii", "description": "The exchange protocol of StopNCII.org."},
    {
        "name": "staff",
        "description": "Audit the service, review hashes and follow up on platforms. "
        "Every read states a reason and is recorded in the audit log.",
    },
    {"name": "proofs", "description": "Verify the audit log, with any key."},
    {"name": "keys", "description": "Issue, approve, rotate and revoke keys."},
    {"name": "operator", "description": "Monitor the service."},
]

ProblemSource: TypeAlias = int | type[errors.ServiceError]
"""An error class, or the status of a problem of HTTP itself."""

_PROBLEMS: Mapping[ProblemSource, str] = {
    404: "There is nothing at this path.",
    413: "The body is too large.",
    415: "The body has an unsupported media type.",
    errors.BudgetSpent: "The key has spent its budget. Wait as `Retry-After` says.",
    errors.Busy: "Others write at the moment. Try again as `Retry-After` says.",
    errors.CaseNotFound: "There is no such case, or the PIN is wrong.",
    errors.ChainBroken: "The audit log does not fit what was signed earlier.",
    errors.DegenerateHash: "A hash does not come from a photo.",
    errors.FeedGone: "The cursor belongs to another change log. Start again without a cursor.",
    errors.ImageNotFound: "The case has no such image.",
    errors.IndependentPersonNeeded: "One person depends on the other; a third has to confirm.",
    errors.InvalidRequest: "The request breaks a rule; `errors` says where.",
    errors.KeyInactive: "The key is registered, but was not activated or not approved yet.",
    errors.KeyNotFound: "There is no such key, or it is not in the state that this requires.",
    errors.KeyPaused: "The key is paused.",
    errors.KnownBenign: "A hash is close to that of a known-benign image.",
    errors.NoSuchCase: "There is no such case.",
    errors.NotAuthenticated: "No active key was sent.",
    errors.QualityTooLow: "An image has too little detail.",
    errors.ReviewChanged: "Someone else decided in the meantime.",
    errors.ReviewNotFound: "The hash is not in the review queue.",
    errors.ScopeMissing: "The key lacks the required scope.",
    errors.SecondPersonNeeded: "Two independent admins have to issue and to approve the key.",
    errors.SubmissionReused: "The `Idempotency-Key` was used for another submission.",
    errors.TooManyAtOnce: "Too many hashes in lookups that are not answered yet.",
    errors.TooManyGuesses: "Too many wrong PINs. Wait as `Retry-After` says.",
    errors.TooSimilar: "Very many images of the submission are nearly the same.",
    errors.CropRefused: "A hash cannot be that of a crop of its image.",
    errors.Unavailable: "The service cannot answer now. Try again as `Retry-After` says.",
    errors.WebhookNotFound: "You have no such webhook.",
    errors.WorkRequired: "Repeat the request with the proof of work that `work` describes.",
}

BODY_PROBLEMS: tuple[ProblemSource, ...] = (413, 415, errors.InvalidRequest)
"""The problems of every route that reads a body."""

_KEY_PROBLEMS: tuple[ProblemSource, ...] = (
    errors.NotAuthenticated,
    errors.KeyInactive,
    errors.ScopeMissing,
    errors.KeyPaused,
    errors.BudgetSpent,
    errors.Unavailable,
    errors.Busy,
)

MATCH_REQUEST = {
    "security": [{"key": []}],
    "parameters": [
        {
            "name": "max_distance",
            "in": "query",
            "required": False,
            "description": "The largest Hamming distance that counts as a match, in bits. At most "
            "the service's limit (31 by default), which is also the default. With JSON, it may be "
            "in the body instead.",
            "schema": {"type": "integer", "minimum": 0, "maximum": 256},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": {"$ref": "#/components/schemas/MatchIn"}},
            RAW: {
                "schema": {
                    "type": "string",
                    "format": "binary",
                    "description": f"1 to {MAX_MATCH_HASHES:,} hashes, one after another, "
                    f"{HASH_BYTES} bytes per hash.",
                },
            },
            GROUPS: {
                "schema": {
                    "type": "string",
                    "format": "binary",
                    "description": f"1 to {MAX_MATCH_IMAGES:,} images: for each one byte, 1 to "
                    f"{MAX_GROUP_HASHES}, and that many hashes of {HASH_BYTES} bytes; "
                    f"{MAX_MATCH_HASHES:,} hashes at most.",
                },
            },
        },
    },
}


def problem_responses(*problems: ProblemSource) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that may answer with these problems."""
    texts: dict[int, list[str]] = {}
    for each in problems:
        status, slug = _status_and_slug(each)
        if each not in _PROBLEMS:
            raise LookupError(f"{slug} needs a sentence in _PROBLEMS (api/openapi.py)")
        texts.setdefault(status, []).append(f"`{slug}`: {_PROBLEMS[each]}")
    return {
        status: {"model": Problem, "description": " ".join(texts[status])}
        for status in sorted(texts)
    }


def keyed_responses(*problems: ProblemSource) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that requires a key: the usual problems, and these."""
    return problem_responses(*_KEY_PROBLEMS, *problems)


def _status_and_slug(problem: ProblemSource) -> tuple[int, str]:
    if isinstance(problem, int):
        return problem, HTTP_PROBLEMS[problem][0]
    return problem.status, problem.slug


def make_openapi(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Return the function that replaces `app.openapi`."""

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=_DESCRIPTION,
                tags=_TAGS,
                routes=app.routes,
            )
            schema["components"]["schemas"]["MatchIn"] = MatchIn.model_json_schema()
            for path, operation in _operations(schema):
                if path.startswith("/v1/"):
                    _add_invalid_request(operation)
                _split_docstring(operation)
                _describe_success(operation, schema["components"]["schemas"])
                _fix_problem_media_type(operation)
                _drop_repeated_descriptions(operation)
            app.openapi_schema = schema
        return app.openapi_schema

    return openapi


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            yield path, operation


def _add_invalid_request(operation: dict[str, Any]) -> None:
    """Describe the answer to unknown query parameters, also where a call has no others."""
    description = f"`invalid-request`: {_PROBLEMS[errors.InvalidRequest]}"
    content = {JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation["responses"].setdefault("422", {"description": description, "content": content})


def _split_docstring(operation: dict[str, Any]) -> None:
    summary, _, description = operation["description"].partition("\n")
    operation["summary"] = summary.removesuffix(".")
    operation["description"] = description.strip()


def _describe_success(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Replace FastAPI's "Successful Response" by the first line of the schema's description."""
    for response in operation["responses"].values():
        content = response.get("content", {}).get(JSON, {})
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if response["description"] == "Successful Response" and name:
            response["description"] = schemas[name]["description"].partition("\n")[0]


def _fix_problem_media_type(operation: dict[str, Any]) -> None:
    """Set the media type of problems: FastAPI lists them under that of the route's success."""
    for response in operation["responses"].values():
        content = response.get("content", {})
        for media_type in list(content):
            if content[media_type].get("schema", {}).get("$ref", "").endswith("/Problem"):
                content[MEDIA_TYPE] = content.pop(media_type)


def _drop_repeated_descriptions(operation: dict[str, Any]) -> None:
    """Remove from a parameter's schema what the parameter itself says."""
    for parameter in operation.get("parameters", []):
        if "description" in parameter:
            parameter["schema"].pop("description", None)
