"""The hashes that a platform submits itself: one case per platform, without a PIN."""

from collections.abc import Sequence

from .statements import Transaction, fetch_column, fetch_value


async def add(tx: Transaction, platform_id: int, hash_ids: Sequence[int]) -> list[int]:
    """Add hashes to a platform's bank. Return the ids of those that it did not hold before."""
    case_id = await fetch_value(tx, "bank_case", platform_id=platform_id)
    return await fetch_column(tx, "bank_images", case_id=case_id, hash_ids=list(hash_ids))


async def withdraw(tx: Transaction, platform_id: int, hash_ids: Sequence[int]) -> list[int]:
    """Withdraw hashes from a platform's bank. Return the ids of those that it held."""
    return await fetch_column(tx, "withdraw_bank", platform_id=platform_id, hash_ids=list(hash_ids))
