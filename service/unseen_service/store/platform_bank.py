"""The hashes that a platform submits from its own bank: one case a platform, no PIN."""

from collections.abc import Sequence

from .pool import Transaction, execute


async def add(tx: Transaction, platform_id: int, pdqs: Sequence[bytes]) -> tuple[int, list[int]]:
    """Put hashes into a platform's bank.

    Answers how many it did not hold before, and the ids of those that became matchable by it.
    """
    row = await (await execute(tx, "bank_case", platform_id=platform_id)).fetchone()
    await execute(tx, "insert_hashes", pdqs=list(pdqs))
    cursor = await execute(tx, "bank_images", case_id=row["id"] if row else 0, pdqs=list(pdqs))
    added = [each["hash_id"] for each in await cursor.fetchall()]
    cursor = await execute(tx, "activate_listed", hash_ids=added)
    return len(added), [each["id"] for each in await cursor.fetchall()]


async def withdraw(
    tx: Transaction, platform_id: int, hash_ids: Sequence[int]
) -> tuple[int, list[int]]:
    """Take hashes out of a platform's bank.

    Answers how many it held, and the ids of those that nobody holds any more.
    """
    cursor = await execute(tx, "withdraw_bank", platform_id=platform_id, hash_ids=list(hash_ids))
    held = [each["hash_id"] for each in await cursor.fetchall()]
    cursor = await execute(tx, "deactivate_listed", hash_ids=held)
    return len(held), [each["id"] for each in await cursor.fetchall()]
