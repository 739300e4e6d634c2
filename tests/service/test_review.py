"""Disputes and over-matching: what goes out of reach, what staff decide, what never happens."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unseen import Client
from unseen_service.jobs.overmatch_watch import cause_of
from unseen_service.models.overmatch import ActivityBaseline, HashActivity
from unseen_service.models.review import Cause

from tests.support.hashes import flipped, random_pdq
from tests.support.mirrors import Mirror
from tests.support.running_service import RunningService, serving
from tests.support.submissions import PIN, PIN_HEADERS, submit, withdraw
from tests.support.waiting import wait_until

FLOOR = 12
PDQ = random_pdq(1)


@pytest.fixture
def service(database_url: str) -> Iterator[RunningService]:
    """A service that watches closely: twelve different uploads a day are many to it."""
    with serving(database_url, watch_every_ms=20, overmatch_floor=FLOOR) as running:
        yield running


def look_up(service: RunningService, platform: str, *pdqs: str) -> list[dict[str, Any]]:
    service.wait_in_step()
    with service.client("match", platform=platform) as client:
        hits: list[dict[str, Any]] = client.post("/v1/match", json={"hashes": pdqs}).json()["hits"]
    return hits


def record_of(service: RunningService, pdq: str = PDQ) -> str:
    return str(look_up(service, "Finder", pdq)[0]["record"])


def dispute(service: RunningService, record: str, *platforms: str) -> None:
    for platform in platforms:
        with service.client("feedback", platform=platform) as client:
            body = {"feedback": [{"record": record, "value": "not-intimate"}]}
            assert client.post("/v1/feedback", json=body).status_code == 200


def queue(service: RunningService, state: str = "open") -> list[dict[str, Any]]:
    with service.client("audit", "admin", platform="Staff") as staff:
        answer = staff.get("/v1/review", params={"state": state})
    assert answer.status_code == 200, answer.text
    reviews: list[dict[str, Any]] = answer.json()["reviews"]
    return reviews


def decide(service: RunningService, record: str, decision: str, **more: str) -> httpx.Response:
    with service.client("audit", "admin", platform="Staff") as staff:
        return staff.post(f"/v1/review/{record}", json={"decision": decision, **more})


def image_status(service: RunningService, case: dict[str, Any]) -> str:
    answer = httpx.get(f"{service.url}/v1/cases/{case['case']}", headers=PIN_HEADERS)
    (image,) = answer.json()["images"]
    return str(image["status"])


def counted(service: RunningService) -> None:
    """Wait until the watch has counted every look-up so far."""
    with service.client("audit", platform="Staff") as staff:
        head = staff.get("/v1/audit").json()["head"]["position"]

    async def position(store: Any) -> int:
        async with store.transaction() as tx:
            cursor = await tx.execute("SELECT position FROM tally")
            return int((await cursor.fetchone())["position"])

    wait_until(lambda: service.flow(position) >= head)


def others(count: int, seed: int = 0) -> list[str]:
    """Hashes of different pictures that are all just within reach of PDQ."""
    return [flipped(PDQ, 31, seed + each) for each in range(count)]


def copies(count: int) -> list[str]:
    """Hashes of copies of one picture, again and again."""
    return [flipped(PDQ, each % 3, 7) for each in range(count)]


@pytest.fixture
def disputed(service: RunningService) -> str:
    """The record of a hash that two platforms have just called not intimate."""
    submit(service, PDQ)
    record = record_of(service)
    dispute(service, record, "One", "Two")
    return record


def test_two_platforms_put_a_hash_out_of_reach_and_into_the_queue(service: RunningService) -> None:
    case = submit(service, PDQ)
    with service.client("feed", platform="Mirror") as client:
        mirror = Mirror(client).catch_up()
        record = record_of(service)
        dispute(service, record, "One", "Two")
        assert look_up(service, "Finder", PDQ) == []
        assert mirror.catch_up().kept == {}
        assert mirror.entries[-1]["status"] == "quarantined"
    assert image_status(service, case) == "under_review"
    with Client(service.url, insecure=True) as person:
        assert person.status(case["case"], PIN).images[0].status == "under_review"
    (review,) = queue(service)
    assert review["record"] == record
    assert (review["cause"], review["evidence"]) == ("not-intimate", {"platforms": 2})
    assert review["opinions"] == {"not-intimate": ["One", "Two"]}
    assert (review["images"], review["decision"]) == (1, None)
    assert [each["quarantined"] for each in service.audit_details("feedback.given")] == [
        [],
        [record],
    ]


def test_one_platform_cannot_whatever_it_says_and_however_often_it_asks(
    service: RunningService,
) -> None:
    submit(service, PDQ)
    record = record_of(service)
    for _ in range(3):
        dispute(service, record, "One")
        look_up(service, "One", PDQ)
    look_up(service, "One", *others(20 * FLOOR))
    counted(service)
    assert look_up(service, "Finder", PDQ)
    # Staff are told of it, so that they can ask.
    wait_until(lambda: [each["cause"] for each in queue(service)] == ["often-found"])
    assert queue(service)[0]["standing"] == "unreviewed"


def test_what_finds_many_different_uploads_on_two_platforms_is_quarantined(
    service: RunningService,
) -> None:
    case = submit(service, PDQ)
    record = record_of(service)
    look_up(service, "One", *others(20 * FLOOR))
    look_up(service, "Two", *others(20 * FLOOR, seed=1_000))
    wait_until(lambda: image_status(service, case) == "under_review")
    assert look_up(service, "Finder", PDQ) == []
    (review,) = queue(service)
    assert (review["record"], review["cause"]) == (record, "over-matching")
    assert review["evidence"]["shared"] >= FLOOR
    opened = service.audit_details("review.opened")[-1]
    assert opened["cause"] == "over-matching"
    assert opened["hashes"] == [{"record": record, **review["evidence"]}]


def test_a_picture_that_goes_around_is_matched_on(service: RunningService) -> None:
    submit(service, PDQ)
    look_up(service, "One", *copies(50 * FLOOR))
    look_up(service, "Two", *copies(50 * FLOOR))
    counted(service)
    wait_until(lambda: [each["cause"] for each in queue(service)] == ["often-found"])
    assert look_up(service, "Finder", PDQ)
    assert queue(service)[0]["evidence"]["uploads"] <= 3


def test_what_staff_release_is_as_it_was_and_old_words_do_not_count(
    service: RunningService, disputed: str
) -> None:
    answer = decide(service, disputed, "release")
    assert answer.json() == {
        "record": disputed,
        "decision": "release",
        "standing": "unreviewed",
    }
    assert look_up(service, "One", PDQ)[0]["standing"] == "unreviewed"
    dispute(service, disputed, "One")
    assert look_up(service, "Two", PDQ), "One alone has said it since"
    dispute(service, disputed, "Two")
    assert look_up(service, "Two", PDQ) == []


def test_what_staff_keep_is_confirmed_and_stays_in_reach(
    service: RunningService, disputed: str
) -> None:
    assert decide(service, disputed, "keep").json()["standing"] == "confirmed"
    for platform in "One", "Two":
        assert look_up(service, platform, PDQ)[0]["standing"] == "confirmed"
        dispute(service, disputed, platform)
    assert look_up(service, "Finder", PDQ)[0]["standing"] == "disputed"
    (review,) = queue(service)
    assert (review["standing"], review["decided_at"]) == ("disputed", None)
    assert decide(service, disputed, "release").json()["standing"] == "confirmed"


def test_what_staff_remove_stays_out_of_reach_whoever_submits_it(
    service: RunningService, disputed: str
) -> None:
    assert decide(service, disputed, "remove").status_code == 200
    again = submit(service, PDQ)
    with service.client("submit", platform="Bank") as bank:
        record = {"signalType": "ImagePDQ", "hashValue": PDQ, "CSPFeedbacks": []}
        keys = {"x-functions-key": service.key("submit", platform="Bank")}
        keys["Ocp-Apim-Subscription-Key"] = keys["x-functions-key"]
        answer = bank.post(
            "/stopncii/v1/SubmitHashes", json={"hashRecords": [record]}, headers=keys
        )
        assert answer.status_code == 200, answer.text
    assert look_up(service, "Finder", PDQ) == []
    assert image_status(service, again) == "declined"
    with service.client("feed", platform="Late") as client:
        assert Mirror(client).catch_up().kept == {}
    # Until staff decide otherwise.
    assert decide(service, disputed, "release", instead_of="remove").status_code == 200
    assert look_up(service, "Finder", PDQ)
    assert image_status(service, again) == "active"
    assert [
        (each["decision"], each["instead_of"], each["reason"])
        for each in service.audit_details("review.decided")
    ] == [("remove", None, "a test"), ("release", "remove", "a test")]


def test_a_quarantine_outlives_a_withdrawal(service: RunningService) -> None:
    case = submit(service, PDQ)
    record = record_of(service)
    dispute(service, record, "One", "Two")
    withdraw(service, case)
    assert queue(service) == []
    again = submit(service, PDQ)
    assert look_up(service, "Finder", PDQ) == []
    assert image_status(service, case) == "withdrawn"
    assert image_status(service, again) == "under_review"
    assert [each["record"] for each in queue(service)] == [record]


def test_what_nobody_holds_any_more_does_not_come_back_by_a_decision(
    service: RunningService,
) -> None:
    case = submit(service, PDQ)
    record = record_of(service)
    dispute(service, record, "One", "Two")
    withdraw(service, case)
    assert decide(service, record, "keep").status_code == 200
    assert look_up(service, "Finder", PDQ) == []


def test_who_decides_on_what_another_decided_meanwhile_is_told(
    service: RunningService, disputed: str
) -> None:
    assert decide(service, disputed, "keep").status_code == 200
    late = decide(service, disputed, "remove")
    assert (late.status_code, late.json()["type"]) == (409, "urn:unseen:problem:review-changed")
    assert "the decision now is 'keep'" in late.json()["detail"]
    assert look_up(service, "Finder", PDQ)
    (decided,) = queue(service, "decided")
    assert (decided["decision"], decided["why"]) == ("keep", "a test")
    assert decided["decided_by"] == "staff:Staff"


def test_a_decision_needs_its_scope_its_reason_and_its_hash(
    service: RunningService, disputed: str
) -> None:
    body = {"decision": "remove"}
    with service.client("audit", platform="Reader") as reader:
        assert reader.get("/v1/review").status_code == 200
        assert reader.post(f"/v1/review/{disputed}", json=body).status_code == 403
    with service.client("admin", platform="Staff") as staff:
        unknown = "00000000-0000-4000-8000-000000000000"
        answer = staff.post(f"/v1/review/{unknown}", json=body)
        assert (answer.status_code, answer.json()["type"]) == (
            404,
            "urn:unseen:problem:review-not-found",
        )
        assert staff.post(f"/v1/review/{disputed}", json={"decision": "x"}).status_code == 422
        for reason in ("", "%20", f"because of {PIN}"):
            headers = {"Unseen-Reason": reason}
            answer = staff.post(f"/v1/review/{disputed}", json=body, headers=headers)
            assert answer.status_code == 422, reason
        del staff.headers["Unseen-Reason"]
        assert staff.post(f"/v1/review/{disputed}", json=body).status_code == 422
        assert staff.get("/v1/review").status_code == 403
    assert len(queue(service)) == 1
    assert [each["reason"] for each in service.audit_details("review.listed")] == ["a test"] * 2


def test_what_happened_is_counted_by_the_hour_and_the_day(service: RunningService) -> None:
    case = submit(service, PDQ, random_pdq(2))
    submit(service, random_pdq(3))
    look_up(service, "One", PDQ, random_pdq(2), random_pdq(9))
    withdraw(service, case)
    counted(service)
    with service.client("audit", platform="Staff") as staff:
        for by in "hour", "day":
            answer = staff.get("/v1/statistics", params={"by": by, "count": 3}).json()
            *before, now = answer["stretches"]
            assert len(before) == 2
            totals = {name: now[name] + before[-1][name] for name in now if name != "at"}
            # Misses are counted a minute later, by the worker that had them.
            assert totals == {"cases": 2, "images": 3, "withdrawn": 2, "matched": 2, "missed": 0}
        assert (answer["hashes"], answer["open_reviews"]) == (1, 0)
        assert staff.get("/v1/statistics", params={"count": 0}).status_code == 422
    assert [each["by"] for each in service.audit_details("statistics.read")] == ["hour", "day"]


def test_nothing_is_counted_twice(service: RunningService) -> None:
    submit(service, PDQ)
    for _ in range(5):
        look_up(service, "One", PDQ)
    counted(service)
    counted(service)

    async def finds(store: Any) -> list[tuple[int, ...]]:
        async with store.transaction() as tx:
            rows = await (await tx.execute("SELECT sum(finds) AS n FROM finds")).fetchall()
            return [row["n"] for row in rows]

    assert service.flow(finds) == [5]


counts = st.integers(0, 10**6)


@given(counts, counts, counts, counts, st.integers(1, 10**4))
def test_no_count_of_one_platform_quarantines(
    finds: int, uploads: int, usual_finds: int, usual_uploads: int, floor: int
) -> None:
    alone = HashActivity(1, finds, uploads, shared=0, platforms=1)
    assert (
        cause_of(alone, ActivityBaseline(usual_finds, usual_uploads), floor)
        is not Cause.OVER_MATCHING
    )


@pytest.mark.parametrize(
    ("shared", "usual", "cause"),
    [
        (199, 0, None),
        (200, 0, Cause.OVER_MATCHING),
        (200, 21, None),
        (210, 21, Cause.OVER_MATCHING),
    ],
)
def test_far_more_is_ten_times_the_usual_and_the_floor_at_least(
    shared: int, usual: int, cause: Cause | None
) -> None:
    found = HashActivity(1, finds=shared, uploads=shared, shared=shared, platforms=2)
    # As many uploads in all as are shared: who has most of them has the same ones.
    assert cause_of(found, ActivityBaseline(shared, usual), 200) is cause
