"""Output that cannot be written (full disk, closed stream or pipe): one line, exit status 1."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

COMMAND = [sys.executable, "-m", "unseen_service"]
BUFFERING = pytest.mark.parametrize("unbuffered", [False, True], ids=["buffered", "unbuffered"])


def run(
    *arguments: str, stdout: str = "", stderr: str = "", unbuffered: bool = False, url: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the command in an empty environment, with its streams redirected by a shell."""
    environment = {"PATH": os.defpath, "HOME": "/", "DATABASE_URL": url}
    if unbuffered:
        environment["PYTHONUNBUFFERED"] = "1"
    redirected = f'exec "$@" {stdout} {stderr}'
    return subprocess.run(
        ["sh", "-c", redirected, "sh", *COMMAND, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@BUFFERING
@pytest.mark.parametrize("arguments", [["--version"], ["keys", "list"]])
@pytest.mark.parametrize(
    ("stdout", "why"), [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")]
)
def test_unwritable_stdout_is_a_failure(
    database_url: str, arguments: list[str], stdout: str, why: str, *, unbuffered: bool
) -> None:
    failed = run(*arguments, stdout=stdout, unbuffered=unbuffered, url=database_url)
    assert (failed.returncode, failed.stderr) == (1, f"unseen-service: {why}\n")


@BUFFERING
@pytest.mark.parametrize("stderr", ["2>/dev/full", "2>&-"])
def test_unwritable_stderr_does_not_change_the_exit_status(
    database_url: str, stderr: str, *, unbuffered: bool
) -> None:
    def status(*arguments: str) -> int:
        ended = run(*arguments, stderr=stderr, unbuffered=unbuffered, url=database_url)
        return ended.returncode

    assert status("--version") == 0
    assert status("keys", "list") == 0
    assert status("keys", "nonsense") == 2
    assert status("keys", "approve", "99") == 1


@contextmanager
def unread_pipe() -> Iterator[int]:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


@BUFFERING
def test_closed_pipe_ends_the_command_quietly(database_url: str, *, unbuffered: bool) -> None:
    extra = {"PYTHONUNBUFFERED": "1"} if unbuffered else {}
    with unread_pipe() as pipe:
        ended = subprocess.run(
            [*COMMAND, "keys", "list"],
            env={"PATH": os.defpath, "HOME": "/", "DATABASE_URL": database_url, **extra},
            stdout=pipe,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (1, b"")


@BUFFERING
def test_key_that_could_not_be_printed_can_be_revoked(
    database_url: str, tmp_path: Path, *, unbuffered: bool
) -> None:
    issue = ["keys", "issue", "Example", "--scope", "match", "--data", str(tmp_path)]
    failed = run(*issue, stdout=">/dev/full", unbuffered=unbuffered, url=database_url)
    assert failed.returncode == 1
    revoke = re.search(r"'unseen-service (keys revoke \d+)'", failed.stderr)
    assert revoke, failed.stderr
    assert run(*revoke[1].split(), url=database_url).returncode == 0
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT FROM keys WHERE revoked_at IS NULL").fetchall() == []
