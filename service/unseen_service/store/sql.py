"""The SQL statements, loaded once: `SQL["name"]` is the statement of that name in queries/."""

import re
from importlib.resources import files
from importlib.resources.abc import Traversable

_OPENING = re.compile(r"^-- ([a-z_]+): .*\n", re.MULTILINE)


def load(*places: Traversable) -> dict[str, bytes]:
    """Read the statements of some files, by the name that each opens with."""
    found: dict[str, bytes] = {}
    for place in places:
        _, *parts = _OPENING.split(place.read_text(encoding="utf-8"))
        for name, statement in zip(parts[::2], parts[1::2], strict=True):
            if name in found:
                raise RuntimeError(f"{place.name}: there is another statement named {name}")
            found[name] = statement.strip().rstrip(";").encode()
    return found


FOLDER = files(__package__)
SQL = load(*FOLDER.joinpath("queries").iterdir())
