"""`unseen audit verify`: verify an export of a service's audit log, offline."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ..audit import Checkpoint, VerifiedLog, WitnessKey, read_checkpoint, verify_export
from ..errors import InputError
from .audit_files import open_export, read_note
from .exit_codes import Exit
from .output import Output


def verify(options: argparse.Namespace, output: Output) -> Exit:
    """Verify an export; report the first entry that is wrong."""
    kept = [_read_checkpoint(Path(each), options.key) for each in options.checkpoint]
    witnessed = [_find_witness(key, options.checkpoint) for key in options.witness]
    with open_export(options.file) as lines:
        log = verify_export(lines, kept, verifier=options.key)
    for each in witnessed:
        output.line(each)
    _report(log, kept, options.key, output)
    return Exit.DONE


def _find_witness(verifier: str, paths: Sequence[str]) -> str:
    """Return the newest signature of a witness among the checkpoints. Raises InputError."""
    key = WitnessKey.parse(verifier)
    found: list[tuple[int, int]] = []
    for path in paths:
        note = read_note(Path(path))
        if (second := key.signed_at(note)) is not None:
            found.append((second, read_checkpoint(note).size))
    if not found:
        raise InputError(
            f"None of the checkpoints is signed by the witness '{key.name}'.",
            hint="Save the published checkpoint and give it with --checkpoint.",
        )
    second, size = max(found)
    when = datetime.fromtimestamp(second, UTC).isoformat(timespec="seconds")
    return f"the witness '{key.name}' signed the log of {size} entries at {when}"


def _read_checkpoint(path: Path, key: str | None) -> Checkpoint:
    return read_checkpoint(read_note(path), key)


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
