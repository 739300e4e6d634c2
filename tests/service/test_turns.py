"""Whoever repeats a call that takes PostgreSQL seconds leaves turns to others."""

import asyncio

import pytest
from unseen_service.errors import Overloaded
from unseen_service.ratelimit.turns import Turns

WAITING = 16


def test_requests_of_one_caller_leave_a_turn_to_others() -> None:
    async def read() -> None:
        turns, end, refused = Turns(at_once=2, waiting=WAITING), asyncio.Event(), 0

        async def hold() -> None:
            async with turns.turn("greedy"):
                await end.wait()

        async def count_refusal() -> None:
            nonlocal refused
            with pytest.raises(Overloaded):
                await hold()
            refused += 1

        async with asyncio.TaskGroup() as tasks:
            for _ in range(WAITING):
                tasks.create_task(hold())
            await asyncio.sleep(0)
            tasks.create_task(count_refusal())
            async with asyncio.timeout(30), turns.turn("other"):
                end.set()
        assert refused == 1

    asyncio.run(read())


def test_a_few_work_at_once() -> None:
    async def read() -> int:
        turns, now, most = Turns(at_once=2, waiting=WAITING), 0, 0

        async def work(caller: int) -> None:
            nonlocal now, most
            async with turns.turn(caller):
                now += 1
                most = max(most, now)
                await asyncio.sleep(0)
                now -= 1

        await asyncio.gather(*map(work, range(20)))
        return most

    assert asyncio.run(read()) == 2
