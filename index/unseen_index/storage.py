"""Saving a table to a folder, and opening it memory-mapped.

The data goes to a new subfolder, which is renamed once it is complete; then the manifest that names
it atomically replaces the old one. A crash at any moment leaves either the old table or the new
one. Processes that have the old table open keep it: the operating system frees its files when the
last of them closes it.
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


class TableData(NamedTuple):
    """The content of a table."""

    shuffle: Shuffle
    segments: Sequence[Segment]
    removed: Sequence[npt.NDArray[np.uint32]]  # row numbers, for each segment
    ids: npt.NDArray[np.int64]  # of the memtable
    hashes: npt.NDArray[np.uint8]  # of the memtable


def write(table: TableData, folder: Path) -> None:
    """Write a table to a folder, replacing any table there."""
    _check_folder(folder)
    # Only for its owner: anyone who reads a table has every hash in it.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    token = secrets.token_hex(8)
    unfinished, data = folder / f"unfinished-{token}", folder / f"data-{token}"
    unfinished_manifest = folder / f"unfinished-{token}.json"
    unfinished.mkdir(mode=0o700)
    try:
        body = _write_data(table, unfinished)
        _sync(unfinished)
        unfinished.rename(data)
        manifest.write({**body, "data": data.name}, unfinished_manifest)
        _sync(unfinished_manifest)
        unfinished_manifest.replace(folder / manifest.NAME)
        _sync(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    _delete_stale_data(folder)


def read(folder: Path) -> TableData:
    """Open the table in a folder; its segments are mapped, not read.

    Raises DamagedTableError. Retries if another process saves a newer table meanwhile.
    """
    while True:
        body = manifest.read(folder)
        try:
            return _read_data(body, folder / body["data"])
        except FileNotFoundError as error:
            if manifest.read(folder)["data"] == body["data"]:
                raise DamagedTableError(
                    f"{error.filename} is missing: delete the saved table, then rebuild it or "
                    "copy it again"
                ) from error


def _write_data(table: TableData, data: Path) -> dict[str, Any]:
    """Write the files of a table; return the body of its manifest."""
    segments = []
    pairs = zip(table.segments, table.removed, strict=True)
    for number, (segment, removed) in enumerate(pairs):
        name = f"segment-{number}"
        with (data / name).open("wb") as file:
            file.write(segment.buffer.data)
            _flush(file)
        segments.append(
            {
                "file": name,
                "rows": segment.rows,
                "sums": _write_array(data / f"{name}.sums", segment.checksums),
                "removed": _write_array(data / f"{name}.removed", removed),
            }
        )
    return {
        "format": manifest.FORMAT,
        "version": manifest.VERSION,
        "order": table.shuffle.order.tobytes().hex(),
        "segments": segments,
        "ids": _write_array(data / "memtable.ids", table.ids),
        "hashes": _write_array(data / "memtable.hashes", table.hashes),
    }


def _read_data(body: dict[str, Any], data: Path) -> TableData:
    segments = [_read_segment(entry, data) for entry in body["segments"]]
    return TableData(
        Shuffle(np.frombuffer(bytes.fromhex(body["order"]), np.uint8)),
        segments,
        [segment.removed_rows() for segment in segments],
        _read_array(data, body["ids"], "<i8"),
        _read_array(data, body["hashes"], "u1").reshape(-1, 32),
    )


def _read_segment(entry: dict[str, Any], data: Path) -> Segment:
    path, rows = data / entry["file"], entry["rows"]
    if not 0 < rows <= ROWS_MAX:
        raise DamagedTableError(f"{path} cannot have {rows} rows: rebuild the table")
    checksums = _read_array(data, entry["sums"], "<u8")
    _check_length(path, offsets(rows).total)
    buffer = np.asarray(np.memmap(path, np.uint8, "r"))
    segment = Segment(buffer, rows, checksums=checksums, name=str(path))
    segment.remove_rows(_read_array(data, entry["removed"], "<u4"))
    return segment


def _write_array(path: Path, array: npt.NDArray[Any]) -> dict[str, Any]:
    """Write an array; return its entry in the manifest."""
    data = np.ascontiguousarray(array).tobytes()
    with path.open("wb") as file:
        file.write(data)
        _flush(file)
    return {"file": path.name, "bytes": len(data), "digest": manifest.digest_of(data)}


def _read_array(data: Path, entry: dict[str, Any], dtype: str) -> npt.NDArray[Any]:
    path = data / entry["file"]
    _check_length(path, entry["bytes"])
    content = path.read_bytes()
    if manifest.digest_of(content) != entry["digest"]:
        raise DamagedTableError(
            f"{path} is damaged: delete the saved table, then rebuild it or copy it again"
        )
    return np.frombuffer(content, dtype)


def _check_length(path: Path, length: int) -> None:
    if path.stat().st_size != length:
        raise DamagedTableError(
            f"{path} has {path.stat().st_size} bytes, not {length}: delete the saved table, then "
            "rebuild it or copy it again"
        )


def _check_folder(folder: Path) -> None:
    """Raise ValueError if the folder contains files that do not belong to a table."""
    if not folder.is_dir() or (folder / manifest.NAME).exists():
        return
    if not all(_is_table_data(path) for path in folder.iterdir()):
        raise ValueError(f"{folder} contains other files; save the table to its own folder")


def _is_table_data(path: Path) -> bool:
    return path.name.startswith(("data-", "unfinished-"))


def _delete_stale_data(folder: Path) -> None:
    """Delete the data that the manifest does not name: older tables and remains of a crash."""
    current = manifest.read(folder)["data"]
    for path in folder.iterdir():
        if not _is_table_data(path) or path.name == current:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync(path: Path) -> None:
    """Wait until a file, or the entries of a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
