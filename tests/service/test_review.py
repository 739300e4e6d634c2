"""Disputes and over-matching: what makes a hash suspect, and what staff decide."""

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unseen_service.jobs.overmatch_watch import cause_of
from unseen_service.models.overmatch import ActivityBaseline, HashActivity
from unseen_service.models.review import Cause
from unseen_service.usecases import key_approval, keys

from tests.support.admins import Admins
from tests.support.databases import query
from tests.support.hashes import flipped, random_pdq
from tests.support.holder_keys import APPROVER, HolderKey
from tests.support.mirrors import Mirror
from tests.support.running_service import RunningService, serving
from tests.support.submissions import PIN, PIN_HEADERS, submit, withdraw
from tests.support.waiting import wait_until

FLOOR = 12
PDQ = random_pdq(1)


@pytest.fixture
def service(database_url: str) -> Iterator[RunningService]:
    """A service for which twelve distinct uploads per day are over-matching."""
    with serving(database_url, watch_every_ms=20, overmatch_floor=FLOOR) as running:
        yield running


def look_up(service: RunningService, platform: str, *pdqs: str) -> list[dict[str, Any]]:
    service.wait_in_step()
    with service.client("match", platform=platform) as client:
        hits: list[dict[str, Any]] = client.post("/v1/match", json={"hashes": pdqs}).json()["hits"]
    return hits


def record_of(service: RunningService, pdq: str = PDQ) -> str:
    return str(look_up(service, "Finder", pdq)[0]["record"])


def dispute(service: RunningService, record: str, *platforms: str, pdq: str = PDQ) -> None:
    """Let platforms match a hash and report that it is not intimate."""
    for platform in platforms:
        look_up(service, platform, pdq)
        with service.client("feedback", platform=platform) as client:
            body = {"feedback": [{"record": record, "value": "not-intimate"}]}
            assert client.post("/v1/feedback", json=body).status_code == 200


def queue(service: RunningService, state: str = "open") -> list[dict[str, Any]]:
    with service.client("audit", "admin", platform="Staff") as staff:
        answer = staff.get("/v1/review", params={"state": state})
    assert answer.status_code == 200, answer.text
    reviews: list[dict[str, Any]] = answer.json()["reviews"]
    return reviews


def decide(
    service: RunningService, record: str, decision: str, *, by: str = "Staff", **more: str
) -> httpx.Response:
    with service.client("audit", "admin", platform=by) as staff:
        answers: list[httpx.Response] = []

        def has_answer() -> bool:
            answers.append(staff.post(f"/v1/review/{record}", json={"decision": decision, **more}))
            return answers[-1].status_code != 503

        wait_until(has_answer)
        return answers[-1]


def decide_as_two(
    service: RunningService, record: str, decision: str, **more: str
) -> httpx.Response:
    """Decide what takes two persons."""
    proposed = decide(service, record, decision, **more)
    assert (proposed.status_code, proposed.json()["final"]) == (200, False), proposed.text
    return decide(service, record, decision, by="Second", **more)


def image_status(service: RunningService, case: dict[str, Any]) -> str:
    answer = httpx.get(f"{service.url}/v1/cases/{case['case']}", headers=PIN_HEADERS)
    (image,) = answer.json()["images"]
    return str(image["status"])


def weeks_pass(service: RunningService, case: dict[str, Any]) -> None:
    """Move the beginning of a case eight days into the past."""
    with psycopg.connect(service.database_url) as connection:
        connection.execute(
            "UPDATE cases SET submitted_at = submitted_at - interval '8 days' WHERE number = %s",
            [case["case"]],
        )


def wait_until_counted(service: RunningService) -> None:
    """Wait until the over-matching watch has counted every lookup so far."""
    with service.client("audit", platform="Staff") as staff:
        head = staff.get("/v1/audit").json()["head"]["position"]

    async def position(store: Any) -> int:
        async with store.transaction() as tx:
            cursor = await tx.execute("SELECT position FROM tally")
            return int((await cursor.fetchone())["position"])

    wait_until(lambda: service.flow(position) >= head)


