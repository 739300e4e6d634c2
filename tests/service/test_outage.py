"""How outages are logged: when one begins, once per minute, and when it ends."""

import asyncio
import json
import logging
from collections.abc import Iterator

import httpx
import pytest
from unseen_service.live.outage_log import OutageLog
from unseen_service.runtime.json_logs import JsonFormatter
from unseen_service.store import Store

from tests.proxy import Mode, Proxy
from tests.support import Service, random_pdq, serving, submission, wait_until


class Silent(Store):
    """A store that is unavailable for a given reason; no server is contacted."""

    def __init__(self) -> None:
        self.why: str | None = "it refuses the password"

    async def why_unavailable(self) -> str | None:
        await asyncio.sleep(0)
        return self.why


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What was logged, in the order of its being so."""
    caplog.set_level(logging.INFO, "unseen_service")
    lines: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(str(json.loads(JsonFormatter().format(record))["message"]))

    handler = Keeping()
    logging.getLogger("unseen_service").addHandler(handler)
    yield lines
    logging.getLogger("unseen_service").removeHandler(handler)


async def hour(outage: OutageLog, now: list[float]) -> None:
    """Simulate an outage of an hour in which two listeners reconnect once per second."""
    for _ in range(3_600):
        for listener in ("changes", "keys"):
            outage.mark_down(listener, "the connection was lost")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        now[0] += 1


def test_outage_is_logged_once_per_minute(told: list[str]) -> None:
    now = [0.0]

    async def run() -> None:
        outage = OutageLog(Silent(), lambda: now[0])
        outage.mark_up("changes")
        await hour(outage, now)
        outage.mark_up("changes")
        assert "again" not in told[-1], "the other listener is still disconnected"
        outage.mark_up("keys")
        outage.mark_up("keys")

    asyncio.run(run())
    assert told[0] == ("PostgreSQL is unavailable: it refuses the password; reconnecting")
    assert told[1].startswith("PostgreSQL has been unavailable for 60 s: it refuses the password")
    assert told[-1] == "PostgreSQL is available again after 3600.0 s"
    assert len(told) == 61


def test_flapping_connection_does_not_flood_the_log(told: list[str]) -> None:
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
    assert 20 <= len(told) <= 26, "600 outages in one minute"


def test_outage_that_ends_before_its_diagnosis_is_one_line(told: list[str]) -> None:
    async def run() -> None:
        outage = OutageLog(Silent())
        outage.mark_down("changes", "the connection was lost")
        outage.mark_up("changes")
        await asyncio.sleep(0.01)

    asyncio.run(run())
    (line,) = told
    assert line.startswith("PostgreSQL was unavailable for 0.0 s: the connection was lost")


@pytest.fixture
def proxy(database_url: str) -> Iterator[Proxy]:
    with Proxy(database_url).running() as proxy:
        yield proxy


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("cut", "nothing answers at its address"),
        pytest.param("hole", "it does not respond", marks=pytest.mark.slow),
    ],
)
def test_real_outage_is_logged_in_two_lines(
    proxy: Proxy, mode: Mode, why: str, told: list[str]
) -> None:
    """Whatever runs beside the requests, and however often it reconnects meanwhile."""
    # Long enough for a busy machine: slowness is not an outage.
    often = {"measure_every_ms": 50, "watch_every_ms": 50, "pool_timeout_ms": 1_000}
    with serving(proxy.url, statement_timeout_ms=2_000, **often) as service:
        with service.client("match") as platform:
            platform.post("/v1/match", json={"hashes": [random_pdq(1)]}).raise_for_status()
            proxy.be(mode)
            wait_until(lambda: told)
            for _ in range(3):
                assert submit(service) == 503
            asyncio.run(asyncio.sleep(1.5))
        proxy.be("whole")
        wait_until(lambda: len(told) == 2)
        wait_until(lambda: submit(service) == 201)
    assert told[0] == f"PostgreSQL is unavailable: {why}; reconnecting"
    assert told[1].startswith("PostgreSQL is available again after ")
    assert len(told) == 2


def submit(service: Service) -> int:
    body = submission(random_pdq(2))
    return httpx.post(f"{service.url}/v1/cases", json=body, timeout=60).status_code
