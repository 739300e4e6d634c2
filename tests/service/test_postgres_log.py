"""PostgreSQL's own log contains no hash, case number or PIN, however much an operator logs."""

import psycopg
import pytest
from unseen_service.embedded_postgres import EmbeddedPostgres
from unseen_service.store import migrate

from tests.support.cli import run
from tests.support.databases import query
from tests.support.disks import scratch_folder
from tests.support.hashes import random_pdq
from tests.support.running_service import serving
from tests.support.submissions import PIN, case_platforms, submit, withdraw

VERBOSE = (
    "log_min_duration_statement = 0",
    "log_statement = 'all'",
    "log_min_messages = 'notice'",
    "log_min_error_statement = 'error'",
    "log_error_verbosity = 'verbose'",
    "log_parameter_max_length = -1",
    "log_parameter_max_length_on_error = -1",
    "session_preload_libraries = 'auto_explain'",
    "auto_explain.log_min_duration = 0",
    "auto_explain.log_parameter_max_length = -1",
)
"""What an operator who looks for slow queries might set."""


def test_no_value_is_logged_with_slow_query_logging_and_auto_explain() -> None:
    pdq = random_pdq(1)
    with scratch_folder() as folder, EmbeddedPostgres(folder / "data") as server:
        url = server.start()
        migrate(url)
        for each in VERBOSE:
            query(url, f"ALTER DATABASE unseen SET {each}")
        with serving(url) as service:
            case = submit(service, pdq)
            service.wait_in_step()
            with service.client("match") as platform:
                assert platform.post("/v1/match", json={"hashes": [pdq]}).json()["hits"]
            assert case_platforms(service, case)
            withdraw(service, case)
        with psycopg.connect(url, autocommit=True) as db:
            assert db.execute("SHOW log_min_duration_statement").fetchone() == ("0",)
            with pytest.raises(psycopg.errors.UniqueViolation, match=pdq):
                db.execute(
                    "INSERT INTO hashes (pdq) SELECT pdq FROM hashes WHERE pdq = %s",
                    [pdq_bytes(pdq)],
                )
        log = next((folder / "data").glob("*.log")).read_text()
    assert "duration: " in log, "otherwise this proves nothing"
    assert "duplicate key value violates unique constraint" in log
    for secret in (pdq, case["case"], PIN, PIN.replace("-", "")):
        assert secret.lower() not in log.lower()


def pdq_bytes(pdq: str) -> bytes:
    return bytes.fromhex(pdq)


@pytest.mark.parametrize(
    ("settings", "is_reported"),
    [
        ([], False),
        (["log_min_duration_statement = 500", "log_parameter_max_length = 0"], False),
        (["log_min_duration_statement = 500", "log_parameter_max_length = -1"], True),
        (["log_statement = 'mod'", "log_parameter_max_length = -1"], True),
        (["log_parameter_max_length_on_error = 64"], True),
        (["session_preload_libraries = 'auto_explain'", "auto_explain.log_min_duration = 0"], True),
    ],
)
def test_migrate_reports_a_server_that_would_log_values(
    database_url: str, settings: list[str], is_reported: bool
) -> None:
    """The database's own user is exempt, so this is another one, as on a server of one's own."""
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute("CREATE ROLE operator LOGIN SUPERUSER")
        try:
            for each in settings:
                db.execute(f"ALTER ROLE operator SET {each}")  # type: ignore[call-overload]
            own = database_url.replace("user=unseen", "user=operator")
            migrated = run("migrate", DATABASE_URL=own)
        finally:
            db.execute("DROP OWNED BY operator CASCADE")
            db.execute("DROP ROLE operator")
    assert migrated.returncode == 0
    assert ("log_parameter_max_length" in migrated.stderr) == is_reported
    assert migrated.stderr.count("\n") == is_reported
