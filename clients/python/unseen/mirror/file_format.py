"""The file format of a local copy: the feed's entries in one NDJSON file, page by page.

    {"unseen_mirror":1,"copy":"9f3c01…","compact":"0000000000000000",…}
    {"pdq":"5a5a…","position":812,"record":"6f1c…","status":"active","view":"mirror",…}
    {"pdq":null,"position":815,"record":"0b7a…","status":"withdrawn",…}
    {"cursor":"MS4…","crc":2774517543}

The last entry of a record applies. A page is valid if its last line has the right CRC-32 of the
lines above it; the cursor is in that last line. So a page and its cursor are written atomically,
and a page that a crash cut short is read as if it had never been written. `compact` is the length
in bytes of the compacted part of the file, which the index beside it covers, if there is one. A
line {"confirmed":[…]} names withdrawals that have been confirmed to the service.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Final, NamedTuple

from ..errors import LocalCopyError
from ..feed_models import ActiveHash, FeedEntry, Tombstone, parse_entry

FILE: Final = "hashes.ndjson"
_FORMAT: Final = "unseen_mirror"
# The line of an active entry begins with its hash: 64 digits from here.
_PDQ: Final = slice(len('{"pdq":"'), len('{"pdq":"') + 64)

Line = tuple[int, Mapping[str, Any]]
"""The offset of a line in its file, and its content."""


@dataclass(frozen=True, slots=True)
class Round:
    """What catching up with the feed changed in a copy."""

    added: int = 0
    changed: int = 0
    """Hashes that stay but whose standing or feedback changed."""
    removed: int = 0
    held: int = 0
    """The number of hashes that the copy has now."""
    began_again: bool = False
    """The service has a new change log, so the copy was rebuilt."""


class Header(NamedTuple):
    """The first line of a file."""

    copy: str
    """A random ID that this file shares with its index."""
    compact: int
    """The length of the compacted part in bytes; 0 if the file was never compacted."""
    position: int
    """The position of the last change at the last compaction."""
    length: int


class Page(NamedTuple):
    """A valid page."""

    lines: list[Line]
    cursor: str | None
    end: int
    """The offset at which the next page begins."""


def header(copy: str, compact: int = 0, position: int = 0) -> bytes:
    """Format the first line; its length does not depend on the numbers."""
    numbers = {"compact": f"{compact:016}", "position": f"{position:019}"}
    return _line({_FORMAT: 1, "copy": copy, **numbers})


def read_header(file: BinaryIO) -> Header:
    """Parse the first line of a file. Raises LocalCopyError if it is not a copy's."""
    file.seek(0)
    raw = file.readline()
    try:
        fields = json.loads(raw)
        if fields[_FORMAT] == 1:
            numbers = int(fields["compact"]), int(fields["position"])
            return Header(str(fields["copy"]), *numbers, len(raw))
    except (ValueError, KeyError, TypeError):
        pass
    raise LocalCopyError(
        f"This version cannot read the file {FILE}.",
        hint="Delete the folder; `unseen mirror` then builds a new copy.",
    )


def read_pages(file: BinaryIO, begin: int) -> Iterator[Page]:
    """Yield the pages from an offset on, up to the first that is not valid."""
    file.seek(begin)
    offset, crc = begin, 0
    lines: list[Line] = []
    for raw in file:
        fields = _parse(raw)
        if fields is None:
            return
        begin, offset = offset, offset + len(raw)
        if "crc" not in fields:
            lines.append((begin, fields))
            crc = zlib.crc32(raw, crc)
            continue
        if fields["crc"] != crc:
            return
        yield Page(lines, fields["cursor"], offset)
        lines, crc = [], 0


def read_entry(file: BinaryIO, offset: int) -> ActiveHash:
    """Parse the active entry at an offset. Raises ValueError or LookupError if there is none."""
    file.seek(offset)
    entry = parse_entry(json.loads(file.readline()))
    if not isinstance(entry, ActiveHash):
        raise ValueError("the line is not that of an active entry")  # noqa: TRY004
    return entry


def write_page(lines: Iterable[bytes], cursor: str | None) -> bytes:
    """Format a page: its lines and the last line with cursor and checksum."""
    content = b"".join(lines)
    return content + _line({"cursor": cursor, "crc": zlib.crc32(content)})


def entry_line(entry: FeedEntry) -> bytes:
    """Format an entry as the feed has it, its hash first."""
    fields = {**asdict(entry), "at": entry.at.isoformat()}
    if isinstance(entry, Tombstone):
        return _line({"pdq": None, **fields})
    return _line({"pdq": fields.pop("pdq"), "status": "active", **fields})


def confirmed_line(records: Iterable[str]) -> bytes:
    """Format the withdrawals that have been confirmed to the service."""
    return _line({"confirmed": list(records)})


def read_hash(line: bytes) -> bytes:
    """Return the hash in an active entry's line, 32 bytes."""
    return bytes.fromhex(line[_PDQ].decode("ascii"))


def _line(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def _parse(raw: bytes) -> Mapping[str, Any] | None:
    """Parse a line; return None if it is cut short or damaged."""
    try:
        fields = json.loads(raw) if raw.endswith(b"\n") else None
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None
