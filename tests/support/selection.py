"""Which tests are quick enough for the inner loop, and which need root."""

import inspect
import os
import subprocess
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import sync_playwright
from unseen_service.embedded_postgres import EmbeddedPostgres

_STARTERS = (subprocess, uvicorn, EmbeddedPostgres, sync_playwright)


def is_root() -> bool:
    """Return whether this process runs as root."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def starts_process(item: pytest.Function) -> bool:
    """Return whether a test, or a fixture of its own, starts a service, a process or a browser.

    Found by reading the code: from the test and its fixtures through every function and class of
    `tests` that they name. Fixtures of the whole run do not count, as many tests share what they
    start.
    """
    fixtures = (each[-1] for each in item._fixtureinfo.name2fixturedefs.values())
    own = [each.func for each in fixtures if each.scope != "session"]
    seen: set[int] = set()
    return any(_reaches_starter(each, seen) for each in (item.function, *own))


def _reaches_starter(value: Any, seen: set[int]) -> bool:
    if any(value is starter for starter in _STARTERS):
        return True
    if id(value) in seen or not getattr(value, "__module__", "").startswith("tests."):
        return False
    seen.add(id(value))
    if inspect.isclass(value):
        return any(_reaches_starter(each, seen) for each in vars(value).values())
    function = inspect.unwrap(value) if callable(value) else None
    if not isinstance(function, FunctionType):
        return False
    named = (function.__globals__.get(name) for name in _names(function.__code__))
    return any(_reaches_starter(each, seen) for each in named)


def _names(code: CodeType) -> Iterator[str]:
    """Yield every global name and attribute that code uses, with the functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
