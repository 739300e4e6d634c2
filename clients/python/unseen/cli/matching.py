"""`unseen match`: what a platform asks, of files it holds or of hashes it has made."""

import argparse
import re
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from ..client import Client
from ..hashing import Fingerprint
from ..mirror import LocalCopy
from ..models import Hit, Matches
from .exits import Exit
from .files import LeftOut, collect, hash_all
from .hashing import ended, original
from .output import Output


def match(options: argparse.Namespace, output: Output) -> Exit:
    """Say of each file or hash whether it is close to a submitted one."""
    asked, left_out = _queries(options, output)
    hits: list[Hit] = []
    if asked:
        hits = list(_answer(options, [one for _, one in asked]).hits)
    by_query: dict[int, list[Hit]] = {}
    for hit in hits:
        by_query.setdefault(hit.query, []).append(hit)
    for number, (name, _) in enumerate(asked):
        _report(name, by_query.get(number, []), output)
    output.document(
        {
            "queries": [
                {"query": name, "hits": [_document(hit) for hit in by_query.get(number, [])]}
                for number, (name, _) in enumerate(asked)
            ],
            "left_out": [one.document() for one in left_out],
        }
    )
    return ended(done=bool(asked), left_out=left_out)


def _answer(options: argparse.Namespace, asked: list[str | Fingerprint]) -> Matches:
    """Ask the service, or the copy that is kept here."""
    if options.local:
        with LocalCopy(options.folder) as copy:
            return copy.match(asked, options.distance)
    with Client(options.server, options.key, insecure=options.insecure) as client:
        return client.match(asked, options.distance)


def _queries(
    options: argparse.Namespace, output: Output
) -> tuple[list[tuple[str, str | Fingerprint]], list[LeftOut]]:
    """Read the arguments: 64 hexadecimal digits are a hash, all else files and folders."""
    hashes = [one for one in options.queries if _is_hash(one)]
    files = [one for one in options.queries if not _is_hash(one)]
    asked: list[tuple[str, str | Fingerprint]] = [(one, one) for one in hashes]
    if not files:
        return asked, []
    hashed, left_out = hash_all(collect(files), partial(original, fast=options.fast), output)
    return asked + [(str(one.path), one.prints[0]) for one in hashed], left_out


def _is_hash(argument: str) -> bool:
    return bool(re.fullmatch("[0-9a-fA-F]{64}", argument)) and not Path(argument).exists()


def _report(name: str, hits: list[Hit], output: Output) -> None:
    if not hits:
        output.line(f"{name}: no match")
    for hit in hits:
        output.line(
            f"{name}: match, distance {hit.distance}, view {hit.view}, "
            f"{hit.standing}, record {hit.record}"
        )


def _document(hit: Hit) -> dict[str, Any]:
    return {name: value for name, value in asdict(hit).items() if name != "query"}
