"""Whoever repeats a call that takes PostgreSQL seconds leaves turns to others."""

import asyncio
import time
from collections import Counter

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


def test_a_few_requests_of_one_caller_work_at_once() -> None:
    async def read() -> tuple[int, int]:
        turns = Turns(at_once=4, of_one=2, waiting=WAITING)
        working: Counter[str] = Counter()
        most_of_one = most = 0

        async def work(caller: str) -> None:
            nonlocal most_of_one, most
            async with turns.turn(caller):
                working[caller] += 1
                most_of_one = max(most_of_one, working[caller])
                most = max(most, working.total())
                await asyncio.sleep(0)
                working[caller] -= 1

        await asyncio.gather(*(work(caller) for caller in "abc" for _ in range(8)))
        return most_of_one, most

    assert asyncio.run(read()) == (2, 4)


def test_place_rests_after_its_work() -> None:
    async def read() -> float:
        turns = Turns(at_once=1, waiting=WAITING, rest=2.0)
        began = time.monotonic()
        for _ in range(3):
            async with turns.turn("caller"):
                await asyncio.sleep(0.02)
        return time.monotonic() - began

    assert asyncio.run(read()) >= 3 * 0.02 + 2 * 2.0 * 0.02


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
