"""Databases as others set them up: encodings, settings, owners with few rights."""

import httpx
import psycopg
import pytest
from unseen_service.errors import StoreRefused
from unseen_service.store import Store, migrate
from unseen_service.usecases import audit_log

from tests.support.cli import run
from tests.support.databases import OWNER, created, with_database
from tests.support.encryption import encrypt_empty
from tests.support.hashes import random_pdq
from tests.support.running_service import RunningService, serving
from tests.support.submissions import PIN_HEADERS, submit, withdraw


def use(service: RunningService) -> None:
    """Do what everything in a database takes part in."""
    case = submit(service, random_pdq(1))
    service.wait_in_step()
    with service.client("match") as platform:
        hits = platform.post("/v1/match", json={"hashes": [random_pdq(1)]}).json()["hits"]
        assert len(hits) == 1
    with service.client("feed", platform="Mirror") as mirror:
        assert len(mirror.get("/v1/hashes").json()["entries"]) == 1
    shown = httpx.get(f"{service.url}/v1/cases/{case['case']}", headers=PIN_HEADERS)
    assert shown.json()["images"][0]["matches"] == 1
    withdraw(service, case)
    service.flow(audit_log.verify_audit)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_other_encodings_are_refused_with_what_to_do(postgres: str, encoding: str) -> None:
    """They were accepted, and nothing ever matched."""
    options = f"ENCODING '{encoding}' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'"
    with created(postgres, options) as url:
        with pytest.raises(StoreRefused, match=f"encoding {encoding}.*ENCODING 'UTF8'"):
            migrate(url)
        refused = run("serve", DATABASE_URL=url)
        assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
        assert encoding in refused.stderr


SETTINGS = {
    "DateStyle": "'German, DMY'",
    "array_nulls": "off",
    "client_connection_check_interval": "0",
    "client_min_messages": "debug1",
    "default_transaction_deferrable": "on",
    "idle_in_transaction_session_timeout": "1",
    "idle_session_timeout": "200",
    "lock_timeout": "1",
    "session_replication_role": "replica",
    "statement_timeout": "1",
    "synchronous_commit": "off",
    "transform_null_equals": "on",
    "IntervalStyle": "sql_standard",
    "TimeZone": "'Asia/Kathmandu'",
    "bytea_output": "escape",
    "backslash_quote": "off",
    "client_encoding": "LATIN1",
    "default_transaction_isolation": "serializable",
    "extra_float_digits": "-10",
    "lc_messages": "'C'",
    "quote_all_identifiers": "on",
    "standard_conforming_strings": "off",
    "escape_string_warning": "off",
    "xmloption": "document",
}


def test_settings_of_a_database_change_nothing(postgres: str) -> None:
    with created(postgres, owner_rights="SUPERUSER") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            for name, value in SETTINGS.items():
                statement = f"ALTER DATABASE unusual SET {name} = {value}"
                connection.execute(statement)  # type: ignore[call-overload]
            if connection.info.server_version >= 170_000:
                connection.execute("ALTER DATABASE unusual SET transaction_timeout = 1")
        migrate(url)
        encrypt_empty(url)
        with serving(url) as service:
            use(service)
            assert service.flow(_promises) == ("origin", "on", "2500ms")


async def _promises(store: Store) -> tuple[str, ...]:
    """Return the settings on which promises depend that nothing else in a test would show."""
    names = "session_replication_role", "synchronous_commit", "lock_timeout"
    async with store.transaction() as tx:
        rows = [await (await tx.execute(f"SHOW {each}")).fetchone() for each in names]
    return tuple(value for row in rows if row for value in row.values())


def test_setting_that_only_an_administrator_may_undo_is_named(postgres: str) -> None:
    """With another session_replication_role no trigger would check what changes."""
    with created(postgres, owner_rights="CREATEROLE") as url:
        with psycopg.connect(with_database(postgres, "postgres"), autocommit=True) as admin:
            admin.execute("ALTER DATABASE unusual SET session_replication_role = replica")
        for command in ("migrate", "serve"):
            refused = run(command, DATABASE_URL=url)
            assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
            assert "session_replication_role" in refused.stderr


def test_owner_that_may_create_roles_can_serve(postgres: str) -> None:
    """As managed PostgreSQL gives. `migrate` succeeded, and `serve` never did."""
    with created(postgres, owner_rights="CREATEROLE") as url:
        with psycopg.connect(with_database(postgres, "postgres"), autocommit=True) as admin:
            if admin.info.server_version >= 160_000:
                # As if it had created the role itself, which the template did before.
                options = "ADMIN TRUE, INHERIT FALSE, SET FALSE"
                grant = f"GRANT unseen_serve TO {OWNER} WITH {options}"
                admin.execute(grant)  # type: ignore[call-overload]
        migrate(url)
        with serving(url) as service:
            use(service)


def test_user_that_may_not_create_tables_is_told(postgres: str) -> None:
    with created(postgres, owner_rights="CREATEROLE") as url:
        with psycopg.connect(with_database(postgres, "unusual"), autocommit=True) as admin:
            admin.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC, pg_database_owner")
        with pytest.raises(StoreRefused, match="GRANT CREATE ON SCHEMA public"):
            migrate(url)
