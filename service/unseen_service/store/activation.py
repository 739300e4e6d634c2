"""Which hashes are matched, and which are published; bar what staff removed.

A hash that is held as a crop only is matched and not published: lookups find it, and no platform
receives it.

The callers hold the change log's lock, and append the changes.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from .sealing import as_array, encryption
from .statements import Transaction, execute, fetch_column, fetch_rows, fetch_value


async def activate(tx: Transaction, hash_ids: Sequence[int]) -> list[int]:
    """Activate those of some hashes that are neither active nor barred. Return their ids."""
    return await fetch_column(tx, "activate_hashes", hash_ids=list(hash_ids))


async def publish(tx: Transaction, *, whole: Sequence[int], crops: Sequence[int]) -> None:
    """Publish the `whole` hashes; hide the `crops` among them that are not active.

    Called before they are activated. A crop that is active stays as it is: somebody else may hold
    it as a whole image.
    """
    await execute(tx, "publish_hashes", hash_ids=list(whole))
    if crops:
        await execute(tx, "hide_inactive_hashes", hash_ids=list(crops))


async def unpublish(tx: Transaction, hash_ids: Sequence[int]) -> list[int]:
    """Hide those of some hashes that are held as crops only. Return the ids of those it hid."""
    return await fetch_column(tx, "unpublish_hashes", hash_ids=list(hash_ids))


async def deactivate(tx: Transaction, hash_ids: Sequence[int]) -> list[int]:
    """Deactivate those of some hashes that no case holds any longer. Return their ids."""
    await execute(tx, "unbar_hashes", hash_ids=list(hash_ids))
    return await fetch_column(tx, "deactivate_hashes", hash_ids=list(hash_ids))


async def count_decisions(tx: Transaction) -> int:
    """Return how many decisions staff have made: nothing else changes what is removed."""
    return int(await fetch_value(tx, "count_decisions"))


async def removed(tx: Transaction) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Return the hashes that staff removed: ids int64[n], hashes uint8[n, 32]."""
    rows = await fetch_rows(tx, "removed_hashes")
    stored, records, versions = (
        [row[name] for row in rows] for name in ("pdq", "record", "key_version")
    )
    opened = (await encryption(tx)).open(stored, records, versions)
    held = [(row["id"], pdq) for row, pdq in zip(rows, opened, strict=True) if pdq is not None]
    return np.array([each for each, _ in held], np.int64), as_array([pdq for _, pdq in held])


async def bar(tx: Transaction, near: Mapping[int, int]) -> None:
    """Bar inactive hashes, each for being close to a removed one; both by id.

    Hashes that are active, or that staff decided about, stay as they are.
    """
    if near:
        await execute(tx, "bar_near_hashes", hash_ids=list(near), roots=list(near.values()))


async def release_near(tx: Transaction, hash_id: int) -> list[int]:
    """Release the hashes that were barred for being close to this one.

    Return the ids of those that are active now.
    """
    return await fetch_column(tx, "release_near", hash_id=hash_id)
