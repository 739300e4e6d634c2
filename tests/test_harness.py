"""The harness itself: what reaches a test from outside, and which tests `make test-fast` runs."""

import os
import subprocess

import pytest

from tests.environment import clean_environment

FOREIGN = ("UNSEEN_", "DATABASE_", "PG", "PYTHON", "LC_", "LANG", "SSL_CERT_FILE", "CI", "http")


def test_no_variable_of_whoever_runs_the_tests_reaches_them() -> None:
    assert [name for name in os.environ if name.startswith(FOREIGN)] == []
    assert set(clean_environment(EXTRA="1")) <= {"HOME", "PATH", "TMPDIR", "SSL_CERT_DIR", "EXTRA"}


def test_a_test_that_starts_nothing_is_fast(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("process") is None


def helper() -> None:
    subprocess.run(["true"], check=True)


def test_a_test_that_starts_a_process_through_a_helper_is_not_fast(
    request: pytest.FixtureRequest,
) -> None:
    helper()
    assert request.node.get_closest_marker("process")
