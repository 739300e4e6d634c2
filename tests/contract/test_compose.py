"""docker-compose.yml keeps what it promises: no way to the database, no password but in files."""

from pathlib import Path
from typing import Any

import yaml

_ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((_ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "service", "service-gpu")


def test_only_caddy_is_reached_from_outside_and_the_database_reaches_nobody() -> None:
    assert [name for name, each in SERVICES.items() if "ports" in each] == ["caddy"]
    assert SERVICES["postgres"]["networks"] == ["back"]
    assert COMPOSE["networks"]["back"]["internal"]


def test_passwords_are_files_and_have_no_default() -> None:
    for each in SERVICES.values():
        for variable in each.get("environment", {}):
            told = any(word in variable for word in ("PASSWORD", "DATABASE_URL", "SECRET"))
            assert not told or variable.endswith("_FILE")
    files = [secret["file"] for secret in COMPOSE["secrets"].values()]
    assert len(files) == 2
    assert "/secrets/" in (_ROOT / ".gitignore").read_text().splitlines()
    assert not [file for file in files if not file.startswith("./secrets/")]


def test_what_is_ours_can_write_nothing_but_its_volume() -> None:
    for name in OURS:
        each = SERVICES[name]
        assert each["read_only"]
        assert each["cap_drop"] == ["ALL"]
        assert each["volumes"] == ["unseen:/data"]


def test_the_service_waits_for_the_migration_and_that_for_a_database_that_takes_connections() -> (
    None
):
    """By the socket a server answers that only sets itself up, and is stopped a moment later."""
    waits = {name: SERVICES[name]["depends_on"] for name in OURS}
    done = {"migrate": {"condition": "service_completed_successfully"}}
    assert waits["service"] == waits["service-gpu"] == done
    assert waits["migrate"] == {"postgres": {"condition": "service_healthy"}}
    assert "-h" in SERVICES["postgres"]["healthcheck"]["test"]


def test_caddy_finds_whichever_of_the_two_serves() -> None:
    assert "reverse_proxy service:8000" in (_ROOT / "deploy/Caddyfile").read_text()
    assert SERVICES["service-gpu"]["profiles"] == ["gpu"]
    assert SERVICES["service-gpu"]["networks"]["front"]["aliases"] == ["service"]
    assert "front" in SERVICES["service"]["networks"]
