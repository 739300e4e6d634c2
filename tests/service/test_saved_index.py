"""Saved indexes: opened by a restart, shared, never trusted blindly."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support import PIN, Service, random_pdq, serving, submission, wait_until

PDQS = [random_pdq(n) for n in range(40)]


@pytest.fixture
def filled(database_url: str, tmp_path: Path) -> Iterator[Path]:
    """Leave a database with 40 active hashes behind, and an index of it on disk."""
    with serving(database_url, index_dir=tmp_path, save_after_changes=1) as service:
        for pdqs in (PDQS[:20], PDQS[20:]):
            submit(service, *pdqs)
        gone = submit(service, random_pdq(99)).json()["case"]
        httpx.delete(f"{service.url}/v1/cases/{gone}", headers={"Unseen-Pin": PIN})
        wait_until((tmp_path / f"position-{42:020}").exists)
    return tmp_path


def submit(service: Service, *pdqs: str) -> httpx.Response:
    return httpx.post(f"{service.url}/v1/cases", json=submission(*pdqs), timeout=20)


def found(service: Service) -> list[int]:
    with service.client("match") as platform:
        asked = {"hashes": [random_pdq(99), *PDQS]}
        answer = platform.post("/v1/match", json=asked)
        assert answer.status_code in (200, 503)
        return [hit["query"] for hit in answer.json().get("hits", [])]


def test_a_restart_opens_what_was_saved_and_goes_on(database_url: str, filled: Path) -> None:
    with serving(database_url) as elsewhere:
        submit(elsewhere, random_pdq(50))
    with serving(database_url, index_dir=filled) as again:
        assert again.ready()["generation"] == 43
        assert again.ready()["hashes"] == 41
        assert found(again) == list(range(1, 41))


def test_at_most_two_are_kept(database_url: str, filled: Path) -> None:
    assert len(list(filled.glob("position-*"))) <= 2
    assert list(filled.glob("unfinished-*")) == []


def test_workers_go_over_to_what_one_of_them_saved(database_url: str, filled: Path) -> None:
    settings = {"index_dir": filled, "save_after_changes": 1}
    with serving(database_url, **settings) as one, serving(database_url, **settings) as other:
        submit(one, random_pdq(50))
        wait_until((filled / f"position-{43:020}").exists)
        submit(other, random_pdq(51))
        for worker in (one, other):
            wait_until(lambda worker=worker: worker.ready()["hashes"] == 42)
            assert found(worker) == list(range(1, 41))


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_damage_is_found_and_the_index_is_loaded_anew(
    database_url: str, filled: Path, damage: str
) -> None:
    for file in (each for each in filled.rglob("table/**/*") if each.is_file()):
        content = bytearray(file.read_bytes())
        if damage == "flip" and content:
            content[len(content) // 2] ^= 1
        file.write_bytes(content[: {"flip": None, "cut": len(content) // 2, "empty": 0}[damage]])
    with serving(database_url, index_dir=filled) as service:
        wait_until(lambda: found(service) == list(range(1, 41)))


def test_an_index_of_another_history_is_not_used(database_url: str, filled: Path) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        # As after a backup was restored, and other submissions took the same positions.
        connection.execute("UPDATE changes SET at = at + interval '1 hour'")
        connection.execute("UPDATE hashes SET pdq = sha256(pdq) WHERE id <= 20")
    with serving(database_url, index_dir=filled) as service:
        assert len(found(service)) == 20


def test_where_nothing_can_be_saved_it_serves_from_memory(
    database_url: str, filled: Path, tmp_path: Path
) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    with serving(database_url, index_dir=blocked) as service:
        assert found(service) == list(range(1, 41))
