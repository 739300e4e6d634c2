"""The decorator that compiles a kernel: without the GIL, and cached on disk if possible."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

_PACKAGE = Path(__file__).parent


def jit(function: Function) -> Function:
    """Compile a function with Numba on its first call: no GIL, cached between processes.

    Numba writes its cache to NUMBA_CACHE_DIR if that is set, else beside the package, else to the
    user's cache folder. If none of them is writable it refuses to set up a cache at all; each
    process then compiles the kernels again (some seconds), which is better than no search.
    """
    try:
        kernel: Any = numba.njit(function, nogil=True, cache=True)
        _read_package_cache(kernel._cache)  # noqa: SLF001
    except (RuntimeError, AttributeError):
        kernel = numba.njit(function, nogil=True)
    return kernel  # type: ignore[no-any-return]


def _read_package_cache(cache: Any) -> None:
    """Make a cache also read what was compiled at installation, wherever it writes.

    If the package's folder is read-only, Numba on its own would not look there. Entries are valid
    for this version of the package on this model of CPU; Numba ignores all others.
    """
    own = cache._cache_file  # noqa: SLF001
    # Numba's own stamp covers the function's file only: it would keep using a kernel after a
    # function or a constant imported from another file has changed.
    own._source_stamp = _STAMP  # noqa: SLF001
    name = cache._impl.filename_base  # noqa: SLF001
    package, load = type(own)(str(_PACKAGE / "__pycache__"), name, _STAMP), own.load
    for cache_file in (own, package):
        _ignore_unreadable_index(cache_file)

    def load_either(key: Any) -> Any:
        with suppress(OSError):
            if kernel := package.load(key):
                return kernel
        return load(key)

    own.load = load_either


def _ignore_unreadable_index(cache_file: Any) -> None:
    """Treat a cache index that cannot be unpickled as empty.

    Numba unpickles an index before it compares the stamps. The index of another version of this
    package may refer to a class or a module that has since been renamed.
    """
    load_index = cache_file._load_index  # noqa: SLF001

    def load_readable() -> Any:
        try:
            return load_index()
        except (AttributeError, ImportError):
            return {}

    cache_file._load_index = load_readable  # noqa: SLF001


def _source_digest() -> str:
    """Return a SHA-256 digest of the package's source."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


_STAMP = _source_digest()
