"""Checkpoints are signed on a timer; what should be there and is not is a failure."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from unseen_service.app import create_app
from unseen_service.errors import ChainBroken
from unseen_service.settings import Settings
from unseen_service.store import Store
from unseen_service.tlog import merkle
from unseen_service.tlog.chain import canonical_json
from unseen_service.tlog.key_file import load_or_generate
from unseen_service.usecases.checkpoints import Checkpoints

from tests.support.audit_log import change_log, make_due, sign
from tests.support.cli import run
from tests.support.databases import query
from tests.support.hashes import random_pdq
from tests.support.ports import free_port
from tests.support.processes import start_serve
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submit
from tests.support.waiting import wait_until


def verify(database_url: str, data: Path, *arguments: str) -> str:
    """Run `unseen-service audit verify`; return its error, empty if all is well."""
    done = run("audit", "verify", *arguments, DATABASE_URL=database_url, UNSEEN_DATA=str(data))
    assert (done.returncode == 0) == (done.stderr == ""), done.stderr
    assert done.stderr.count("\n") <= 1
    return done.stderr


@pytest.fixture
def signed(database_url: str, tmp_path: Path) -> RunningService:
    """A database with a log that was signed, and no service any more: its data is `tmp_path`."""
    with serving(database_url, data=tmp_path) as service:
        for seed in range(3):
            submit(service, random_pdq(seed))
        service.client("match").close()
        sign(service, tmp_path)
        make_due(database_url)
        sign(service, tmp_path)
    return service


def test_complete_rewrite_is_found_without_anyone_asking_for_a_checkpoint(
    signed: RunningService, tmp_path: Path
) -> None:
    """Nobody ever asked for a checkpoint: the timer signed."""
    change_log(signed.database_url, lambda log: [replace(log[0], actor="x"), *log[1:]])
    assert "differs from what the kept checkpoint" in verify(signed.database_url, tmp_path)


def test_rewrite_without_a_trace_of_signatures_is_found(
    signed: RunningService, tmp_path: Path
) -> None:
    url = signed.database_url
    change_log(url, lambda log: [e for e in log if not e.kind.startswith("audit.")])
    query(url, "TRUNCATE checkpoints, cosignatures, witnesses")
    assert "audit entry" in verify(url, tmp_path)
    (tmp_path / "audit.checkpoint").unlink()
    assert "checkpoint of the audit log is missing" in verify(url, tmp_path)
    (tmp_path / "audit.key").unlink()
    assert "key is missing" in verify(url, tmp_path)


def test_newest_entries_cut_behind_the_kept_checkpoint_are_found(
    signed: RunningService, tmp_path: Path
) -> None:
    """The log still extends the checkpoint; the state that is left tells."""
    url = signed.database_url
    assert verify(url, tmp_path) == ""
    kept = (tmp_path / "audit.checkpoint").read_text()
    with serving(url, data=tmp_path) as service:
        submit(service, random_pdq(9))
    (tmp_path / "audit.checkpoint").write_text(kept)  # the entries are younger than a minute
    change_log(url, lambda log: log[: int(kept.split("\n")[1])])
    assert "case 4: no entry explains it" in verify(url, tmp_path)


@pytest.mark.parametrize("name", ["audit.key", "audit.checkpoint"])
def test_deleted_file_is_a_failure_and_is_not_made_again(
    signed: RunningService, tmp_path: Path, name: str
) -> None:
    url = signed.database_url
    (tmp_path / name).unlink()
    assert "missing" in verify(url, tmp_path)
    settings = {"DATABASE_URL": url, "UNSEEN_DATA": str(tmp_path)}
    for command in ["key"] if name == "audit.key" else []:
        assert "missing" in run("audit", command, **settings).stderr
    assert "missing" in run("audit", "checkpoint", **settings).stderr
    with serving(url, data=tmp_path) as service, service.client("audit") as staff:
        assert staff.get("/v1/audit/checkpoint").status_code == 500
        sign(service, tmp_path)
    assert not (tmp_path / name).exists()


def test_service_does_not_start_without_its_key(signed: RunningService, tmp_path: Path) -> None:
    (tmp_path / "audit.key").unlink()
    settings = {"DATABASE_URL": signed.database_url, "UNSEEN_DATA": str(tmp_path)}
    refused = run("serve", "--port", str(free_port()), **settings)
    assert refused.returncode == 1
    assert "audit new-key" in refused.stderr
    assert not (tmp_path / "audit.key").exists()


def test_exchanged_key_is_refused_until_the_operator_records_it(
    signed: RunningService, tmp_path: Path
) -> None:
    url = signed.database_url
    settings = {"DATABASE_URL": url, "UNSEEN_DATA": str(tmp_path)}
    before = run("audit", "key", **settings).stdout.strip()
    kept = tmp_path / "kept"
    kept.write_text(run("audit", "checkpoint", **settings).stdout)
    (tmp_path / "audit.key").unlink()
    load_or_generate(tmp_path / "audit.key")
    assert "another key than the audit log names" in run("audit", "checkpoint", **settings).stderr

    made = run("audit", "new-key", "--reason", "lost", "--by", "alice", **settings)
    assert made.returncode == 0
    assert made.stdout.split("+")[0] == before.split("+")[0], "the log keeps its name"
    assert made.stdout.strip() != before
    assert verify(url, tmp_path, "--checkpoint", str(kept)) == ""
    entries = "SELECT actor, details FROM audit_log WHERE kind = 'audit.key-changed'"
    (_, first), (actor, second) = query(url, f"{entries} ORDER BY position")
    assert (first["before"], first["verifier"]) == (None, before)
    assert (actor, second["before"], second["reason"]) == ("operator:alice", before, "lost")


def test_log_is_accepted_as_it_is_on_the_record_only(
    signed: RunningService, tmp_path: Path
) -> None:
    url = signed.database_url
    settings = {"DATABASE_URL": url, "UNSEEN_DATA": str(tmp_path)}
    (tmp_path / "audit.checkpoint").unlink()
    assert run("audit", "accept", "--reason", "disk died", **settings).returncode == 0
    assert verify(url, tmp_path) == ""
    accepted = query(
        url, "SELECT details ->> 'reason' FROM audit_log WHERE kind = 'audit.accepted'"
    )
    assert accepted == [("disk died",)]


def test_new_service_signs_at_once_and_its_files_are_private(
    database_url: str, tmp_path: Path
) -> None:
    port = free_port()
    process = start_serve(tmp_path, port, environment={"DATABASE_URL": database_url})
    try:
        service = RunningService(f"http://127.0.0.1:{port}", database_url)
        wait_until(service.is_ready)
        files = [tmp_path / f"audit.{each}" for each in ("key", "checkpoint")]
        assert int(files[1].read_text().split("\n")[1]) >= 2, "the log says how it is encrypted"
        assert [each.stat().st_mode & 0o777 for each in files] == [0o600, 0o600]
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_platforms_see_no_size_but_that_of_the_timer(database_url: str, tmp_path: Path) -> None:
    """The size of the log would tell them when people submit."""
    with serving(database_url, data=tmp_path) as service:
        sign(service, tmp_path)
        platform, staff = service.client("match"), service.client("audit", platform="Staff")
        with platform, staff:
            paths = [
                "/v1/audit/checkpoint", "/v1/audit/checkpoint?published=true",
                "/v1/audit/proof/inclusion?position=1", "/v1/audit/proof/consistency?first=1",
                "/v1/audit/proof/consistency?first=1&second=4",
                "/v1/audit/proof/inclusion?position=4&size=4",
            ]  # fmt: skip
            make_due(database_url)
            sign(service, tmp_path)
            before = [platform.get(path).text for path in paths]
            for seed in range(4):
                submit(service, random_pdq(seed))
                assert [platform.get(path).text for path in paths] == before
            own = staff.get("/v1/audit/checkpoint").text
            assert int(own.split("\n")[1]) > int(before[0].split("\n")[1])
            assert staff.get("/v1/audit/checkpoint?published=true").text == before[0]
            sign(service, tmp_path)
            assert platform.get(paths[0]).text == before[0], "the interval has not passed"
            make_due(database_url)
            sign(service, tmp_path)
            assert platform.get(paths[0]).text != before[0]


def test_proofs_do_not_confirm_a_guess_of_an_entry(service: RunningService) -> None:
    """Anyone with a key gets the hashes of entries, which tell what other platforms matched."""
    pdq = random_pdq(1)
    case = submit(service, pdq)
    service.wait_in_step()
    wrong = {"Unseen-Pin": "2718-2818-2845"}
    httpx.get(f"{service.url}/v1/cases/{case['case']}", headers=wrong)
    with service.client("match") as platform, service.client("audit", platform="Staff") as staff:
        platform.post("/v1/match", json={"hashes": [pdq]}).raise_for_status()
        entries = staff.get("/v1/audit").json()["entries"]
        assert {"match.hit", "case.pin-refused", "key.issued"} <= {each["kind"] for each in entries}
        for entry in entries:
            content = {name: value for name, value in entry.items() if name != "digest"}
            where = {"position": entry["position"]}
            leaf = staff.get("/v1/audit/proof/inclusion", params=where).json()["leaf"]
            assert leaf == merkle.leaf_hash(canonical_json(content)).hex()
            is_salted = len(entry["details"].get("salt", "")) == 32
            assert is_salted != ("state" in entry["details"])


def test_new_host_with_the_shared_key_trusts_what_was_handed_out(
    signed: RunningService, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    url = signed.database_url

    def adopt(then: Callable[[Checkpoints], Awaitable[object]]) -> None:
        async def flow(store: Store) -> None:
            signing = Checkpoints(store, tmp_path / "audit.key", other / "audit.checkpoint")
            await signing.adopt_published()
            await then(signing)

        signed.flow(flow)

    adopt(lambda signing: signing.current())
    kept = (other / "audit.checkpoint").read_text()
    assert int(kept.split("\n")[1]) >= 4
    (other / "audit.checkpoint").unlink()
    change_log(url, lambda log: [replace(log[0], actor="x"), *log[1:]])
    with pytest.raises(ChainBroken):
        adopt(lambda signing: signing.current())


def test_worker_starts_without_a_database(tmp_path: Path) -> None:
    url = "postgresql://127.0.0.1:1/none"
    with serving(url, until_ready=False, data=tmp_path) as service:
        assert httpx.get(f"{service.url}/readyz").status_code == 503
    assert not (tmp_path / "audit.key").exists()
    assert create_app(Settings(database_url=url, data=tmp_path))
