"""Which workers of a host take connections, by the lock that those hold who serve."""

import asyncio
from pathlib import Path

import pytest
from unseen_service.runtime.accept_gate import AcceptGate


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "gate"
    file.touch()
    return file


async def waits(gate: AcceptGate, loaded: asyncio.Event) -> bool:
    """Whether a worker still waits after a while."""
    try:
        async with asyncio.timeout(0.3):
            await gate.wait(loaded)
    except TimeoutError:
        return True
    return False


def test_where_none_serves_one_that_only_loads_does(path: Path) -> None:
    async def asked() -> bool:
        loading, also_loading = AcceptGate(path), AcceptGate(path)
        waiting = await waits(loading, asyncio.Event())
        return waiting or await waits(also_loading, asyncio.Event())

    assert not asyncio.run(asked())


def test_beside_one_that_serves_it_waits_until_it_is_loaded(path: Path) -> None:
    async def asked() -> tuple[bool, bool]:
        loaded, loading = asyncio.Event(), asyncio.Event()
        loaded.set()
        serving, successor = AcceptGate(path), AcceptGate(path)
        await serving.mark_serving(loaded)
        before = await waits(successor, loading)
        loading.set()
        return before, await waits(successor, loading)

    assert asyncio.run(asked()) == (True, False)


def test_it_waits_no_longer_once_the_last_that_served_is_gone(path: Path) -> None:
    async def asked() -> tuple[bool, bool]:
        loaded = asyncio.Event()
        loaded.set()
        serving, successor = AcceptGate(path), AcceptGate(path)
        await serving.mark_serving(loaded)
        before = await waits(successor, asyncio.Event())
        serving.close()
        return before, await waits(successor, asyncio.Event())

    assert asyncio.run(asked()) == (True, False)


def test_one_that_succeeds_another_waits_a_moment_also_alone(path: Path) -> None:
    async def asked() -> tuple[bool, bool]:
        successor = AcceptGate(path, grace_s=0.6)
        return await waits(successor, asyncio.Event()), await waits(
            AcceptGate(path), asyncio.Event()
        )

    assert asyncio.run(asked()) == (True, False)
