"""Saving a table to a folder and opening it again, memory-mapped.

The data goes to a new folder inside, which is renamed when it is whole; then the manifest that
names it takes the old one's place in one step. A crash at any moment leaves the old table or
the new one. Processes that have the old one open keep it: its files vanish only when the last
one closes them.
"""

import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import manifest
from .errors import DamagedTableError
from .layout import ROWS_MAX, offsets
from .segment import Segment
from .shuffle import Shuffle


class Saved(NamedTuple):
    """The content of a table."""

    shuffle: Shuffle
    segments: Sequence[Segment]
    removed: Sequence[npt.NDArray[np.uint32]]  # rows, of each segment
    ids: npt.NDArray[np.int64]  # of the fresh part
    hashes: npt.NDArray[np.uint8]  # of the fresh part


def write(saved: Saved, folder: Path) -> None:
    """Write a table to a folder, in the place of the one that is there, if any."""
    _refuse_foreign(folder)
    folder.mkdir(parents=True, exist_ok=True)
    token = secrets.token_hex(8)
    scratch, data = folder / f"unfinished-{token}", folder / f"data-{token}"
    scratch.mkdir()
    try:
        body = _write_data(saved, scratch)
        _sync(scratch)
        scratch.rename(data)
        manifest.write({**body, "data": data.name}, folder / f"unfinished-{token}.json")
        _sync(folder / f"unfinished-{token}.json")
        (folder / f"unfinished-{token}.json").replace(folder / manifest.NAME)
        _sync(folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    _sweep(folder)


def read(folder: Path) -> Saved:
    """Open the table in a folder; its segments are mapped, not read.

    Raises DamagedTableError. Retries when another process saves a newer table meanwhile.
    """
    while True:
        body = manifest.read(folder)
        try:
            return _read_data(body, folder / body["data"])
        except FileNotFoundError as error:
            if manifest.read(folder)["data"] == body["data"]:
                raise DamagedTableError(
                    f"{error.filename} is missing: delete the saved table and build or copy it anew"
                ) from error


def _write_data(saved: Saved, data: Path) -> dict[str, Any]:
    """Write the files of a table; return its manifest."""
    segments = []
    pairs = zip(saved.segments, saved.removed, strict=True)
    for number, (segment, removed) in enumerate(pairs):
        name = f"segment-{number}"
        with (data / name).open("wb") as file:
            file.write(segment.buffer.data)
            _flush(file)
        sums = _write_small(data / f"{name}.sums", segment.sums)
        gone = _write_small(data / f"{name}.removed", removed)
        segments.append({"file": name, "rows": segment.rows, "sums": sums, "removed": gone})
    return {
        "format": manifest.FORMAT,
        "version": manifest.VERSION,
        "order": saved.shuffle.order.tobytes().hex(),
        "segments": segments,
        "ids": _write_small(data / "fresh.ids", saved.ids),
        "hashes": _write_small(data / "fresh.hashes", saved.hashes),
    }


def _read_data(body: dict[str, Any], data: Path) -> Saved:
    shuffle = Shuffle(np.frombuffer(bytes.fromhex(body["order"]), np.uint8))
    segments = [_read_segment(entry, data) for entry in body["segments"]]
    removed = [np.flatnonzero(segment.removed).astype(np.uint32) for segment in segments]
    return Saved(
        shuffle,
        segments,
        removed,
        _read_small(data, body["ids"], "<i8"),
        _read_small(data, body["hashes"], "u1").reshape(-1, 32),
    )


def _read_segment(entry: dict[str, Any], data: Path) -> Segment:
    path, rows = data / entry["file"], entry["rows"]
    if not 0 < rows <= ROWS_MAX:
        raise DamagedTableError(f"{path} cannot have {rows} rows: build the table anew")
    sums = _read_small(data, entry["sums"], "<u8")
    _refuse_length(path, offsets(rows).total)
    buffer = np.asarray(np.memmap(path, np.uint8, "r"))
    segment = Segment(buffer, rows, sums=sums, name=str(path))
    segment.remove_rows(_read_small(data, entry["removed"], "<u4"))
    return segment


def _write_small(path: Path, array: npt.NDArray[Any]) -> dict[str, Any]:
    """Write an array; return how the manifest describes it."""
    data = np.ascontiguousarray(array).tobytes()
    with path.open("wb") as file:
        file.write(data)
        _flush(file)
    return {"file": path.name, "bytes": len(data), "digest": manifest.digest_of(data)}


def _read_small(data: Path, entry: dict[str, Any], dtype: str) -> npt.NDArray[Any]:
    path = data / entry["file"]
    _refuse_length(path, entry["bytes"])
    content = path.read_bytes()
    if manifest.digest_of(content) != entry["digest"]:
        raise DamagedTableError(
            f"{path} is damaged: delete the saved table and build or copy it anew"
        )
    return np.frombuffer(content, dtype)


def _refuse_length(path: Path, length: int) -> None:
    if path.stat().st_size != length:
        raise DamagedTableError(
            f"{path} has {path.stat().st_size} bytes, not {length}: delete the saved table and "
            "build or copy it anew"
        )


def _refuse_foreign(folder: Path) -> None:
    """Refuse to save among files that are not a table's: they might be mistaken for ours."""
    if folder.is_dir() and not (folder / manifest.NAME).exists():
        others = [path.name for path in folder.iterdir() if not _is_leftover(path)]
        if others:
            raise ValueError(f"{folder} has other files in it; save to a folder of its own")


def _is_leftover(path: Path) -> bool:
    return path.name.startswith(("data-", "unfinished-"))


def _sweep(folder: Path) -> None:
    """Delete the data that the manifest does not name: older tables, and what a crash left."""
    kept = manifest.read(folder)["data"]
    for path in folder.iterdir():
        if not _is_leftover(path) or path.name == kept:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
