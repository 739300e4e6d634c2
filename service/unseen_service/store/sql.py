"""The files of named statements, loaded once: `SQL["name"]` is a statement of queries.sql."""

import re
from importlib.resources import files

_OPENING = re.compile(r"^-- ([a-z_]+): .*\n", re.MULTILINE)


def load(file: str) -> dict[str, bytes]:
    """Read a file's statements, by the name that each opens with."""
    text = files(__package__).joinpath(file).read_text(encoding="utf-8")
    _, *parts = _OPENING.split(text)
    names, statements = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise RuntimeError(f"{file} names a statement twice")
    return {
        name: statement.strip().rstrip(";").encode()
        for name, statement in zip(names, statements, strict=True)
    }


SQL = load("queries.sql")
