"""docker-compose.yml: an isolated database, and passwords only in files."""

from pathlib import Path
from typing import Any

import yaml

_ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((_ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "service", "service-gpu")


def test_only_caddy_publishes_ports_and_the_database_is_isolated() -> None:
    assert [name for name, each in SERVICES.items() if "ports" in each] == ["caddy"]
    assert SERVICES["postgres"]["networks"] == ["back"]
    assert COMPOSE["networks"]["back"]["internal"]


def test_passwords_come_from_files_and_have_no_default() -> None:
    for each in SERVICES.values():
        for variable in each.get("environment", {}):
            is_secret = any(word in variable for word in ("PASSWORD", "_URL", "SECRET"))
            assert not is_secret or variable.endswith("_FILE")
    files = [secret["file"] for secret in COMPOSE["secrets"].values()]
    assert len(files) == 5
    assert "/secrets/" in (_ROOT / ".gitignore").read_text().splitlines()
    assert not [file for file in files if not file.startswith("./secrets/")]


def test_our_containers_can_write_only_to_their_volume() -> None:
    for name in OURS:
        each = SERVICES[name]
        assert each["read_only"]
        assert each["cap_drop"] == ["ALL"]
        assert each["volumes"] == ["unseen:/data"]


def test_service_waits_for_the_migration_and_the_migration_for_the_database() -> None:
    """The health check uses TCP: a temporary server answers on the socket during initialization."""
    depends_on = {name: SERVICES[name]["depends_on"] for name in OURS}
    migrated = {"migrate": {"condition": "service_completed_successfully"}}
    assert depends_on["service"] == depends_on["service-gpu"] == migrated
    assert depends_on["migrate"] == {"postgres": {"condition": "service_healthy"}}
    assert "-h" in SERVICES["postgres"]["healthcheck"]["test"]


def test_requests_pass_the_limits_on_the_way_to_either_service() -> None:
    assert "reverse_proxy limits:8080" in (_ROOT / "deploy/Caddyfile").read_text()
    assert "server service:8000" in (_ROOT / "deploy/limits.conf").read_text()
    assert SERVICES["caddy"]["networks"] == ["front"]
    assert SERVICES["service-gpu"]["profiles"] == ["gpu"]
    assert SERVICES["service-gpu"]["networks"]["middle"]["aliases"] == ["service"]
    assert "middle" in SERVICES["service"]["networks"]


def test_serving_container_has_no_secret_of_the_owner() -> None:
    assert SERVICES["service"]["secrets"] == ["database_url"]
    assert SERVICES["migrate"]["secrets"] == ["database_url", "migrate_url"]


def test_postgresql_logs_no_values() -> None:
    command = SERVICES["postgres"]["command"]
    for setting in ("log_parameter_max_length=0", "log_parameter_max_length_on_error=0"):
        assert f"-c{setting}" in command
    assert "-clog_error_verbosity=terse" in command