def distinct_uploads(count: int, seed: int = 0) -> list[str]:
    """Return hashes of distinct images that are all just within the radius of `PDQ`."""
    return [flipped(PDQ, 31, seed + each) for each in range(count)]


def copies(count: int) -> list[str]:
    """Return hashes of copies of one image."""
    return [flipped(PDQ, each % 3, 7) for each in range(count)]


@pytest.fixture
def disputed(service: RunningService) -> str:
    """The record of a hash that two platforms have just reported as not intimate."""
    submit(service, PDQ)
    record = record_of(service)
    dispute(service, record, "One", "Two")
    return record


def test_disputes_of_two_platforms_make_a_hash_suspect_and_open_a_review(
    service: RunningService,
) -> None:
    case = submit(service, PDQ)
    with service.client("feed", platform="Mirror") as client:
        mirror = Mirror(client).catch_up()
        record = record_of(service)
        dispute(service, record, "One", "Two")
        assert look_up(service, "Finder", PDQ)[0]["standing"] == "unreviewed"
        assert mirror.catch_up().kept == {record: PDQ}
        assert mirror.entries[-1]["suspect"]
        assert mirror.entries[-1]["feedback"] == {"not-intimate": 2}
    assert image_status(service, case) == "active"
    (review,) = queue(service)
    assert review["record"] == record
    assert (review["cause"], review["evidence"]) == ("not-intimate", {"platforms": 2})
    assert (review["standing"], review["suspect"]) == ("unreviewed", True)
    assert review["opinions"] == {"not-intimate": ["One", "Two"]}
    assert (review["images"], review["decision"]) == (1, None)
    assert service.audit_details("review.opened") == [
        {"cause": "not-intimate", "hashes": [{"record": record}]}
    ]


def test_one_platform_cannot_make_a_hash_suspect(
    service: RunningService,
) -> None:
    submit(service, PDQ)
    record = record_of(service)
    look_up(service, "One", *distinct_uploads(20 * FLOOR))
    for _ in range(3):
        dispute(service, record, "One")
        look_up(service, "One", PDQ)
    wait_until_counted(service)
    assert not look_up(service, "Finder", flipped(PDQ, 20))[0]["suspect"]
    # Staff see it in the queue, so that they can ask the platform.
    wait_until(lambda: [each["cause"] for each in queue(service)] == ["often-found"])
    assert (queue(service)[0]["standing"], queue(service)[0]["suspect"]) == ("unreviewed", False)


def test_over_matching_hash_is_suspect(
    service: RunningService,
) -> None:
    case = submit(service, PDQ)
    record = record_of(service)
    look_up(service, "One", *distinct_uploads(20 * FLOOR))
    look_up(service, "Two", *distinct_uploads(20 * FLOOR, seed=1_000))
    wait_until(lambda: [each["cause"] for each in queue(service)] == ["over-matching"])
    assert image_status(service, case) == "active"
    assert look_up(service, "Finder", flipped(PDQ, 20))[0]["suspect"]
    (review,) = queue(service)
    assert (review["record"], review["suspect"]) == (record, True)
    assert review["evidence"]["shared"] >= FLOOR
    opened = service.audit_details("review.opened")[-1]
    assert opened["cause"] == "over-matching"
    assert opened["hashes"] == [{"record": record, **review["evidence"]}]


def test_viral_image_is_still_matched(service: RunningService) -> None:
    submit(service, PDQ)
    look_up(service, "One", *copies(50 * FLOOR))
    look_up(service, "Two", *copies(50 * FLOOR))
    wait_until_counted(service)
    wait_until(lambda: [each["cause"] for each in queue(service)] == ["often-found"])
    assert look_up(service, "Finder", PDQ)
    assert queue(service)[0]["evidence"]["uploads"] <= 3


def test_old_disputes_of_a_released_hash_do_not_count(
    service: RunningService, disputed: str
) -> None:
    answer = decide(service, disputed, "release")
    assert answer.json() == {
        "record": disputed,
        "decision": "release",
        "standing": "unreviewed",
        "final": True,
    }
    assert look_up(service, "One", PDQ)[0]["standing"] == "unreviewed"
    dispute(service, disputed, "One")
    assert queue(service) == [], "only One has disputed it since"
    dispute(service, disputed, "Two")
    assert [each["suspect"] for each in queue(service)] == [True]


