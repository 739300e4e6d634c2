"""`unseen hash` and `unseen views`: hash images offline; nothing is sent."""

import argparse
from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from ..fingerprints import MIN_QUALITY, Fingerprint
from ..hashing import fingerprint, fingerprint_views
from ..query_hashes import query_fingerprints
from .exit_codes import Exit
from .image_files import Hashed, choose_exit_code, collect, hash_all
from .left_out import LeftOut
from .output import Output


def hash_files(options: argparse.Namespace, output: Output) -> Exit:
    """Print each file's hash, quality and convention."""
    hashed, left_out = hash_originals(options.files, output, fast=options.fast)
    for one in hashed:
        _print(one.prints[0], str(one.path), output)
    output.document(
        {
            "images": [{"file": str(one.path), **_document(one.prints[0])} for one in hashed],
            "left_out": [one.document() for one in left_out],
        }
    )
    return choose_exit_code(is_done=bool(hashed), left_out=left_out)


def views(options: argparse.Namespace, output: Output) -> Exit:
    """Print the hash of each view that a submission would contain."""
    hashed, left_out = hash_all(collect(options.files, output), fingerprint_views, output)
    for one in hashed:
        output.line(str(one.path))
        for view in one.prints:
            _print(view, view.view, output)
    output.document(
        {
            "images": [
                {"file": str(one.path), "views": [_document(view) for view in one.prints]}
                for one in hashed
            ],
            "left_out": [one.document() for one in left_out],
        }
    )
    return choose_exit_code(is_done=bool(hashed), left_out=left_out)


def hash_originals(
    files: Iterable[str], output: Output, *, fast: bool
) -> tuple[list[Hashed], list[LeftOut]]:
    """Hash files, and the images in folders, without their other views. Raises InputError."""
    return hash_all(collect(files, output), partial(_hash_original, fast=fast), output)


def hash_queries(
    files: Iterable[str], output: Output, *, fast: bool
) -> tuple[list[Hashed], list[LeftOut]]:
    """Hash files, and the images in folders, with their parts, to look them up."""
    return hash_all(collect(files, output), partial(query_fingerprints, fast=fast), output)


def _hash_original(path: Path, *, fast: bool) -> tuple[Fingerprint, ...]:
    return (fingerprint(path, fast=fast),)


def _print(one: Fingerprint, name: str, output: Output) -> None:
    weak = "  (too flat to submit)" if one.quality < MIN_QUALITY else ""
    cut = "" if one.complete else "  (a part of it is missing)"
    output.line(f"{one.pdq}  quality {one.quality:3}  {one.convention}  {name}{weak}{cut}")


def _document(one: Fingerprint) -> dict[str, Any]:
    return asdict(one)
