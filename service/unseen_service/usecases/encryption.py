"""Encrypt the database, or replace the key that it is encrypted with.

First new rows are sealed with the key, then those that are there, in short transactions: the
service goes on meanwhile. Interrupted, it continues where it was.
"""

from collections.abc import Awaitable, Callable

from ..encryption import HashKey, KeyFile
from ..errors import HashesAltered, HashesUnreadable, KeyNotShared, OlderWorkers
from ..models.audit import AuditEvent, AuditKind, Staff
from ..store import Store, Transaction, audit, changes, encryption, sealing
from .actors import staff_event

Step = Callable[[Transaction], Awaitable[bool]]


async def is_encrypted(store: Store) -> bool | None:
    """Return whether the database is encrypted: None if it is not, and has nothing to encrypt yet.

    False also if `encrypt` was begun and not completed. Raises HashesUnreadable if this host
    lacks its key.
    """
    async with store.transaction() as tx:
        await sealing.encryption(tx)
        state = await encryption.state(tx)
        if state.version is None and not await encryption.has_data(tx):
            return None
        return state.is_complete


async def is_begun(store: Store) -> bool:
    """Return whether new rows are sealed; others may still be in clear."""
    async with store.transaction() as tx:
        return (await encryption.state(tx)).version is not None


async def is_owner(store: Store) -> bool:
    """Return whether this store connects as the owner of the tables."""
    async with store.transaction() as tx:
        return await encryption.is_owner(tx)


async def check_no_older_workers(store: Store, application: str) -> None:
    """Raise OlderWorkers if a worker of an older version may be connected.

    `application` is the name that DATABASE_URL gives to sessions; empty: none. `store` connects
    with the rights of the user that serves.
    """
    async with store.transaction() as tx:
        found = await encryption.older_sessions(tx, application)
    if found:
        raise OlderWorkers(found)


async def prepare_key(store: Store, key_file: KeyFile, *, new: bool, only_prepare: bool) -> bool:
    """Make the key that `encrypt` is to use, if there is none or a `new` one is asked for.

    Return whether one was made. Raises KeyNotShared if other hosts would lack it: unless this is
    `only_prepare`, for their sake.
    """
    async with store.transaction() as tx:
        state = await encryption.state(tx)
        has_other_hosts = await encryption.has_other_hosts(tx)
        if state.version is not None:
            await sealing.encryption(tx)
    if not new and (key_file.exists() or state.version is not None):
        return False
    if has_other_hosts and not only_prepare:
        options = "--new-key --prepare" if new else "--prepare"
        raise KeyNotShared(str(key_file.path), f"unseen-service encrypt {options}")
    if key_file.exists():
        key_file.add_key()
    else:
        key_file.generate()
    return True


async def encrypt(owner: Store, key_file: KeyFile, by: Staff) -> tuple[int, bool]:
    """Seal everything with the newest key of the file, which is generated if there is none.

    `owner` connects as the owner of the tables. Return the key's version, and whether anything
    was to be done. Raises HashesUnreadable if the file is not that of this database,
    HashesAltered if a hash cannot be opened.
    """
    key, is_done = await _begin(owner, key_file, by)
    if is_done:
        return key.version, False
    await _seal_hashes(owner)
    await _each(owner, _seal_benign)
    await _each(owner, encryption.seal_pins)
    await _each(owner, encryption.seal_submissions)
    if not await _complete(owner, key, by):
        raise HashesAltered
    return key.version, True


async def _begin(owner: Store, key_file: KeyFile, by: Staff) -> tuple[HashKey, bool]:
    """Seal new rows with the newest key. Return it, and whether all was sealed with it before."""
    async with owner.transaction() as tx:
        await changes.lock(tx)
        used = await sealing.encryption(tx)
        keyring = key_file.reload() if used.current else key_file.generate()
        key = keyring.newest
        if used.current and key.version < used.current.version:
            raise HashesUnreadable(f"{key_file.path} lacks key {used.current.version}")
        if used.current and key.version == used.current.version:
            return key, used.is_complete
        await encryption.begin(tx, keyring, key)
        await audit.append(tx, _event(by, AuditKind.ENCRYPTION_BEGUN, key))
    return key, False


async def _complete(owner: Store, key: HashKey, by: Staff) -> bool:
    async with owner.transaction() as tx:
        await changes.lock(tx)
        if not await encryption.complete(tx, key):
            return False
        await audit.append(tx, _event(by, AuditKind.ENCRYPTION_COMPLETED, key))
    return True


async def _seal_hashes(owner: Store) -> None:
    after: int | None = 0
    while after is not None:
        async with owner.transaction() as tx:
            await changes.lock(tx)
            after = await encryption.seal_hashes(tx, after)


async def _seal_benign(tx: Transaction) -> bool:
    await changes.lock(tx)
    await encryption.seal_benign(tx)
    return False


async def _each(owner: Store, step: Step) -> None:
    """Repeat a step, each time in a transaction of its own, until nothing is left of it."""
    is_left = True
    while is_left:
        async with owner.transaction() as tx:
            is_left = await step(tx)


def _event(by: Staff, kind: AuditKind, key: HashKey) -> AuditEvent:
    return staff_event(by, kind, {"key": key.version})
