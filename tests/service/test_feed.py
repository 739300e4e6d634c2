"""The feed: a mirror that follows it has exactly the active hashes of the service."""

import base64
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from tests.support.databases import is_anyone_waiting, query
from tests.support.hashes import random_pdq
from tests.support.mirrors import Mirror
from tests.support.query_plans import rows_compared
from tests.support.running_service import RunningService, serving
from tests.support.stored_hashes import bits_by_record, id_of
from tests.support.submissions import case_platforms, submission, submit, withdraw
from tests.support.waiting import wait_until


@pytest.fixture
def platform(service: RunningService) -> Iterator[httpx.Client]:
    with service.client("feed") as client:
        yield client


def set_standing(service: RunningService, pdq: str, standing: str) -> None:
    """Set the standing of a hash as the service does: lock, row, change log."""
    with psycopg.connect(service.database_url) as connection:
        connection.execute("SELECT FROM change_head FOR UPDATE")
        row = connection.execute(
            "UPDATE hashes SET standing = %s WHERE id = %s RETURNING id",
            (standing, id_of(service.database_url, pdq)),
        ).fetchone()
        assert row is not None
        connection.execute(
            "WITH head AS (UPDATE change_head SET position = position + 1,"
            " at = greatest(at, clock_timestamp()) RETURNING position, at)"
            " INSERT INTO changes SELECT position, 'standing', %s, at FROM head",
            row,
        )
        connection.execute("NOTIFY unseen_changes")


def test_entry_has_everything_a_mirror_needs(
    service: RunningService, platform: httpx.Client
) -> None:
    body = submission(random_pdq(1))
    body["images"][0]["hashes"] = [
        {"pdq": random_pdq(1), "quality": 88, "view": "mirror-turn-90"},
    ]
    httpx.post(f"{service.url}/v1/cases", json=body)
    (entry,) = platform.get("/v1/hashes").json()["entries"]
    assert entry["at"].endswith("Z")
    assert {key: value for key, value in entry.items() if key not in ("at", "record")} == {
        "position": 1,
        "status": "active",
        "standing": "unreviewed",
        "suspect": False,
        "pdq": random_pdq(1),
        "view": "mirror-turn-90",
        "quality": 88,
        "convention": "pdq-srgb-full-2",
        "feedback": {},
    }


def test_pages_have_no_gap_and_no_overlap(service: RunningService, platform: httpx.Client) -> None:
    pdqs = [random_pdq(n) for n in range(25)]
    submit(service, *pdqs[:15])
    submit(service, *pdqs[15:])
    mirror = Mirror(platform)
    pages = [mirror.page(limit=10) for _ in range(3)]
    assert [len(page["entries"]) for page in pages] == [10, 10, 5]
    assert [page["more"] for page in pages] == [True, True, False]
    assert sorted(entry["pdq"] for entry in mirror.entries) == sorted(pdqs)
    assert [entry["position"] for entry in mirror.entries] == list(range(1, 26))
    assert mirror.page() == {"entries": [], "cursor": mirror.cursor, "more": False}


def test_withdrawn_hash_is_a_tombstone_without_bits(
    service: RunningService, platform: httpx.Client
) -> None:
    case = submit(service, random_pdq(1))
    mirror = Mirror(platform).catch_up()
    (record,) = mirror.kept
    withdraw(service, case)
    (tombstone,) = mirror.page()["entries"]
    assert (tombstone["record"], tombstone["status"]) == (record, "withdrawn")
    assert tombstone["pdq"] is tombstone["view"] is tombstone["quality"] is None
    assert mirror.kept == {}


def test_hash_withdrawn_before_the_first_read_is_not_in_the_feed(
    service: RunningService, platform: httpx.Client
) -> None:
    withdraw(service, submit(service, random_pdq(1)))
    kept, dropped = submit(service, random_pdq(2)), submit(service, random_pdq(3))
    assert platform.get("/v1/hashes", params={"limit": 1}).json()["entries"]
    withdraw(service, dropped)
    # Read again from the start: only the hash that the platform may have has a tombstone.
    mirror = Mirror(platform).catch_up()
    assert [entry["status"] for entry in mirror.entries] == ["active", "withdrawn"]
    assert list(mirror.kept.values()) == [random_pdq(2)]
    assert case_platforms(service, kept)[0]["delivered_at"] is not None


def test_resubmitted_hash_is_one_active_entry(
    service: RunningService, platform: httpx.Client
) -> None:
    withdraw(service, submit(service, random_pdq(1)))
    submit(service, random_pdq(1))
    mirror = Mirror(platform).catch_up()
    assert [(entry["position"], entry["status"]) for entry in mirror.entries] == [(3, "active")]


