"""The clock of PostgreSQL's machine jumps ahead and back: what is counted by time recovers."""

import httpx
import psycopg

from tests.support import Service, random_pdq, serving, submission, wait_until


def set_ahead(database_url: str, statement: str) -> None:
    """Leave behind what was written while the clock was ahead."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def test_a_budget_that_was_spent_in_the_future_drains(database_url: str) -> None:
    """Else the key would be refused until the clock is there again."""
    with serving(database_url, hashes_per_minute=6) as service, service.client("match") as platform:

        def asked() -> int:
            body = {"hashes": [random_pdq(n) for n in range(10)]}
            return platform.post("/v1/match", json=body).status_code

        assert asked() == 200
        assert asked() == 429
        with psycopg.connect(database_url, autocommit=True) as connection:
            wait_until(
                lambda: (
                    connection.execute("SELECT FROM key_usage WHERE hashes > 0").fetchone()
                    is not None
                )
            )
        assert asked() == 429
        set_ahead(database_url, "UPDATE key_usage SET at = at + interval '1 hour'")
        wait_until(lambda: asked() == 200, within=5)


def test_a_flood_of_the_future_costs_nobody_work(database_url: str) -> None:
    set_ahead(database_url, "UPDATE intake SET level = 1e6, at = now() + interval '1 hour'")
    with serving(database_url) as service:
        for number in range(2):
            body = submission(random_pdq(number))
            assert httpx.post(f"{service.url}/v1/cases", json=body).status_code == 201


def test_a_change_log_of_the_future_stays_in_order(service: Service) -> None:
    """Its times never go back, so that a reader by time misses nothing; nothing else waits."""
    set_ahead(service.database_url, "UPDATE change_head SET at = now() + interval '1 hour'")
    set_ahead(service.database_url, "UPDATE audit_head SET at = now() + interval '1 hour'")
    pdqs = [random_pdq(n) for n in range(3)]
    for pdq in pdqs:
        httpx.post(f"{service.url}/v1/cases", json=submission(pdq)).raise_for_status()
    service.wait_in_step()
    with service.client("match") as platform:
        assert len(platform.post("/v1/match", json={"hashes": pdqs}).json()["hits"]) == 3
    with psycopg.connect(service.database_url) as connection:
        times = [at for (at,) in connection.execute("SELECT at FROM changes ORDER BY position")]
    assert times == sorted(times)
    measured = httpx.get(f"{service.url}/metrics").text
    (total,) = [
        each for each in measured.splitlines() if each.startswith("unseen_matchable_seconds_sum")
    ]
    assert float(total.split()[1]) >= 0, "a count never falls"
