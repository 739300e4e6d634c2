"""`unseen-service benign …`: the bank of known-benign images."""

import json
import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from ..errors import OperatorError
from ..models.screening import BenignHash
from ..usecases import benign_hashes
from .acting import acting_operator
from .database import run_with_store

_PDQ = re.compile(r"[0-9a-fA-F]{64}\Z")


class NoHashes(OperatorError):
    """A file holds something other than hashes."""


def add(args: Namespace) -> None:
    """Add hashes to the bank of known-benign images."""
    pdqs = [_parse_hash(text, "--hash") for text in args.hash]
    for file in args.files:
        pdqs.extend(_hashes_of(file))
    if not pdqs:
        raise NoHashes("Give a file of hashes, '-' for standard input, or --hash.")
    by = acting_operator(args)
    added = run_with_store(args, lambda store: benign_hashes.add_benign(store, pdqs, args.note, by))
    known = len(set(pdqs)) - len(added)
    already = f"; {known} were in the bank already" if known else ""
    print(f"added {len(added)} hashes{already}")


def list_hashes(args: Namespace) -> None:
    """Print the bank."""
    rows = run_with_store(args, benign_hashes.list_benign)
    print("\n".join(map(_line, rows)) or "the bank is empty")


def remove(args: Namespace) -> None:
    """Remove hashes from the bank."""
    by = acting_operator(args)
    run_with_store(args, lambda store: benign_hashes.remove_benign(store, args.ids, by))
    print(f"removed {len(set(args.ids))} hashes")


def _line(row: BenignHash) -> str:
    return f"{row.id:>6}  {row.pdq.hex()}  {row.added_at:%Y-%m-%d}  {row.note}".rstrip()


def _hashes_of(file: str) -> list[bytes]:
    """Read a file of hashes: one per line in hex, or the output of `unseen hash --json`."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise _not_text(file) from None
    except OSError as error:
        raise NoHashes(f"{file} cannot be read: {error.strerror}.") from None
    if text.lstrip().startswith("{"):
        return list(_from_json(text, file))
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    return [_parse_hash(line, file) for line in lines if line]


def _from_json(text: str, file: str) -> Iterator[bytes]:
    try:
        for image in json.loads(text)["images"]:
            yield _parse_hash(str(image["pdq"]), file)
    except (ValueError, KeyError, TypeError):
        raise NoHashes(f"{file} is not the output of 'unseen hash --json'.") from None


def _parse_hash(text: str, source: str) -> bytes:
    if not _PDQ.match(text):
        raise NoHashes(f"{source}: a hash is 64 hexadecimal digits, one per line.")
    return bytes.fromhex(text)


def _not_text(file: str) -> NoHashes:
    return NoHashes(
        f"{file} holds no hashes. For images, let the client hash them:\n"
        f"  unseen hash --json {file} | unseen-service benign add -"
    )
