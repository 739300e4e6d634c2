"""The hashes that a platform submits itself: one case per platform, without a PIN."""

from collections.abc import Sequence

from .statements import Transaction, execute, fetch_column, fetch_value


async def add(tx: Transaction, platform_id: int, pdqs: Sequence[bytes]) -> tuple[int, list[int]]:
    """Add hashes to a platform's bank.

    Return how many it did not hold before, and the ids of those that this made matchable.
    """
    case_id = await fetch_value(tx, "bank_case", platform_id=platform_id)
    await execute(tx, "insert_hashes", pdqs=list(pdqs))
    added = await fetch_column(tx, "bank_images", case_id=case_id, pdqs=list(pdqs))
    return len(added), await fetch_column(tx, "activate_listed", hash_ids=added)


async def withdraw(
    tx: Transaction, platform_id: int, hash_ids: Sequence[int]
) -> tuple[int, list[int]]:
    """Withdraw hashes from a platform's bank.

    Return how many it held, and the ids of those that nobody holds any longer.
    """
    held = await fetch_column(tx, "withdraw_bank", platform_id=platform_id, hash_ids=list(hash_ids))
    return len(held), await fetch_column(tx, "deactivate_listed", hash_ids=held)
