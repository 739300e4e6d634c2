"""Whether a newer version has migrated the database than the one that this process runs."""

from .migrate import known_migrations
from .statements import Transaction, fetch_value


async def is_newer(tx: Transaction) -> bool:
    """Return whether the database has migrations that this version does not know."""
    newest = await fetch_value(tx, "newest_migration")
    return newest is not None and newest > known_migrations()[-1].number
