"""The key that the tests' databases are encrypted with: hosts that share a database share it."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from unseen_service.encryption import HashKey, KeyFile, Keyring
from unseen_service.store import Store
from unseen_service.usecases import encryption
from unseen_service.usecases.actors import OPERATOR

from .waiting import PATIENCE_S

Result = TypeVar("Result")

_KEYRING = Keyring(
    hashlib.sha256(b"the pepper of the tests").digest(),
    {1: HashKey(1, hashlib.sha512(b"the key of the tests").digest())},
)


def key_file() -> Path:
    """Return the file with the key, in the temporary folder of this run."""
    folder = Path(tempfile.gettempdir()) / f"unseen-keys-{os.getuid()}"
    file = folder / "encryption.key"
    if not file.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        draft = folder / f"draft-{os.getpid()}"
        draft.write_text(_KEYRING.encode())
        draft.chmod(0o600)
        draft.replace(file)
    return file


def encrypt_empty(database_url: str) -> None:
    """Encrypt a database that is migrated and empty: its audit log has two entries then."""

    async def encrypt(owner: Store, file: KeyFile) -> None:
        await encryption.encrypt(owner, file, OPERATOR)

    owner_flow(database_url, key_file(), encrypt)


def owner_flow(
    database_url: str,
    file: Path,
    use: Callable[[Store, KeyFile], Awaitable[Result]],
    store_class: type[Store] = Store,
) -> Result:
    """Run a use case as the owner of the tables, with the keys in a file."""
    keys = KeyFile(file)

    async def run() -> Result:
        owner = store_class(
            database_url, key_file=keys, in_role=False, pool_size=1, timeout=PATIENCE_S
        )
        await owner.open()
        try:
            return await use(owner, keys)
        finally:
            await owner.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()
