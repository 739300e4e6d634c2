"""The service's settings: read once from the environment, frozen, passed in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from .errors import SettingInvalid
from .models import MATCH_RADIUS

PREFIX = "UNSEEN_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator can set. Each field is `UNSEEN_` and its name in the environment.

    Only the database is named otherwise: DATABASE_URL, as everywhere.
    """

    database_url: str = field(repr=False)
    max_distance: int = MATCH_RADIUS
    max_body_bytes: int = 2 * 1024 * 1024
    pool_size: int = 8
    pool_timeout_ms: int = 2_000
    stale_after_ms: int = 5_000
    index_dir: Path | None = None
    save_after_changes: int = 10_000
    save_after_ms: int = 600_000
    feed_wait_s: int = 30
    overdue_hours: int = 48

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; raise SettingInvalid for what is missing or no number."""
        url = environment.get("DATABASE_URL")
        if not url:
            raise SettingInvalid(
                "DATABASE_URL is not set. Set it to a PostgreSQL 15+ database, "
                "or run 'unseen-service serve --data DIR' for an embedded one."
            )
        known = {PREFIX + each.name.upper(): each.name for each in fields(cls)}
        numbers = {
            name: _number(variable, environment[variable])
            for variable, name in known.items()
            if variable in environment and name not in ("database_url", "index_dir")
        }
        folder = environment.get(f"{PREFIX}INDEX_DIR")
        return cls(database_url=url, index_dir=Path(folder) if folder else None, **numbers)


def _number(variable: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise SettingInvalid(f"{variable} must be a whole number, 0 or more.")
    return int(text)


DEFAULT_DATA = Path("data")
"""Where the embedded PostgreSQL keeps its data unless told otherwise."""