def test_standing_is_in_the_feed_and_quarantined_hashes_have_no_bits(
    service: RunningService, platform: httpx.Client
) -> None:
    submit(service, random_pdq(1))
    mirror = Mirror(platform).catch_up()
    for standing, expected in [
        ("disputed", "active"),
        ("quarantined", "quarantined"),
        ("confirmed", "active"),
    ]:
        set_standing(service, random_pdq(1), standing)
        (entry,) = mirror.page()["entries"]
        assert (entry["status"], entry["standing"]) == (expected, standing)
        assert (entry["pdq"] is None) == (expected != "active") == (not mirror.kept)
        service.wait_in_step()
        with service.client("match") as matcher:
            hits = matcher.post("/v1/match", json={"hashes": [random_pdq(1)]}).json()["hits"]
        assert bool(hits) == (expected == "active")


def test_ndjson_has_the_same_content_as_json(
    service: RunningService, platform: httpx.Client
) -> None:
    submit(service, random_pdq(1), random_pdq(2))
    page = platform.get("/v1/hashes").json()
    answer = platform.get("/v1/hashes", headers={"Accept": "application/x-ndjson"})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    *entries, end = [json.loads(line) for line in answer.text.splitlines()]
    assert {"entries": entries, **end} == page


def test_long_poll_returns_when_a_change_arrives(service: RunningService) -> None:
    with service.client("feed") as platform:
        mirror = Mirror(platform).catch_up()
        cursor, answers = mirror.cursor, []

        def wait() -> None:
            parameters = {"cursor": cursor or "", "wait": "20"}
            with httpx.Client(base_url=service.url, headers=platform.headers, timeout=60) as client:
                answers.append(client.get("/v1/hashes", params=parameters).json())

        waiting = [threading.Thread(target=wait) for _ in range(20)]
        for thread in waiting:
            thread.start()
        time.sleep(0.3)
        assert not answers
        begun = time.monotonic()
        submit(service, random_pdq(1))
        for thread in waiting:
            thread.join(timeout=60)
        assert time.monotonic() - begun < 15
        assert [len(answer["entries"]) for answer in answers] == [1] * 20


def test_long_poll_returns_empty_after_its_wait(database_url: str) -> None:
    with serving(database_url, feed_wait_s=1) as service, service.client("feed") as platform:
        begun = time.monotonic()
        page = platform.get("/v1/hashes", params={"wait": 500}).json()
        assert page["entries"] == []
        assert 0.9 < time.monotonic() - begun < 15


def _mangle(cursor: str, change: Callable[[str], str]) -> str:
    plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    return base64.urlsafe_b64encode(change(plain).encode()).decode().rstrip("=")


def test_cursor_of_another_change_log_is_refused(
    service: RunningService, platform: httpx.Client
) -> None:
    cursor = Mirror(platform).catch_up().cursor or ""
    submit(service, random_pdq(1))
    read = Mirror(platform).catch_up().cursor or ""
    beyond = _mangle(cursor, lambda plain: plain.removesuffix(".0.0") + ".7.0")
    other = _mangle(cursor, lambda _: f"2.{'0' * 32}.0.0")
    set_back = _mangle(read, lambda plain: f"{plain}0")
    assert platform.get("/v1/hashes", params={"cursor": read}).status_code == 200
    for each in (beyond, other, set_back):
        answer = platform.get("/v1/hashes", params={"cursor": each})
        assert answer.status_code == 410
        assert answer.json()["type"] == "urn:unseen:problem:start-again"


def test_cursors_that_leave_many_gaps_are_refused(
    platform: httpx.Client, service: RunningService
) -> None:
    """All gaps are read and written with each page: 16 ms for each thousand of them."""
    submit(service, *(random_pdq(n) for n in range(250)))
    first = platform.get("/v1/hashes", params={"limit": 1}).json()
    marks = query(
        service.database_url, "SELECT position, extract(epoch FROM at) * 1000000 FROM changes"
    )

    def read_after(position: int, limit: int = 1) -> httpx.Response:
        mark = int(dict(marks)[position])
        parts = f"{position}.{mark}"
        cursor = _mangle(
            first["cursor"], lambda plain: ".".join(plain.split(".")[:2]) + f".{parts}"
        )
        return platform.get("/v1/hashes", params={"cursor": cursor, "limit": limit})

    answers = [read_after(position).status_code for position in range(2, 250, 2)]
    assert (answers.count(200), answers[-1]) == (99, 410)
    assert read_after(2, limit=10).status_code == 200, "from where it has read it may go on"
    assert len(Mirror(platform).catch_up().kept) == 250
    assert read_after(240).status_code == 200


