"""`python -m benchmarks [NAME [OPTION…]]`: run every benchmark, or one with its options."""

import importlib
import pkgutil
import sys
from collections.abc import Callable

import benchmarks


def found() -> dict[str, Callable[[list[str]], None]]:
    """Find the benchmarks by name: the modules that have a `main`."""
    names = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    modules = {
        name: importlib.import_module(f"benchmarks.{name}") for name in names if name[0] != "_"
    }
    return {name: module.main for name, module in modules.items() if hasattr(module, "main")}


def run(arguments: list[str]) -> None:
    mains = found()
    if not arguments:
        for main in mains.values():
            main([])
    elif arguments[0] in mains:
        mains[arguments[0]](arguments[1:])
    else:
        sys.exit(f"There is no benchmark {arguments[0]!r}; there are: {', '.join(mains)}")


run(sys.argv[1:])