def test_kept_hash_is_confirmed_and_never_suspect(service: RunningService, disputed: str) -> None:
    assert decide(service, disputed, "keep").json()["standing"] == "confirmed"
    for platform in "One", "Two":
        assert look_up(service, platform, PDQ)[0]["standing"] == "confirmed"
        dispute(service, disputed, platform)
    hit = look_up(service, "Finder", flipped(PDQ, 20))[0]
    assert (hit["standing"], hit["suspect"]) == ("disputed", False)
    (review,) = queue(service)
    assert (review["standing"], review["decided_at"]) == ("disputed", None)
    assert decide(service, disputed, "release").json()["standing"] == "confirmed"


def test_removed_hash_is_not_matched_whoever_submits_it(
    service: RunningService, disputed: str
) -> None:
    assert decide_as_two(service, disputed, "remove").json()["final"]
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
    assert image_status(service, again) == "active", "submitting must not reveal the decision"
    weeks_pass(service, again)
    assert image_status(service, again) == "declined"
    with service.client("feed", platform="Late") as client:
        assert Mirror(client).catch_up().kept == {}
    # Until staff decide otherwise, which takes two again.
    answer = decide(service, disputed, "release", instead_of="remove")
    assert (answer.json()["final"], answer.json()["standing"]) == (False, "quarantined")
    assert look_up(service, "Finder", PDQ) == []
    assert image_status(service, again) == "declined"
    answer = decide(service, disputed, "release", by="Second", instead_of="remove")
    assert answer.json()["final"]
    assert look_up(service, "Finder", PDQ)
    assert image_status(service, again) == "active"
    expected = [("remove", None), ("release", "remove")]
    for kind in "review.proposed", "review.decided":
        entries = service.audit_details(kind)
        assert [(each["decision"], each["instead_of"]) for each in entries] == expected
    assert [each["proposed_by"] for each in entries] == ["staff:Staff", "staff:Staff"]


def test_nobody_sees_a_removal_that_is_only_proposed(
    service: RunningService, disputed: str
) -> None:
    """One person alone removed a hash, and the person's page said so at once."""
    with service.client("feed", platform="Mirror") as client:
        mirror = Mirror(client).catch_up()
        for _ in range(2):  # the same person again is still one person
            answer = decide(service, disputed, "remove")
            assert answer.json()["final"] is False
            assert answer.json()["standing"] == "unreviewed"
        assert mirror.catch_up().kept == {disputed: PDQ}
    assert look_up(service, "Finder", PDQ)
    (review,) = queue(service)
    assert review["decision"] is None
    assert {**review["proposal"], "at": None} == {
        "decision": "remove",
        "by": "staff:Staff",
        "why": "a test",
        "at": None,
    }
    assert len(service.audit_details("review.proposed")) == 1
    # Anyone alone may decide against it.
    assert decide(service, disputed, "keep", by="Second").json()["final"]
    assert queue(service, "decided")[0]["proposal"] is None


def test_person_cannot_confirm_with_a_key_that_they_issued(
    service: RunningService, disputed: str
) -> None:
    """Whoever issues a key may know its secret: also that of a key issued with that key."""
    assert decide(service, disputed, "remove").json()["final"] is False
    with service.client("audit", "admin", platform="Staff") as staff:
        puppet = issue_admin_key(service, staff, "Puppet")
    with puppet, issue_admin_key(service, puppet, "Puppet of a puppet") as second:
        for each in puppet, second:
            answer = each.post(f"/v1/review/{disputed}", json={"decision": "remove"})
            assert answer.status_code == 409, answer.text
            assert answer.json()["type"] == "urn:unseen:problem:independent-person-needed"
        # Nor the other way round.
        assert second.post(f"/v1/review/{disputed}", json={"decision": "keep"}).json()["final"]
        removal = {"decision": "remove", "instead_of": "keep"}
        assert not second.post(f"/v1/review/{disputed}", json=removal).json()["final"]
    assert decide(service, disputed, "remove", instead_of="keep").status_code == 409
    assert look_up(service, "Finder", PDQ)