@pytest.mark.parametrize("cursor", ["xyz", "AAAA", "é", "MS4w", "1.2.3", "Mi4wLjA"])
def test_invalid_cursor_is_refused(platform: httpx.Client, cursor: str) -> None:
    answer = platform.get("/v1/hashes", params={"cursor": cursor})
    assert answer.status_code == 422
    assert cursor not in answer.json()["detail"]


def test_feed_requires_its_scope(service: RunningService) -> None:
    assert httpx.get(f"{service.url}/v1/hashes").status_code == 401
    with service.client("match") as matcher:
        assert matcher.get("/v1/hashes").status_code == 403


def test_case_is_delivered_once_all_its_hashes_were_read(
    service: RunningService, platform: httpx.Client
) -> None:
    case = submit(service, random_pdq(1), random_pdq(2))
    assert case_platforms(service, case) == []
    mirror = Mirror(platform)
    mirror.page(limit=1)
    assert case_platforms(service, case)[0]["delivered_at"] is None
    mirror.page(limit=1)
    (delivery,) = case_platforms(service, case)
    assert delivery["delivered_at"] is not None
    assert (delivery["matches"], delivery["first_match_at"]) == (0, None)
    # Reading it again changes neither the time nor the audit log.
    Mirror(platform).catch_up()
    assert case_platforms(service, case) == [delivery]
    with service.client("audit") as staff:
        entries = staff.get("/v1/audit", params={"kind": "feed.delivered"}).json()["entries"]
    assert [entry["details"]["entries"] for entry in entries] == [1, 1]


@pytest.mark.parametrize("seed", range(2))
def test_mirrors_are_exact_after_concurrent_changes(service: RunningService, seed: int) -> None:
    """Writers and readers run concurrently; at the end the mirrors have what is active."""
    chance = random.Random(seed)
    done = threading.Event()
    mirrors: list[Mirror] = []

    def write(numbers: range) -> None:
        cases: list[dict[str, Any]] = []
        for number in numbers:
            cases.append(submit(service, random_pdq(number), random_pdq(number % 7)))
            if chance.random() < 0.5:
                withdraw(service, cases.pop(chance.randrange(len(cases))))

    def read(limit: int) -> None:
        with service.client("feed", platform=f"P{limit}") as client:
            mirror = Mirror(client)
            while not done.is_set():
                mirror.page(limit=limit, wait=0.05)
            mirrors.append(mirror.catch_up(limit))

    readers = [threading.Thread(target=read, args=(limit,)) for limit in (1, 3, 100)]
    writers = [threading.Thread(target=write, args=(range(n, n + 12),)) for n in (100, 200)]
    for thread in [*readers, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join(timeout=60)
    active = bits_by_record(service.database_url)
    assert len(mirrors) == 3
    for mirror in mirrors:
        assert mirror.kept == active
        positions = [entry["position"] for entry in mirror.entries]
        assert positions == sorted(set(positions)), "an entry was repeated or out of order"


def test_readers_of_one_platform_leave_a_turn_to_others(service: RunningService) -> None:
    """Eight requests for large pages kept a platform's poll waiting for twenty seconds."""
    with (
        service.client("feed", platform="Greedy") as greedy,
        service.client("feed", platform="Other") as other,
        ThreadPoolExecutor(8) as threads,
        psycopg.connect(service.database_url) as slow,
    ):
        greedy.get("/v1/hashes").raise_for_status()
        submit(service, random_pdq(1))
        # As if its pages took long: what it receives cannot be recorded.
        slow.execute("SELECT FROM subscriptions FOR UPDATE")
        waiting = [threads.submit(greedy.get, "/v1/hashes") for _ in range(8)]
        wait_until(lambda: is_anyone_waiting(service.database_url))
        assert len(other.get("/v1/hashes").json()["entries"]) == 1
        assert not any(each.done() for each in waiting)
        slow.rollback()
        assert all(each.result().status_code == 200 for each in waiting)


def test_page_of_the_feed_costs_as_much_as_it_has(
    service: RunningService, platform: httpx.Client
) -> None:
    """All hashes of a page were compared with all: ten times as many cost a hundred times."""
    count = 300
    submit(service, *map(random_pdq, range(count)))
    assert len(platform.get("/v1/hashes").json()["entries"]) == count
    rows = rows_compared(
        service.database_url, "feed_page", platform_id=1, after=0, upto=count, base=0
    )
    assert rows <= 20 * count
