"""`unseen audit verify`: verify an export of a service's audit log, offline."""

import argparse
from pathlib import Path

from ..audit import Checkpoint, VerifiedLog, read_checkpoint, verify_export
from ..errors import UnreadableFileError
from .exit_codes import Exit
from .output import Output


def verify(options: argparse.Namespace, output: Output) -> Exit:
    """Verify an export; report the first entry that is wrong."""
    kept = [_read_checkpoint(Path(each), options.key) for each in options.checkpoint]
    try:
        with Path(options.file).open("rb") as lines:
            log = verify_export(lines, kept, verifier=options.key)
    except OSError as error:
        raise UnreadableFileError(f"{options.file}: {error.strerror}.") from error
    _report(log, kept, options.key, output)
    return Exit.DONE


def _read_checkpoint(path: Path, key: str | None) -> Checkpoint:
    try:
        return read_checkpoint(path.read_text(encoding="utf-8"), key)
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"{path} cannot be read as a checkpoint.") from error


def _report(log: VerifiedLog, kept: list[Checkpoint], key: str | None, output: Output) -> None:
    output.line(f"chain verified: {log.entries} entries, the last is {log.digest.hex()}")
    output.line(f"tree verified: its root is {log.root.hex()}")
    for each in kept:
        output.line(f"extends the kept checkpoint of {each.size} entries")
    output.line("signature verified" if key else "signature not verified; use --key to verify it")
    output.document(
        {
            "entries": log.entries,
            "digest": log.digest.hex(),
            "root": log.root.hex(),
            "kept": [each.size for each in kept],
            "signature": "verified" if key else None,
        }
    )
