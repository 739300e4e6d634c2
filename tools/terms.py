"""Check that code and documentation use the terms of docs/glossary.md: `python -m tools.terms`.

The glossary's last table lists what to avoid, as regular expressions. A finding is printed as
`file:line: avoid X, use Y (why)`; the exit status is 1 if there is one.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
GLOSSARY = "docs/glossary.md"

_HEADING = "## Terms to avoid"
_ROW = re.compile(r"^\| `(.+?)` \| (.*?) \| (.*?) ?\|$", re.MULTILINE)
_BREAK = r"(?: |\n[ \t]*(?:(?:#|--|//|\*|>)[ \t]+)?)"
"""What a space of an expression matches: a space, or a line break and the next line's prefix."""
_TEST_NAME = re.compile(r"\btest_\w+")

_SUFFIXES = {".css", ".html", ".js", ".md", ".py", ".sh", ".sql", ".toml", ".yaml", ".yml"}
_OTHERS = {
    ".ci/run",
    "Dockerfile",
    "Makefile",
    "clients/browser/texts/en.json",
    "deploy/Caddyfile",
    "docs/grafana.json",
}
_PRUNED = {"__pycache__", "build", "data", "dist", "node_modules"}
_SKIPPED = re.compile(
    r"docs/glossary\.md"  # names the terms
    r"|tests/contract/test_terms\.py"  # the same
    r"|CHANGELOG\.md"  # the same, if something was renamed; old versions stay as they were
    r"|openapi\.yaml|service/unseen_service/pages/.*\.html"  # generated from what is checked
    r"|service/unseen_service/store/migrations/.*"  # must not change once applied
)


class Term(NamedTuple):
    """A row of the table: what to avoid, what to use, and why."""

    pattern: re.Pattern[str]
    use: str
    why: str


class Finding(NamedTuple):
    """A term to avoid at a line of a file."""

    file: str
    line: int
    found: str
    term: Term

    def __str__(self) -> str:
        """Return the finding as one line."""
        why = f" ({self.term.why})" if self.term.why else ""
        return f'{self.file}:{self.line}: avoid "{self.found}", use {self.term.use}{why}'


def parse_terms(glossary: str) -> list[Term]:
    """Return the terms to avoid. Raises ValueError if the glossary lists none."""
    _, _, table = glossary.partition(_HEADING)
    terms = [Term(_compile(row[1]), row[2], row[3]) for row in _ROW.finditer(table)]
    if not terms:
        raise ValueError(f'{GLOSSARY} has no table of terms below "{_HEADING}"')
    return terms


def find(file: str, text: str, terms: Iterable[Term]) -> Iterator[Finding]:
    """Yield every term to avoid in a text. Test names are read as words."""
    text = _TEST_NAME.sub(lambda name: name[0].replace("_", " "), text)
    for term in terms:
        for match in term.pattern.finditer(text):
            line = 1 + text.count("\n", 0, match.start())
            yield Finding(file, line, " ".join(match[0].split()), term)


def checked_files() -> list[str]:
    """Return the files that are checked, as paths below the root, sorted."""
    return sorted(
        file
        for file in repository_files()
        if (Path(file).suffix in _SUFFIXES or file in _OTHERS) and not _SKIPPED.fullmatch(file)
    )


def repository_files() -> Iterator[str]:
    """Yield every file, as a path below the root, except what `.gitignore` would ignore."""
    # Not `git ls-files`: CI checks an archive, which has no repository.
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [each for each in folders if each not in _PRUNED and _is_shown(each)]
        yield from (Path(folder, file).relative_to(ROOT).as_posix() for file in files)


def main() -> None:
    """Print every finding. Exit with status 1 if there is one."""
    terms = parse_terms((ROOT / GLOSSARY).read_text(encoding="utf-8"))
    findings = [
        finding
        for file in checked_files()
        for finding in find(file, (ROOT / file).read_text(encoding="utf-8"), terms)
    ]
    for finding in sorted(findings, key=lambda each: (each.file, each.line)):
        print(finding)
    sys.exit(1 if findings else 0)


def _is_shown(folder: str) -> bool:
    return not folder.startswith(".") or folder in {".ci", ".github"}


def _compile(cell: str) -> re.Pattern[str]:
    expression = cell.replace(r"\|", "|").replace(" ", _BREAK)
    return re.compile(expression, re.IGNORECASE | re.MULTILINE)


if __name__ == "__main__":
    main()
