"""The manifest of a saved table: its files, their lengths and their digests.

A saved table is a folder with `manifest.json` and the data folder that it names:

    manifest.json                        format, version, the permutation of the bits, each file's
                                         length and digest, and a digest of all these
    data-<random>/segment-<k>            the buffer of a segment (layout.py)
    data-<random>/segment-<k>.sums       uint64[blocks]: the checksums of its blocks (checksums.py)
    data-<random>/segment-<k>.removed    uint32[n]: the row numbers of the removed rows
    data-<random>/memtable.ids, .hashes  the memtable: int64[n], uint8[n, 32]

All numbers are little-endian. The small files are checked by digest when the table is opened, a
segment block by block when a search first needs the block.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from .errors import DamagedTableError

NAME = "manifest.json"
FORMAT = "unseen-index"
VERSION = 1


def write(body: dict[str, Any], path: Path) -> None:
    """Write a manifest with its own digest."""
    path.write_text(json.dumps({**body, "digest": _digest(body)}, indent=1) + "\n", "utf-8")


def read(folder: Path) -> dict[str, Any]:
    """Return the content of a folder's manifest, without its digest.

    Raises DamagedTableError if there is none, or if it is damaged or in another format or version.
    """
    try:
        text = (folder / NAME).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DamagedTableError(f"no saved table in {folder}: there is no {NAME}") from error
    try:
        body = json.loads(text)
        digest = body.pop("digest")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(folder) from error
    if body.get("format") != FORMAT:
        raise DamagedTableError(f"{folder} contains something other than a saved table")
    if body.get("version") != VERSION:
        raise DamagedTableError(
            f"the table in {folder} has format version {body.get('version')}, but this release "
            f"reads version {VERSION}: rebuild the table"
        )
    if digest != _digest(body):
        raise _damaged(folder)
    return dict(body)


def digest_of(data: Any) -> str:
    """Return the BLAKE2b digest (128 bits, hex) of bytes or of a contiguous array."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _digest(body: dict[str, Any]) -> str:
    return digest_of(json.dumps(body, sort_keys=True).encode())


def _damaged(folder: Path) -> DamagedTableError:
    return DamagedTableError(
        f"{folder / NAME} is damaged: delete the saved table, then rebuild it or copy it again"
    )
