"""The service's settings: read once from the environment, frozen, passed in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias

from .errors import SettingInvalid
from .models import HASH_BYTES, MATCH_RADIUS

PREFIX = "UNSEEN_"

Device: TypeAlias = Literal["cpu", "cuda"]

DEFAULT_DATA = Path("data")
"""The folder of the embedded PostgreSQL and of the audit log's key, unless told otherwise."""

_BESIDE_THE_POOL = 4
"""Connections of a worker that listen, three, or hold a lock now and then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator can set. Each field is `UNSEEN_` and its name in the environment.

    Only the database is named otherwise: DATABASE_URL, as everywhere, or DATABASE_URL_FILE.
    """

    database_url: str = field(repr=False)
    max_distance: int = MATCH_RADIUS
    max_body_bytes: int = 2 * 1024 * 1024
    pool_size: int = 8
    pool_timeout_ms: int = 2_000
    statement_timeout_ms: int = 5_000
    stale_after_ms: int = 60_000
    work_free_hashes_per_minute: int = 2_000
    work_tries_per_hash: int = 1_000
    requests_per_minute: int = 60_000
    hashes_per_minute: int = 600_000
    probing_alert: int = 48
    probing_pause: int = 96
    index_dir: Path | None = None
    device: Device = "cpu"
    save_after_changes: int = 10_000
    save_after_ms: int = 600_000
    feed_wait_s: int = 30
    overdue_hours: int = 48
    watch_every_ms: int = 10_000
    overmatch_floor: int = 200
    measure_every_ms: int = 10_000
    retain_every_hours: int = 24
    erase_after_days: int = 30
    keep_submissions_days: int = 7
    keep_given_up_days: int = 30
    keep_alerts_days: int = 90
    webhook_private_targets: int = 0
    data: Path = DEFAULT_DATA
    audit_key_file: Path | None = None

    @property
    def connections(self) -> int:
        """How many connections to PostgreSQL a worker takes at most."""
        return self.pool_size + _BESIDE_THE_POOL

    @property
    def audit_key(self) -> Path:
        """The file of the key that signs checkpoints; in the data folder unless set."""
        return self.audit_key_file or self.data / "audit.key"

    @property
    def kept_checkpoint(self) -> Path:
        """Where the service keeps the last checkpoint that it signed, outside the database."""
        return self.data / "audit.checkpoint"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; raise SettingInvalid for what is missing or cannot be read."""
        url = given_url(environment)
        if not url:
            raise SettingInvalid(
                "DATABASE_URL is not set. Set it to a PostgreSQL 15+ database, "
                "or run 'unseen-service serve --data DIR' for an embedded one."
            )
        found = {
            each.name: _READERS[each.type](variable, environment[variable])
            for each in fields(cls)[1:]
            if (variable := PREFIX + each.name.upper()) in environment
        }
        return cls(database_url=url, **found)


def given_url(environment: Mapping[str, str]) -> str | None:
    """Read DATABASE_URL, or the file that DATABASE_URL_FILE names: a secret that is mounted."""
    file = environment.get("DATABASE_URL_FILE")
    if not file:
        return environment.get("DATABASE_URL")
    try:
        url = Path(file).read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise SettingInvalid(f"DATABASE_URL_FILE cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingInvalid("DATABASE_URL_FILE names a file that is not UTF-8.") from None
    if not url:
        raise SettingInvalid("DATABASE_URL_FILE names a file that is empty.")
    return url


_RANGES: Mapping[str, tuple[int, int]] = {
    "max_distance": (0, 8 * HASH_BYTES),
    "max_body_bytes": (1_024, 1 << 30),
    "pool_size": (1, 1_000),
    "pool_timeout_ms": (10, 600_000),
    "statement_timeout_ms": (100, 3_600_000),
    "watch_every_ms": (10, 86_400_000),
    "measure_every_ms": (10, 86_400_000),
    "save_after_changes": (1, 1_000_000_000),
    "feed_wait_s": (0, 3_600),
    "retain_every_hours": (1, 8_760),
    "webhook_private_targets": (0, 1),
}
"""From the least to the most that each may be, where its unit does not say so."""

_UNITS = {"ms": 86_400_000, "hours": 87_600, "days": 36_500}
"""The most by the last word of a name: a day, ten years, a hundred. Else 10^9, as of all counts."""


def _number(variable: str, text: str) -> int:
    name = variable.removeprefix(PREFIX).lower()
    least, most = _RANGES.get(name, (0, _UNITS.get(name.rpartition("_")[2], 1_000_000_000)))
    if text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most:
        return int(text)
    raise SettingInvalid(f"{variable} must be a whole number from {least} to {most}.")


def _path(variable: str, text: str) -> Path:
    if not text:
        raise SettingInvalid(f"{variable} must be a path.")
    return Path(text)


def _device(variable: str, text: str) -> str:
    if text not in ("cpu", "cuda"):
        raise SettingInvalid(f"{variable} must be cpu or cuda.")
    return text


_READERS: Mapping[Any, Callable[[str, str], Any]] = {
    int: _number,
    Device: _device,
    Path: _path,
    Path | None: _path,
}
