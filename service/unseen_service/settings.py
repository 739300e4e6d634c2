"""The service's settings: read once from the environment, frozen, passed in."""

from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias

from .errors import SettingInvalid
from .models.hashes import HASH_BYTES, MATCH_RADIUS

PREFIX = "UNSEEN_"

Device: TypeAlias = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return it as it is written in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


DEFAULT_DATA = Path("data")
"""Folder of the embedded PostgreSQL and of the audit log's key, unless set otherwise."""

_CONNECTIONS_BESIDE_POOL = 4
"""Connections per worker outside the pool: three listen, one holds a lock now and then."""

_MILLISECONDS_A_DAY = 86_400_000
_HOURS_IN_TEN_YEARS = 87_600
_DAYS_IN_A_CENTURY = 36_500
_RANGE = "range"


def _integer(default: int, least: int = 0, most: int = 1_000_000_000) -> Any:
    """Declare a setting that is a whole number from `least` to `most`, inclusive."""
    return field(default=default, metadata={_RANGE: (least, most)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator can set: each field is `UNSEEN_` and its name in the environment.

    Only the database is named otherwise: DATABASE_URL, as everywhere, or DATABASE_URL_FILE. It is
    None if neither is set.
    """

    database_url: str | None = field(default=None, repr=False)
    max_distance: int = _integer(MATCH_RADIUS, most=8 * HASH_BYTES)
    max_body_bytes: int = _integer(2 * 1024 * 1024, 1_024, 1 << 30)
    pool_size: int = _integer(8, 1, 1_000)
    pool_timeout_ms: int = _integer(2_000, 10, 600_000)
    statement_timeout_ms: int = _integer(5_000, 100, 3_600_000)
    stale_after_ms: int = _integer(60_000, most=_MILLISECONDS_A_DAY)
    work_free_hashes_per_minute: int = _integer(2_000)
    work_tries_per_hash: int = _integer(1_000)
    crops: int = _integer(1, most=1)
    requests_per_minute: int = _integer(60_000)
    hashes_per_minute: int = _integer(600_000)
    hits_per_hash: int = _integer(16, 1, 256)
    hashes_in_flight: int = _integer(20_000, 1)
    coarse_distances: int = _integer(1, most=1)
    probing_alert: int = _integer(24)
    index_dir: Path | None = None
    device: Device = "cpu"
    save_after_changes: int = _integer(10_000, 1)
    save_after_ms: int = _integer(600_000, most=_MILLISECONDS_A_DAY)
    feed_wait_s: int = _integer(30, most=3_600)
    overdue_hours: int = _integer(48, most=_HOURS_IN_TEN_YEARS)
    disputes_wait_days: int = _integer(7, most=_DAYS_IN_A_CENTURY)
    disputes_per_day: int = _integer(20)
    watch_every_ms: int = _integer(10_000, 10, _MILLISECONDS_A_DAY)
    overmatch_floor: int = _integer(200)
    measure_every_ms: int = _integer(10_000, 10, _MILLISECONDS_A_DAY)
    retain_every_hours: int = _integer(24, 1, 8_760)
    erase_after_days: int = _integer(30, most=_DAYS_IN_A_CENTURY)
    keep_submissions_days: int = _integer(7, most=_DAYS_IN_A_CENTURY)
    keep_given_up_days: int = _integer(30, most=_DAYS_IN_A_CENTURY)
    keep_alerts_days: int = _integer(90, most=_DAYS_IN_A_CENTURY)
    operator_address: Address | None = None
    webhook_private_targets: int = _integer(0, most=1)
    data: Path = DEFAULT_DATA
    audit_key_file: Path | None = None
    checkpoint_every_minutes: int = _integer(60, 1, 1_440)
    witnesses_file: Path | None = None
    encryption_key_file: Path | None = None
    dumps_contain_hashes: int = _integer(0, most=1)

    @property
    def connections(self) -> int:
        """The most connections to PostgreSQL that a worker takes."""
        return self.pool_size + _CONNECTIONS_BESIDE_POOL

    @property
    def audit_key(self) -> Path:
        """The file of the key that signs checkpoints; in the data folder unless set."""
        return self.audit_key_file or self.data / "audit.key"

    @property
    def encryption_key(self) -> Path:
        """The file of the keys of the database; in the data folder unless set."""
        return self.encryption_key_file or self.data / "encryption.key"

    @property
    def kept_checkpoint(self) -> Path:
        """The file, outside the database, of the last checkpoint that the service signed."""
        return self.data / "audit.checkpoint"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings. Raises SettingInvalid for one that cannot be read."""
        found = {
            each.name: _READERS[each.type](each, variable, environment[variable])
            for each in fields(cls)[1:]
            if (variable := PREFIX + each.name.upper()) in environment
        }
        return cls(database_url=read_database_url(environment), **found)


_OBSOLETE = {
    "UNSEEN_PROBING_PAUSE": "only staff pause keys now, with 'unseen-service keys pause'",
}


def obsolete_settings(environment: Mapping[str, str]) -> list[str]:
    """Return a sentence for each setting that has no effect any longer."""
    return [
        f"{variable} has no effect and can be removed: {why}."
        for variable, why in _OBSOLETE.items()
        if variable in environment
    ]


def read_database_url(environment: Mapping[str, str]) -> str | None:
    """Return DATABASE_URL, or the content of the file that DATABASE_URL_FILE names.

    None if neither is set. Raises SettingInvalid.
    """
    return _read_secret(environment, "DATABASE_URL")


def read_migrate_url(environment: Mapping[str, str]) -> str | None:
    """Return UNSEEN_MIGRATE_URL, or the content of the file that UNSEEN_MIGRATE_URL_FILE names.

    None if neither is set. Raises SettingInvalid.
    """
    return _read_secret(environment, "UNSEEN_MIGRATE_URL")


def _read_secret(environment: Mapping[str, str], name: str) -> str | None:
    variable = f"{name}_FILE"
    file = environment.get(variable)
    if not file:
        return environment.get(name) or None
    try:
        url = Path(file).read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise SettingInvalid(f"{variable} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingInvalid(f"{variable} names a file that is not UTF-8.") from None
    if not url:
        raise SettingInvalid(f"{variable} names a file that is empty.")
    return url


def _read_integer(setting: Field[Any], variable: str, text: str) -> int:
    least, most = setting.metadata[_RANGE]
    if text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most:
        return int(text)
    raise SettingInvalid(f"{variable} must be a whole number from {least} to {most}.")


def _read_path(_: Field[Any], variable: str, text: str) -> Path:
    if not text:
        raise SettingInvalid(f"{variable} must be a path.")
    return Path(text)


def _read_device(_: Field[Any], variable: str, text: str) -> str:
    if text not in ("cpu", "cuda"):
        raise SettingInvalid(f"{variable} must be cpu or cuda.")
    return text


def read_address(text: str, name: str) -> Address | None:
    """Parse HOST:PORT; `off` is None. Raises SettingInvalid, which calls the setting `name`."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if text == "off":
        return None
    if host and port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) < 65_536:
        return Address(host, int(port))
    raise SettingInvalid(f"{name} must be HOST:PORT, for example 127.0.0.1:9000, or off.")


def _read_address(_: Field[Any], variable: str, text: str) -> Address | None:
    return read_address(text, variable)


_READERS: Mapping[Any, Callable[[Field[Any], str, str], Any]] = {
    int: _read_integer,
    Device: _read_device,
    Address | None: _read_address,
    Path: _read_path,
    Path | None: _read_path,
}