def issue_admin_key(service: RunningService, issuer: httpx.Client, platform: str) -> httpx.Client:
    """Issue an admin key through the API, and let someone approve it whom no test meets."""
    made = HolderKey()
    issued = issuer.post("/v1/keys", json=made.body(platform, "admin")).raise_for_status().json()
    wait_until(lambda: made.activate(service.url).is_success)
    service.flow(lambda store: key_approval.approve_key(store, issued["id"], APPROVER))
    url = f"{service.url}/v1/keys"
    wait_until(lambda: httpx.get(url, headers=made.headers).is_success)
    return httpx.Client(base_url=service.url, headers=made.headers)


def test_first_two_admins_can_remove_together(service: RunningService, disputed: str) -> None:
    admins = Admins.bootstrap(service.url, DATABASE_URL=service.database_url)
    path, removal = f"/v1/review/{disputed}", {"decision": "remove"}
    assert admins.post(admins.first, path, removal).json()["final"] is False
    assert admins.post(admins.second, path, removal).json()["final"] is True
    assert look_up(service, "Finder", PDQ) == []


def test_proposal_ends_with_the_keys_of_its_author(service: RunningService, disputed: str) -> None:
    """Whoever had used a stolen key to propose needed only one other person, also afterwards."""
    path, removal = f"/v1/review/{disputed}", {"decision": "remove"}
    with service.client("audit", "admin", platform="Stolen") as stolen:
        assert stolen.post(path, json=removal).json()["final"] is False
    ((key_id,),) = query(
        service.database_url,
        "SELECT keys.id FROM keys JOIN platforms ON platforms.id = platform_id"
        " WHERE name = 'Stolen'",
    )
    service.flow(lambda store: keys.revoke_key(store, key_id))
    assert decide(service, disputed, "remove").json()["final"] is False
    assert look_up(service, "Finder", PDQ)
    assert queue(service)[0]["proposal"]["by"] == "staff:Staff"
    assert decide(service, disputed, "remove", by="Second").json()["final"]


def test_keys_whose_secret_the_operator_saw_are_one_person(
    service: RunningService, disputed: str
) -> None:
    """Version 0.1 showed the secret of every key to whoever issued it on the command line."""
    for name in "Old", "Older":
        service.key("audit", "admin", platform=name)
    query(service.database_url, "UPDATE keys SET made_by_holder = false, issued_by = 'cli'")
    assert decide(service, disputed, "remove", by="Old").json()["final"] is False
    answer = decide(service, disputed, "remove", by="Older")
    assert answer.json()["type"] == "urn:unseen:problem:independent-person-needed"
    assert "unseen key rotate" in answer.json()["detail"]
    assert look_up(service, "Finder", PDQ)


def test_suspicion_outlasts_withdrawal_and_resubmission(service: RunningService) -> None:
    case = submit(service, PDQ)
    record = record_of(service)
    dispute(service, record, "One", "Two")
    withdraw(service, case)
    assert queue(service) == []
    again = submit(service, PDQ)
    assert look_up(service, "Finder", flipped(PDQ, 20))[0]["suspect"]
    assert image_status(service, case) == "withdrawn"
    assert image_status(service, again) == "active"
    assert [each["record"] for each in queue(service)] == [record]


def test_staff_decide_many_disputes_of_a_platform_at_once(service: RunningService) -> None:
    pdqs = [random_pdq(100 + n) for n in range(30)]
    submit(service, *pdqs)
    records = [hit["record"] for hit in look_up(service, "One", *pdqs)]
    body = {"feedback": [{"record": each, "value": "not-intimate"} for each in records]}
    with service.client("feedback", platform="One") as one:
        assert one.post("/v1/feedback", json=body).json()["new"] == 30
    assert look_up(service, "One", *pdqs) == []
    with service.client("audit", "admin", platform="Staff") as staff:
        (found,) = staff.get("/v1/disputes").json()["platforms"]
        assert (found["platform"], found["records"], found["counted"]) == ("One", 30, 0)
        decision = {"platform": "One", "decision": "release", "limit": 20}
        decided = [
            staff.post("/v1/disputes/decisions", json=decision).json()["decided"] for _ in range(3)
        ]
        assert decided == [20, 10, 0]
        assert staff.get("/v1/disputes").json()["platforms"] == []
        removal = {"platform": "One", "decision": "remove"}
        assert staff.post("/v1/disputes/decisions", json=removal).status_code == 422
    hits = look_up(service, "One", *pdqs)
    assert {hit["standing"] for hit in hits} == {"unreviewed"}
    assert len(hits) == 30
    entries = service.audit_details("disputes.decided")
    assert sorted(record for each in entries for record in each["records"]) == sorted(records)


