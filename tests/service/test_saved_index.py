"""Saved indexes: opened on restart, shared by workers, verified before use."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from unseen_index import DamagedTableError, HashTable
from unseen_index.layout import offsets
from unseen_service.live.saved_indexes import SavedIndexes

from tests.support.disks import fill_disk, mounted_disk
from tests.support.hashes import random_pdq
from tests.support.running_service import RunningService, serving
from tests.support.stored_hashes import insert_active
from tests.support.submissions import PIN, post_hashes
from tests.support.waiting import wait_until

PDQS = [random_pdq(n) for n in range(40)]


@pytest.fixture
def filled(database_url: str, tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a saved index of 40 active hashes."""
    with serving(database_url, index_dir=tmp_path, save_after_changes=1) as service:
        for pdqs in (PDQS[:20], PDQS[20:]):
            post_hashes(service, *pdqs)
        gone = post_hashes(service, random_pdq(99)).json()["case"]
        httpx.delete(f"{service.url}/v1/cases/{gone}", headers={"Unseen-Pin": PIN})
        wait_until((tmp_path / f"position-{42:020}").exists)
    return tmp_path


def look_up(service: RunningService) -> list[int]:
    with service.client("match") as platform:
        body = {"hashes": [random_pdq(99), *PDQS]}
        answer = platform.post("/v1/match", json=body)
        assert answer.status_code in (200, 503)
        return [hit["query"] for hit in answer.json().get("hits", [])]


def test_restart_opens_the_saved_index_and_catches_up(database_url: str, filled: Path) -> None:
    with serving(database_url) as elsewhere:
        post_hashes(elsewhere, random_pdq(50))
    with serving(database_url, index_dir=filled) as again:
        assert again.ready()["generation"] == 43
        assert again.ready()["hashes"] == 41
        assert look_up(again) == list(range(1, 41))


def test_at_most_two_saved_indexes_are_kept(database_url: str, filled: Path) -> None:
    assert len(list(filled.glob("position-*"))) <= 2
    assert list(filled.glob("unfinished-*")) == []


def test_workers_switch_to_an_index_saved_by_another(database_url: str, filled: Path) -> None:
    settings = {"index_dir": filled, "save_after_changes": 1}
    with serving(database_url, **settings) as one, serving(database_url, **settings) as other:
        post_hashes(one, random_pdq(50))
        wait_until((filled / f"position-{43:020}").exists)
        post_hashes(other, random_pdq(51))
        for worker in (one, other):
            wait_until(lambda worker=worker: worker.ready()["hashes"] == 42)
            assert look_up(worker) == list(range(1, 41))


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_damaged_index_is_rebuilt(database_url: str, filled: Path, damage: str) -> None:
    files = [each for each in filled.rglob("table/**/*") if each.is_file()]
    assert files
    for file in files:
        content = bytearray(file.read_bytes())
        if damage == "flip" and content:
            content[len(content) // 2] ^= 1
        file.write_bytes(content[: {"flip": None, "cut": len(content) // 2, "empty": 0}[damage]])
    with serving(database_url, index_dir=filled) as service:
        wait_until(lambda: look_up(service) == list(range(1, 41)))


def test_index_of_another_change_log_is_not_used(database_url: str, filled: Path) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        # As if other submissions had taken the same positions after a restore.
        connection.execute("UPDATE changes SET at = at + interval '1 hour'")
        connection.execute("UPDATE hashes SET active = false WHERE id <= 20")
    with serving(database_url, index_dir=filled) as service:
        assert len(look_up(service)) == 20


def test_service_works_in_memory_if_no_index_can_be_saved(
    database_url: str, filled: Path, tmp_path: Path
) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    with serving(database_url, index_dir=blocked) as service:
        assert look_up(service) == list(range(1, 41))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB, enough for three indexes of at least 4 MiB each."""
    with mounted_disk(tmp_path / "disk", mib=16) as folder:
        yield folder


@pytest.mark.slow
@pytest.mark.root
def test_full_disk_is_logged_once_and_saving_resumes(
    database_url: str, small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "unseen_service")
    with serving(database_url, index_dir=small_disk, save_after_changes=1) as service:
        post_hashes(service, PDQS[0])
        wait_until((small_disk / f"position-{1:020}").exists)
        filler = fill_disk(small_disk)
        post_hashes(service, *PDQS[1:20])
        wait_until(lambda: "the index cannot be saved" in caplog.text)
        post_hashes(service, *PDQS[20:])
        service.wait_in_step()
        assert look_up(service) == list(range(1, 41)), "lookups are answered from memory"
        assert sorted(each.name for each in small_disk.iterdir()) == [
            "filler", "lock", f"position-{1:020}",
        ]  # fmt: skip
        filler.unlink()
        wait_until((small_disk / f"position-{40:020}").exists)
        wait_until(lambda: "the index can be saved again" in caplog.text)
    assert caplog.text.count("the index cannot be saved") == 1
    with serving(database_url, index_dir=small_disk) as again:
        assert again.ready()["hashes"] == 40


def test_leftovers_of_a_killed_process_are_removed(database_url: str, tmp_path: Path) -> None:
    for name in ("unfinished-4711", f"position-{7:020}"):
        (tmp_path / name / "table").mkdir(parents=True)
    with serving(database_url, index_dir=tmp_path, save_after_changes=1) as service:
        post_hashes(service, PDQS[0])
        wait_until((tmp_path / f"position-{1:020}").exists)
    left = sorted(each.name for each in tmp_path.iterdir())
    assert left == ["lock", f"position-{0:020}", f"position-{1:020}"]


def test_damage_that_lookups_do_not_touch_is_found_by_a_change(
    database_url: str, tmp_path: Path
) -> None:
    """Otherwise the index would lag for ever: every change would fail at the damage."""
    insert_active(database_url, 20_000)
    with serving(database_url, index_dir=tmp_path) as service:
        assert service.ready()["hashes"] == 20_000
    (segment,) = tmp_path.glob("position-*/table/data-*/segment-0")
    with segment.open("r+b") as file:
        file.seek(offsets(20_000).ids)
        file.write(b"damage!")
    with serving(database_url, index_dir=tmp_path) as service:
        post_hashes(service, *PDQS)
        wait_until(lambda: service.ready()["hashes"] == 20_040)
        assert look_up(service) == list(range(1, 41))


@pytest.mark.slow
def test_truncated_index_is_never_opened(filled: Path) -> None:
    """Every file of a saved index is truncated at every byte (a large one at about 300)."""
    (newest,) = filled.glob(f"position-{42:020}")
    whole = HashTable.open(newest / "table")
    assert len(whole) == 40
    for file in [each for each in newest.rglob("table/**/*") if each.is_file()]:
        content = file.read_bytes()
        for length in range(0, len(content), max(1, len(content) // 300)):
            file.write_bytes(content[:length])
            if file.name == "manifest.json" and content[length:] == b"\n":
                continue  # only the final line break is missing
            with pytest.raises(DamagedTableError):
                HashTable.open(newest / "table")
        file.write_bytes(content)
    origin = newest / "origin.json"
    content = origin.read_bytes()
    for length in range(len(content)):
        origin.write_bytes(content[:length])
        assert newest not in [each.folder for each in SavedIndexes(filled).newest_first()]
