"""Options of pytest, instead of environment variables, and the policy on skips.

Write values with `=`: pytest parses the command line once before it loads these options, and would
take a separate word for a path.
"""

from pathlib import Path

import pytest

_EXPECTED_SKIPS = Path(__file__).parents[1] / "expected-skips.txt"


def add_to(parser: pytest.Parser) -> None:
    """Add the options to `pytest --help`."""
    group = parser.getgroup("unseen")
    for name, kind, text in (
        ("--chaos-seconds", float, "how long faults go on (default: each test's own)"),
        ("--chaos-seed", int, "seed of the random faults (default: random)"),
        ("--matchable-hashes", int, "hashes in the index while submissions are timed"),
        ("--matchable-rounds", int, "submissions that are timed"),
        ("--postgres-bin", Path, "bin folder of the PostgreSQL to test on (default: embedded)"),
        ("--chromium", Path, "Chromium for the tests of the pages (default: the one on PATH)"),
        ("--firefox", Path, "Firefox for the same (default: firefox-esr on PATH)"),
        ("--webkit", Path, "WebDriver of WebKit for the same (default: WebKitWebDriver on PATH)"),
    ):
        group.addoption(name, type=kind, help=text)
    group.addoption(
        "--strict-skips",
        action="store_true",
        help=f"fail when a test is skipped for a reason that is not in {_EXPECTED_SKIPS.name}",
    )


def unexpected_skips(config: pytest.Config) -> list[str]:
    """Return test and reason of each skip that `--strict-skips` does not accept, in order."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not config.getoption("strict_skips"):
        return []
    lines = _EXPECTED_SKIPS.read_text(encoding="utf-8").splitlines()
    expected = {line for line in lines if line and not line.startswith("#")}
    skipped = [
        (report.nodeid, report.longrepr[2].removeprefix("Skipped: "))
        for report in reporter.stats.get("skipped", [])
    ]
    return sorted(f"{test}: {reason}" for test, reason in skipped if reason not in expected)
