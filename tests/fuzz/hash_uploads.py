"""Fuzz the hashing of uploads: whatever the bytes, a hash or an ImageError, within its bounds.

    python -m tests.fuzz.hash_uploads FOLDER -max_total_time=3600

goes on from the files in FOLDER, after the pixel vectors, and adds those that reach new code.
The options are libFuzzer's.
"""

import base64
import contextlib
import json
import sys
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["unseen", "PIL"]):
    from unseen import ImageError, fingerprint

MOST_SECONDS = 2.0
"""Of processor time; the promise is a second, and instrumented code is slower."""
MOST_MB = 540
"""Of memory that is taken meanwhile; the promise is 512 MB."""
_VECTORS = Path(__file__).parent.parent / "contract" / "pixels" / "vectors.json"


def hash_upload(data: bytes) -> None:
    """Hash a file as a platform does. Anything but an ImageError is a fault."""
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before, began = _peak_mb(), time.process_time()
    with contextlib.suppress(ImageError):
        fingerprint(data, fast=True)
    seconds, taken = time.process_time() - began, _peak_mb() - before
    if seconds > MOST_SECONDS or taken > MOST_MB:
        raise AssertionError(f"{len(data)} bytes took {seconds:.1f} s and {taken} MB")


def _peak_mb() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1_024


def write_vectors(folder: Path) -> None:
    """Write the files of the pixel vectors to a folder, as the first to be changed."""
    for vector in json.loads(_VECTORS.read_text()):
        name = vector["name"].replace("/", " ")
        (folder / name).write_bytes(base64.b64decode(vector["base64"]))


def main() -> None:
    """Fuzz until a fault is found or the time is over."""
    write_vectors(Path(sys.argv[1]))
    limits = ["-rss_limit_mb=0", "-timeout=20", "-max_len=200000"]
    atheris.Setup([*sys.argv, *limits], hash_upload)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
