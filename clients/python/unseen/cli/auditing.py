"""`unseen audit verify`: an export of a service's audit log, held against itself and others."""

import argparse
from pathlib import Path

from ..audit import Checkpoint, VerifiedLog, read_checkpoint, verify_export
from ..errors import UnreadableFileError
from .exits import Exit
from .output import Output


def verify(options: argparse.Namespace, output: Output) -> Exit:
    """Verify an export; name the first entry that does not fit."""
    kept = [_kept(Path(each), options.key) for each in options.checkpoint]
    try:
        with Path(options.file).open("rb") as lines:
            log = verify_export(lines, kept, verifier=options.key)
    except OSError as error:
        raise UnreadableFileError(f"{options.file}: {error.strerror}.") from error
    _report(log, kept, options.key, output)
    return Exit.DONE


def _kept(path: Path, verifier: str | None) -> Checkpoint:
    try:
        return read_checkpoint(path.read_text(encoding="utf-8"), verifier)
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"{path} cannot be read as a checkpoint.") from error


def _report(log: VerifiedLog, kept: list[Checkpoint], key: str | None, output: Output) -> None:
    output.line(f"chain verified: {log.entries} entries, the last is {log.digest.hex()}")
    output.line(f"tree verified: its root is {log.root.hex()}")
    for each in kept:
        output.line(f"grown from the kept checkpoint of {each.size} entries")
    output.line("signed by the key given" if key else "signature not verified: give --key for it")
    output.document(
        {
            "entries": log.entries,
            "digest": log.digest.hex(),
            "root": log.root.hex(),
            "kept": [each.size for each in kept],
            "signature": "verified" if key else None,
        }
    )
