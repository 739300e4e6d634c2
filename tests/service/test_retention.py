"""Retention: which bits and rows are erased, which are kept, and what still works."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import errors, sql
from unseen_service.jobs.retention import Periods, erase
from unseen_service.settings import Settings
from unseen_service.store.retention import AgedTable

from tests.support.cli import run
from tests.support.databases import query, serving_url, with_database
from tests.support.hashes import random_pdq
from tests.support.mirrors import Mirror
from tests.support.running_service import RunningService, serving
from tests.support.stored_hashes import insert, stored_bits
from tests.support.submissions import case_platforms, submission, submit, withdraw
from tests.support.waiting import wait_until

migrate_module = import_module("unseen_service.store.migrate")

PERIODS = Periods.of(Settings(database_url="-"))
AT_ONCE = Periods(timedelta(), PERIODS.tables)
"""As if the time that platforms have to confirm were over."""


@pytest.fixture
def service(service: RunningService) -> RunningService:
    """A service whose first retention run is over: from now on only the test erases."""
    wait_until(lambda: query(service.database_url, "SELECT ran_at FROM retention") != [(None,)])
    return service


def run_retention(service: RunningService, periods: Periods = PERIODS) -> dict[str, int] | None:
    """Erase what is due. Waits while the service itself does, which it looks for at its start."""
    results: list[dict[str, int] | None] = []

    def has_run() -> bool:
        results.append(service.flow(lambda store: erase(store, periods)))
        return results[-1] is not None

    wait_until(has_run)
    return results[-1]


def bits(service: RunningService) -> list[str]:
    """Return the bits that are in the database, in hex, sorted."""
    return stored_bits(service.database_url)


def runs(service: RunningService) -> list[dict[str, int]]:
    rows = query(
        service.database_url,
        "SELECT details - 'salt' FROM audit_log WHERE kind = 'retention.erased' ORDER BY position",
    )
    return [row[0] for row in rows]


def look_up(service: RunningService, *pdqs: str) -> list[str]:
    service.wait_in_step()
    with service.client("match") as client:
        answer = client.post("/v1/match", json={"hashes": list(pdqs)}).json()
    return [pdqs[hit["query"]] for hit in answer["hits"]]


def fetch_statuses(client: httpx.Client) -> list[tuple[str, str]]:
    """Fetch hashes and their statuses through the StopNCII protocol, from the start."""
    key = client.headers["Authorization"].removeprefix("Bearer ")
    headers = {"x-functions-key": key, "Ocp-Apim-Subscription-Key": key}
    answer = client.get("/stopncii/v1/FetchHashes", headers=headers)
    return [(each["hashValue"], each["hashStatus"]) for each in answer.json()["hashRecords"]]


def test_only_hashes_without_a_case_lose_their_bits(service: RunningService) -> None:
    kept, withdrawn, shared = random_pdq(1), random_pdq(2), random_pdq(3)
    submit(service, kept, shared)
    withdraw(service, submit(service, withdrawn, shared))
    assert run_retention(service) == {"bits": 1}
    assert bits(service) == sorted([kept, shared])
    assert look_up(service, kept, withdrawn, shared) == [kept, shared]
    assert run_retention(service) == {}, "nothing is left to do"
    assert runs(service) == [{"bits": 1}], "a run that erased nothing is not recorded"


def test_bits_are_kept_until_platforms_confirm_or_time_is_up(
    service: RunningService,
) -> None:
    case = submit(service, random_pdq(1))
    with (
        service.client("feed", "feedback") as client,
        service.client("feed", platform="B") as other,
    ):
        mirrors = [Mirror(each).catch_up() for each in (client, other)]
        (record,) = mirrors[0].kept
        withdraw(service, case)
        assert run_retention(service) == {}, "no platform has read the tombstone"
        for mirror in mirrors:
            mirror.catch_up()
        client.post("/v1/withdrawals", json={"records": [record]})
        assert run_retention(service) == {}, "one platform has not confirmed it"
        query(service.database_url, "UPDATE hashes SET gone_at = gone_at - interval '31 days'")
        assert run_retention(service) == {"bits": 1}, "no platform can delay it for ever"
        assert bits(service) == []
        answer = client.post("/v1/withdrawals", json={"records": [record]}).json()
        assert answer == {"confirmed": [record], "active": []}, "confirming again is harmless"
        mirrors[0].catch_up()
    processed = {
        each["platform"]: each["withdrawal_confirmed_at"] for each in case_platforms(service, case)
    }
    assert processed["Example"]
    assert processed["B"] is None


def test_bits_are_erased_at_once_if_all_platforms_confirmed(service: RunningService) -> None:
    case = submit(service, random_pdq(1))
    with service.client("feed", "feedback") as client:
        (record,) = Mirror(client).catch_up().kept
        withdraw(service, case)
        client.post("/v1/withdrawals", json={"records": [record]})
        assert run_retention(service) == {"bits": 1}


def test_feed_has_the_tombstone_of_an_erased_hash(service: RunningService) -> None:
    kept, withdrawn = random_pdq(1), random_pdq(2)
    submit(service, kept)
    case = submit(service, withdrawn)
    with service.client("feed", "feedback") as client:
        mirror = Mirror(client).catch_up()
        withdraw(service, case)
        assert dict(fetch_statuses(client)) == {kept: "Active", withdrawn: "Withdrawn"}
        assert run_retention(service, AT_ONCE) == {"bits": 1}
        mirror.catch_up()
        assert list(mirror.kept.values()) == [kept]
        assert (mirror.entries[-1]["status"], mirror.entries[-1]["pdq"]) == ("withdrawn", None)
        assert fetch_statuses(client) == [(kept, "Active")], (
            "the protocol names hashes by their bits only"
        )


def test_hash_resubmitted_after_erasure_is_a_new_record(service: RunningService) -> None:
    pdq = random_pdq(1)
    first = submit(service, pdq)
    with service.client("feed", "feedback", "match") as client:
        mirror = Mirror(client).catch_up()
        (old,) = mirror.kept
        look_up(service, pdq)
        withdraw(service, first)
        run_retention(service, AT_ONCE)
        second = submit(service, pdq)
        assert look_up(service, pdq) == [pdq]
        mirror.catch_up()
        (new,) = mirror.kept
        assert new != old
        assert mirror.kept[new] == pdq
        mirror.catch_up()
        assert fetch_statuses(client) == [(pdq, "Active")]
    (platform,) = case_platforms(service, first)
    assert platform["withdrawal_confirmed_at"], "the first case still shows it"
    assert case_platforms(service, second)[0]["withdrawal_confirmed_at"] is None


def test_saved_index_works_after_erasure(database_url: str, tmp_path: Path) -> None:
    with serving(database_url, index_dir=tmp_path, save_after_changes=1) as service:
        pdqs = [random_pdq(n) for n in range(3)]
        submit(service, pdqs[0])
        case = submit(service, pdqs[1])
        wait_until((tmp_path / f"position-{2:020}").exists)
    with serving(database_url) as elsewhere:
        withdraw(elsewhere, case)
        assert run_retention(elsewhere) == {"bits": 1}
        submit(elsewhere, pdqs[2])
    for folder in (tmp_path, None):  # from the saved index, and rebuilt
        with serving(database_url, index_dir=folder) as again:
            assert look_up(again, *pdqs) == [pdqs[0], pdqs[2]]


def test_bits_of_barred_hashes_are_kept_and_of_suspect_ones_erased(
    service: RunningService,
) -> None:
    suspect, barred = random_pdq(1), random_pdq(2)
    cases = [submit(service, suspect), submit(service, barred)]
    records = [find_record(service, pdq) for pdq in (suspect, barred)]
    for name in ("A", "B"):
        with service.client("feedback", "match", platform=name) as client:
            client.post("/v1/match", json={"hashes": [suspect, barred]}).raise_for_status()
            feedback = [{"record": record, "value": "not-intimate"} for record in records]
            client.post("/v1/feedback", json={"feedback": feedback}).raise_for_status()
    decide_as_two(service, records[1], "remove")
    for case in cases:
        withdraw(service, case)
    assert run_retention(service, AT_ONCE) == {"bits": 1}
    assert bits(service) == [barred]
    again = submit(service, barred)
    assert look_up(service, barred) == []
    withdraw(service, again)
    # Once staff release a hash, its bits are no longer needed.
    decide_as_two(service, records[1], "release", instead_of="remove")
    assert run_retention(service, AT_ONCE) == {"bits": 1}
    with service.client("audit", "admin") as staff:
        conflicting = {"decision": "remove", "instead_of": "release"}
        assert staff.post(f"/v1/review/{records[1]}", json=conflicting).status_code == 404


def find_record(service: RunningService, pdq: str) -> str:
    service.wait_in_step()
    with service.client("match") as client:
        (hit,) = client.post("/v1/match", json={"hashes": [pdq]}).json()["hits"]
    return str(hit["record"])


def decide_as_two(
    service: RunningService, record: str, decision: str, instead_of: str | None = None
) -> None:
    for person in "First", "Second":
        with service.client("audit", "admin", platform=person) as staff:
            body = {"decision": decision, "instead_of": instead_of}
            staff.post(f"/v1/review/{record}", json=body).raise_for_status()


AGED: dict[str, tuple[str, str]] = {
    "submissions": (
        "INSERT INTO submissions (key_digest, request_digest, case_id, submitted_at)"
        " SELECT sha256(n::text::bytea), '', case_id, now() - make_interval(days => n)"
        " FROM submissions, generate_series(1, 10) AS n",
        "SELECT count(*) FROM submissions",
    ),
    "messages": (
        "INSERT INTO webhooks (platform_id, url, secret, events)"
        " SELECT max(id), 'https://x.example', '', '{hash.added}' FROM platforms;"
        "INSERT INTO webhook_messages (webhook_id, event, body, created_at, due_at)"
        " SELECT webhooks.id, 'hash.added', '{}', now() - make_interval(days => n),"
        " CASE WHEN n = 40 THEN now() + interval '1 day' END"
        " FROM webhooks, generate_series(29, 40) AS n",
        "SELECT count(*) FROM webhook_messages",
    ),
    "alerts": (
        "INSERT INTO alerts (at, kind, details) SELECT now() - make_interval(days => n), 'x', '{}'"
        " FROM generate_series(88, 95) AS n",
        "SELECT count(*) FROM alerts",
    ),
}


@pytest.mark.parametrize(
    ("table", "deleted", "left"),
    [
        ("submissions", 4, 7),
        ("messages", 10, 2),
        ("alerts", 6, 2),
    ],
)
def test_old_rows_are_deleted(service: RunningService, table: str, deleted: int, left: int) -> None:
    submit(service, random_pdq(1))
    service.key("match")
    insert, count = AGED[table]
    query(service.database_url, insert)
    assert run_retention(service) == {table: deleted}
    assert query(service.database_url, count) == [(left,)]
    assert runs(service) == [{table: deleted}]


def test_expired_idempotency_key_opens_a_new_case(service: RunningService) -> None:
    body, headers = submission(random_pdq(1)), {"Idempotency-Key": "k" * 20}

    def case() -> str:
        return str(httpx.post(f"{service.url}/v1/cases", json=body, headers=headers).json()["case"])

    first = case()
    assert case() == first
    assert run_retention(service, Periods(PERIODS.bits, dict.fromkeys(AgedTable, timedelta()))) == {
        "submissions": 1
    }
    assert case() != first


def test_sketches_are_erased_once_counted(service: RunningService) -> None:
    pdq = random_pdq(1)
    submit(service, pdq)
    look_up(service, pdq)
    assert run_retention(service) == {}, "sketches are needed for a day"
    url, sketched = service.database_url, "SELECT count(sketch) FROM matches"
    query(url, "UPDATE audit_log SET at = at - interval '26 hours'")
    query(url, "UPDATE matches SET at = at - interval '26 hours'")
    query(url, "UPDATE tally SET position = 0")
    assert run_retention(service) == {}, "this match is not counted yet"
    query(url, "UPDATE tally SET position = (SELECT position FROM audit_head)")
    assert query(url, sketched) == [(1,)]
    assert run_retention(service) == {"sketches": 1}
    assert query(url, sketched) == [(0,)]


def run_is(service: RunningService, age: str) -> None:
    query(service.database_url, "UPDATE retention SET ran_at = now() - %s::interval", age)


def test_retention_runs_daily_and_catches_up_on_a_missed_run(database_url: str) -> None:
    ran = "SELECT ran_at FROM retention"
    with serving(database_url) as service:
        wait_until(lambda: query(database_url, ran) != [(None,)])
        withdraw(service, submit(service, random_pdq(1)))
        run_is(service, "23 hours")
        before = query(database_url, ran)
    with serving(database_url), serving(database_url) as service:
        metric = "unseen_retention_last_run_timestamp_seconds"
        wait_until(lambda: metric in service.metrics())
        assert query(database_url, ran) == before, "a restart causes no run"
        assert bits(service)
        run_is(service, "25 hours")
    with serving(database_url), serving(database_url) as service:
        wait_until(lambda: not bits(service))
        wait_until(lambda: runs(service) == [{"bits": 1}])


def test_only_one_run_at_a_time(service: RunningService) -> None:
    async def erase_during_another_run(store: Any) -> object:
        async with store.exclusive(0x756E73656572):
            return await erase(store, PERIODS)

    assert service.flow(erase_during_another_run) is None


def test_submissions_continue_during_a_large_erasure(service: RunningService) -> None:
    """A batch locks the change log for no longer than a submission does."""
    insert(service.database_url, 20_000)
    query(service.database_url, "UPDATE hashes SET gone_at = now()")
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(run_retention, service)
        submitted = 0
        while not running.done():
            submit(service, random_pdq(submitted))
            submitted += 1
    assert running.result() == {"bits": 20_000}
    assert submitted >= 3
    assert len(bits(service)) == submitted


@pytest.mark.parametrize("table", ["hashes", "cases", "images", "changes", "deliveries", "reviews"])
def test_serving_role_can_erase_bits_but_delete_no_row(database_url: str, table: str) -> None:
    with psycopg.connect(serving_url(database_url), autocommit=True) as connection:
        connection.execute("UPDATE hashes SET pdq = NULL WHERE false")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))


def test_retain_command_erases_now(service: RunningService) -> None:
    withdraw(service, submit(service, random_pdq(1)))
    first = run("retain", DATABASE_URL=service.database_url)
    assert (first.returncode, first.stdout) == (0, "erased:\n       1 hashes without their bits\n")
    again = run("retain", DATABASE_URL=service.database_url)
    assert again.stdout == "there is nothing to erase\n"
    kept = run("retain", DATABASE_URL=service.database_url, UNSEEN_KEEP_SUBMISSIONS_DAYS="0")
    assert kept.stdout == "erased:\n       1 idempotency keys\n"


def test_migration_dates_earlier_withdrawals(postgres: str) -> None:
    admin = with_database(postgres, "postgres")
    old = with_database(postgres, "from_before")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("CREATE DATABASE from_before TEMPLATE template0")
        try:
            with psycopg.connect(old) as before:
                migrate_module._applied(before)
                for migration in (
                    each for each in migrate_module.known_migrations() if each.number <= 40
                ):
                    migrate_module._apply(before, migration)
                before.execute(
                    "INSERT INTO hashes (pdq, active, barred, standing) VALUES"
                    " (sha256('a'), true, false, 'unreviewed'),"
                    " (sha256('b'), false, false, 'unreviewed'),"
                    " (sha256('c'), false, true, 'quarantined')"
                )
                before.execute("INSERT INTO changes VALUES (1, 'remove', 2, '2026-01-01Z')")
            migrate_module.migrate(old)
            gone = query(
                old,
                "SELECT id, gone_at::date::text FROM hashes"
                " WHERE gone_at < now() - interval '1 day'",
            )
            assert gone == [(2, "2026-01-01")]
            assert RunningService("", old).flow(lambda store: erase(store, PERIODS)) == {"bits": 1}
        finally:
            connection.execute("DROP DATABASE from_before WITH (FORCE)")
