"""The manifest of a saved table: what the files are, and what their bytes must be.

A saved table is a folder with `manifest.json` and one folder of data that it names:

    manifest.json                     format, version, the bits' order, each file's length and
                                      digest; and the digest of all that
    data-<random>/segment-<k>         the buffer of a segment (layout.py)
    data-<random>/segment-<k>.sums    uint64 each: the sums of its blocks (checksums.py)
    data-<random>/segment-<k>.removed uint32 each: the rows that were removed
    data-<random>/fresh.ids, .hashes  the fresh part: int64[n], uint8[n, 32]

All numbers are little-endian. Small files are checked by digest when the table is opened, a
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
    """Write a manifest; it is whole only when it has its digest."""
    path.write_text(json.dumps({**body, "digest": _digest(body)}, indent=1) + "\n", "utf-8")


def read(folder: Path) -> dict[str, Any]:
    """Read a folder's manifest.

    Raises DamagedTableError when there is none, it is damaged, or it is of another format.
    """
    try:
        text = (folder / NAME).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DamagedTableError(f"no saved table is in {folder}: it has no {NAME}") from error
    try:
        body = json.loads(text)
        digest = body.pop("digest")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(folder) from error
    if body.get("format") != FORMAT:
        raise DamagedTableError(f"{folder} holds something else than a saved table")
    if body.get("version") != VERSION:
        raise DamagedTableError(
            f"the table in {folder} has version {body.get('version')} of the format, this release "
            f"reads version {VERSION}: build the table anew"
        )
    if digest != _digest(body):
        raise _damaged(folder)
    return dict(body)


def digest_of(data: Any) -> str:
    """Return the BLAKE2b digest (128 bits, hex) of a contiguous array or of bytes."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _digest(body: dict[str, Any]) -> str:
    return digest_of(json.dumps(body, sort_keys=True).encode())


def _damaged(folder: Path) -> DamagedTableError:
    return DamagedTableError(
        f"{folder / NAME} is damaged: delete the saved table and build or copy it anew"
    )
