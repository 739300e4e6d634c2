"""Feedback of platforms, as the person, other platforms and staff see it."""

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from unseen_service.jobs.overmatch_watch import OvermatchDetector

from tests.support.hashes import random_pdq
from tests.support.mirrors import Mirror
from tests.support.running_service import RunningService, serving
from tests.support.submissions import case_platforms, submit, withdraw


@pytest.fixture
def platform(service: RunningService) -> Iterator[httpx.Client]:
    with service.client("feed", "feedback", "match") as client:
        yield client


def give_feedback(client: httpx.Client, record: str, value: str, *tags: str) -> dict[str, int]:
    body = {"feedback": [{"record": record, "value": value, "tags": list(tags)}]}
    answer = client.post("/v1/feedback", json=body)
    assert answer.status_code == 200, answer.text
    counts: dict[str, int] = answer.json()
    return counts


def look_up(service: RunningService, client: httpx.Client, pdq: str) -> str:
    service.wait_in_step()
    (hit,) = client.post("/v1/match", json={"hashes": [pdq]}).json()["hits"]
    return str(hit["record"])


def overdue(service: RunningService) -> list[tuple[str, str, str | None]]:
    with service.client("audit") as staff:
        found = staff.get("/v1/overdue").json()
        assert staff.get("/v1/overdue", headers={"Unseen-Reason": ""}).status_code == 422
    assert found["hours"] == 48
    assert service.audit_details("overdue.listed")[-1]["reason"] == "a test"
    return [(each["what"], each["platform"], each["feedback"]) for each in found["overdue"]]


def two_days_pass(service: RunningService) -> None:
    """Move everything that happened so far 49 hours into the past."""
    service.flow(lambda store: OvermatchDetector(store, floor=200).scan())
    with psycopg.connect(service.database_url) as connection:
        connection.execute(
            """
            UPDATE matches SET at = at - interval '49 hours';
            UPDATE owed SET since = since - interval '49 hours';
            UPDATE deliveries SET at = at - interval '49 hours';
            UPDATE feedback
            SET at = at - interval '49 hours', since = since - interval '49 hours';
            """
        )


def test_person_sees_feedback_on_a_match(service: RunningService, platform: httpx.Client) -> None:
    case = submit(service, random_pdq(1))
    record = look_up(service, platform, random_pdq(1))
    (shown,) = case_platforms(service, case)
    assert (shown["matches"], shown["feedback"], shown["removed_at"]) == (1, None, None)
    give_feedback(platform, record, "pending-review")
    (shown,) = case_platforms(service, case)
    assert (shown["feedback"], shown["removed_at"]) == ("pending-review", None)
    give_feedback(platform, record, "removed")
    (shown,) = case_platforms(service, case)
    assert shown["feedback"] == "removed"
    assert shown["removed_at"] > shown["first_match_at"]


def test_person_sees_the_least_settled_feedback(
    service: RunningService, platform: httpx.Client
) -> None:
    case = submit(service, random_pdq(1), random_pdq(2))
    first, second = list(Mirror(platform).catch_up().kept)
    give_feedback(platform, first, "removed")
    give_feedback(platform, second, "pending-review")
    (shown,) = case_platforms(service, case)
    assert shown["feedback"] == "pending-review"
    assert shown["removed_at"] is not None


def test_repeated_feedback_changes_nothing(service: RunningService, platform: httpx.Client) -> None:
    case = submit(service, random_pdq(1))
    mirror = Mirror(platform).catch_up()
    (record,) = mirror.kept
    assert give_feedback(platform, record, "removed", "a", "b") == {"accepted": 1, "new": 1}
    before = case_platforms(service, case)
    assert mirror.page()["entries"][0]["feedback"] == {"removed": 1}
    assert give_feedback(platform, record, "removed", "b", "a") == {"accepted": 1, "new": 0}
    assert mirror.page()["entries"] == []
    assert case_platforms(service, case) == before
    assert service.audit_details("feedback.given") == [
        {
            "key": 1,
            "feedback": [{"record": record, "value": "removed", "tags": 2}],
            "unheard": [],
            "disputed": [],
        }
    ]


