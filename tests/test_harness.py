"""The test harness: environment, selection of fast tests, and imports between tests."""

import ast
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.environment import clean_environment

FOREIGN = ("UNSEEN_", "DATABASE_", "PG", "PYTHON", "LC_", "LANG", "SSL_CERT_FILE", "CI", "http")


def test_no_environment_variable_of_the_caller_reaches_the_tests() -> None:
    assert [name for name in os.environ if name.startswith(FOREIGN)] == []
    ours = {"HOME", "PATH", "TMPDIR", "SSL_CERT_DIR", "UNSEEN_ENCRYPTION_KEY_FILE", "EXTRA"}
    assert set(clean_environment(EXTRA="1")) <= ours


def test_a_test_that_starts_nothing_is_fast(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("process") is None


def start_process() -> None:
    subprocess.run(["true"], check=True)


def test_a_test_that_starts_a_process_indirectly_is_not_fast(
    request: pytest.FixtureRequest,
) -> None:
    start_process()
    assert request.node.get_closest_marker("process")


def imported_modules(path: Path) -> Iterator[str]:
    """Yield the last part of the name of every module, and of every name, that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [each.name for each in node.names]
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            yield from (name.rpartition(".")[2] for name in names)


def test_no_module_imports_a_test_module() -> None:
    """Helpers that several test modules need are in tests/support."""
    folder = Path(__file__).parent
    test_modules = {path.stem for path in folder.rglob("test_*.py")}
    imports = {
        str(path.relative_to(folder)): sorted(test_modules & set(imported_modules(path)))
        for path in folder.rglob("*.py")
    }
    assert {path: modules for path, modules in imports.items() if modules} == {}
