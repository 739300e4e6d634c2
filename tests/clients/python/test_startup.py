"""What is loaded to start: modules are counted, since time depends on the machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .pictures import fill

HTTP = {"httpx"}
IMAGES = {"numpy", "PIL", "pillow_heif", "pdqhash"}
OTHERS = {"faiss", "numba", "fastapi", "psycopg", "unseen_service", "unseen_index", "nacl"}

_PRINT_MODULES = "; print(*sorted(sys.modules), file=sys.stderr)"


def loaded(code: str, folder: Path | None = None) -> set[str]:
    """Run Python code in a new process; return the names of the modules that it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}{_PRINT_MODULES}"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.splitlines()[-1].split())


def loaded_by_command(*arguments: str, folder: Path) -> set[str]:
    code = (
        "import contextlib\n"
        f"sys.argv[1:] = {list(arguments)!r}\n"
        "from unseen.__main__ import main\n"
        "with contextlib.suppress(SystemExit): main()\n"
        "0"
    )
    return loaded(code, folder)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("--help",),
        ("submit", "--help"),
        ("completion", "bash"),
        ("submit",),
        ("fetch",),
        ("status", "UN-7K4M-9QTX"),
    ],
    ids=" ".join,
)
def test_what_needs_no_library_loads_none(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert not loaded_by_command(*arguments, folder=tmp_path) & (HTTP | IMAGES | OTHERS)


def test_a_command_loads_only_what_it_needs(tmp_path: Path) -> None:
    fill(tmp_path)
    server = ("--server", "http://127.0.0.1:9")
    hashing = loaded_by_command("hash", "photo.png", folder=tmp_path)
    assert hashing >= IMAGES
    assert not hashing & (HTTP | OTHERS)
    submit = ("submit", "photo.png", "--adult", "--depicted", "--without-consent", *server)
    loaded_by_command(*submit, "--prepare", "kept.json", folder=tmp_path)
    sending = loaded_by_command("submit", "--from", "kept.json", *server, folder=tmp_path)
    assert sending >= HTTP
    assert not sending & (IMAGES | OTHERS)
    asking = loaded_by_command("match", "5a" * 32, "--key", "k", *server, folder=tmp_path)
    assert asking >= HTTP
    assert not asking & (IMAGES | OTHERS)
    local = loaded_by_command("match", "--local", "5a" * 32, folder=tmp_path)
    assert not local & HTTP


def test_importing_the_package_loads_no_library() -> None:
    assert not loaded("import unseen; dir(unseen)") & (HTTP | IMAGES | OTHERS)


@pytest.mark.parametrize(
    ("name", "unneeded"),
    [
        ("fingerprint", HTTP | OTHERS),
        ("fingerprint_views", HTTP | OTHERS),
        ("LocalCopy", HTTP | OTHERS),
        ("Client", IMAGES | OTHERS),
        ("Submission", HTTP | IMAGES | OTHERS),
        ("Fingerprint", HTTP | IMAGES | OTHERS),
        ("VIEWS", HTTP | IMAGES | OTHERS),
    ],
)
def test_a_public_name_loads_only_what_it_needs(name: str, unneeded: set[str]) -> None:
    assert not loaded(f"from unseen import {name}") & unneeded
