"""The `unseen-service` command, as an operator runs it."""

import argparse
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
from unseen_service.cli.parser import make_parser

from tests.support.admins import Admins
from tests.support.cli import COMMAND, run
from tests.support.disks import data_directory_of, scratch_folder
from tests.support.environment import clean_environment
from tests.support.hashes import random_pdq
from tests.support.holder_keys import HolderKey
from tests.support.ports import free_port
from tests.support.processes import serve_process, start_serve
from tests.support.running_service import RunningService
from tests.support.submissions import submission
from tests.support.waiting import wait_until

DIGEST = f"sha256:{random_pdq(2)}"


def as_file(path: Path, secret: str, mode: int = 0o600) -> str:
    path.write_text(f"{secret}\n")
    path.chmod(mode)
    return str(path)


def test_keys_are_issued_listed_revoked_and_audited(database_url: str, tmp_path: Path) -> None:
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

    data = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path)}
    assert "is missing" in run("audit", "verify", **data).stderr, "nothing was ever signed"
    assert run("audit", "checkpoint", **data).returncode == 0
    verified = run("audit", "verify", **data)
    assert re.match(r"chain verified: 5 entries, the last is [0-9a-f]{64}\n", verified.stdout)


def test_feed_key_needs_two_admins_and_the_exported_log_verifies(
    service: RunningService, tmp_path: Path
) -> None:
    data = data_directory_of(service.database_url)
    settings = {"DATABASE_URL": service.database_url, "UNSEEN_DATA": str(data)}
    admins = Admins.bootstrap(service.url, "--by", "olga", **settings)
    ada, ben = (as_file(tmp_path / name, key.secret) for name, key in (
        ("ada", admins.first), ("ben", admins.second),
    ))  # fmt: skip
    made = HolderKey()
    issue = ("keys", "issue", "P", "--scope", "feed", "--digest", made.digest)
    issued = run(*issue, "--key-file", ada, **settings)
    assert issued.stdout == f"fingerprint {made.fingerprint}\n"
    assert "unseen key activate" in issued.stderr
    assert "DATABASE_URL=... " in issued.stderr
    assert service.database_url not in issued.stderr
    assert run("keys", "approve", "3", "--key-file", ben, **settings).returncode == 1
    wait_until(lambda: made.activate(service.url).is_success)
    assert run("keys", "approve", "3", "--key-file", ada, **settings).returncode == 1
    assert run("keys", "approve", "3", "--key-file", ben, **settings).returncode == 0
    successor = HolderKey()
    rotate = ("keys", "rotate", "3", "--overlap", "1d", "--digest", successor.digest)
    rotated = run(*rotate, "--key-file", ben, **settings)
    assert successor.fingerprint in rotated.stdout
    listed = run("keys", "list", **settings).stdout
    assert re.search(rf"active  {made.fingerprint}\n.*unused  {successor.fingerprint}", listed)
    misused = run("keys", "revoke", made.secret, **settings)
    assert misused.returncode == 2
    assert made.secret not in misused.stderr

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
    assert verified.stdout.startswith("chain verified: 13 entries")
    assert "kept checkpoint of 11 entries" in verified.stdout
    entries = [json.loads(line) for line in export.read_text().splitlines()[:-1]]
    entries = [each for each in entries if each["kind"].startswith("key.")]
    account = f"{pwd.getpwuid(os.getuid()).pw_name} ({os.getuid()})"
    assert [(each["kind"], each["actor"]) for each in entries] == [
        *[("key.issued", "operator:olga")] * 2,
        *[("key.activated", f"key:{number}") for number in (1, 2)],
        ("key.issued", "staff:Ada"),
        ("key.activated", "key:3"),
        ("key.approved", "staff:Ben"),
        ("key.rotated", "staff:Ben"),
    ]
    by_command = [entries[number] for number in (0, 1, 4, 6, 7)]
    assert [each["details"]["by_account"] for each in by_command] == [account] * 5

    assert run("audit", "new-key", "--reason", "stolen", **settings).returncode == 0
    again = run("audit", "verify", "--checkpoint", str(kept), **settings)
    assert again.returncode == 0, "the log names the old key, which signed the checkpoint"


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
    # On a busy machine a worker may ask to try again.
    wait_until(lambda: httpx.post(f"{url}/v1/cases", json=submission(pdq)).status_code == 201)
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
    # Two are of the encryption. Lookups from before the index had caught up are a sixth entry.
    assert re.match("chain verified: [56] entries", run("audit", "verify", *data).stdout)


