"""queries.sql, loaded once: `SQL["name"]` is the statement."""

import re
from importlib.resources import files

_OPENING = re.compile(r"^-- ([a-z_]+): .*\n", re.MULTILINE)


def _load() -> dict[str, bytes]:
    text = files(__package__).joinpath("queries.sql").read_text(encoding="utf-8")
    _, *parts = _OPENING.split(text)
    names, statements = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise RuntimeError("queries.sql names a statement twice")
    return {
        name: statement.strip().rstrip(";").encode()
        for name, statement in zip(names, statements, strict=True)
    }


SQL = _load()
