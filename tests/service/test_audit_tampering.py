"""Whatever the owner of the database does to the audit log is detected.

A log with every kind of entry is tampered with in transactions that are rolled back.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from unseen_service.errors import ChainBroken
from unseen_service.live.clock import Clock
from unseen_service.live.miss_counter import MissCounter
from unseen_service.models.audit import AuditEntry, AuditEvent, AuditKind
from unseen_service.store import Store, audit
from unseen_service.tlog.chain import LogVerifier
from unseen_service.tlog.checkpoint import Checkpoint
from unseen_service.usecases import audit_log

from tests.support.audit_log import rewrite
from tests.support.cli import run
from tests.support.databases import fresh_database
from tests.support.hashes import random_pdq
from tests.support.holder_keys import APPROVER, ISSUER
from tests.support.running_service import RunningService, serving
from tests.support.submissions import PIN, submission

KINDS = {
    *("case.submitted", "case.withdrawn", "case.pin-refused", "case.linked"),
    *("match.hit", "match.missed", "feed.delivered", "feedback.given", "withdrawal.confirmed"),
    *("key.issued", "key.activated", "key.approved", "key.rotated", "key.revoked", "key.listed"),
    *("audit.read", "audit.exported", "audit.verified", "audit.key-changed"),
}
REF = "5b0c1c1e-6f5d-4b7e-9a55-0d6a1a1f6a0e"
STAFF = {"by_key": 1, "reason": "appeal"}


def other(kind: str, *fields: Any) -> AuditEvent:
    return AuditEvent(AuditKind(kind), *fields)


OTHERS = [
    AuditEvent(
        AuditKind("bank.submitted"), "platform:A", None, {"key": 1, "hashes": 2, "activated": 1}
    ),
    AuditEvent(
        AuditKind("bank.withdrawn"), "platform:A", None, {"key": 1, "hashes": 2, "deactivated": 1}
    ),
    other("benign.added", "operator", None, {"benign": [7], "note": "logos"}),
    other("benign.removed", "operator", None, {"benign": [7]}),
    AuditEvent(
        AuditKind("key.limited"), "operator", None, {"key": 1, "requests": 5, "coarse": True}
    ),
    other("key.probing", "service", None, {"key": 1, "around": 48}),
    other("audit.accepted", "operator", None, {"reason": "restored"}),
    other("key.hit-rate", "service", None, {"key": 1, "hits": 90}),
    other("key.paused", "operator", None, {"key": 1, "reason": "a leak"}),
    other("key.resumed", "operator", None, STAFF),
    other("alerts.read", "platform:S", None, STAFF | {"alerts": 3}),
    other("statistics.read", "platform:S", None, STAFF),
    other("overdue.listed", "platform:S", None, STAFF | {"limit": 100}),
    other("retention.erased", "service", None, {"bits": 2, "submissions": 1}),
    other("retention.bits-erased", "service", None, {"bits": 2}),
    other("encryption.begun", "operator", None, {"key": 1}),
    other("encryption.completed", "operator", None, {"key": 1}),
    other("log.renamed", "service", None, {"why": "moved"}),
    other("log.baseline", "service", None, {"part": "hash", "upto": 9, "objects": 9}),
    AuditEvent(
        AuditKind("review.opened"), "service", None, {"cause": "x", "hashes": [{"record": REF}]}
    ),
    other("review.listed", "platform:S", None, STAFF),
    other("review.decided", "platform:S", REF, STAFF | {"decision": "keep"}),
    other("review.proposed", "platform:S", REF, STAFF | {"decision": "remove"}),
    AuditEvent(AuditKind("review.resumed"), "service", None, {"records": [REF]}),
    other("disputes.listed", "platform:S", None, STAFF),
    other("disputes.decided", "platform:S", None, STAFF | {"platform": "A", "decision": "keep"}),
    other("feedback.bulk", "platform:A", None, {"key": 1, "disputes": 30}),
    other("webhook.registered", "platform:A", None, {"key": 1, "webhook": REF}),
    other("webhook.deleted", "platform:A", None, {"key": 1, "webhook": REF}),
    other("webhook.replayed", "platform:A", None, {"key": 1, "webhook": REF}),
]
"""Entries of operations that have their own tests: only their form matters here."""

Tx = AsyncConnection[dict[str, Any]]
Check = Callable[[Tx, Sequence[AuditEntry]], Awaitable[None]]


@dataclass
class Log:
    """A log with every kind of entry, and a checkpoint of it that a witness kept."""

    url: str
    kept: Checkpoint

    def check(self, check: Check) -> None:
        """Run a check as the database's owner, with triggers disabled."""

        async def run() -> None:
            connection = await psycopg.AsyncConnection.connect(self.url, row_factory=dict_row)
            async with connection:
                await connection.execute("SET session_replication_role = replica")
                await check(connection, await audit.read(connection, after=0, limit=1_000))

        asyncio.run(run())


