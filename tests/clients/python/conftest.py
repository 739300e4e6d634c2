"""Fixtures: both clients."""

import pytest

from .both_clients import Run, awaited, blocking


@pytest.fixture(params=[blocking, awaited])
def run(request: pytest.FixtureRequest) -> Run:
    """Return a function that makes a call: the test runs with either client."""
    run: Run = request.param
    return run
