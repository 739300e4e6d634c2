"""What one lookup can cost, whatever is stored: hits, rows, bytes of log, turns of others.

The limits are those of the table in docs/limits.md.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import pytest
from unseen_index import HashTable, Hits
from unseen_service.store import audit

from tests.support.databases import query
from tests.support.hashes import flipped, new_pdq, random_hashes, random_pdq
from tests.support.problems import problem_slug
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submit
from tests.support.waiting import wait_until
from tests.support.work_counter import counting_work, crowd, entry_bytes, rows_per_transaction

PICTURE = random_pdq(1)
NEAREST = 16
"""How many hits a crowded query gets."""
WHOLE = 128
"""How many candidates a query can have that is not crowded."""
CALL_HITS = 4_096
PART_HITS = 1_024
ENTRY_BYTES_A_HIT = 110
"""The details of a hit in the audit log: two numbers and a record."""


@pytest.fixture
def service(database_url: str) -> Iterator[RunningService]:
    """A service that does not mind how a key queries: here it is the queries that are close."""
    with serving(database_url, probing_alert=0) as running:
        yield running


def store_crowd(service: RunningService, count: int, *, bits: int = 8) -> list[str]:
    """Submit near-duplicates of a picture, in several cases; wait until they match."""
    made = crowd(PICTURE, count, bits=bits)
    for start in range(0, count, 250):
        submit(service, *made[start : start + 250])
    service.wait_in_step()
    return made


def look_up(platform: httpx.Client, *pdqs: str) -> dict[str, Any]:
    answer = platform.post("/v1/match", json={"hashes": pdqs})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_crowd_of_near_duplicates_costs_a_lookup_its_nearest_hits(service: RunningService) -> None:
    """Before, one hash wrote as many rows as the crowd had, and 80 bytes of log for each."""
    store_crowd(service, 1_000)
    queries = [flipped(PICTURE, 3, seed) for seed in range(20)]
    with service.client("match") as platform, counting_work() as work:
        answer = look_up(platform, *queries)
    counts = np.bincount([hit["query"] for hit in answer["hits"]])
    assert counts.tolist() == [NEAREST] * 20
    assert answer["truncated"] == list(range(20))
    assert work.candidates == WHOLE * 20
    assert rows_per_transaction(service.database_url, "matches") == [NEAREST * 20]
    (size,) = entry_bytes(service.database_url, "match.hit")
    assert size <= ENTRY_BYTES_A_HIT * NEAREST * 20


def test_hits_are_the_nearest(service: RunningService) -> None:
    made = store_crowd(service, 250, bits=20)
    with service.client("match") as platform:
        hits = look_up(platform, PICTURE)["hits"]
    distances = sorted((int(PICTURE, 16) ^ int(pdq, 16)).bit_count() for pdq in made)
    assert [hit["distance"] for hit in hits] == distances[:NEAREST]


def test_distances_decide_nothing_that_the_key_is_not_told(database_url: str) -> None:
    """Which hits are returned used to tell the exact distances: the nearest were."""
    with serving(database_url, probing_alert=0, coarse_distances=1) as service:
        made = [flipped(PICTURE, 9 + seed % 8, seed) for seed in range(40)]
        submit(service, *made)
        service.wait_in_step()
        with service.client("match") as platform:
            answers = [look_up(platform, *[PICTURE] * 300)["hits"] for _ in range(2)]
        assert {hit["distance"] for hit in answers[0]} == {16}
        returned = [{hit["record"] for hit in hits if hit["query"] == 0} for hits in answers]
        assert returned[0] == returned[1]
        (first, *_) = service.audit_details("match.hit")
        distances = sorted(hit["distance"] for hit in first["hits"] if hit["query"] == 0)
        assert len(distances) == len(returned[0]) < len(made)
        nearest = sorted(9 + seed % 8 for seed in range(40))[: len(distances)]
        assert distances != nearest


def test_answer_is_not_truncated_if_it_has_all(service: RunningService) -> None:
    submit(service, *crowd(PICTURE, NEAREST))
    service.wait_in_step()
    with service.client("match") as platform:
        answer = look_up(platform, new_pdq(), PICTURE)
    assert (len(answer["hits"]), answer["truncated"]) == (NEAREST, [])


def test_largest_lookup_near_a_crowd_is_recorded_in_parts(service: RunningService) -> None:
    """Each hash keeps its nearest hit, and none holds the audit log's lock for more than a part."""
    store_crowd(service, 1_000)
    queries = crowd(PICTURE, 10_000, bits=6, seed=2)
    with service.client("match") as platform, counting_work() as work:
        answer = look_up(platform, *queries)
    assert [hit["query"] for hit in answer["hits"]] == list(range(10_000))
    assert answer["truncated"] == list(range(10_000))
    assert work.candidates <= 10_000 * WHOLE
    assert max(work.searches) <= 256
    written = rows_per_transaction(service.database_url, "matches")
    assert (sum(written), len(written)) == (10_000, 10)
    assert max(written) <= PART_HITS
    sizes = entry_bytes(service.database_url, "match.hit")
    assert len(sizes) == len(written)
    assert max(sizes) <= ENTRY_BYTES_A_HIT * PART_HITS
    asked = "SELECT sum((details->>'asked')::integer) FROM audit_log WHERE kind = 'match.hit'"
    assert query(service.database_url, asked) == [(10_000,)]


