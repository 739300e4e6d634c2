"""The serving role: it can only append to the audit log, and cannot get more rights."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo
from unseen_service.errors import RoleMissing
from unseen_service.models.audit import AuditEvent, AuditKind
from unseen_service.store import Store, audit, migrate
from unseen_service.store.roles import ROLE

from tests.support.databases import fresh_database, serving_url, with_database


def append(url: str) -> None:
    """Append an audit entry, as the service does."""

    async def run() -> None:
        store = Store(url, pool_size=1, timeout=10)
        await store.open()
        async with store.transaction() as tx:
            await audit.append(tx, AuditEvent(AuditKind.AUDIT_EXPORTED, "operator"))
        await store.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET kind = 'x'",
        "UPDATE audit_log SET kind = 'x' WHERE false",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log CASCADE",
        "ALTER TABLE audit_log ADD COLUMN x text",
        "ALTER TABLE audit_log DISABLE TRIGGER ALL",
        "CREATE TRIGGER x BEFORE INSERT ON audit_log EXECUTE FUNCTION pg_notify()",
        "DROP TABLE audit_log CASCADE",
        "DELETE FROM audit_head",
        "INSERT INTO audit_head (one, position, at, digest) VALUES (false, 0, now(), '')",
        "MERGE INTO audit_log USING (SELECT 1) AS s ON true WHEN MATCHED THEN DELETE",
        "INSERT INTO audit_log SELECT * FROM audit_log"
        " ON CONFLICT (position) DO UPDATE SET kind = 'x'",
        "SELECT * FROM audit_log FOR UPDATE",
        "UPDATE migrations SET digest = 'x'",
        "CREATE ROLE another",
    ],
)
def test_serving_role_cannot_rewrite_the_log(database_url: str, statement: str) -> None:
    append(database_url)
    with (
        psycopg.connect(serving_url(database_url), autocommit=True) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        # RESET ROLE goes back to the role that the session began with: the same one.
        connection.execute("RESET ROLE")
        connection.execute(statement)  # type: ignore[call-overload]


def test_service_connects_in_the_serving_role(database_url: str) -> None:
    async def run() -> None:
        store = Store(database_url, pool_size=1, timeout=10)
        await store.open()
        async with store.transaction() as tx:
            row = await (await tx.execute("SELECT current_user AS role")).fetchone()
            assert row == {"role": ROLE}
        await store.close()

    asyncio.run(run())


def test_settings_of_the_url_are_kept(database_url: str) -> None:
    url = make_conninfo(database_url, options="-c search_path=mine --lock-timeout=7s")

    async def run() -> list[str]:
        store = Store(url, pool_size=1, timeout=10)
        await store.open()
        async with store.transaction() as tx:
            shown = [
                await (await tx.execute(f"SHOW {name}")).fetchone()
                for name in ("search_path", "lock_timeout", "role")
            ]
        await store.close()
        return [value for row in shown if row for value in row.values()]

    assert asyncio.run(run()) == ["mine", "7s", ROLE]


@pytest.fixture
def owner(postgres: str) -> Iterator[str]:
    """The URL of an empty database whose owner may not create roles."""
    admin = with_database(postgres, "postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("CREATE ROLE some_owner LOGIN")
        connection.execute("CREATE DATABASE owned OWNER some_owner TEMPLATE template0")
        try:
            yield make_conninfo(with_database(postgres, "owned"), user="some_owner")
        finally:
            connection.execute("DROP DATABASE owned WITH (FORCE)")
            connection.execute("DROP ROLE some_owner")


def test_missing_role_error_says_what_to_do(owner: str, postgres: str) -> None:
    with pytest.raises(RoleMissing, match="CREATE ROLE unseen_serve NOLOGIN"):
        migrate(owner)
    with psycopg.connect(owner) as connection:
        found = connection.execute("SELECT to_regclass('audit_log')").fetchone()
        assert found == (None,), "the migration was rolled back"
    with psycopg.connect(with_database(postgres, "postgres"), autocommit=True) as admin:
        admin.execute("GRANT unseen_serve TO some_owner")
    assert migrate(owner)
    append(owner)
    assert migrate(owner) == []


def test_login_that_owns_nothing_can_serve(postgres: str) -> None:
    login = "serving_login"
    with (
        fresh_database(postgres) as url,
        psycopg.connect(url, autocommit=True) as admin,
    ):
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(login)))
        admin.execute(sql.SQL("GRANT unseen_serve TO {}").format(sql.Identifier(login)))
        try:
            login_url = make_conninfo(url, user=login)
            assert migrate(login_url) == [], "without pending migrations no rights are needed"
            append(login_url)
            with (
                psycopg.connect(serving_url(login_url), autocommit=True) as connection,
                pytest.raises(errors.InsufficientPrivilege),
            ):
                connection.execute("SET ROLE NONE")
                connection.execute("DELETE FROM audit_log")
        finally:
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(login)))


def test_migrate_revokes_excess_rights(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("GRANT DELETE ON audit_log TO unseen_serve")
        assert migrate(database_url) == []
        row = connection.execute(
            "SELECT has_table_privilege('unseen_serve', 'audit_log', 'DELETE')"
        ).fetchone()
        assert row == (False,)
