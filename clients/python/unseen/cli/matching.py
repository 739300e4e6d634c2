"""`unseen match`: look up files or hashes, at the service or in a local copy."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..fingerprints import Fingerprint
from ..models import Hit, Matches
from .exit_codes import Exit
from .image_files import choose_exit_code
from .left_out import LeftOut
from .output import Output

Image = Sequence[str | Fingerprint]
"""The hashes of a file, or one that was given."""


def match(options: argparse.Namespace, output: Output) -> Exit:
    """Print for each file or hash whether it is close to a submitted one."""
    queries, left_out = _queries(options, output)
    hits: list[Hit] = []
    if queries:
        hits = list(_look_up(options, [image for _, image in queries]).hits)
    by_query: dict[int, list[Hit]] = {}
    for hit in hits:
        by_query.setdefault(hit.query, []).append(hit)
    for number, (name, _) in enumerate(queries):
        _report(name, by_query.get(number, []), output)
    output.document(
        {
            "queries": [
                {"query": name, "hits": [_document(hit) for hit in by_query.get(number, [])]}
                for number, (name, _) in enumerate(queries)
            ],
            "left_out": [one.document() for one in left_out],
        }
    )
    return choose_exit_code(is_done=bool(queries), left_out=left_out)


# Only one of the two is needed: httpx for the service, NumPy for the local copy.
def _look_up(options: argparse.Namespace, images: list[Image]) -> Matches:
    """Ask the service, or search the local copy."""
    if options.local:
        from ..mirror import LocalCopy  # noqa: PLC0415

        with LocalCopy(options.folder) as copy:
            return copy.match_images(images, options.distance)
    from ..client import Client  # noqa: PLC0415

    with Client(options.server, options.key, insecure=options.insecure) as client:
        return client.match_images(images, options.distance)


def _queries(
    options: argparse.Namespace, output: Output
) -> tuple[list[tuple[str, Image]], list[LeftOut]]:
    """Read the arguments: 64 hexadecimal digits are a hash, anything else a file or folder."""
    hashes = [one for one in options.queries if _is_hash(one)]
    files = [one for one in options.queries if not _is_hash(one)]
    queries: list[tuple[str, Image]] = [(one, [one]) for one in hashes]
    if not files:
        return queries, []
    from .hashing import hash_queries  # noqa: PLC0415 - hashes alone need no image library

    hashed, left_out = hash_queries(files, output, fast=options.fast)
    return queries + [(str(one.path), one.prints) for one in hashed], left_out


def _is_hash(argument: str) -> bool:
    return bool(re.fullmatch("[0-9a-fA-F]{64}", argument)) and not Path(argument).exists()


def _report(name: str, hits: list[Hit], output: Output) -> None:
    if not hits:
        output.line(f"{name}: no match")
    for hit in hits:
        output.line(
            f"{name}: match, distance {hit.distance}, view {hit.view}, "
            f"{hit.standing}, {'suspect, ' if hit.suspect else ''}record {hit.record}"
        )


def _document(hit: Hit) -> dict[str, Any]:
    return {name: value for name, value in asdict(hit).items() if name != "query"}
