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
MOST_MB = 1_500
"""Of memory: what the interpreter and the fuzzer keep grows to several hundred in an hour."""
_VECTORS = Path(__file__).parent.parent / "contract" / "pixels" / "vectors.json"


def hash_upload(data: bytes) -> None:
    """Hash a file as a platform does. Anything but an ImageError is a fault."""
    began = time.process_time()
    with contextlib.suppress(ImageError):
        fingerprint(data, fast=True)
    seconds = time.process_time() - began
    if seconds > MOST_SECONDS:
        raise AssertionError(f"{len(data)} bytes took {seconds:.1f} s")


def write_vectors(folder: Path) -> None:
    """Write the files of the pixel vectors to a folder, as the first to be changed."""
    for vector in json.loads(_VECTORS.read_text()):
        name = vector["name"].replace("/", " ")
        (folder / name).write_bytes(base64.b64decode(vector["base64"]))


def main() -> None:
    """Fuzz until a fault is found or the time is over."""
    write_vectors(Path(sys.argv[1]))
    limits = [f"-rss_limit_mb={MOST_MB}", "-timeout=20", "-max_len=200000"]
    atheris.Setup([*sys.argv, *limits], hash_upload)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