def test_call_has_a_limit_that_all_its_hashes_share(service: RunningService) -> None:
    store_crowd(service, 250)
    with service.client("match") as platform:
        answer = look_up(platform, *crowd(PICTURE, 500, bits=6, seed=2))
    counts = np.bincount([hit["query"] for hit in answer["hits"]])
    (each,) = set(counts.tolist())
    assert CALL_HITS // 2 // 500 <= each <= CALL_HITS // 500
    assert max(rows_per_transaction(service.database_url, "matches")) <= PART_HITS


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE hashes SET active = false WHERE id > (SELECT min(id) FROM hashes)",
        "UPDATE hashes SET standing = 'quarantined' WHERE id > (SELECT min(id) FROM hashes)",
    ],
)
def test_hashes_that_may_not_match_hide_none_behind_them(
    service: RunningService, statement: str
) -> None:
    """The index has not heard of it yet: 400 nearer hashes are gone when the lookup comes."""
    far = flipped(PICTURE, 30)
    submit(service, far)
    store_crowd(service, 400)
    query(service.database_url, statement)
    with service.client("match") as platform, counting_work() as work:
        answer = look_up(platform, new_pdq(), PICTURE, new_pdq())
    assert [(hit["query"], hit["distance"]) for hit in answer["hits"]] == [(1, 30)]
    assert answer["truncated"] == []
    assert work.candidates <= WHOLE + (4 + 16 + 64) * NEAREST


def test_suspect_hashes_take_no_places_from_sound_ones(service: RunningService) -> None:
    """What staff have yet to decide about comes behind what is sure, never instead of it."""
    asked = flipped(PICTURE, 20)
    submit(service, flipped(asked, 31, seed=9))
    store_crowd(service, WHOLE, bits=4)
    query(
        service.database_url,
        "INSERT INTO reviews (hash_id, cause, evidence, before)"
        " SELECT id, 'over-matching', '{}', 'unreviewed' FROM hashes"
        " WHERE id > (SELECT min(id) FROM hashes)",
    )
    with service.client("match") as platform:
        answer = look_up(platform, asked)
    hits = answer["hits"]
    assert [(hit["distance"], hit["suspect"]) for hit in hits if not hit["suspect"]] == [
        (31, False)
    ]
    assert len(hits) == NEAREST
    assert answer["truncated"] == [0]


