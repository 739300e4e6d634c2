"""The feed: a copy that follows it is what the service holds, at every moment it can be asked."""

import base64
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from tests.support.hashes import random_pdq
from tests.support.mirrors import Mirror
from tests.support.running_service import RunningService, serving
from tests.support.submissions import case_platforms, submission, submit, withdraw


@pytest.fixture
def platform(service: RunningService) -> Iterator[httpx.Client]:
    with service.client("feed") as client:
        yield client


def set_standing(service: RunningService, pdq: str, standing: str) -> None:
    """Change what is thought of a hash, as the flows do: lock, row, change log."""
    with psycopg.connect(service.database_url) as connection:
        connection.execute("SELECT FROM change_head FOR UPDATE")
        row = connection.execute(
            "UPDATE hashes SET standing = %s WHERE pdq = %s RETURNING id",
            (standing, bytes.fromhex(pdq)),
        ).fetchone()
        assert row is not None
        connection.execute(
            "WITH head AS (UPDATE change_head SET position = position + 1,"
            " at = greatest(at, clock_timestamp()) RETURNING position, at)"
            " INSERT INTO changes SELECT position, 'standing', %s, at FROM head",
            row,
        )
        connection.execute("NOTIFY unseen_changes")


def test_an_entry_says_all_that_a_copy_needs(
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
        "pdq": random_pdq(1),
        "view": "mirror-turn-90",
        "quality": 88,
        "convention": "pdq-srgb-full-1",
        "feedback": {},
    }


def test_pages_meet_without_a_gap_or_an_overlap(
    service: RunningService, platform: httpx.Client
) -> None:
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


def test_a_withdrawn_hash_comes_as_a_tombstone_without_its_bits(
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


def test_what_was_withdrawn_before_a_platform_first_asked_never_reaches_it(
    service: RunningService, platform: httpx.Client
) -> None:
    withdraw(service, submit(service, random_pdq(1)))
    kept, dropped = submit(service, random_pdq(2)), submit(service, random_pdq(3))
    assert platform.get("/v1/hashes", params={"limit": 1}).json()["entries"]
    withdraw(service, dropped)
    # From the beginning once more: only the one that it may have been handed is told of.
    mirror = Mirror(platform).catch_up()
    assert [entry["status"] for entry in mirror.entries] == ["active", "withdrawn"]
    assert list(mirror.kept.values()) == [random_pdq(2)]
    assert case_platforms(service, kept)[0]["delivered_at"] is not None


def test_a_hash_that_comes_back_is_one_active_entry(
    service: RunningService, platform: httpx.Client
) -> None:
    withdraw(service, submit(service, random_pdq(1)))
    submit(service, random_pdq(1))
    mirror = Mirror(platform).catch_up()
    assert [(entry["position"], entry["status"]) for entry in mirror.entries] == [(3, "active")]


def test_a_standing_is_told_and_what_is_quarantined_leaves(
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


def test_lines_hold_what_json_holds(service: RunningService, platform: httpx.Client) -> None:
    submit(service, random_pdq(1), random_pdq(2))
    page = platform.get("/v1/hashes").json()
    answer = platform.get("/v1/hashes", headers={"Accept": "application/x-ndjson"})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    *entries, end = [json.loads(line) for line in answer.text.splitlines()]
    assert {"entries": entries, **end} == page


def test_who_waits_is_answered_when_there_is_news(service: RunningService) -> None:
    with service.client("feed") as platform:
        mirror = Mirror(platform).catch_up()
        cursor, answers = mirror.cursor, []

        def wait() -> None:
            asked = {"cursor": cursor or "", "wait": "20"}
            with httpx.Client(base_url=service.url, headers=platform.headers, timeout=60) as each:
                answers.append(each.get("/v1/hashes", params=asked).json())

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


def test_a_wait_ends_empty_when_nothing_comes(database_url: str) -> None:
    with serving(database_url, feed_wait_s=1) as service, service.client("feed") as platform:
        begun = time.monotonic()
        page = platform.get("/v1/hashes", params={"wait": 500}).json()
        assert page["entries"] == []
        assert 0.9 < time.monotonic() - begun < 15


def _mangled(cursor: str, change: Callable[[str], str]) -> str:
    plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    return base64.urlsafe_b64encode(change(plain).encode()).decode().rstrip("=")


def test_a_cursor_of_another_history_says_start_again(
    service: RunningService, platform: httpx.Client
) -> None:
    cursor = Mirror(platform).catch_up().cursor or ""
    submit(service, random_pdq(1))
    read = Mirror(platform).catch_up().cursor or ""
    beyond = _mangled(cursor, lambda plain: plain.removesuffix(".0.0") + ".7.0")
    other = _mangled(cursor, lambda _: f"2.{'0' * 32}.0.0")
    set_back = _mangled(read, lambda plain: f"{plain}0")
    assert platform.get("/v1/hashes", params={"cursor": read}).status_code == 200
    for each in (beyond, other, set_back):
        answer = platform.get("/v1/hashes", params={"cursor": each})
        assert answer.status_code == 410
        assert answer.json()["type"] == "urn:unseen:problem:start-again"


@pytest.mark.parametrize("cursor", ["xyz", "AAAA", "é", "MS4w", "1.2.3", "Mi4wLjA"])
def test_what_is_no_cursor_is_refused(platform: httpx.Client, cursor: str) -> None:
    answer = platform.get("/v1/hashes", params={"cursor": cursor})
    assert answer.status_code == 422
    assert cursor not in answer.json()["detail"]


def test_the_feed_needs_its_scope(service: RunningService) -> None:
    assert httpx.get(f"{service.url}/v1/hashes").status_code == 401
    with service.client("match") as matcher:
        assert matcher.get("/v1/hashes").status_code == 403


def test_a_case_is_delivered_once_all_of_it_was_handed_out(
    service: RunningService, platform: httpx.Client
) -> None:
    case = submit(service, random_pdq(1), random_pdq(2))
    assert case_platforms(service, case) == []
    mirror = Mirror(platform)
    mirror.page(limit=1)
    assert case_platforms(service, case)[0]["delivered_at"] is None
    mirror.page(limit=1)
    (shown,) = case_platforms(service, case)
    assert shown["delivered_at"] is not None
    assert (shown["matches"], shown["first_match_at"]) == (0, None)
    # Again, with other pages: neither the time nor the audit log moves.
    Mirror(platform).catch_up()
    assert case_platforms(service, case) == [shown]
    with service.client("audit") as staff:
        entries = staff.get("/v1/audit", params={"kind": "feed.delivered"}).json()["entries"]
    assert [entry["details"]["entries"] for entry in entries] == [1, 1]


def test_a_hash_that_another_case_brought_was_delivered_when_this_one_was_submitted(
    service: RunningService, platform: httpx.Client
) -> None:
    submit(service, random_pdq(1))
    Mirror(platform).catch_up()
    second = submit(service, random_pdq(1))
    assert second["platforms"][0]["delivered_at"] == second["submitted_at"]


@pytest.mark.parametrize("seed", range(2))
def test_a_copy_made_while_everything_changes_is_exact(service: RunningService, seed: int) -> None:
    """Writers and readers at once; in the end the copies are what is active, and only that."""
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
    with psycopg.connect(service.database_url) as connection:
        rows = connection.execute(
            "SELECT record::text, encode(pdq, 'hex') FROM hashes WHERE active"
        )
        active = dict(rows.fetchall())
    assert len(mirrors) == 3
    for mirror in mirrors:
        assert mirror.kept == active
        positions = [entry["position"] for entry in mirror.entries]
        assert positions == sorted(set(positions)), "an entry came twice, or out of order"
