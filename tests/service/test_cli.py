"""The `unseen-service` command, as an operator runs it."""

import json
import os
import pwd
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.cli import COMMAND, run
from tests.support.disks import scratch_folder
from tests.support.hashes import random_pdq
from tests.support.ports import free_port
from tests.support.processes import start_serve
from tests.support.running_service import RunningService
from tests.support.submissions import submission
from tests.support.waiting import wait_until


def test_keys_are_issued_listed_revoked_and_audited(database_url: str) -> None:
    issued = run("keys", "issue", "Example", "--scope", "match", DATABASE_URL=database_url)
    assert issued.returncode == 0
    assert re.fullmatch(r"unseen_[\w-]{43}\n", issued.stdout), "stdout is only the key"

    listed = run("keys", "list", DATABASE_URL=database_url).stdout
    assert re.search(r"1\s+Example\s+match\s+.*active", listed)
    assert issued.stdout.strip() not in listed

    assert run("keys", "revoke", "1", DATABASE_URL=database_url).returncode == 0
    again = run("keys", "revoke", "1", DATABASE_URL=database_url)
    assert again.returncode == 1
    assert "keys list" in again.stderr

    verified = run("audit", "verify", DATABASE_URL=database_url)
    assert re.match(r"chain verified: 2 entries, the last is [0-9a-f]{64}\n", verified.stdout)


def test_feed_key_needs_two_operators_and_the_exported_log_verifies(
    database_url: str, tmp_path: Path
) -> None:
    settings = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path)}
    issued = run("keys", "issue", "P", "--scope", "feed", "--by", "alice", **settings)
    assert re.fullmatch(r"unseen_[\w-]{43}\n", issued.stdout)
    assert "keys approve 1 --by NAME" in issued.stderr
    assert run("keys", "approve", "1", "--by", "alice", **settings).returncode == 1
    assert run("keys", "approve", "1", "--by", "bob", **settings).returncode == 0
    rotated = run("keys", "rotate", "1", "--overlap", "1d", "--by", "bob", **settings)
    assert rotated.stdout != issued.stdout
    assert re.search(r"active\n.*pending", run("keys", "list", **settings).stdout)
    misused = run("keys", "revoke", issued.stdout.strip(), **settings)
    assert misused.returncode == 2
    assert issued.stdout.strip() not in misused.stderr

    verifier, kept, export = run("audit", "key", **settings).stdout, tmp_path / "c", tmp_path / "e"
    kept.write_text(run("audit", "checkpoint", **settings).stdout)
    assert run("audit", "verify", "--checkpoint", str(kept), **settings).returncode == 0
    export.write_text(run("audit", "export", "--reason", "yearly review", **settings).stdout)
    offline = ["--checkpoint", str(kept), "--key", verifier.strip()]
    unseen = str(Path(COMMAND[0]).with_name("unseen"))
    verified = subprocess.run(
        [unseen, "audit", "verify", str(export), *offline],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert verified.returncode == 0, verified.stderr
    assert verified.stdout.startswith("chain verified: 6 entries")
    assert "kept checkpoint of 4 entries" in verified.stdout
    entries = [json.loads(line) for line in export.read_text().splitlines()[:-1]]
    account = f"{pwd.getpwuid(os.getuid()).pw_name} ({os.getuid()})"
    assert [each["actor"] for each in entries[:2]] == ["operator:alice", "operator:bob"]
    assert [each["details"]["by_account"] for each in entries[:3]] == [account] * 3

    (tmp_path / "audit.key").unlink()
    again = run("audit", "verify", "--checkpoint", str(kept), **settings)
    assert again.returncode == 0, "the log names the lost key, which signed the checkpoint"


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["keys", "issue", " ", "--scope", "match"], {}, "platform's name"),
        (["keys", "list"], {"DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/x"}, "unavailable"),
    ],
)
def test_errors_are_reported_in_one_line(
    database_url: str, arguments: list[str], environment: dict[str, str], message: str
) -> None:
    failed = run(*arguments, **{"DATABASE_URL": database_url, **environment})
    assert failed.returncode == 1
    assert message in failed.stderr
    assert failed.stderr.count("\n") == 1
    assert "secret" not in failed.stderr


def test_database_url_can_come_from_a_file(database_url: str, tmp_path: Path) -> None:
    """An empty file is an error, not a reason to start an embedded database."""
    secret = tmp_path / "database_url"
    secret.write_text(f"{database_url}\n")
    environment = {"DATABASE_URL_FILE": str(secret), "DATABASE_URL": "postgresql://127.0.0.1:1/x"}
    assert run("keys", "issue", "Example", "--scope", "match", **environment).returncode == 0
    assert "Example" in run("keys", "list", DATABASE_URL=database_url).stdout
    secret.write_text("\n")
    assert "is empty" in run("keys", "list", **environment).stderr
    secret.unlink()
    assert "cannot be read" in run("keys", "list", **environment).stderr


@pytest.mark.parametrize(
    "arguments", [[], ["keys"], ["keys", "issue", "X"], ["keys", "issue", "X", "--scope", "all"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    assert run(*arguments).returncode == 2


def test_help_ends_with_an_example() -> None:
    assert "example:\n  $ unseen-service serve" in run("--help").stdout


@pytest.fixture
def served() -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """`unseen-service serve` with two workers, on an embedded PostgreSQL of its own."""
    port = free_port()
    with scratch_folder() as folder:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = start_serve(folder / "data", port, workers=2, environment={}, **pipes)
        yield process, f"http://127.0.0.1:{port}", ["--data", str(folder / "data")]
        process.kill()
        process.communicate()


def test_serve_starts_and_stops_everything(
    served: tuple[subprocess.Popen[str], str, list[str]],
) -> None:
    process, url, data = served

    def ready() -> bool:
        try:
            return httpx.get(f"{url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    wait_until(ready)
    pdq = random_pdq(1)
    assert httpx.post(f"{url}/v1/cases", json=submission(pdq)).status_code == 201
    # The second process joins the PostgreSQL that the first one started.
    key = run("keys", "issue", "Example", "--scope", "match", *data).stdout.strip()
    headers = {"Authorization": f"Bearer {key}"}

    def matched() -> bool:
        answer = httpx.post(f"{url}/v1/match", json={"hashes": [pdq]}, headers=headers)
        return answer.status_code == 200 and len(answer.json()["hits"]) == 1

    wait_until(matched)

    def measured() -> bool:
        text = RunningService(url, "").metrics()
        return "unseen_index_hashes 1.0" in text and "unseen_index_lag_changes 0.0" in text

    wait_until(measured)
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"Unseen is on {url}" in out
    assert {json.loads(line)["level"] for line in errors.splitlines()} <= {"info"}
    # Nothing of it runs any longer: its data folder can be opened again.
    # Lookups from before the index had caught up are a fourth entry.
    assert re.match("chain verified: [34] entries", run("audit", "verify", *data).stdout)


def test_a_command_warns_before_it_creates_a_database(tmp_path: Path) -> None:
    """Run in the wrong folder, it would issue a key that no service knows."""
    tmp_path.chmod(0o711)
    data = tmp_path / "data"
    created = run("keys", "list", "--data", str(data))
    assert (created.returncode, created.stdout) == (0, "no key was issued yet\n")
    assert created.stderr.startswith(f"creating a new database in {data}; use --data")
    assert "creating" not in run("keys", "list", "--data", str(data)).stderr
