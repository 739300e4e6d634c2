"""Searches what a browser sent for any part of a file, in any encoding."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_to_bytes

WINDOW = 12
"""This many consecutive bytes of the file count as a leak; they do not occur by chance."""


def find_leaks(file: bytes, sent: Iterable[bytes]) -> list[bytes]:
    """Return every window of the file that occurs in what was sent, raw or encoded.

    Decodes base64 (both alphabets), hexadecimal and percent-encoding, at every alignment.
    """
    windows = {file[at : at + WINDOW] for at in range(len(file) - WINDOW + 1)}
    found = set()
    for raw in sent:
        for text in _decodings(raw):
            found |= {text[at : at + WINDOW] for at in range(len(text) - WINDOW + 1)} & windows
    return sorted(found)


def _decodings(raw: bytes) -> Iterator[bytes]:
    """Yield the bytes as they are, and every decoding of every run that could be an encoding."""
    for text in {raw, unquote_to_bytes(raw)}:
        yield text
        for run in re.findall(rb"[0-9a-fA-F]{%d,}" % (2 * WINDOW), text):
            for start in (0, 1):
                even = run[start : start + (len(run) - start) // 2 * 2]
                yield binascii.unhexlify(even)
        for run in re.findall(rb"[A-Za-z0-9+/_-]{%d,}" % (4 * WINDOW // 3), text):
            standard = run.replace(b"-", b"+").replace(b"_", b"/")
            for start in range(4):
                whole = standard[start : start + (len(standard) - start) // 4 * 4]
                yield base64.b64decode(whole)
