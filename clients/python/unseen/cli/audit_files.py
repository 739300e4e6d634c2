"""Read exports and checkpoints of an audit log, also as other programs stored them.

A mail program or an editor may compress a file, end its lines as Windows does, or put a byte order
mark before it. None of that is the log's: the digests are over the entries.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final

from ..errors import InputError, UnreadableFileError

_GZIP: Final = b"\x1f\x8b"
_UTF_8_MARK: Final = b"\xef\xbb\xbf"
_UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_MAX_LINE: Final = 1 << 20
"""Bytes of a line; an entry of a log has less than a hundredth of that."""


@contextmanager
def open_export(path: str) -> Iterator[Iterator[bytes]]:
    """Open an export; yield its lines as the service wrote them.

    Raises UnreadableFileError; InputError for a file that is no export.
    """
    try:
        with Path(path).open("rb") as file:
            is_packed = file.peek(len(_GZIP)).startswith(_GZIP)
            with gzip.open(file) if is_packed else nullcontext(file) as unpacked:
                yield _lines(unpacked.readline, path)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableFileError(
            f"{path} is damaged: it cannot be unpacked.", hint="Copy or download the file again."
        ) from error
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or error}.") from error


def read_note(path: Path) -> str:
    """Return the text of a checkpoint. Raises UnreadableFileError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"{path} cannot be read as a checkpoint.") from error


def _lines(read_line: Callable[[int], bytes], path: str) -> Iterator[bytes]:
    line = read_line(_MAX_LINE)
    if line.startswith(_UTF_16_MARKS):
        raise InputError(
            f"{path} was changed to UTF-16, probably by PowerShell's `>`.",
            hint="Download the export again, for example with `curl --output FILE`.",
        )
    line = line.removeprefix(_UTF_8_MARK)
    while line:
        if len(line) == _MAX_LINE:
            raise InputError(
                f"{path} is not an export of an audit log.",
                hint="Give the file that `GET /v1/audit/export` returned.",
            )
        yield line[:-2] + b"\n" if line.endswith(b"\r\n") else line
        line = read_line(_MAX_LINE)
