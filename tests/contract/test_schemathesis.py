"""Every operation of openapi.yaml, called with generated requests, valid and invalid."""

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

# From a fixture, so that the operations are subtests of one test: to collect a test for each would
# take every worker of pytest-xdist 5 s.
schema = schemathesis.pytest.from_fixture("described")


@pytest.fixture
def described() -> schemathesis.BaseSchema:
    """Return the schema in openapi.yaml."""
    return schemathesis.openapi.from_dict(yaml.safe_load((_ROOT / "openapi.yaml").read_text()))


@pytest.fixture(scope="module")
def scratch(postgres: str) -> Iterator[RunningService]:
    """Yield a service for this module only, because its tests leave generated data behind."""
    # Without waiting, requests that wait for changes of the feed are answered at once.
    with fresh_database(postgres) as url, serving(url, feed_wait_s=0) as running:
        yield running


def _check(case: schemathesis.Case, service: RunningService) -> None:
    key = service.key(*_SCOPES)
    headers = {"Authorization": f"Bearer {key}"}
    if case.path.startswith("/stopncii"):
        headers = {"x-functions-key": key, "Ocp-Apim-Subscription-Key": key}
    answer = case.call_and_validate(
        base_url=service.url, headers=headers, checks=_CHECKS, timeout=PATIENCE_S
    )
    if answer.status_code == 401:
        # A generated request has revoked the key: the next one gets a new key.
        service.forget_keys()


@schema.parametrize()
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_operation_answers_as_openapi_yaml_says(
    case: schemathesis.Case, scratch: RunningService
) -> None:
    _check(case, scratch)


@pytest.mark.slow
@schema.parametrize()
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_answers_so_with_many_examples(
    case: schemathesis.Case, scratch: RunningService
) -> None:
    _check(case, scratch)