@pytest.mark.parametrize(
    "command",
    [
        "keys list", "keys issue P --scope match", "keys approve 1", "keys rotate 1",
        "keys revoke 1", "keys limit 1 --exact", "keys pause 1 --reason r",
        "keys resume 1 --reason r", f"keys bootstrap --admin A {DIGEST} --admin B {DIGEST[:-1]}0",
        "audit verify", "audit checkpoint", "audit export --reason r",
        "audit accept --reason r", "audit new-key --reason r",
        "benign list", f"benign add --hash {random_pdq(1)}", "benign remove 1",
        "retain", "restored", "encrypt",
    ],
)  # fmt: skip
def test_only_serve_and_migrate_create_a_database(tmp_path: Path, command: str) -> None:
    """In the wrong folder, a command would change what no service uses."""
    data = tmp_path / "data"
    refused = run(*command.split(), "--data", str(data))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"unseen-service: There is no database in {data}. Use --data")
    assert not list(data.glob("postgres*"))
    (data / "postgres-18.log").parent.mkdir(exist_ok=True)
    (data / "postgres-18.log").touch()
    assert run(*command.split(), "--data", str(data)).returncode == 1, "that is no database"


def test_every_command_that_needs_a_database_is_tried_without_one() -> None:
    (marked,) = test_only_serve_and_migrate_create_a_database.pytestmark  # type: ignore[attr-defined]
    tried = {command.partition(" -")[0].rstrip(" 1") for command in marked.args[1]}
    tried = {" ".join(command.split()[:2]) for command in tried}
    all_commands = set(_commands(make_parser()))
    assert all_commands - tried == {"serve", "migrate", "audit key"}, "none of these needs one"


def _commands(parser: argparse.ArgumentParser, name: str = "") -> Iterator[str]:
    nested = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    for each in nested:
        for word, command in each.choices.items():
            yield from _commands(command, f"{name} {word}".strip())
    if not nested:
        yield name


def test_migrate_creates_a_database(data_directory: Path) -> None:
    data = ["--data", str(data_directory)]
    assert run("migrate", *data).returncode == 0
    listed = run("keys", "list", *data)
    assert (listed.returncode, listed.stdout) == (0, "no key was issued yet\n")


def test_printed_approval_works_in_any_folder(data_directory: Path, tmp_path: Path) -> None:
    """It names the folder of the database, which a command without it would not find."""
    data = ["--data", str(data_directory)]
    with serve_process(data_directory) as service:
        admins = Admins.bootstrap(service.url, *data)
        made = HolderKey()
        issue = ("keys", "issue", "P", "--scope", "feed", "--digest", made.digest)
        issued = subprocess.run(
            [*COMMAND, *issue, "--key-file", "-", "--data", os.path.relpath(data_directory)],
            input=admins.first.secret, env=clean_environment(), capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        assert made.activate(service.url).is_success
        printed = re.search(r"\S*unseen-service keys approve .*", issued.stderr)
        assert printed, issued.stderr
        typed = printed[0].replace(" FILE ", f" {as_file(tmp_path / 'ben', admins.second.secret)} ")
        approved = subprocess.run(
            ["sh", "-c", typed.replace(printed[0].split()[0], COMMAND[0])],
            cwd=tmp_path, env=clean_environment(), capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert (approved.returncode, approved.stdout) == (0, "key 3 is active\n"), approved.stderr
        assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_key_file_that_others_can_read_is_refused(
    database_url: str, tmp_path: Path, mode: int
) -> None:
    file = as_file(tmp_path / "admin's key", "unseen_secret", mode)
    command = ("keys", "approve", "1", "--key-file", file)
    refused = run(*command, DATABASE_URL=database_url)
    assert refused.returncode == 1
    fix = refused.stderr.partition(": chmod")[2].strip()
    subprocess.run(["sh", "-c", f"chmod {fix}"], check=True)
    refused = run(*command, DATABASE_URL=database_url)
    assert "needs an active key" in refused.stderr
    assert "unseen_secret" not in refused.stderr
