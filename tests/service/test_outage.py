"""How outages are logged: when one begins, once per minute, and when it ends."""

import asyncio

import httpx
import pytest
from unseen_service.live.outage_log import OutageLog
from unseen_service.store import Store

from tests.support.hashes import random_pdq
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submission
from tests.support.tcp_proxy import Mode, TcpProxy
from tests.support.waiting import wait_until


class Silent(Store):
    """A store that is unavailable for a given reason; no server is contacted."""

    def __init__(self) -> None:
        self.why: str | None = "it refuses the password"

    async def why_unavailable(self) -> str | None:
        await asyncio.sleep(0)
        return self.why


async def hour(outage: OutageLog, now: list[float]) -> None:
    """Simulate an outage of an hour in which two listeners reconnect once per second."""
    for _ in range(3_600):
        for listener in ("changes", "keys"):
            outage.mark_down(listener, "the connection was lost")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        now[0] += 1


def test_outage_is_logged_once_per_minute(log_messages: list[str]) -> None:
    now = [0.0]

    async def run() -> None:
        outage = OutageLog(Silent(), lambda: now[0])
        outage.mark_up("changes")
        await hour(outage, now)
        outage.mark_up("changes")
        assert "again" not in log_messages[-1], "the other listener is still disconnected"
        outage.mark_up("keys")
        outage.mark_up("keys")

    asyncio.run(run())
    assert log_messages[0] == ("PostgreSQL is unavailable: it refuses the password; reconnecting")
    assert log_messages[1].startswith(
        "PostgreSQL has been unavailable for 60 s: it refuses the password"
    )
    assert log_messages[-1] == "PostgreSQL is available again after 3600.0 s"
    assert len(log_messages) == 61


def test_flapping_connection_does_not_flood_the_log(log_messages: list[str]) -> None:
    now = [0.0]

    async def run() -> None:
        outage = OutageLog(Silent(), lambda: now[0])
        for _ in range(600):
            outage.mark_down("changes", "the connection was lost")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            outage.mark_up("changes")
            now[0] += 0.1

    asyncio.run(run())
    assert 20 <= len(log_messages) <= 26, "600 outages in one minute"


def test_outage_that_ends_before_its_diagnosis_is_one_line(log_messages: list[str]) -> None:
    async def run() -> None:
        outage = OutageLog(Silent())
        outage.mark_down("changes", "the connection was lost")
        outage.mark_up("changes")
        await asyncio.sleep(0.01)

    asyncio.run(run())
    (line,) = log_messages
    assert line.startswith("PostgreSQL was unavailable for 0.0 s: the connection was lost")


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("refuse", "nothing answers at its address"),
        pytest.param("blackhole", "it does not respond", marks=pytest.mark.slow),
    ],
)
def test_real_outage_is_logged_in_two_lines(
    database_proxy: TcpProxy, mode: Mode, why: str, log_messages: list[str]
) -> None:
    """Whatever runs beside the requests, and however often it reconnects meanwhile."""
    # Long enough for a busy machine: slowness is not an outage.
    often = {"measure_every_ms": 50, "watch_every_ms": 50, "pool_timeout_ms": 1_000}
    with serving(database_proxy.url, statement_timeout_ms=2_000, **often) as service:
        with service.client("match") as platform:
            platform.post("/v1/match", json={"hashes": [random_pdq(1)]}).raise_for_status()
            database_proxy.set_mode(mode)
            wait_until(lambda: log_messages)
            for _ in range(3):
                assert submit(service) == 503
            asyncio.run(asyncio.sleep(1.5))
        database_proxy.set_mode("forward")
        wait_until(lambda: len(log_messages) == 2)
        wait_until(lambda: submit(service) == 201)
    assert log_messages[0] == f"PostgreSQL is unavailable: {why}; reconnecting"
    assert log_messages[1].startswith("PostgreSQL is available again after ")
    assert len(log_messages) == 2


def submit(service: RunningService) -> int:
    body = submission(random_pdq(2))
    return httpx.post(f"{service.url}/v1/cases", json=body, timeout=60).status_code
