"""What an operator may get wrong: told in a line, before anything is started, with no traceback."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from unseen_service.__main__ import main
from unseen_service.errors import SettingInvalid
from unseen_service.settings import Settings
from unseen_service.tlog.checkpoint import Checkpoint
from unseen_service.tlog.key_file import load_signer

from tests.support.cli import run
from tests.support.disks import scratch_folder
from tests.support.hashes import random_pdq
from tests.support.ports import free_port
from tests.support.processes import start_serve
from tests.support.running_service import RunningService
from tests.support.submissions import submission
from tests.support.waiting import wait_until


def told(failed: subprocess.CompletedProcess[str]) -> str:
    """Give the one line that a command ended with."""
    assert (failed.returncode, failed.stdout) == (1, "")
    (line,) = failed.stderr.splitlines()
    return line


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("UNSEEN_POOL_SIZE", "0"),
        ("UNSEEN_POOL_SIZE", "-1"),
        ("UNSEEN_POOL_SIZE", ""),
        ("UNSEEN_POOL_SIZE", " 8 "),
        ("UNSEEN_POOL_SIZE", "9" * 5_000),
        ("UNSEEN_POOL_TIMEOUT_MS", "0"),
        ("UNSEEN_STATEMENT_TIMEOUT_MS", "0"),
        ("UNSEEN_MAX_DISTANCE", "257"),
        ("UNSEEN_WATCH_EVERY_MS", "0"),
        ("UNSEEN_RETAIN_EVERY_HOURS", "99999999999"),
        ("UNSEEN_ERASE_AFTER_DAYS", "99999999999"),
        ("UNSEEN_OVERDUE_HOURS", "99999999999"),
        ("UNSEEN_WEBHOOK_PRIVATE_TARGETS", "2"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(variable: str, value: str) -> None:
    with pytest.raises(SettingInvalid, match=f"{variable} must be a whole number from"):
        Settings.from_environment({"DATABASE_URL": "-", variable: value})


def test_a_setting_is_told_before_anything_starts(database_url: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path / "data")}
    line = told(run("serve", **settings, UNSEEN_POOL_SIZE="0"))
    assert line == "unseen-service: UNSEEN_POOL_SIZE must be a whole number from 1 to 1000."
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        ["--workers", "0"],
        ["--workers", "-1"],
        ["--workers", "many"],
        ["--port", "0"],
        ["--port", "65536"],
        ["--port", "-1"],
    ],
)
def test_a_number_that_cannot_be_is_wrong_usage(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *wrong]) == 2
    assert "a whole number from 1 to" in capsys.readouterr().err


def test_an_address_that_is_not_to_be_had_is_told(database_url: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path)}
    line = told(run("serve", "--host", "host.invalid", **settings))
    assert "of host.invalid" in line
    assert "192.0.2.1" in told(run("serve", "--host", "192.0.2.1", **settings))


@pytest.mark.slow
def test_a_port_that_is_taken_is_waited_for_and_then_told(
    database_url: str, tmp_path: Path
) -> None:
    """For a moment, since what a killed supervisor left behind may still hold it."""
    settings = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path)}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        failed = run("serve", "--port", port, **settings)
    assert (failed.returncode, failed.stdout) == (1, "")
    waits, ends = failed.stderr.splitlines()
    assert waits == f"waiting for port {port}, which is taken ..."
    assert "another process listens there" in ends


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "is empty"), (b" \r\n", "is empty"), (b"\xff\xfe", "not UTF-8"), (None, "cannot be")],
)
def test_a_mounted_url_that_is_none_is_told(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    """Above all it is not passed over, and an embedded PostgreSQL started instead."""
    file = tmp_path / "url"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    line = told(run("keys", "list", DATABASE_URL_FILE=str(file), UNSEEN_DATA=str(tmp_path / "d")))
    assert line.startswith("unseen-service: DATABASE_URL_FILE ")
    assert why in line
    assert not (tmp_path / "d").exists()


def test_a_mounted_url_may_have_been_written_on_windows(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_bytes(b"\xef\xbb\xbf" + database_url.encode() + b"\r\n")
    assert run("keys", "list", DATABASE_URL_FILE=str(file)).returncode == 0


@pytest.mark.parametrize("content", [b"", b"rubbish\n", b"\xff\xfe", None])
@pytest.mark.parametrize("name", ["audit.key", "audit.checkpoint"])
def test_audit_files_that_are_damaged_are_told(
    database_url: str, tmp_path: Path, name: str, content: bytes | None
) -> None:
    settings = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path)}
    assert run("audit", "checkpoint", **settings).returncode == 0
    (tmp_path / name).unlink()
    if content is None:
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_bytes(content)
    line = told(run("audit", "checkpoint", **settings))
    assert str(tmp_path / name) in line


def test_a_checkpoint_from_ahead_of_the_database_is_told(database_url: str, tmp_path: Path) -> None:
    """As after a restored backup; docs/operate.md says what to do."""
    settings = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path)}
    assert run("audit", "checkpoint", **settings).returncode == 0
    kept, key = tmp_path / "audit.checkpoint", tmp_path / "audit.key"
    signer = load_signer(key)
    ahead = Checkpoint(signer.name, 1_000_000, bytes(32))
    kept.write_text(signer.sign(ahead.encode()), encoding="utf-8")
    for command in (["checkpoint"], ["verify"]):
        assert "does not fit" in told(run("audit", *command, **settings))


@contextmanager
def serving_as(
    data: Path, database_url: str, *, stdout: str = os.devnull
) -> Iterator[RunningService]:
    port = free_port()
    with Path(stdout).open("wb") as out:
        environment = {"DATABASE_URL": database_url}
        pipes = {"stdout": out, "stderr": subprocess.PIPE}
        process = start_serve(data, port, environment=environment, **pipes)
    service = RunningService(f"http://127.0.0.1:{port}", database_url)
    try:
        wait_until(service.is_ready)
        yield service
    finally:
        for _ in range(2):
            process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert errors == b"", "also when it is told twice to stop"


def test_it_serves_though_nobody_can_read_where(database_url: str) -> None:
    with scratch_folder() as folder, serving_as(folder, database_url, stdout="/dev/full"):
        pass


@pytest.mark.slow
def test_two_on_one_data_folder_count_each_for_itself(database_url: str) -> None:
    """On a port each: neither takes the other's counts from it, whichever ends first."""
    with scratch_folder() as folder, ExitStack() as stack:
        first = stack.enter_context(serving_as(folder, database_url))
        httpx.post(f"{first.url}/v1/cases", json=submission(random_pdq(1))).raise_for_status()

        def counted(service: RunningService) -> bool:
            text = httpx.get(f"{service.url}/metrics").text
            return "unseen_index_hashes 1.0" in text and "unseen_lookups_total" in text

        wait_until(lambda: counted(first))
        with serving_as(folder, database_url) as second:
            wait_until(lambda: counted(second))
            assert counted(first)
        assert counted(first)


def test_a_key_that_everybody_can_read_is_told(database_url: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path)}
    assert run("audit", "key", **settings).returncode == 0
    (tmp_path / "audit.key").chmod(0o644)
    pipe = {"stderr": subprocess.PIPE, "text": True}
    with start_serve(tmp_path, free_port(), environment=settings, **pipe) as process:
        assert process.stderr
        assert f"can read {tmp_path / 'audit.key'}" in process.stderr.readline()
        process.terminate()
