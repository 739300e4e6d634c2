"""The command when its standard streams are full, closed, or no longer read.

Each case runs with a minimal environment: PYTHONUNBUFFERED, which many containers set, decides when
Python writes and so which of its own error paths is taken.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from .pictures import fill

COMMANDS = (
    ["--version"],
    ["--help"],
    ["completion", "bash"],
    ["hash", "photo.png"],
)

commands = pytest.mark.parametrize("command", COMMANDS, ids=" ".join)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    fill(folder)
    return folder


@pytest.fixture(params=[{}, {"PYTHONUNBUFFERED": "1"}], ids=["buffered", "unbuffered"])
def environment(request: pytest.FixtureRequest, folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), **request.param}


def run(
    folder: Path, environment: dict[str, str], command: list[str], redirection: str
) -> subprocess.CompletedProcess[str]:
    """Run `unseen` by a shell, which redirects or closes its streams."""
    line = f"{shlex.join([sys.executable, '-m', 'unseen', *command])} {redirection}"
    return subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def messages(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done.stderr.splitlines()


@commands
@pytest.mark.parametrize(
    ("redirection", "reason"),
    [("> /dev/full", "No space left on device"), (">&-", "it is closed")],
    ids=["full", "closed"],
)
def test_an_unwritable_stdout_is_one_line_and_exit_1(
    folder: Path, environment: dict[str, str], command: list[str], redirection: str, reason: str
) -> None:
    done = run(folder, environment, command, redirection)
    assert messages(done) == [f"unseen: Cannot write to standard output: {reason}."]
    assert done.returncode == 1


@commands
def test_a_reader_that_has_seen_enough_is_no_error(
    folder: Path, environment: dict[str, str], command: list[str]
) -> None:
    line = [sys.executable, "-m", "unseen", *command]
    with subprocess.Popen(
        line,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        told = process.stderr.read()
    assert (process.returncode, told) == (0, "")


@pytest.mark.parametrize("redirection", ["2>&-", "2> /dev/full"], ids=["closed", "full"])
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["--version"], 0),
        (["hash", "photo.png"], 0),
        (["hash", "--json", "photo.png", "gone.png"], 3),
        (["hash", "gone.png"], 1),
        (["submit"], 2),
        (["fetch"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_an_unwritable_stderr_changes_neither_the_result_nor_the_exit_code(
    folder: Path, environment: dict[str, str], command: list[str], code: int, redirection: str
) -> None:
    done = run(folder, environment, command, redirection)
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout == run(folder, environment, command, "2> /dev/null").stdout


@pytest.mark.parametrize(
    "redirection", ["> /dev/full 2>&1", ">&- 2>&-", "<&- >&- 2>&-"], ids=["full", "closed", "all"]
)
@commands
def test_without_any_usable_stream_the_exit_code_is_1(
    folder: Path, environment: dict[str, str], command: list[str], redirection: str
) -> None:
    done = run(folder, environment, command, redirection)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_a_closed_stdin_counts_as_no_terminal(folder: Path, environment: dict[str, str]) -> None:
    command = ["submit", "photo.png", "--server", "https://unseen.example"]
    done = run(folder, environment, command, "<&-")
    assert messages(done)[0].endswith("there is no terminal to ask.")
    assert done.returncode == 1
