"""Which workers of a host accept connections: serving workers hold a lock on a shared file."""

import asyncio
from pathlib import Path

import pytest
from unseen_service.runtime.accept_gate import AcceptGate


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "gate"
    file.touch()
    return file


async def is_waiting(gate: AcceptGate, loaded: asyncio.Event) -> bool:
    """Return whether a worker still waits at the gate after 0.3 s."""
    try:
        async with asyncio.timeout(0.3):
            await gate.wait(loaded)
    except TimeoutError:
        return True
    return False


def test_loading_worker_does_not_wait_if_no_worker_serves(path: Path) -> None:
    async def run() -> bool:
        loading, also_loading = AcceptGate(path), AcceptGate(path)
        waiting = await is_waiting(loading, asyncio.Event())
        return waiting or await is_waiting(also_loading, asyncio.Event())

    assert not asyncio.run(run())


def test_loading_worker_waits_while_another_serves(path: Path) -> None:
    async def run() -> tuple[bool, bool]:
        loaded, loading = asyncio.Event(), asyncio.Event()
        loaded.set()
        serving, successor = AcceptGate(path), AcceptGate(path)
        await serving.mark_serving(loaded)
        before = await is_waiting(successor, loading)
        loading.set()
        return before, await is_waiting(successor, loading)

    assert asyncio.run(run()) == (True, False)


def test_loading_worker_stops_waiting_when_no_worker_serves_any_longer(path: Path) -> None:
    async def run() -> tuple[bool, bool]:
        loaded = asyncio.Event()
        loaded.set()
        serving, successor = AcceptGate(path), AcceptGate(path)
        await serving.mark_serving(loaded)
        before = await is_waiting(successor, asyncio.Event())
        serving.close()
        return before, await is_waiting(successor, asyncio.Event())

    assert asyncio.run(run()) == (True, False)


def test_replacement_worker_waits_briefly_even_if_alone(path: Path) -> None:
    async def run() -> tuple[bool, bool]:
        successor = AcceptGate(path, grace_s=0.6)
        return await is_waiting(successor, asyncio.Event()), await is_waiting(
            AcceptGate(path), asyncio.Event()
        )

    assert asyncio.run(run()) == (True, False)
