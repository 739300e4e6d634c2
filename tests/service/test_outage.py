"""What is told of PostgreSQL's absence: a line when it goes, one a minute, one when it is back."""

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
    """A store that is away for a reason of its own, without anybody being asked."""

    def __init__(self) -> None:
        self.why: str | None = "it refuses the password"

    async def why_unavailable(self) -> str | None:
        await asyncio.sleep(0)
        return self.why


async def hour(outage: OutageLog, now: list[float]) -> None:
    """Be away for an hour, with an attempt of each of two listeners a second."""
    for _ in range(3_600):
        for who in ("changes", "keys"):
            outage.mark_down(who, "the connection was lost")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        now[0] += 1


def test_an_outage_of_an_hour_is_some_sixty_lines(log_messages: list[str]) -> None:
    now = [0.0]

    async def run() -> None:
        outage = OutageLog(Silent(), lambda: now[0])
        outage.mark_up("changes")
        await hour(outage, now)
        outage.mark_up("changes")
        assert "back" not in log_messages[-1], "the other is not yet"
        outage.mark_up("keys")
        outage.mark_up("keys")

    asyncio.run(run())
    assert log_messages[0] == ("PostgreSQL is unavailable: it refuses the password; reconnecting")
    assert log_messages[1].startswith(
        "PostgreSQL has been unavailable for 60 s: it refuses the password"
    )
    assert log_messages[-1] == "PostgreSQL is available again after 3600.0 s"
    assert len(log_messages) == 61


def test_what_comes_and_goes_fills_no_log(log_messages: list[str]) -> None:
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
    assert 20 <= len(log_messages) <= 26, "of 600 in a minute"


def test_one_that_is_over_before_it_is_known_why_is_one_line(log_messages: list[str]) -> None:
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
def test_a_real_outage_is_two_lines(
    database_proxy: TcpProxy, mode: Mode, why: str, log_messages: list[str]
) -> None:
    """Whatever runs beside the requests, and however often it tries again meanwhile."""
    # Patient enough for a busy machine: what is slow there is no outage.
    often = {"measure_every_ms": 50, "watch_every_ms": 50, "pool_timeout_ms": 1_000}
    with serving(database_proxy.url, statement_timeout_ms=2_000, **often) as service:
        with service.client("match") as platform:
            platform.post("/v1/match", json={"hashes": [random_pdq(1)]}).raise_for_status()
            database_proxy.set_mode(mode)
            wait_until(lambda: log_messages)
            for _ in range(3):
                assert submitted(service) == 503
            asyncio.run(asyncio.sleep(1.5))
        database_proxy.set_mode("forward")
        wait_until(lambda: len(log_messages) == 2)
        wait_until(lambda: submitted(service) == 201)
    assert log_messages[0] == f"PostgreSQL is unavailable: {why}; reconnecting"
    assert log_messages[1].startswith("PostgreSQL is available again after ")
    assert len(log_messages) == 2


def submitted(service: RunningService) -> int:
    body = submission(random_pdq(2))
    return httpx.post(f"{service.url}/v1/cases", json=body, timeout=60).status_code
