"""Operator errors are reported in one line, before anything starts, without a traceback."""

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
from unseen_service.tlog.key_file import load_or_generate

from tests.support.cli import run
from tests.support.disks import scratch_folder
from tests.support.hashes import random_pdq
from tests.support.ports import free_port
from tests.support.processes import start_serve
from tests.support.running_service import RunningService
from tests.support.submissions import submission
from tests.support.waiting import wait_until


def error_line(failed: subprocess.CompletedProcess[str]) -> str:
    """Return the only line that a failed command printed."""
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
def test_invalid_setting_is_refused(variable: str, value: str) -> None:
    with pytest.raises(SettingInvalid, match=f"{variable} must be a whole number from"):
        Settings.from_environment({"DATABASE_URL": "-", variable: value})


def test_invalid_setting_is_reported_before_anything_starts(
    database_url: str, tmp_path: Path
) -> None:
    settings = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path / "data")}
    line = error_line(run("serve", **settings, UNSEEN_POOL_SIZE="0"))
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
def test_invalid_number_is_wrong_usage(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *wrong]) == 2
    assert "a whole number from 1 to" in capsys.readouterr().err


def test_unavailable_address_is_reported(database_url: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path)}
    line = error_line(run("serve", "--host", "host.invalid", **settings))
    assert "of host.invalid" in line
    assert "192.0.2.1" in error_line(run("serve", "--host", "192.0.2.1", **settings))


@pytest.mark.slow
def test_occupied_port_is_waited_for_and_then_reported(database_url: str, tmp_path: Path) -> None:
    """`serve` waits briefly, since the workers of a killed supervisor may still hold it."""
    settings = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path)}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        failed = run("serve", "--port", port, **settings)
    assert (failed.returncode, failed.stdout) == (1, "")
    waiting, error = failed.stderr.splitlines()
    assert waiting == f"waiting for port {port}, which is in use ..."
    assert "another process listens there" in error


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "is empty"), (b" \r\n", "is empty"), (b"\xff\xfe", "not UTF-8"), (None, "cannot be")],
)
def test_unusable_database_url_file_is_reported(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    """It is not ignored, and no embedded PostgreSQL is started instead."""
    file = tmp_path / "url"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    line = error_line(
        run("keys", "list", DATABASE_URL_FILE=str(file), UNSEEN_DATA=str(tmp_path / "d"))
    )
    assert line.startswith("unseen-service: DATABASE_URL_FILE ")
    assert why in line
    assert not (tmp_path / "d").exists()


def test_database_url_file_may_have_a_bom_and_crlf(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_bytes(b"\xef\xbb\xbf" + database_url.encode() + b"\r\n")
    assert run("keys", "list", DATABASE_URL_FILE=str(file)).returncode == 0


@pytest.mark.parametrize("content", [b"", b"rubbish\n", b"\xff\xfe", None])
@pytest.mark.parametrize("name", ["audit.key", "audit.checkpoint"])
def test_damaged_audit_files_are_reported(
    database_url: str, tmp_path: Path, name: str, content: bytes | None
) -> None:
    settings = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path)}
    assert run("audit", "checkpoint", **settings).returncode == 0
    (tmp_path / name).unlink()
    if content is None:
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_bytes(content)
    line = error_line(run("audit", "checkpoint", **settings))
    assert str(tmp_path / name) in line


def test_checkpoint_ahead_of_the_database_is_reported(database_url: str, tmp_path: Path) -> None:
    """As after a restore; docs/operate.md says what to do."""
    settings = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path)}
    assert run("audit", "checkpoint", **settings).returncode == 0
    kept, key = tmp_path / "audit.checkpoint", tmp_path / "audit.key"
    signer = load_or_generate(key)
    ahead = Checkpoint(signer.name, 1_000_000, bytes(32))
    kept.write_text(signer.sign(ahead.encode()), encoding="utf-8")
    for command in (["checkpoint"], ["verify"]):
        assert "does not fit" in error_line(run("audit", *command, **settings))


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
    assert errors == b"", "a second SIGTERM must not cause an error"


def test_serve_works_if_stdout_is_full(database_url: str) -> None:
    with scratch_folder() as folder, serving_as(folder, database_url, stdout="/dev/full"):
        pass


@pytest.mark.slow
def test_two_services_on_one_data_folder_keep_separate_metrics(database_url: str) -> None:
    """Each on its own port: neither removes the other's metrics when it stops."""
    with scratch_folder() as folder, ExitStack() as stack:
        first = stack.enter_context(serving_as(folder, database_url))
        httpx.post(f"{first.url}/v1/cases", json=submission(random_pdq(1))).raise_for_status()

        def has_metrics(service: RunningService) -> bool:
            text = service.metrics()
            return "unseen_index_hashes 1.0" in text and "unseen_lookups_total" in text

        wait_until(lambda: has_metrics(first))
        with serving_as(folder, database_url) as second:
            wait_until(lambda: has_metrics(second))
            assert has_metrics(first)
        assert has_metrics(first)
