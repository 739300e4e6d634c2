"""How the kernels are compiled: without the GIL, and cached on disk wherever that is possible."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile with Numba at the first call: no GIL, cached between processes.

    Numba keeps its cache beside the package, else in the user's cache folder, else wherever
    NUMBA_CACHE_DIR says. Where none can be written it refuses to set a cache up at all; the kernels
    are then compiled anew in each process (some seconds), which is better than no search.
    """
    try:
        kernel: Any = numba.njit(function, nogil=True, cache=True)
        # Numba looks at the time stamp of the function's own file only, and would go on using a
        # kernel after a function or a constant that it takes from another file has changed.
        kernel._cache._cache_file._source_stamp = _STAMP  # noqa: SLF001
    except (RuntimeError, AttributeError):
        kernel = numba.njit(function, nogil=True)
    return kernel  # type: ignore[no-any-return]


def _stamp() -> str:
    """Digest the whole package's source."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


_STAMP = _stamp()