def test_search_beyond_hashes_that_may_not_match_is_bounded(service: RunningService) -> None:
    """As above, for many hashes at once: those of one part share what is looked at in addition."""
    store_crowd(service, 1_000)
    query(service.database_url, "UPDATE hashes SET active = false")
    with service.client("match") as platform, counting_work() as work:
        answer = look_up(platform, *crowd(PICTURE, 200, bits=6, seed=2))
    assert answer["hits"] == []
    parts = 200 * NEAREST // PART_HITS + 1
    assert len(answer["truncated"]) >= (parts - 1) * PART_HITS // NEAREST
    assert work.candidates <= 200 * NEAREST + parts * 2 * 16_384
    assert rows_per_transaction(service.database_url, "matches") == []


def test_hash_withdrawn_before_the_lock_is_not_reported(service: RunningService) -> None:
    """Candidates are confirmed before the audit log's lock, and looked at once more under it."""
    store_crowd(service, 10)
    before = "UPDATE hashes SET active = false WHERE id IN (SELECT min(id) FROM hashes)"
    with service.client("match") as platform, pytest.MonkeyPatch.context() as patch:
        execute_before_lock(patch, service.database_url, before)
        assert len(look_up(platform, PICTURE)["hits"]) == 9
    with service.client("match") as platform, pytest.MonkeyPatch.context() as patch:
        execute_before_lock(patch, service.database_url, "UPDATE hashes SET active = false")
        assert look_up(platform, PICTURE)["hits"] == []
    assert rows_per_transaction(service.database_url, "matches") == [9]


def execute_before_lock(patch: pytest.MonkeyPatch, database_url: str, statement: str) -> None:
    """Execute a statement whenever a lookup is about to take the audit log's lock."""
    lock = audit.lock_then

    async def execute_and_lock(*arguments: Any, **parameters: Any) -> Any:
        query(database_url, statement)
        return await lock(*arguments, **parameters)

    patch.setattr(audit, "lock_then", execute_and_lock)


@contextmanager
def blocked_slices(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Block every search of more than 64 hashes until the block ends; yield whether one began."""
    search, began, released = HashTable.search, threading.Event(), threading.Event()

    def slow(table: HashTable, queries: Any, radius: int, **options: Any) -> Hits:
        if len(queries) > 64:
            began.set()
            released.wait()
        return search(table, queries, radius, **options)

    monkeypatch.setattr(HashTable, "search", slow)
    try:
        yield began
    finally:
        released.set()


def raw_lookup(service: RunningService, platform: str, hashes: int) -> httpx.Response:
    with service.client("match", platform=platform) as client:
        return client.post(
            "/v1/match",
            content=random_hashes(hashes).tobytes(),
            headers={"Content-Type": "application/octet-stream"},
        )


def post_as_json(service: RunningService, platform: str, body: bytes) -> httpx.Response:
    with service.client("match", platform=platform) as client:
        return client.post("/v1/match", content=body, headers={"Content-Type": "application/json"})


def test_large_lookups_of_a_key_are_capped_and_leave_a_turn_to_others(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a slice of a large lookup is searched, small ones of anybody are answered."""
    with serving(database_url, hashes_in_flight=10_000) as service, ThreadPoolExecutor(1) as one:
        for platform in ("Large", "Other"):
            service.key("match", platform=platform)
        with blocked_slices(monkeypatch) as began:
            large = one.submit(raw_lookup, service, "Large", 10_000)
            wait_until(began.is_set)
            refused = raw_lookup(service, "Large", 100)
            assert (refused.status_code, problem_slug(refused)) == (429, "too-many-at-once")
            assert int(refused.headers["retry-after"]) >= 1
            # It is refused before it is parsed: its body is not even JSON.
            assert post_as_json(service, "Large", b"x" * 100_000).status_code == 429
            assert raw_lookup(service, "Large", 8).status_code == 200
            assert raw_lookup(service, "Other", 5).status_code == 200
        assert large.result().status_code == 200
        assert raw_lookup(service, "Large", 10_000).status_code == 200
