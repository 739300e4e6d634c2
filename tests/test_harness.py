"""The test harness: a clean environment, and the tests that `make test-fast` leaves out."""

import os
import subprocess

import pytest

from tests.environment import clean_environment

FOREIGN = ("UNSEEN_", "DATABASE_", "PG", "PYTHON", "LC_", "LANG", "SSL_CERT_FILE", "CI", "http")


def test_no_environment_variable_of_the_caller_reaches_the_tests() -> None:
    assert [name for name in os.environ if name.startswith(FOREIGN)] == []
    assert set(clean_environment(EXTRA="1")) <= {"HOME", "PATH", "TMPDIR", "SSL_CERT_DIR", "EXTRA"}


def test_a_test_that_starts_nothing_is_fast(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("process") is None


def start_process() -> None:
    subprocess.run(["true"], check=True)


def test_a_test_that_starts_a_process_indirectly_is_not_fast(
    request: pytest.FixtureRequest,
) -> None:
    start_process()
    assert request.node.get_closest_marker("process")
