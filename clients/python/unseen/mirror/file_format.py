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
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Final, NamedTuple

from ..answers import MAX_POSITION
from ..errors import LocalCopyError
from ..feed_models import ActiveHash, FeedEntry, Tombstone, check_cursor, parse_entry

FILE: Final = "hashes.ndjson"
_FORMAT: Final = "unseen_mirror"
# The line of an active entry begins with its hash: 64 digits from here.
_PDQ: Final = slice(len('{"pdq":"'), len('{"pdq":"') + 64)
_MAX_LENGTH: Final = 10**16 - 1
_COPY: Final = re.compile("[0-9a-f]{1,32}")
_ID: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NAME: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_ACTIVE: Final = re.compile(f"{_ID} active [0-9a-f]{{64}} {_NAME} {_NAME} {_NAME}")
_INACTIVE: Final = re.compile(f"{_ID} {_NAME} {_NAME}")

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
    """The copy was rebuilt: the service has a new change log, or the old copy was unreadable."""

    def then(self, later: "Round") -> "Round":
        """Return what two rounds, one after the other, changed together."""
        return Round(
            self.added + later.added,
            self.changed + later.changed,
            self.removed + later.removed,
            later.held,
            self.began_again or later.began_again,
        )


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
    """Format the first line; its length does not depend on the numbers.

    Raises ValueError for numbers that do not fit: a longer line would overwrite what follows it.
    """
    if not 0 <= compact <= _MAX_LENGTH or not 0 <= position <= MAX_POSITION:
        raise ValueError("a length or a position that does not fit into the header")
    numbers = {"compact": f"{compact:016}", "position": f"{position:019}"}
    return _line({_FORMAT: 1, "copy": copy, **numbers})


def read_header(file: BinaryIO) -> Header:
    """Parse the first line of a file.

    Raises LocalCopyError if it is not a copy's, ValueError if it is one whose numbers are wrong.
    """
    file.seek(0)
    raw = file.readline()
    fields = _parse(raw) or {}
    if fields.get(_FORMAT) != 1:
        raise LocalCopyError(
            f"This version cannot read the file {FILE}.",
            hint="Delete the folder; `unseen mirror` then builds a new copy.",
        )
    try:
        copy, compact, position = fields["copy"], int(fields["compact"]), int(fields["position"])
        header(copy, compact, position)
        is_valid = bool(_COPY.fullmatch(copy))
    except (KeyError, TypeError) as error:
        raise ValueError("a header without numbers") from error
    if not is_valid:
        raise ValueError("a header without the name of a copy")
    return Header(copy, compact, position, len(raw))


def read_pages(file: BinaryIO, begin: int) -> Iterator[Page]:
    """Yield the pages from an offset on, up to the first that is not valid.

    Raises ValueError for a valid page that holds what no service sends: version 0.1 wrote down
    what a server answered, whatever it was.
    """
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
        for _, line in lines:
            _check_line(line)
        cursor = fields.get("cursor")
        yield Page(lines, None if cursor is None else check_cursor(cursor), offset)
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


def _check_line(line: Mapping[str, Any]) -> None:
    """Raise ValueError for a line that is neither an entry of the feed nor confirmed records.

    Faster than parsing the entry: a copy of millions of hashes is read at every start.
    """
    get = line.get
    if "record" not in line:
        confirmed = get("confirmed")
        if not isinstance(confirmed, list) or not all(isinstance(one, str) for one in confirmed):
            raise ValueError("a line that is no entry")
        return
    position = get("position")
    if type(position) is not int or not 0 <= position <= MAX_POSITION:
        raise ValueError("a position that is none")
    if get("status") == "active":
        names = f"{get('pdq')} {get('view')} {get('standing')} {get('convention')}"
        is_valid = _ACTIVE.fullmatch(f"{get('record')} active {names}")
    else:
        is_valid = _INACTIVE.fullmatch(f"{get('record')} {get('status')} {get('standing')}")
    if not is_valid:
        raise ValueError("an entry with other values than the feed's")


def _line(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def _parse(raw: bytes) -> Mapping[str, Any] | None:
    """Parse a line; return None if it is cut short or damaged."""
    try:
        fields = json.loads(raw) if raw.endswith(b"\n") else None
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None
