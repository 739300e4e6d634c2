"""Checkpoints reach witnesses on a timer, and what they keep exposes a log that was set back."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from unseen.audit import WitnessKey, read_checkpoint
from unseen.cli import main
from unseen_service.errors import SettingInvalid
from unseen_service.jobs.checkpoint_signing import CheckpointSigning
from unseen_service.settings import Settings
from unseen_service.store import Store
from unseen_service.usecases.checkpoints import Checkpoints
from unseen_service.usecases.standard_webhooks import sign as sign_webhook
from unseen_service.usecases.witnesses import WITNESS_SILENT, read_witnesses, troubles

from tests.support.audit_log import change_log, make_due, sign
from tests.support.cli import COMMAND, run
from tests.support.databases import query
from tests.support.environment import clean_environment
from tests.support.hashes import random_pdq
from tests.support.ports import free_port
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submit
from tests.support.webhook_receiver import WebhookReceiver

UNSEEN = str(Path(COMMAND[0]).with_name("unseen"))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOBODY = "nobody+d0a2f2a0+BBpc2QcUPDhMQegwxbzhKqiB"


@contextmanager
def witness(folder: Path, *logs: str, port: int) -> Iterator[str]:
    """Run `unseen audit witness`; yield its public key."""
    command = [UNSEEN, "audit", "witness", str(folder), "--listen", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, *(word for log in logs for word in ("--log", log))],
        env=clean_environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        _, url, key = process.stdout.readline().split()
        assert url == f"http://127.0.0.1:{port}"
        yield key
    finally:
        process.terminate()
        process.communicate(timeout=30)


def fill(service: RunningService, data: Path, **settings: Path) -> None:
    """Let an hour pass in which people submit."""
    for seed in range(3):
        submit(service, random_pdq(seed))
    make_due(service.database_url)
    sign(service, data, **settings)


def found(service: RunningService, data: Path, listed: Path) -> dict[str, str]:
    settings = Settings(data=data, witnesses_file=listed)
    return service.flow(lambda store: troubles(store, settings))


def test_witnesses_receive_checkpoints_and_expose_a_log_that_was_set_back(
    database_url: str, tmp_path: Path, receiver: WebhookReceiver
) -> None:
    data, folder, listed = tmp_path / "data", tmp_path / "kept", tmp_path / "witnesses"
    port, url = free_port(), database_url
    settings = {"DATABASE_URL": url, "UNSEEN_DATA": str(data), "UNSEEN_WITNESSES_FILE": str(listed)}
    log = run("audit", "key", DATABASE_URL=url, UNSEEN_DATA=str(data)).stdout.strip()
    folder.mkdir()
    with witness(tmp_path / "witness", log, port=port) as key, serving(url, data=data) as service:
        lines = [f"folder {folder}", f"webhook {receiver.url} {SECRET}"]
        listed.write_text("\n".join(["# ours", *lines, f"witness http://127.0.0.1:{port} {key}"]))
        fill(service, data, witnesses_file=listed)
        assert found(service, data, listed) == {}

        with service.client("match") as platform:
            note = platform.get("/v1/audit/checkpoint").text
        assert WitnessKey.parse(key).signed_at(note) is not None
        size = read_checkpoint(note, log).size
        assert size >= 3
        (kept,) = folder.iterdir()
        assert read_checkpoint(kept.read_text(), log).size == size
        assert kept.stat().st_mode & 0o777 == 0o644
        ((headers, body),) = receiver.received
        name, second = headers["webhook-id"], int(headers["webhook-timestamp"])
        secret = read_witnesses(listed)[1].secret
        assert headers["webhook-signature"] == sign_webhook(secret, name, second, body)
        assert read_checkpoint(json.loads(body)["data"]["checkpoint"], log).size == size

        fill(service, data, witnesses_file=listed)
        assert found(service, data, listed) == {}
        assert len(list(folder.iterdir())) == 2
        _verify_export(service, tmp_path, log, key)
        assert run("audit", "verify", **settings).returncode == 0

        # All that is here is set back: the log, the state, the table and the kept checkpoint.
        change_log(url, lambda entries: entries[:2])
        query(url, "TRUNCATE cosignatures, checkpoints; UPDATE witnesses SET size = 0")
        (data / "audit.checkpoint").unlink()
        assert run("audit", "accept", "--reason", "x", **settings).returncode == 0
        make_due(url)
        sign(service, data, witnesses_file=listed)
        assert "it has seen another log" in found(service, data, listed)[WITNESS_SILENT]
        failed = run("audit", "verify", **settings)
        assert "a kept checkpoint has a log of" in failed.stderr, "that of the folder"


def _verify_export(service: RunningService, folder: Path, log: str, witness: str) -> None:
    with service.client("audit", platform="Staff") as staff:
        published = folder / "published"
        published.write_text(staff.get("/v1/audit/checkpoint?published=true").text)
        export = folder / "export"
        export.write_bytes(staff.get("/v1/audit/export").content)
    verify = ["audit", "verify", str(export), "--checkpoint", str(published), "--key", log]
    assert main([*verify, "--witness", witness]) == 0
    text, _, lines = published.read_text().rpartition("\n\n")
    own = "\n".join(line for line in lines.splitlines() if "unseen-audit/" in line)
    published.write_text(f"{text}\n\n{own}\n")
    assert main([*verify, "--witness", witness]) == 1


def test_silent_and_unreachable_witnesses_are_reported(
    database_url: str, tmp_path: Path, log_messages: list[str]
) -> None:
    data, listed = tmp_path / "data", tmp_path / "witnesses"
    listed.write_text(
        f"folder {tmp_path}/unmounted\nwebhook http://127.0.0.1:{free_port()} {SECRET}"
    )
    with serving(database_url, data=data) as service:
        fill(service, data, witnesses_file=listed)
        assert len([each for each in log_messages if "has no checkpoint" in each]) == 2
        assert found(service, data, listed) == {}, "not yet for long"
        query(database_url, "UPDATE witnesses SET since = since - interval '4 hours'")
        silent = found(service, data, listed)[WITNESS_SILENT]
        assert "No such file" in silent
        assert "ConnectError" in silent
        settings = {"UNSEEN_DATA": str(data), "UNSEEN_WITNESSES_FILE": str(listed)}
        failed = run("audit", "verify", DATABASE_URL=database_url, **settings)
        assert failed.returncode == 1
        (tmp_path / "unmounted").mkdir()
        sign(service, data, witnesses_file=listed)
        assert "unmounted" not in found(service, data, listed)[WITNESS_SILENT]


@pytest.mark.parametrize(
    "line",
    [
        "folder relative", "folder", "webhook http://a", "webhook ftp://a whsec_AAAA", "disk /x",
        "webhook http://a whsec_!", f"witness http://a {NOBODY}", "witness http://a",
    ],
)  # fmt: skip
def test_malformed_list_of_witnesses_is_refused(tmp_path: Path, line: str) -> None:
    listed = tmp_path / "witnesses"
    listed.write_text(f"\n{line}\n")
    with pytest.raises(SettingInvalid, match="Line 2"):
        read_witnesses(listed)
    with pytest.raises(SettingInvalid, match="cannot be read"):
        read_witnesses(tmp_path / "none")


def test_answers_of_a_hostile_witness_change_nothing(database_url: str, tmp_path: Path) -> None:
    """It answers too much, slowly, with a foreign signature, or with sizes that make no sense."""
    data, listed, folder = tmp_path / "data", tmp_path / "witnesses", tmp_path / "witness"
    log = run("audit", "key", DATABASE_URL=database_url, UNSEEN_DATA=str(data)).stdout.strip()
    with witness(folder, log, port=free_port()) as key:
        pass
    answers = [
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000,
        b"HTTP/1.1 200 OK\r\n\r\n\xe2\x80\x94 a AAAA\n",
        b"HTTP/1.1 409 Conflict\r\n\r\n-1\n",
        b"HTTP/1.1 409 Conflict\r\n\r\n" + b"9" * 40,
        b"HTTP/1.1 500 No\r\n\r\n",
        b"garbage\r\n\r\n",
    ]

    async def try_all(store: Store) -> list[str]:
        failures = []
        for answer in answers:

            async def respond(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes = answer
            ) -> None:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
                writer.close()

            server = await asyncio.start_server(respond, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            listed.write_text(f"witness http://127.0.0.1:{port} {key}")
            settings = Settings(data=data, witnesses_file=listed)
            signing = Checkpoints(store, settings.audit_key, settings.kept_checkpoint)
            await CheckpointSigning(store, signing, settings).turn()
            server.close()
            async with store.transaction() as tx:
                rows = await (await tx.execute("SELECT failure FROM witnesses")).fetchall()
                await tx.execute("UPDATE witnesses SET failure = 'old'")
            failures += [row["failure"] for row in rows if row["failure"] != "old"]
        return failures

    with serving(database_url, data=data) as service:
        submit(service, random_pdq(1))
        make_due(database_url)
        failures = service.flow(try_all)
    assert len(failures) == len(answers)
    assert query(database_url, "SELECT count(*) FROM cosignatures") == [(0,)]
