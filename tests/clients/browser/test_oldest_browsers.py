"""The page uses no syntax and no API that is newer than the oldest browsers that it supports."""

import re
from pathlib import Path

import pytest

from clients.browser import assemble

from .javascript import names_of, syntax_of, tokens
from .oldest_browsers import NAMES, OLD, OLDEST, OPTIONAL, OWN, SYNTAX

SCRIPTS = sorted({
    *assemble.HASHING_WORKER,
    *assemble.PICKER_SCRIPTS,
    *assemble.PROOF_OF_WORK_WORKER,
    *assemble.PAGE_SCRIPTS,
})  # fmt: skip
PAGE = "\n".join(assemble.read_sources()[name] for name in SCRIPTS)


def newer(script: str) -> set[str]:
    """Return the syntax and names in a script that the oldest browsers lack, or no table has."""
    found = tokens(script)
    methods, members, free = names_of(found)
    names = (methods | members | free) - OLD - OWN - OPTIONAL.keys()
    known = SYNTAX | NAMES
    used = syntax_of(found) | names
    return {each for each in used if each not in known or not known[each].are_within(OLDEST)}


def test_the_page_uses_nothing_newer_than_its_oldest_browsers() -> None:
    assert newer(PAGE) == set()


def test_the_tables_hold_only_what_the_page_uses() -> None:
    methods, members, free = names_of(tokens(PAGE))
    listed = NAMES.keys() | OLD | OWN | OPTIONAL.keys()
    assert listed - methods - members - free <= {"catch", "data", "delete", "get", "set"}


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("if (Object.hasOwn(a, 'b')) c();", "hasOwn"),
        ("const at = [1]; at.at(-1);", "at"),
        ("const last = list.findLast((each) => each);", "findLast"),
        ("const text = `a ${list.toReversed().map((b) => `${b.with(0, 1)}`)} b`;", "with"),
        ("fetch('/', { signal: AbortSignal.timeout(5) });", "timeout"),
        ("const copy = structuredClone({});", "structuredClone"),
        ("element.ariaLabel = 'a';", "ariaLabel"),
        ("class A { static { this.b = 1; } }", "a static block"),
        ("const r = a / b / c, s = /[/]x/v;", "the flag v"),
        ("import('./a.js');", "import"),
    ],
)
def test_what_is_newer_is_found(script: str, found: str) -> None:
    assert found in newer(script)


def test_what_is_in_texts_comments_and_expressions_is_not_code() -> None:
    script = "// a.hasOwn()\n/* b.at() */ const c = ['d.at()', /f.at()/, `h.at()`];"
    assert newer(script) == set()


def test_the_documentation_names_the_oldest_browsers() -> None:
    text = (Path(__file__).parents[3] / "docs" / "page.md").read_text("utf-8")
    [section] = re.findall(r"## Browsers\n(.*?)\n## ", text, re.DOTALL)
    versions = re.findall(r"version (\d+)|Firefox from (\d+)|from (\d+\.\d+)\n", section)
    assert tuple(float("".join(each)) for each in versions) == OLDEST