@pytest.fixture(scope="module")
def log(postgres: str) -> Iterator[Log]:
    """A log with an entry of every kind."""
    with fresh_database(postgres) as url:
        with serving(url) as service:
            _fill(service)
        yield Log(url, service.flow(_rest))


def _fill(service: RunningService) -> None:
    """Call every endpoint that records an entry."""
    pdq = random_pdq(1)
    case = httpx.post(f"{service.url}/v1/cases", json=submission(pdq)).json()["case"]
    address = f"{service.url}/v1/cases/{case}"
    httpx.get(address, headers={"Unseen-Pin": "0000-0000-0000"})
    service.wait_in_step()
    with service.client("match") as platform:
        hits = platform.post("/v1/match", json={"hashes": [pdq, random_pdq(9)]}).json()["hits"]
        record = hits[0]["record"]
    with service.client("feed", "feedback", platform="Feed") as platform:
        platform.get("/v1/hashes?wait=0").raise_for_status()
        feedback = {"feedback": [{"record": record, "value": "removed"}]}
        platform.post("/v1/feedback", json=feedback).raise_for_status()
        httpx.delete(address, headers={"Unseen-Pin": PIN})
        confirmation = {"records": [record]}
        platform.post("/v1/withdrawals", json=confirmation).raise_for_status()
    with service.client("audit", "admin", platform="Staff") as staff:
        issued = staff.post("/v1/keys", json={"platform": "Other", "scopes": ["match"]}).json()
        rotated = staff.post(f"/v1/keys/{issued['id']}/rotate", json={"overlap_s": 60}).json()
        assert staff.delete(f"/v1/keys/{rotated['id']}").status_code == 204
        assert staff.get("/v1/keys").status_code == 200
        staff.get("/v1/audit")
        staff.post("/v1/audit/references", json={"case": case}).raise_for_status()
        staff.get("/v1/audit/export").raise_for_status()


async def _rest(store: Store) -> Checkpoint:
    """Record the entries that no single request records, and return a checkpoint."""
    misses = MissCounter(store, Clock())
    misses.count(1, 10)
    await misses.write()
    async with store.transaction() as tx:
        for event in OTHERS:
            await audit.append(tx, event)
    await audit_log.verify_audit(store)
    async with store.snapshot() as tx:
        end = await audit.verify(tx)
    return Checkpoint("kept", end.position, end.root)


@asynccontextmanager
async def rolled_back(tx: Tx) -> AsyncIterator[None]:
    """Roll back whatever the block does."""
    async with tx.transaction(force_rollback=True):
        yield


async def first_break(tx: Tx, *kept: Checkpoint) -> int | None:
    """Return the position of the first entry that does not fit, None if the log is intact."""
    try:
        await audit.verify(tx, kept)
    except ChainBroken as broken:
        return broken.position
    return None


