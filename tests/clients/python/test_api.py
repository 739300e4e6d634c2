"""The public face of the package: what is listed is there, sorted, described, and light."""

import subprocess
import sys
from pathlib import Path

import unseen
from unseen import errors


def test_all_is_sorted_and_complete() -> None:
    listed = [name for name in unseen.__all__ if not name.isupper()]
    constants = [name for name in unseen.__all__ if name.isupper()]
    assert unseen.__all__ == (
        sorted(constants)
        + sorted(name for name in listed if name[0].isupper())
        + sorted(name for name in listed if name[0].islower())
    )
    assert all(hasattr(unseen, name) for name in unseen.__all__)


def test_every_error_is_public_described_and_drawn_in_the_tree() -> None:
    for name, error in vars(errors).items():
        if isinstance(error, type) and issubclass(error, errors.UnseenError):
            assert name in unseen.__all__
            assert error.__doc__
            assert name in (errors.__doc__ or "")


def test_importing_it_brings_in_nothing_heavy() -> None:
    script = "import sys, unseen.cli; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    loaded = set(done.stdout.decode().split())
    assert not loaded & {"faiss", "numba", "fastapi", "psycopg", "unseen_service", "unseen_index"}


def test_it_is_typed() -> None:
    assert (Path(unseen.__file__).parent / "py.typed").exists()
