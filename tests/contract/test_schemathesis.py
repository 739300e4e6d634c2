"""Every call of openapi.yaml, tried with what its schema allows and with what it does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.databases import fresh_database
from tests.support.running_service import RunningService, serving
from tests.support.waiting import PATIENCE_S

pytestmark = [
    # Schemathesis draws some formats with the `random` module, which Hypothesis would rather not.
    pytest.mark.filterwarnings("ignore:Do not use the .random. module inside strategies"),
    # It requests the fixtures itself, so pytest does not know of the service.
    pytest.mark.process,
]

_ROOT = Path(__file__).parents[2]
_SCOPES = ("match", "feed", "feedback", "submit", "audit", "admin")
_CHECKS = [
    schemathesis.checks.not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]

# Read when it is asked for, and each call a subtest of one test: else every worker would make a
# test of each call, 5 s long, also to run none of them.
schema = schemathesis.pytest.from_fixture("described")


@pytest.fixture
def described() -> schemathesis.BaseSchema:
    """What openapi.yaml says."""
    return schemathesis.openapi.from_dict(yaml.safe_load((_ROOT / "openapi.yaml").read_text()))


@pytest.fixture(scope="module")
def tried(postgres: str) -> Iterator[RunningService]:
    """A service of this module's own: it is left with whatever was made up."""
    # What asks the feed to wait for news is answered as when none came.
    with fresh_database(postgres) as url, serving(url, feed_wait_s=0) as running:
        yield running


def _try(case: schemathesis.Case, service: RunningService) -> None:
    key = service.key(*_SCOPES)
    headers = {"Authorization": f"Bearer {key}"}
    if case.path.startswith("/stopncii"):
        headers = {"x-functions-key": key, "Ocp-Apim-Subscription-Key": key}
    answer = case.call_and_validate(
        base_url=service.url, headers=headers, checks=_CHECKS, timeout=PATIENCE_S
    )
    if answer.status_code == 401:
        # What was made up has revoked it: the next call gets a new one.
        service.forget_keys()


@schema.parametrize()
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_call_answers_as_openapi_yaml_says(
    case: schemathesis.Case, tried: RunningService
) -> None:
    _try(case, tried)


@pytest.mark.slow
@schema.parametrize()
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_call_answers_so_with_many_examples(
    case: schemathesis.Case, tried: RunningService
) -> None:
    _try(case, tried)