def alter(value: Any) -> Any:
    """Return another value of the same type, as close as possible."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x"
        case list():
            return [*value[:-1], alter(value[-1])] if value else ["x"]
        case dict():
            return {**value, (key := next(iter(value))): alter(value[key])} if value else {"x": 1}
    return "x"


def tamperings(entry: AuditEntry) -> list[tuple[str, Any]]:
    """Return other values for each column of an entry and for each part of its details."""
    details: list[dict[str, Any]] = [{**entry.details, "x": 1}]
    for name, value in entry.details.items():
        details.append({**entry.details, name: alter(value)})
        details.append({key: kept for key, kept in entry.details.items() if key != name})
        details.append({**entry.details, name: None if value is not None else 0})
    return [
        ("at", entry.at.replace(microsecond=entry.at.microsecond ^ 1)),
        ("at", entry.at.replace(year=entry.at.year + 1)),
        ("kind", alter(entry.kind)),
        ("actor", alter(entry.actor)),
        ("actor", ""),
        ("subject", alter(entry.subject)),
        ("subject", None if entry.subject is not None else ""),
        ("digest", bytes(32)),
        ("digest", entry.digest[:-1] + bytes([entry.digest[-1] ^ 1])),
        ("nodes", entry.nodes[:-1] + bytes([entry.nodes[-1] ^ 1])),
        ("nodes", entry.nodes + bytes(32)),
        *(("details", Jsonb(each)) for each in details),
    ]


def test_change_to_any_column_of_any_entry_is_found(log: Log) -> None:
    async def check(tx: Tx, entries: Sequence[AuditEntry]) -> None:
        assert {entry.kind for entry in entries} == KINDS | {event.kind for event in OTHERS}
        assert await first_break(tx, log.kept) is None
        columns = await tx.execute("SELECT * FROM audit_log LIMIT 0")
        assert columns.description is not None
        tried = {"position"}
        for entry in entries:
            for column, value in tamperings(entry):
                async with rolled_back(tx):
                    await tx.execute(
                        f"UPDATE audit_log SET {column} = %s WHERE position = %s",  # type: ignore[call-overload]  # noqa: S608
                        (value, entry.position),
                    )
                    assert await first_break(tx) == entry.position, (entry.kind, column, value)
                tried.add(column)
            async with rolled_back(tx):
                await tx.execute(
                    "UPDATE audit_log SET position = position + 1000 WHERE position = %s",
                    (entry.position,),
                )
                assert await first_break(tx) == entry.position
        assert tried == {column.name for column in columns.description}

    log.check(check)


def test_deleted_and_reordered_entries_are_found(log: Log) -> None:
    async def check(tx: Tx, entries: Sequence[AuditEntry]) -> None:
        last = entries[-1].position
        for entry in entries:
            async with rolled_back(tx):
                await tx.execute("DELETE FROM audit_log WHERE position = %s", (entry.position,))
                assert await first_break(tx) == entry.position
                # Closing the gap does not help: the digest of an entry covers its position.
                await tx.execute(
                    "UPDATE audit_log SET position = -position WHERE position > %s",
                    (entry.position,),
                )
                await tx.execute("UPDATE audit_log SET position = -position - 1 WHERE position < 0")
                assert await first_break(tx) == entry.position
        for position in range(1, last):
            async with rolled_back(tx):
                await swap(tx, position, position + 1)
                assert await first_break(tx) == position
        async with rolled_back(tx):
            await swap(tx, 2, last)
            assert await first_break(tx) == 2

    log.check(check)


async def swap(tx: Tx, one: int, other: int) -> None:
    for position, to in ((one, -1), (other, one), (-1, other)):
        await tx.execute("UPDATE audit_log SET position = %s WHERE position = %s", (to, position))


def test_change_to_any_column_of_the_head_is_found(log: Log) -> None:
    async def check(tx: Tx, entries: Sequence[AuditEntry]) -> None:
        last = entries[-1].position
        for tampering, position in (
            ("position = position + 1", last + 1),
            ("position = position - 1", last),
            ("at = at + interval '1 microsecond'", last),
            ("digest = sha256(digest)", last),
            ("peaks = ''", last),
            ("peaks = substring(peaks FROM 33) || substring(peaks FOR 32)", last),
        ):
            async with rolled_back(tx):
                await tx.execute(f"UPDATE audit_head SET {tampering}")  # type: ignore[call-overload]  # noqa: S608
                assert await first_break(tx) == position, tampering
        async with rolled_back(tx):
            await tx.execute("DELETE FROM audit_head")
            with pytest.raises(LookupError, match="head"):
                await audit.verify(tx)

    log.check(check)


def test_truncated_log_does_not_fit_a_kept_checkpoint(log: Log) -> None:
    async def check(tx: Tx, entries: Sequence[AuditEntry]) -> None:
        for size in range(1, len(entries)):
            async with rolled_back(tx):
                await rewrite(tx, entries[:size])
                assert await first_break(tx) is None, "the forged log is consistent in itself"
                assert await first_break(tx, log.kept) == size + 1

    log.check(check)


def test_forked_log_does_not_fit_a_kept_checkpoint(log: Log) -> None:
    """Rewrite the log from each entry on, longer than it was: the kept root differs."""

    async def check(tx: Tx, entries: Sequence[AuditEntry]) -> None:
        roots = checkpoints(entries)
        for at, entry in enumerate(entries):
            forged = [*entries[:at], replace(entry, actor="another"), *entries[at + 1 :], entry]
            async with rolled_back(tx):
                await rewrite(tx, forged)
                assert await first_break(tx) is None, "the forged log is consistent in itself"
                assert await first_break(tx, log.kept) == 1, "one checkpoint covers the whole log"
                # The more checkpoints were kept, the more precise the position.
                assert await first_break(tx, *roots) == entry.position

    log.check(check)


def checkpoints(entries: Sequence[AuditEntry]) -> list[Checkpoint]:
    """Return a checkpoint of every size."""
    verifier, kept = LogVerifier(), []
    for entry in entries:
        verifier.verify([entry])
        kept.append(Checkpoint("kept", entry.position, verifier.root))
    return kept


def test_inserted_entry_does_not_fit_a_kept_checkpoint(log: Log) -> None:
    async def check(tx: Tx, entries: Sequence[AuditEntry]) -> None:
        async with rolled_back(tx):
            await rewrite(tx, [*entries[:3], entries[1], *entries[3:]])
            assert await first_break(tx, *checkpoints(entries)) == 4

    log.check(check)


def test_service_does_not_sign_a_rewritten_log(service: RunningService, database_url: str) -> None:
    with service.client("audit", "match") as staff:
        first = staff.get("/v1/audit/checkpoint")
        assert first.status_code == 200
        staff.get("/v1/audit")
        assert staff.get("/v1/audit/checkpoint").text != first.text

        asyncio.run(_forge(database_url))
        refused = staff.get("/v1/audit/checkpoint")
        assert refused.status_code == 500
        assert refused.json()["type"] == "urn:unseen:problem:audit-broken"
        staff.get("/v1/audit")
        assert staff.get("/v1/audit/checkpoint").status_code == 500, "new entries do not fix it"


def test_rewritten_log_does_not_fit_what_a_replaced_key_signed(
    database_url: str, tmp_path: Path
) -> None:
    """If the key is replaced, what the old one signed still binds the log."""
    with serving(database_url, data=tmp_path) as service, service.client("audit") as staff:
        assert staff.get("/v1/audit/checkpoint").status_code == 200
        old = (tmp_path / "audit.key").read_text().strip()
    settings = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path)}
    assert run("audit", "new-key", "--reason", "lost", **settings).returncode == 0
    with serving(database_url, data=tmp_path) as service, service.client("audit") as staff:
        assert staff.get("/v1/audit/checkpoint").status_code == 200
        entries = staff.get("/v1/audit").text
        new = (tmp_path / "audit.key").read_text().strip()
        # PRIVATE+KEY+name+id+base64; the base64 may contain a + as well.
        assert not any(each.split("+", 4)[4] in entries for each in (old, new))
        asyncio.run(_forge(database_url))
        refused = staff.get("/v1/audit/checkpoint")
        assert refused.status_code == 500
        assert refused.json()["type"] == "urn:unseen:problem:audit-broken"


async def _forge(database_url: str) -> None:
    """Rewrite the first entry, and the digests of all that follow."""
    connection = await psycopg.AsyncConnection.connect(database_url, row_factory=dict_row)
    async with connection:
        await connection.execute("SET session_replication_role = replica")
        entries = await audit.read(connection, after=0, limit=100)
        await rewrite(connection, [replace(entries[0], actor="another"), *entries[1:]])


def test_external_verification_is_recorded(service: RunningService) -> None:
    with service.client("audit") as staff:
        lines = staff.get("/v1/audit/export").text.splitlines()
        note = json.loads(lines[-1])["checkpoint"]
        size, root = int(note.split("\n")[1]), base64.b64decode(note.split("\n")[2]).hex()

        def report(**outcome: Any) -> httpx.Response:
            return staff.post("/v1/audit/verifications", json=outcome)

        assert report(fits=True, position=size, root=root).json() == {"same_root": True}
        assert report(fits=True, position=size, root=random_pdq(1)).json() == {"same_root": False}
        assert report(fits=False, position=size + 50).json() == {"same_root": None}
        assert report(fits=True, position=size + 50, root=root).status_code == 422
        assert report(fits=True, position=0, root=root).status_code == 422
        read = staff.get("/v1/audit", params={"kind": "audit.verified"})
        recorded = [each["details"] for each in read.json()["entries"]]
        assert [(each["fits"], each["position"], each["same_root"]) for each in recorded] == [
            (True, size, True),
            (True, size, False),
            (False, size + 50, None),
        ]
        assert random_pdq(1) not in read.text, "the root that was sent is not stored"
        assert {each["reason"] for each in recorded} == {"a test"}
    with service.client("match", platform="P") as platform:
        assert platform.post("/v1/audit/verifications", json={}).status_code == 403


def test_issue_and_approval_name_both_admins(service: RunningService) -> None:
    service.key("feed", platform="Feeds")
    with service.client("audit") as staff:
        entries = staff.get("/v1/audit").json()["entries"]
    entries = [each for each in entries if each["kind"].startswith("key.")]
    assert [(each["kind"], each["actor"]) for each in entries[:3]] == [
        ("key.issued", ISSUER.actor),
        ("key.activated", "key:1"),
        ("key.approved", APPROVER.actor),
    ]
    assert len({each["details"]["fingerprint"] for each in entries[:3]}) == 1


def test_every_audit_kind_is_covered() -> None:
    assert {*AuditKind} == KINDS | {event.kind for event in OTHERS}