def test_one_unknown_record_rejects_the_whole_request(
    service: RunningService, platform: httpx.Client
) -> None:
    submit(service, random_pdq(1))
    (record,) = Mirror(platform).catch_up().kept
    unknown = "00000000-0000-4000-8000-000000000000"
    body = {"feedback": [{"record": each, "value": "removed"} for each in (record, unknown)]}
    answer = platform.post("/v1/feedback", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["at"] == "feedback.1"
    assert service.audit_details("feedback.given") == []
    answer = platform.post("/v1/withdrawals", json={"records": [record, unknown]})
    assert (answer.status_code, answer.json()["errors"][0]["at"]) == (422, "records.1")


@pytest.mark.parametrize(
    "item",
    [
        {"record": "no", "value": "removed"},
        {"record": "00000000-0000-4000-8000-000000000000", "value": "deleted"},
        {"record": "00000000-0000-4000-8000-000000000000", "value": "removed", "tags": ["a\nb"]},
        {"record": "00000000-0000-4000-8000-000000000000", "value": "removed", "why": "x"},
    ],
)
def test_invalid_feedback_is_refused(platform: httpx.Client, item: dict[str, Any]) -> None:
    answer = platform.post("/v1/feedback", json={"feedback": [item]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["at"].startswith("feedback.0.")


def test_feedback_requires_its_scope(service: RunningService) -> None:
    with service.client("match", "feed") as client:
        assert client.post("/v1/feedback", json={"feedback": []}).status_code == 403
        assert client.post("/v1/withdrawals", json={"records": []}).status_code == 403


def test_two_not_intimate_reports_make_a_hash_suspect(service: RunningService) -> None:
    submit(service, random_pdq(1))
    with (
        service.client("feed", "feedback", platform="One") as one,
        service.client("feed", "feedback", platform="Two") as two,
        service.client("feed", platform="Three") as three,
    ):
        mirrors = [Mirror(client).catch_up() for client in (one, two, three)]
        (record,) = mirrors[0].kept
        give_feedback(one, record, "not-intimate")
        give_feedback(one, record, "not-intimate", "art")
        assert not mirrors[2].page()["entries"][0]["suspect"]
        give_feedback(two, record, "not-intimate")
        (entry,) = mirrors[2].page()["entries"]
        assert (entry["standing"], entry["suspect"]) == ("unreviewed", True)
        assert entry["feedback"] == {"not-intimate": 2}
        assert [len(mirror.catch_up().kept) for mirror in mirrors] == [0, 0, 1]


def test_person_sees_that_a_withdrawal_was_processed(
    service: RunningService, platform: httpx.Client
) -> None:
    case = submit(service, random_pdq(1), random_pdq(2))
    mirror = Mirror(platform).catch_up()
    first, second = list(mirror.kept)
    withdraw(service, case)
    mirror.catch_up()
    answer = platform.post("/v1/withdrawals", json={"records": [first]})
    assert answer.json() == {"confirmed": [first], "active": []}
    platform.post("/v1/withdrawals", json={"records": [first, second]})
    assert case_platforms(service, case)[0]["withdrawal_confirmed_at"] is None
    mirror.catch_up()
    (shown,) = case_platforms(service, case)
    assert shown["withdrawal_confirmed_at"] is not None
    platform.post("/v1/withdrawals", json={"records": [first, second]})
    mirror.catch_up()
    assert case_platforms(service, case) == [shown]
    assert [each["records"] for each in service.audit_details("withdrawal.confirmed")] == [
        [first],
        [second],
    ]


def test_confirmation_counts_only_for_the_current_withdrawal(
    service: RunningService, platform: httpx.Client
) -> None:
    first = submit(service, random_pdq(1))
    (record,) = Mirror(platform).catch_up().kept
    withdraw(service, first)
    platform.post("/v1/withdrawals", json={"records": [record]})
    second = submit(service, random_pdq(1))
    answer = platform.post("/v1/withdrawals", json={"records": [record]})
    assert answer.json() == {"confirmed": [], "active": [record]}
    Mirror(platform).catch_up()
    withdraw(service, second)
    assert case_platforms(service, second)[0]["withdrawal_confirmed_at"] is None


def test_matches_and_withdrawals_unanswered_for_48_hours_are_overdue(
    service: RunningService, platform: httpx.Client
) -> None:
    submit(service, random_pdq(1))
    gone = submit(service, random_pdq(2))
    mirror = Mirror(platform).catch_up()
    record = look_up(service, platform, random_pdq(1))
    (other,) = set(mirror.kept) - {record}
    withdraw(service, gone)
    mirror.catch_up()
    assert overdue(service) == []
    two_days_pass(service)
    assert sorted(overdue(service)) == [("match", "Example", None), ("withdrawal", "Example", None)]
    give_feedback(platform, record, "not-removed")
    platform.post("/v1/withdrawals", json={"records": [other]})
    assert overdue(service) == [("match", "Example", "not-removed")]
    give_feedback(platform, record, "removed")
    assert overdue(service) == []
    # Another match starts the clock again, until the platform removes that one too.
    look_up(service, platform, random_pdq(1))
    two_days_pass(service)
    assert overdue(service) == [("match", "Example", "removed")]
    assert give_feedback(platform, record, "removed")["new"] == 1
    assert overdue(service) == []


def test_pending_review_becomes_overdue_without_a_match(
    service: RunningService, platform: httpx.Client
) -> None:
    submit(service, random_pdq(1))
    (record,) = Mirror(platform).catch_up().kept
    give_feedback(platform, record, "pending-review")
    two_days_pass(service)
    assert overdue(service) == [("review", "Example", "pending-review")]


def test_tombstone_of_an_unread_hash_needs_no_confirmation(
    service: RunningService, platform: httpx.Client
) -> None:
    withdraw(service, submit(service, random_pdq(1)))
    Mirror(platform).catch_up()
    two_days_pass(service)
    assert overdue(service) == []


def test_withdrawal_and_resubmission_reset_what_is_overdue(
    service: RunningService, platform: httpx.Client
) -> None:
    case = submit(service, random_pdq(1))
    mirror = Mirror(platform).catch_up()
    look_up(service, platform, random_pdq(1))
    two_days_pass(service)
    assert overdue(service) == [("match", "Example", None)]
    withdraw(service, case)
    assert overdue(service) == []
    mirror.catch_up()
    two_days_pass(service)
    assert overdue(service) == [("withdrawal", "Example", None)]
    submit(service, random_pdq(1))
    assert overdue(service) == []


def test_match_answered_before_it_was_counted_is_not_overdue(
    service: RunningService, platform: httpx.Client
) -> None:
    submit(service, random_pdq(1))
    give_feedback(platform, look_up(service, platform, random_pdq(1)), "removed")
    two_days_pass(service)
    assert overdue(service) == []


def test_feedback_is_charged(database_url: str) -> None:
    """What goes back and forth is recorded for good each time, and read by every mirror."""
    with (
        serving(database_url, hashes_per_minute=100) as service,
        service.client("feedback", "match") as platform,
    ):
        submit(service, random_pdq(1))
        record = look_up(service, platform, random_pdq(1))
        statuses = []
        for value in ("removed", "not-removed") * 5:
            body = {"feedback": [{"record": record, "value": value}]}
            statuses.append(platform.post("/v1/feedback", json=body).status_code)
    assert statuses[0] == 200
    assert statuses[-1] == 429, "a hash costs as many as 50 that are looked up"
