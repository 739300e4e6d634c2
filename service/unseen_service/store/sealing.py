"""The form of hashes in the database: sealed with a key, or in clear until `encrypt` was run.

Rows of both forms may be there, and of two keys while the key is replaced: each row says which
key it is sealed with. A sealed hash is bound to its record, and is found by a keyed tag.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import numpy.typing as npt

from ..encryption import HashKey, Keyring
from ..encryption.siv import SEALED_BYTES
from ..errors import HashesUnreadable, OperatorError, StoreUnavailable
from ..models.hashes import HASH_BYTES
from .statements import Transaction, fetch_one

Bytes2D = npt.NDArray[np.uint8]

RECORD_BYTES = 16

_ALTERED = (
    "The database says that it is not encrypted, and its audit log that it is: somebody altered "
    "the table encryption. Run 'unseen-service audit verify', and restore the table from a backup."
)


@dataclass(frozen=True, slots=True)
class Encryption:
    """How the database is encrypted, as a transaction sees it.

    `current` seals new rows; None: they are in clear. `keys` are those that rows may be sealed
    with. `is_complete`: every row is sealed with `current`. `has_clear`: rows in clear may be the
    service's own; once all are sealed, one in clear was put there by somebody else.
    """

    keyring: Keyring | None
    current: HashKey | None
    keys: Mapping[int, HashKey]
    is_complete: bool
    has_clear: bool

    def tags_of(self, pdqs: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Yield what each hash may be found by (16 bytes), with the hash: once for each key."""
        bits = as_array(pdqs)
        for key in self.keys.values():
            yield from zip(map(bytes, key.lookup.tags(bits)), pdqs, strict=True)

    def open(
        self,
        stored: Sequence[bytes | None],
        records: Sequence[UUID],
        versions: Sequence[int | None],
    ) -> list[bytes | None]:
        """Return the bits of rows (32 bytes each), as they are in `pdq` or sealed there.

        None for those without bits, and for those that were altered in the database.
        """
        opened = self._in_clear(stored, versions)
        for version, rows, sealed in _by_version(stored, versions):
            bound_to = records_as_array([records[n] for n in rows])
            _fill(opened, rows, *self.key(version).hashes.open(sealed, bound_to))
        return opened

    def open_benign(
        self, stored: Sequence[bytes], ids: Sequence[int], versions: Sequence[int | None]
    ) -> list[bytes | None]:
        """Return the bits of rows of the benign bank, as `open` does."""
        opened = self._in_clear(stored, versions)
        for version, rows, sealed in _by_version(stored, versions):
            bound_to = ids_as_array([ids[n] for n in rows])
            _fill(opened, rows, *self.key(version).benign.open(sealed, bound_to))
        return opened

    def key(self, version: int) -> HashKey:
        """Return a key that rows are sealed with. Raises StoreUnavailable if it is unknown."""
        if version not in self.keys:
            raise StoreUnavailable(f"a hash is sealed with key {version}, which is not in use")
        return self.keys[version]

    def _in_clear(
        self, stored: Sequence[bytes | None], versions: Sequence[int | None]
    ) -> list[bytes | None]:
        return [
            bits if version is None and self.has_clear and len(bits or b"") == HASH_BYTES else None
            for bits, version in zip(stored, versions, strict=True)
        ]


async def encryption(tx: Transaction) -> Encryption:
    """Read how the database is encrypted, and load the keys.

    Raises HashesUnreadable if a key is missing, or is not the one that rows are sealed with.
    """
    row = await fetch_one(tx, "encryption")
    if row is None or (row["version"] is None and row["was_begun"]):
        raise HashesUnreadable(_ALTERED)
    if row["version"] is None:
        return Encryption(None, None, {}, is_complete=False, has_clear=True)
    keyring, keys = _load(tx, dict(zip(row["versions"], row["check_values"], strict=True)))
    if row["version"] not in keys:
        raise HashesUnreadable(_ALTERED)
    return Encryption(
        keyring,
        keys[row["version"]],
        keys,
        is_complete=row["completed"],
        has_clear=not row["was_completed"],
    )


async def keyring(tx: Transaction) -> Keyring | None:
    """Return the keys if the database is encrypted. Raises HashesUnreadable."""
    return (await encryption(tx)).keyring


def _load(tx: Transaction, checks: Mapping[int, bytes]) -> tuple[Keyring, dict[int, HashKey]]:
    """Load the keys with these check values. Raises HashesUnreadable."""
    if tx.key_file is None:
        raise HashesUnreadable("The database is encrypted, and this program was given no keys.")
    try:
        keys = {each: tx.key_file.key(each) for each in checks}
        keyring = tx.key_file.keyring
    except OperatorError as error:
        raise HashesUnreadable(str(error)) from None
    for each, check in checks.items():
        if keyring.check_value(each) != check:
            raise HashesUnreadable(
                f"Key {each} in {tx.key_file.path} is not the one that this database is encrypted "
                "with. Restore the file from the backup that belongs to this database."
            )
    return keyring, keys


def as_array(pdqs: Sequence[bytes]) -> Bytes2D:
    """Return hashes as uint8[n, 32]."""
    return np.frombuffer(b"".join(pdqs), np.uint8).reshape(-1, HASH_BYTES)


def records_as_array(records: Sequence[UUID]) -> Bytes2D:
    """Return records as uint8[n, 16]."""
    joined = b"".join(each.bytes for each in records)
    return np.frombuffer(joined, np.uint8).reshape(-1, RECORD_BYTES)


def ids_as_array(ids: Sequence[int]) -> Bytes2D:
    """Return ids as uint8[n, 16], in place of records."""
    return np.frombuffer(b"".join(each.to_bytes(16) for each in ids), np.uint8).reshape(-1, 16)


def _by_version(
    stored: Sequence[bytes | None], versions: Sequence[int | None]
) -> Iterator[tuple[int, list[int], Bytes2D]]:
    """Yield each key's version, the numbers of the rows sealed with it, and these as an array."""
    for version in {each for each in versions if each is not None}:
        rows = [
            n
            for n, each in enumerate(versions)
            if each == version and len(stored[n] or b"") == SEALED_BYTES
        ]
        sealed = np.frombuffer(b"".join(stored[n] or b"" for n in rows), np.uint8)
        yield version, rows, sealed.reshape(-1, SEALED_BYTES)


def _fill(
    opened: list[bytes | None],
    rows: Sequence[int],
    bits: Bytes2D,
    is_genuine: npt.NDArray[np.bool_],
) -> None:
    for n, row, genuine in zip(rows, bits, is_genuine, strict=True):
        opened[n] = bytes(row) if genuine else None
