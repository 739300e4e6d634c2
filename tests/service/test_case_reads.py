"""Whoever reads a large case again and again leaves turns to others."""

import asyncio

import pytest
from unseen_service.errors import Overloaded
from unseen_service.usecases.case_reads import MAX_READS, MAX_WAITING_FOR_ONE, CaseReads


def test_requests_for_one_case_leave_a_turn_to_others() -> None:
    async def read() -> None:
        reads, end, refused = CaseReads(), asyncio.Event(), 0

        async def hold(case: int) -> None:
            async with reads.turn(case):
                await end.wait()

        async def count_refusal() -> None:
            nonlocal refused
            with pytest.raises(Overloaded):
                await hold(1)
            refused += 1

        async with asyncio.TaskGroup() as tasks:
            for _ in range(MAX_WAITING_FOR_ONE):
                tasks.create_task(hold(1))
            await asyncio.sleep(0)
            tasks.create_task(count_refusal())
            async with asyncio.timeout(30), reads.turn(2):
                end.set()
        assert refused == 1

    asyncio.run(read())


def test_a_few_cases_are_read_at_once() -> None:
    async def read() -> int:
        reads, now, most = CaseReads(), 0, 0

        async def one(case: int) -> None:
            nonlocal now, most
            async with reads.turn(case):
                now += 1
                most = max(most, now)
                await asyncio.sleep(0)
                now -= 1

        await asyncio.gather(*map(one, range(20)))
        return most

    assert asyncio.run(read()) == MAX_READS
