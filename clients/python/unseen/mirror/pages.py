"""The format of a copy: the feed's own entries in one NDJSON file, page by page.

    {"unseen_mirror":1,"copy":"9f3c01…","compact":"0000000000000000",…}
    {"pdq":"5a5a…","position":812,"record":"6f1c…","status":"active","view":"mirror",…}
    {"pdq":null,"position":815,"record":"0b7a…","status":"withdrawn",…}
    {"cursor":"MS4…","crc":2774517543}

The last entry of a record counts. A page counts when the line that ends it is there with the
right CRC-32 of the lines above it; then the cursor in that line does too. So a page and its
cursor are kept in one step, and what a crash cut short reads as if it had never been written.
`compact` says how many bytes there were when the file was written anew: those the index beside
it covers, if there is one. A line {"confirmed":[…]} names withdrawals that the service knows of.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Final, NamedTuple

from ..changes import ActiveHash, FeedEntry, Tombstone, parse_entry
from ..errors import LocalCopyError

FILE: Final = "hashes.ndjson"
_FORMAT: Final = "unseen_mirror"
# Every line of an entry begins with its hash: 64 digits from here.
_PDQ: Final = slice(len('{"pdq":"'), len('{"pdq":"') + 64)

Line = tuple[int, Mapping[str, Any]]
"""Where a line begins in its file, and what it says."""


@dataclass(frozen=True, slots=True)
class Round:
    """What catching up with the feed did to a copy."""

    added: int = 0
    changed: int = 0
    """Hashes that stay, of which the standing or the feedback is another."""
    removed: int = 0
    held: int = 0
    """How many hashes the copy has now."""
    began_again: bool = False
    """The service's history was another one than the copy's, which was made anew."""


class Header(NamedTuple):
    """The first line of a file."""

    copy: str
    """A random name; the index of this file has it too."""
    compact: int
    """How long the file was, in bytes, when it was written anew; 0 if it never was."""
    position: int
    """That of the last change in the file when it was written anew."""
    length: int


class Page(NamedTuple):
    """A page that is whole."""

    lines: list[Line]
    cursor: str | None
    end: int
    """Where the next one begins."""


def header(copy: str, compact: int = 0, position: int = 0) -> bytes:
    """Write the first line; its length does not depend on the numbers."""
    numbers = {"compact": f"{compact:016}", "position": f"{position:019}"}
    return _line({_FORMAT: 1, "copy": copy, **numbers})


def read_header(file: BinaryIO) -> Header:
    """Read the first line of a file. Raises LocalCopyError if it is not one of ours."""
    file.seek(0)
    raw = file.readline()
    try:
        told = json.loads(raw)
        if told[_FORMAT] == 1:
            numbers = int(told["compact"]), int(told["position"])
            return Header(str(told["copy"]), *numbers, len(raw))
    except (ValueError, KeyError, TypeError):
        pass
    raise LocalCopyError(
        f"The file {FILE} is no copy that this version can read.",
        hint="Delete the folder; `unseen mirror` then makes the copy anew.",
    )


def read_pages(file: BinaryIO, begin: int) -> Iterator[Page]:
    """Read the pages from an offset on, up to the first that is not whole."""
    file.seek(begin)
    offset, crc = begin, 0
    lines: list[Line] = []
    for raw in file:
        told = _read(raw)
        if told is None:
            return
        begin, offset = offset, offset + len(raw)
        if "crc" not in told:
            lines.append((begin, told))
            crc = zlib.crc32(raw, crc)
            continue
        if told["crc"] != crc:
            return
        yield Page(lines, told["cursor"], offset)
        lines, crc = [], 0


def read_entry(file: BinaryIO, offset: int) -> ActiveHash:
    """Read the line of an active entry. Raises ValueError or LookupError if there is none."""
    file.seek(offset)
    entry = parse_entry(json.loads(file.readline()))
    if not isinstance(entry, ActiveHash):
        raise ValueError("the line is not that of an active entry")  # noqa: TRY004
    return entry


def write_page(lines: Iterable[bytes], cursor: str | None) -> bytes:
    """Write a page: its lines and the one that ends it."""
    content = b"".join(lines)
    return content + _line({"cursor": cursor, "crc": zlib.crc32(content)})


def entry_line(entry: FeedEntry) -> bytes:
    """Write an entry in the feed's own shape, its hash first."""
    told = {**asdict(entry), "at": entry.at.isoformat()}
    if isinstance(entry, Tombstone):
        return _line({"pdq": None, **told})
    return _line({"pdq": told.pop("pdq"), "status": "active", **told})


def confirmed_line(records: Iterable[str]) -> bytes:
    """Write which withdrawals the service knows of."""
    return _line({"confirmed": list(records)})


def packed(line: bytes) -> bytes:
    """Take the 32 bytes of the hash out of an active entry's line."""
    return bytes.fromhex(line[_PDQ].decode("ascii"))


def _line(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def _read(raw: bytes) -> Mapping[str, Any] | None:
    """Read a line; None if it is cut short or damaged."""
    try:
        told = json.loads(raw) if raw.endswith(b"\n") else None
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
