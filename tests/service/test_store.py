"""The store's guarantees: gapless positions in commit order, a tamper-evident chain."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from unseen_service import store as store_package
from unseen_service.encryption import KeyFile
from unseen_service.errors import ChainBroken, MigrationMismatch, StoreUnavailable
from unseen_service.live.clock import Clock
from unseen_service.live.screening import LiveScreening
from unseen_service.models.audit import AuditEvent, AuditKind
from unseen_service.models.cases import Submission as SubmissionModel
from unseen_service.models.cases import SubmittedHash, SubmittedImage
from unseen_service.models.changes import ChangeKind
from unseen_service.models.hashes import View
from unseen_service.screening.proof_of_work import Price
from unseen_service.store import Store, audit, changes, migrate
from unseen_service.store.sql import SQL
from unseen_service.usecases import audit_log
from unseen_service.usecases.admission import Admission
from unseen_service.usecases.cases import Cases
from unseen_service.usecases.intake_level import IntakeLevel

from tests.support.databases import unencrypted_database
from tests.support.encryption import key_file
from tests.support.hashes import random_pdq


@pytest.fixture
def clear_url(postgres: str) -> Iterator[str]:
    """A database that is not encrypted: its audit log is empty."""
    with unencrypted_database(postgres) as url:
        yield url


async def open_store(url: str, size: int = 8) -> Store:
    store = Store(url, key_file=KeyFile(key_file()), pool_size=size, timeout=60)
    await store.open()
    return store


def submission(seed: int) -> SubmissionModel:
    one = SubmittedHash(bytes.fromhex(random_pdq(seed)), 100, View.ORIGINAL)
    return SubmissionModel((SubmittedImage((one,), "pdq-srgb-full-1"),), "7K4M9QTX2HBD")


def test_changes_are_numbered_in_commit_order_without_gaps(database_url: str) -> None:
    """Many write concurrently, some fail; a reader that follows the log misses no position."""

    async def run() -> None:
        store = await open_store(database_url)
        screening = LiveScreening(Clock())
        await screening.reload(store)
        cases = Cases(
            store, Admission(screening, Price(free=2_000, tries=0), IntakeLevel(store, screening))
        )
        seen: list[int] = []
        done = asyncio.Event()

        async def write(seed: int) -> None:
            case, _ = await cases.submit(submission(seed), f"idempotency-key-{seed:04d}")
            if seed % 3 == 0:
                await cases.withdraw(case.number, "7K4M9QTX2HBD")
            if seed % 4 == 0:
                with pytest.raises(ZeroDivisionError):
                    async with store.transaction() as tx:
                        await changes.lock(tx)
                        await changes.append(tx, ChangeKind.ADD, [1])
                        raise ZeroDivisionError

        async def tail() -> None:
            while not done.is_set() or await drained():
                await asyncio.sleep(0)

        async def drained() -> bool:
            async with store.transaction() as tx:
                page = await changes.read(tx, seen[-1] if seen else 0, 3)
            seen.extend(change.position for change in page)
            return bool(page)

        tailing = asyncio.create_task(tail())
        await asyncio.gather(*(write(seed) for seed in range(40)))
        done.set()
        await tailing
        assert seen == list(range(1, 40 + 14 + 1))
        async with store.transaction() as tx:
            await audit.verify(tx)
        await store.close()

    asyncio.run(run())


def test_audit_entry_is_rolled_back_with_its_transaction(clear_url: str) -> None:
    async def run() -> None:
        store = await open_store(clear_url)
        with pytest.raises(ZeroDivisionError):
            async with store.transaction() as tx:
                await audit.append(tx, AuditEvent(AuditKind.AUDIT_EXPORTED, "operator"))
                raise ZeroDivisionError
        async with store.transaction() as tx:
            assert await audit.append(tx, AuditEvent(AuditKind.AUDIT_EXPORTED, "operator")) == 1
            assert (await audit.verify(tx)).position == 1
        await store.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("tampering", "position"),
    [
        ("UPDATE audit_log SET kind = 'x' WHERE position = 3", 3),
        ("UPDATE audit_log SET at = at + interval '1 microsecond' WHERE position = 3", 3),
        ("UPDATE audit_log SET actor = 'x' WHERE position = 1", 1),
        ("UPDATE audit_log SET subject = NULL WHERE position = 2", 2),
        ("UPDATE audit_log SET details = '{\"n\": 9}' WHERE position = 4", 4),
        ("UPDATE audit_log SET digest = sha256(digest) WHERE position = 5", 5),
        ("DELETE FROM audit_log WHERE position = 2", 2),
        ("DELETE FROM audit_log WHERE position = 5", 5),
        ("UPDATE audit_head SET digest = sha256(digest)", 5),
        (
            "UPDATE audit_log SET position = 7 - position WHERE position IN (3, 4);",
            3,
        ),
    ],
)
def test_tampering_is_found_at_its_position(clear_url: str, tampering: str, position: int) -> None:
    async def fill() -> None:
        store = await open_store(clear_url, 1)
        async with store.transaction() as tx:
            for n in range(5):
                await audit.append(
                    tx, AuditEvent(AuditKind.KEY_REVOKED, "operator", f"s{n}", {"key": n})
                )
            assert (await audit.verify(tx)).position == 5
        await store.close()

    async def verify() -> None:
        store = await open_store(clear_url, 1)
        try:
            await audit_log.verify_audit(store)
        finally:
            await store.close()

    asyncio.run(fill())
    execute(clear_url, "ALTER TABLE audit_log DROP CONSTRAINT audit_log_pkey CASCADE")
    execute(clear_url, tampering)
    with pytest.raises(ChainBroken) as found:
        asyncio.run(verify())
    assert found.value.position == position


def test_migrations_are_applied_once(database_url: str) -> None:
    assert migrate(database_url) == []
    execute(database_url, "UPDATE migrations SET digest = 'another'")
    with pytest.raises(MigrationMismatch, match="another version"):
        migrate(database_url)


def test_unavailable_database_error_hides_the_url() -> None:
    with pytest.raises(StoreUnavailable) as error:
        migrate("postgresql://somebody:a-password@127.0.0.1:1/nowhere")
    assert "password" not in str(error.value)


def test_every_statement_can_be_prepared(database_url: str) -> None:
    """This finds misspelt tables and columns in statements that no other test executes."""
    with psycopg.connect(database_url) as connection:
        for name, statement in SQL.items():
            if not statement.startswith(b"COPY"):
                connection.execute(f"PREPARE {name} AS {number_parameters(statement)}")  # type: ignore[call-overload]


def test_every_statement_is_used() -> None:
    package = Path(store_package.__file__).parent
    code = "".join(path.read_text() for path in package.rglob("*.py"))
    assert [name for name in SQL if f'"{name}"' not in code] == []


def number_parameters(statement: bytes) -> str:
    """Turn %(name)s into $n, as the driver does."""
    names: dict[str, int] = {}

    def dollar(match: re.Match[str]) -> str:
        return f"${names.setdefault(match.group(1), len(names) + 1)}"

    return re.sub(r"%\((\w+)\)s", dollar, statement.decode())


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def test_listening_outlasts_the_response_timeout(database_url: str) -> None:
    """`patience` limits a statement, not the time between two notifications."""

    async def wait_for_two_heartbeats() -> None:
        store = Store(database_url, patience=0.2)
        wakes = store.listen("nobody_tells", heartbeat=0.6)
        await anext(wakes)
        await anext(wakes)
        await wakes.aclose()

    asyncio.run(wait_for_two_heartbeats())
