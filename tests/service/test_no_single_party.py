"""Attacks on a victim's hash by one party: by uploaders, by a platform, or by two that collude.

Each was seen to suspend hashes, for everyone, before it was stopped.
"""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest
from unseen_service.jobs.overmatch_watch import OvermatchDetector

from tests.support.hashes import flipped, random_pdq
from tests.support.mirrors import Mirror
from tests.support.running_service import RunningService, serving
from tests.support.stopncii_client import fetch_hashes, stock_client
from tests.support.submissions import PIN_HEADERS, case_platforms, submit
from tests.support.waiting import wait_until

PDQ = random_pdq(1)
UNLIMITED_INTAKE = {"work_free_hashes_per_minute": 1_000_000_000}
FLOOR = 12


def altered_patch(number: int) -> str:
    """Return the hash of an altered patch of the victim's own picture, 16 to 24 bits off.

    No two of 256 look alike in the 16 bits by which distinct uploads are counted.
    """
    bits = bytearray.fromhex(PDQ)
    for place in range(8):
        bits[2 * place] ^= number >> place & 1
    others = [bit for bit in range(256) if bit % 16 != 7]
    for bit in np.random.default_rng(number).choice(others, 16, replace=False):
        bits[bit // 8] ^= 0x80 >> bit % 8
    return bytes(bits).hex()


def look_up(service: RunningService, platform: str, *pdqs: str) -> list[dict[str, Any]]:
    service.wait_in_step()
    with service.client("match", platform=platform) as client:
        hits: list[dict[str, Any]] = client.post("/v1/match", json={"hashes": pdqs}).json()["hits"]
    return hits


def dispute(
    service: RunningService, platform: str, *records: str, value: str = "not-intimate"
) -> None:
    with service.client("feedback", platform=platform) as client:
        for n in range(0, len(records), 1_000):
            given = [{"record": each, "value": value} for each in records[n : n + 1_000]]
            answer = client.post("/v1/feedback", json={"feedback": given})
            assert answer.status_code == 200, answer.text


def reviews(service: RunningService) -> list[dict[str, Any]]:
    with service.client("audit", platform="Staff") as staff:
        found: list[dict[str, Any]] = staff.get("/v1/review").json()["reviews"]
    return found


def alerts(service: RunningService) -> list[str]:
    with service.client("audit", platform="Staff") as staff:
        return [each["kind"] for each in staff.get("/v1/alerts").json()["alerts"]]


def image(service: RunningService, case: dict[str, Any]) -> dict[str, Any]:
    answer = httpx.get(f"{service.url}/v1/cases/{case['case']}", headers=PIN_HEADERS)
    (found,) = answer.json()["images"]
    return dict(found)


@pytest.fixture
def watched(database_url: str) -> Iterator[RunningService]:
    """A service that looks for over-matching all the time."""
    with serving(database_url, watch_every_ms=20) as running:
        yield running


@pytest.fixture
def alert_watch(database_url: str) -> Iterator[RunningService]:
    """A service for which twelve distinct uploads per day are over-matching."""
    with serving(database_url, watch_every_ms=20, overmatch_floor=FLOOR) as running:
        yield running


def test_altered_patches_on_two_platforms_do_not_hide_a_hash(watched: RunningService) -> None:
    """215 uploads to each of two platforms suspended a victim's hash within minutes."""
    case = submit(watched, PDQ)
    for platform in "One", "Two":
        look_up(watched, platform, *[altered_patch(number) for number in range(215)])
    wait_until(lambda: [each["cause"] for each in reviews(watched)] == ["over-matching"])
    assert image(watched, case)["status"] == "active"
    assert look_up(watched, "Three", PDQ)[0]["distance"] == 0
    (hit,) = look_up(watched, "Three", flipped(PDQ, 31))
    assert (hit["distance"], hit["suspect"]) == (31, True), "matched at the full radius"
    assert "review.opened" in alerts(watched)


@pytest.fixture
def suspect(alert_watch: RunningService) -> dict[str, Any]:
    """The case of a hash that over-matches, while a mirror follows."""
    case = submit(alert_watch, PDQ)
    for platform in "One", "Two":
        look_up(alert_watch, platform, *[flipped(PDQ, 31, n) for n in range(20 * FLOOR)])
    wait_until(lambda: bool(reviews(alert_watch)))
    return case


def test_hits_beyond_8_bits_of_a_suspect_hash_count_nowhere(
    alert_watch: RunningService, suspect: dict[str, Any]
) -> None:
    service = alert_watch
    before = image(service, suspect)["matches"]
    near, far = [flipped(PDQ, 8)], [flipped(PDQ, 9), flipped(PDQ, 31)]
    hits = look_up(service, "Three", *near, *far, flipped(PDQ, 32))
    assert [(hit["distance"], hit["suspect"]) for hit in hits] == [
        (8, False),
        (9, True),
        (31, True),
    ]
    look_up(service, "Four", *far)
    assert image(service, suspect)["matches"] == before + 1
    platforms = {each["platform"]: each["matches"] for each in case_platforms(service, suspect)}
    assert platforms["Three"] == 1
    assert "Four" not in platforms
    recorded = service.audit_details("match.hit")[-2]["hits"]
    assert [each.get("suspect") for each in recorded] == [None, True, True]
    service.flow(lambda store: OvermatchDetector(store, floor=FLOOR).scan())
    with psycopg.connect(service.database_url) as database:
        counted = database.execute(
            "SELECT name FROM platforms WHERE id IN (SELECT platform_id FROM finds"
            " UNION SELECT platform_id FROM owed UNION SELECT platform_id FROM matches)"
        )
        assert "Four" not in {name for (name,) in counted}
        matched = "SELECT sum(amount) FROM activity WHERE kind = 'match.hit'"
        wait_until(lambda: database.execute(matched).fetchone() == (1 + 2 * 20 * FLOOR,), within=5)


def test_feed_marks_suspect_hashes(alert_watch: RunningService, suspect: dict[str, Any]) -> None:
    with alert_watch.client("feed", platform="Mirror") as client:
        (entry,) = Mirror(client).catch_up().entries
    assert (entry["status"], entry["suspect"], entry["pdq"]) == ("active", True, PDQ)
    record = fetch_hashes(stock_client(alert_watch))[0][PDQ]
    assert record.hashStatus.value == "Active"


def test_command_prints_the_mark(alert_watch: RunningService, suspect: dict[str, Any]) -> None:
    key = alert_watch.key("match", platform="Three")
    queries = flipped(PDQ, 8), flipped(PDQ, 9)
    command = ["-m", "unseen", "match", "--server", alert_watch.url, "--key", key, *queries]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    near, far = done.stdout.splitlines()
    assert "unreviewed, record" in near
    assert "unreviewed, suspect, record" in far


def test_mark_is_added_and_taken_away_as_staff_decide(alert_watch: RunningService) -> None:
    service = alert_watch
    submit(service, PDQ)
    with service.client("feed", platform="Mirror") as client:
        mirror = Mirror(client).catch_up()
        for platform in "One", "Two":
            look_up(service, platform, *[flipped(PDQ, 31, n) for n in range(20 * FLOOR)])
        wait_until(lambda: bool(reviews(service)))
        assert mirror.catch_up().entries[-1]["suspect"]
        (record,) = mirror.kept
        with service.client("admin", platform="Staff") as staff:
            assert staff.post(f"/v1/review/{record}", json={"decision": "keep"}).is_success
        entry = mirror.catch_up().entries[-1]
    assert (entry["suspect"], entry["standing"]) == (False, "confirmed")
    assert not look_up(service, "Three", flipped(PDQ, 31))[0]["suspect"]


def test_two_keys_do_not_suspend_the_bank(database_url: str) -> None:
    """Two keys suspended 4,000 hashes in a few seconds that they never matched or received."""
    with serving(database_url, **UNLIMITED_INTAKE) as service:
        pdqs = [random_pdq(number) for number in range(4_000)]
        for n in range(0, 4_000, 1_000):
            submit(service, *pdqs[n : n + 1_000])
        with service.client("feed", platform="Accomplice") as client:
            records = list(Mirror(client).catch_up(10_000).kept)
        for platform in "One", "Two":
            dispute(service, platform, *records)
        assert len(look_up(service, "Three", *pdqs)) == 4_000
        assert not any(hit["suspect"] for hit in look_up(service, "Three", *pdqs[:100]))
        assert reviews(service) == []


def test_two_readers_of_the_feed_do_not_mark_the_bank(database_url: str) -> None:
    """They received every hash, so their word counts: but not more than a few a day."""
    with serving(database_url, disputes_per_day=20) as service:
        submit(service, *[random_pdq(number) for number in range(100)])
        for platform in "One", "Two":
            with service.client("feed", platform=platform) as client:
                records = list(Mirror(client).catch_up().kept)
            dispute(service, platform, *records)
        assert reviews(service) == [], "none of a request that is too large"
        assert alerts(service) == ["feedback.bulk"] * 2
        for platform in "One", "Two":
            dispute(service, platform, records[0])
        assert reviews(service) == [], "nor of what follows within a day"
        with psycopg.connect(database_url) as database:
            database.execute("UPDATE alerts SET at = at - interval '25 hours'")
        for platform in "One", "Two":
            for record in records:
                dispute(service, platform, record)
        assert len(reviews(service)) == 20
        assert alerts(service).count("review.opened") == 1, "not one per hash"
        assert alerts(service).count("feedback.bulk") == 4, "once a day and platform"
        assert len(look_up(service, "Three", *[random_pdq(number) for number in range(100)])) == 100


def test_word_of_a_new_platform_does_not_count_yet(database_url: str) -> None:
    """An admin who makes two platforms must wait, where everyone can see them."""
    with serving(database_url, disputes_wait_days=7) as service:
        submit(service, PDQ)
        for platform in "One", "Two":
            (hit,) = look_up(service, platform, PDQ)
            dispute(service, platform, hit["record"])
        assert reviews(service) == []
        with psycopg.connect(database_url) as database:
            database.execute("UPDATE platforms SET created_at = now() - interval '8 days'")
        for platform in "One", "Two":
            dispute(service, platform, hit["record"])
        assert [each["cause"] for each in reviews(service)] == ["not-intimate"]


def test_platform_that_never_met_a_hash_is_not_heard_about_it(service: RunningService) -> None:
    case = submit(service, PDQ)
    (hit,) = look_up(service, "Finder", PDQ)
    with service.client("feed", platform="Mirror") as client:
        mirror = Mirror(client).catch_up()
        dispute(service, "Liar", hit["record"], value="removed")
        assert mirror.page()["entries"] == []
    assert {each["platform"] for each in case_platforms(service, case)} == {"Finder", "Mirror"}
    dispute(service, "Liar", hit["record"])
    dispute(service, "Finder", hit["record"])
    assert reviews(service) == []


def test_dispute_changes_the_answers_of_its_platform_alone(service: RunningService) -> None:
    case = submit(service, PDQ)
    stock, checkpoint = stock_client(service, "One"), 10
    with (
        service.client("feed", platform="One") as one,
        service.client("feed", platform="Two") as two,
    ):
        mirrors = Mirror(one).catch_up(), Mirror(two).catch_up()
        (record,) = mirrors[0].kept
        dispute(service, "One", record)
        assert look_up(service, "One", PDQ) == []
        assert look_up(service, "Two", PDQ)
        assert [list(mirror.catch_up().kept) for mirror in mirrors] == [[], [record]]
        entry = mirrors[0].entries[-1]
        assert (entry["status"], entry["pdq"]) == ("withdrawn", None)
        assert fetch_hashes(stock, checkpoint)[0][PDQ].hashStatus.value == "Withdrawn"
        with service.client("feedback", platform="One") as client:
            answer = client.post("/v1/withdrawals", json={"records": [record]})
        assert answer.json() == {"confirmed": [record], "active": []}
        # A later change of the hash does not bring it back.
        look_up(service, "Two", PDQ)
        dispute(service, "Two", record, value="removed")
        assert [list(mirror.catch_up().kept) for mirror in mirrors] == [[], [record]]
        assert image(service, case)["status"] == "active"
        # What the platform takes back, it gets back.
        dispute(service, "One", record, value="not-removed")
        assert [list(mirror.catch_up().kept) for mirror in mirrors] == [[record], [record]]
    assert look_up(service, "One", PDQ)


def test_staff_end_a_dispute(service: RunningService) -> None:
    submit(service, PDQ)
    for platform in "One", "Two":
        (hit,) = look_up(service, platform, PDQ)
        dispute(service, platform, hit["record"])
    assert look_up(service, "One", PDQ) == []
    with service.client("admin", platform="Staff") as staff:
        answer = staff.post(f"/v1/review/{hit['record']}", json={"decision": "release"})
    assert answer.status_code == 200, answer.text
    for platform in "One", "Two":
        assert look_up(service, platform, PDQ)


def test_hashes_that_version_0_1_suspended_are_matched_again(database_url: str) -> None:
    """It suspended without a decision; what staff decided stays as it is."""
    with serving(database_url, watch_every_ms=100_000) as service:
        case = submit(service, PDQ)
        with service.client("feed", platform="Mirror") as client:
            mirror = Mirror(client).catch_up()
            for platform in "One", "Two":
                (hit,) = look_up(service, platform, PDQ)
                dispute(service, platform, hit["record"])
            with psycopg.connect(database_url) as database:
                database.execute("UPDATE hashes SET standing = 'quarantined'")
            with serving(database_url, watch_every_ms=20) as upgraded:
                wait_until(lambda: mirror.catch_up().kept.get(hit["record"]) == PDQ)
                assert upgraded.audit_details("review.resumed") == [{"records": [hit["record"]]}]
                (found,) = look_up(upgraded, "Three", flipped(PDQ, 20))
    assert (found["standing"], found["suspect"]) == ("unreviewed", True)
    assert case["images"][0]["status"] == "active"