def test_decision_does_not_restore_a_withdrawn_hash(
    service: RunningService,
) -> None:
    case = submit(service, PDQ)
    record = record_of(service)
    dispute(service, record, "One", "Two")
    withdraw(service, case)
    assert decide(service, record, "keep").status_code == 200
    assert look_up(service, "Finder", PDQ) == []


def test_conflicting_decision_is_refused(service: RunningService, disputed: str) -> None:
    assert decide(service, disputed, "keep").status_code == 200
    conflicting = decide(service, disputed, "release")
    assert (conflicting.status_code, conflicting.json()["type"]) == (
        409,
        "urn:unseen:problem:review-changed",
    )
    assert "the decision now is 'keep'" in conflicting.json()["detail"]
    assert look_up(service, "Finder", PDQ)
    (decided,) = queue(service, "decided")
    assert (decided["decision"], decided["why"]) == ("keep", "a test")
    assert decided["decided_by"] == "staff:Staff"


def test_decision_requires_a_scope_a_reason_and_a_known_hash(
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


def test_statistics_per_hour_and_per_day(service: RunningService) -> None:
    case = submit(service, PDQ, random_pdq(2))
    submit(service, random_pdq(3))
    look_up(service, "One", PDQ, random_pdq(2), random_pdq(9))
    withdraw(service, case)
    wait_until_counted(service)
    with service.client("audit", platform="Staff") as staff:
        for by in "hour", "day":
            answer = staff.get("/v1/statistics", params={"by": by, "count": 3}).json()
            *before, now = answer["stretches"]
            assert len(before) == 2
            totals = {name: now[name] + before[-1][name] for name in now if name != "at"}
            # The worker counts its misses up to a minute later.
            assert totals == {"cases": 2, "images": 3, "withdrawn": 2, "matched": 2, "missed": 0}
        assert (answer["hashes"], answer["open_reviews"]) == (1, 0)
        assert staff.get("/v1/statistics", params={"count": 0}).status_code == 422
    assert [each["by"] for each in service.audit_details("statistics.read")] == ["hour", "day"]


def test_no_match_is_counted_twice(service: RunningService) -> None:
    submit(service, PDQ)
    for _ in range(5):
        look_up(service, "One", PDQ)
    wait_until_counted(service)
    wait_until_counted(service)

    async def total_finds(store: Any) -> list[tuple[int, ...]]:
        async with store.transaction() as tx:
            rows = await (await tx.execute("SELECT sum(finds) AS n FROM finds")).fetchall()
            return [row["n"] for row in rows]

    assert service.flow(total_finds) == [5]


counts = st.integers(0, 10**6)


@given(counts, counts, counts, counts, st.integers(1, 10**4))
def test_counts_of_one_platform_never_make_a_hash_suspect(
    finds: int, uploads: int, usual_finds: int, usual_uploads: int, floor: int
) -> None:
    found = HashActivity(1, finds, uploads, shared=0, platforms=1)
    assert (
        cause_of(found, ActivityBaseline(usual_finds, usual_uploads), floor)
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
def test_over_matching_is_ten_times_the_usual_and_at_least_the_floor(
    shared: int, usual: int, cause: Cause | None
) -> None:
    found = HashActivity(1, finds=shared, uploads=shared, shared=shared, platforms=2)
    # All uploads are shared by both platforms.
    assert cause_of(found, ActivityBaseline(shared, usual), 200) is cause
