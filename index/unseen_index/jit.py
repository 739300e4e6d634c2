"""How the kernels are compiled: without the GIL, and cached on disk wherever that is possible."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

_PACKAGE = Path(__file__).parent


def compiled(function: Function) -> Function:
    """Compile with Numba at the first call: no GIL, cached between processes.

    Numba keeps its cache beside the package, else in the user's cache folder; in NUMBA_CACHE_DIR
    where that is set. Where none can be written it refuses to set a cache up at all; the kernels
    are then compiled anew in each process (some seconds), which is better than no search.
    """
    try:
        kernel: Any = numba.njit(function, nogil=True, cache=True)
        _look_beside_the_package(kernel._cache)  # noqa: SLF001
    except (RuntimeError, AttributeError):
        kernel = numba.njit(function, nogil=True)
    return kernel  # type: ignore[no-any-return]


def _look_beside_the_package(cache: Any) -> None:
    """Have a cache read what was compiled when the package was installed, wherever it writes.

    Where the package cannot be written Numba would not look beside it. What is there is for the
    package as it is and for the machine that it was compiled on; for another it is passed over.
    """
    own = cache._cache_file  # noqa: SLF001
    # Numba looks at the time stamp of the function's own file only, and would go on using a
    # kernel after a function or a constant that it takes from another file has changed.
    own._source_stamp = _STAMP  # noqa: SLF001
    name = cache._impl.filename_base  # noqa: SLF001
    beside, load = type(own)(str(_PACKAGE / "__pycache__"), name, _STAMP), own.load

    def load_either(key: Any) -> Any:
        with suppress(OSError):
            if kernel := beside.load(key):
                return kernel
        return load(key)

    own.load = load_either


def _stamp() -> str:
    """Digest the whole package's source."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


_STAMP = _stamp()
