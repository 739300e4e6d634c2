"""What `unseen-service benign …` and `unseen-service keys limit|pause|resume` do."""

import json
import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from . import oversight
from .commands import ask
from .errors import OperatorError
from .models import BenignHash
from .staff_commands import who

_PDQ = re.compile(r"[0-9a-fA-F]{64}\Z")


class NoHashes(OperatorError):
    """A file holds something else than hashes."""


class NothingAsked(OperatorError):
    """A command was given nothing to do."""


def add_benign(given: Namespace) -> None:
    """Put hashes into the bank of harmless pictures."""
    pdqs = [_read_hash(text, "--hash") for text in given.hash]
    for file in given.files:
        pdqs.extend(_hashes_of(file))
    if not pdqs:
        raise NoHashes("Give a file of hashes, '-' for standard input, or --hash.")
    added = ask(given, lambda store: oversight.add_benign(store, pdqs, given.note, who(given)))
    known = len(set(pdqs)) - len(added)
    print(f"added {len(added)} hashes" + (f"; {known} were in the bank already" if known else ""))


def list_benign(given: Namespace) -> None:
    """Show the bank."""
    rows = ask(given, oversight.list_benign)
    print("\n".join(map(_line, rows)) or "the bank is empty")


def remove_benign(given: Namespace) -> None:
    """Take hashes out of the bank."""
    ask(given, lambda store: oversight.remove_benign(store, given.ids, who(given)))
    print(f"removed {len(set(given.ids))} hashes")


def limit_key(given: Namespace) -> None:
    """Change what a key may ask."""
    changed = {"requests": given.requests, "hashes": given.hashes, "coarse": given.coarse}
    if all(value is None for value in changed.values()):
        raise NothingAsked("Say what to change: --requests, --hashes, --coarse or --exact.")
    ask(given, lambda store: oversight.limit_key(store, given.key, who(given), **changed))
    print(f"key {given.key} has new limits")


def pause_key(given: Namespace) -> None:
    """Pause a key."""
    ask(given, lambda store: oversight.pause_key(store, given.key, given.reason, who(given)))
    print(f"key {given.key} is paused")


def resume_key(given: Namespace) -> None:
    """End a key's pause."""
    ask(given, lambda store: oversight.resume_key(store, given.key, given.reason, who(given)))
    print(f"key {given.key} is paused no more")


def _line(row: BenignHash) -> str:
    return f"{row.id:>6}  {row.pdq.hex()}  {row.added_at:%Y-%m-%d}  {row.note}".rstrip()


def _hashes_of(file: str) -> list[bytes]:
    """Read a file of hashes: one a line in hex, or what `unseen hash --json` printed."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise _is_no_text(file) from None
    except OSError as error:
        raise NoHashes(f"{file} cannot be read: {error.strerror}.") from None
    if text.lstrip().startswith("{"):
        return list(_from_json(text, file))
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    return [_read_hash(line, file) for line in lines if line]


def _from_json(text: str, file: str) -> Iterator[bytes]:
    try:
        for image in json.loads(text)["images"]:
            yield _read_hash(str(image["pdq"]), file)
    except (ValueError, KeyError, TypeError):
        raise NoHashes(f"{file} is not what 'unseen hash --json' prints.") from None


def _read_hash(text: str, where: str) -> bytes:
    if not _PDQ.match(text):
        raise NoHashes(f"{where}: a hash is 64 hexadecimal digits, one a line.")
    return bytes.fromhex(text)


def _is_no_text(file: str) -> NoHashes:
    return NoHashes(
        f"{file} holds no hashes. For images, let the client hash them:\n"
        f"  unseen hash --json {file} | unseen-service benign add -"
    )
