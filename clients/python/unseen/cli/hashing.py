"""`unseen hash` and `unseen views`: offline, nothing is sent."""

import argparse
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from ..hashing import MIN_QUALITY, Fingerprint, fingerprint
from ..views import fingerprint_views
from .exits import Exit
from .files import LeftOut, collect, hash_all
from .output import Output


def hash_files(options: argparse.Namespace, output: Output) -> Exit:
    """Print each file's hash, quality and convention."""
    hashed, left_out = hash_all(
        collect(options.files), partial(original, fast=options.fast), output
    )
    for one in hashed:
        _print(one.prints[0], str(one.path), output)
    output.document(
        {
            "images": [{"file": str(one.path), **_document(one.prints[0])} for one in hashed],
            "left_out": [one.document() for one in left_out],
        }
    )
    return ended(done=bool(hashed), left_out=left_out)


def views(options: argparse.Namespace, output: Output) -> Exit:
    """Print the hash of each view that a submission would hold."""
    hashed, left_out = hash_all(collect(options.files), fingerprint_views, output)
    for one in hashed:
        output.line(str(one.path))
        for print_ in one.prints:
            _print(print_, print_.view, output)
    output.document(
        {
            "images": [
                {"file": str(one.path), "views": [_document(print_) for print_ in one.prints]}
                for one in hashed
            ],
            "left_out": [one.document() for one in left_out],
        }
    )
    return ended(done=bool(hashed), left_out=left_out)


def original(path: Path, *, fast: bool) -> tuple[Fingerprint, ...]:
    """Hash a file as it is, and none of its other views."""
    return (fingerprint(path, fast=fast),)


def ended(*, done: bool, left_out: list[LeftOut]) -> Exit:
    """Choose the exit code when something was done, or nothing, and some files were left out."""
    if not left_out:
        return Exit.DONE
    return Exit.PARTLY if done else Exit.FAILED


def _print(one: Fingerprint, name: str, output: Output) -> None:
    weak = "  (too flat to submit)" if one.quality < MIN_QUALITY else ""
    output.line(f"{one.pdq}  quality {one.quality:3}  {one.convention}  {name}{weak}")


def _document(one: Fingerprint) -> dict[str, Any]:
    return asdict(one)
