"""Hashes of crops: lookups find them, and nothing else shows them to anyone."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from unseen_service.errors import StateUnexplained
from unseen_service.jobs.retention import Periods, erase
from unseen_service.settings import Settings
from unseen_service.usecases import audit_log

from tests.support.databases import query, unencrypted_database
from tests.support.hashes import flipped, random_pdq
from tests.support.mirrors import Mirror
from tests.support.problems import problem_slug
from tests.support.running_service import RunningService, serving
from tests.support.stored_hashes import id_of, stored_bits
from tests.support.submissions import PIN_HEADERS, case_platforms, post_submission, submission
from tests.support.submissions import withdraw as withdraw_case
from tests.support.waiting import wait_until
from tests.support.webhook_receiver import WebhookReceiver, register_webhook

WHOLE, OTHER = random_pdq(1), random_pdq(2)
CROP, SQUARE = random_pdq(3), random_pdq(4)


@pytest.fixture
def service(service: RunningService) -> Iterator[RunningService]:
    """A service whose audit log explains its state after the test."""
    yield service
    service.flow(audit_log.verify_audit)


def image(**hashes: str) -> dict[str, Any]:
    """Return an image by its views, which are written with underscores."""
    names = {name: name.replace("_", "-") for name in hashes}
    return {
        "hashes": [
            {"pdq": pdq, "quality": 100, "view": names[name]} for name, pdq in hashes.items()
        ],
        "convention": "pdq-srgb-full-2",
    }


def post(service: RunningService, *images: dict[str, Any]) -> httpx.Response:
    return post_submission(service, {**submission(WHOLE), "images": list(images)})


def open_case(service: RunningService, *images: dict[str, Any]) -> dict[str, Any]:
    answer = post(service, *images)
    assert answer.status_code == 201, answer.text
    case: dict[str, Any] = answer.json()
    return case


def hits(
    service: RunningService, *pdqs: str, platform: str = "Example", together: bool = False
) -> list[tuple[int, int, str]]:
    """Return the query, distance and view of each hit; `together`: of one image."""
    service.wait_in_step()
    body = {"images": [{"hashes": pdqs}]} if together else {"hashes": pdqs}
    with service.client("match", platform=platform) as client:
        found = client.post("/v1/match", json=body).json()["hits"]
    return [(hit["query"], hit["distance"], hit["view"]) for hit in found]


def feed(service: RunningService, platform: str = "Mirror") -> dict[str, str]:
    """Return the status of everything that the feed has ever had, by its bits."""
    with service.client("feed", platform=platform) as client:
        mirror = Mirror(client)
        entries = mirror.page(limit=100)["entries"]
        return {each["pdq"] or each["record"]: each["status"] for each in entries}


def hits_record(service: RunningService, pdq: str) -> str:
    service.wait_in_step()
    with service.client("match") as client:
        found = client.post("/v1/match", json={"hashes": [pdq]}).json()["hits"]
    return str(found[0]["record"])


def test_crop_is_found_and_not_published(service: RunningService) -> None:
    case = open_case(service, image(original=WHOLE, crop_1x1=CROP))
    assert hits(service, WHOLE, CROP) == [(0, 0, "original"), (1, 0, "crop-1x1")]
    assert feed(service) == {WHOLE: "active"}
    withdraw_case(service, case)
    assert hits(service, WHOLE, CROP) == []
    assert len(feed(service)) == 1
    assert feed(service, "Later") == {}


def test_crop_is_in_no_answer_of_the_stopncii_protocol(service: RunningService) -> None:
    open_case(service, image(original=WHOLE, crop_1x1=CROP))
    with service.client("feed", platform="Other") as client:
        key = client.headers["Authorization"].removeprefix("Bearer ")
        headers = {"x-functions-key": key, "Ocp-Apim-Subscription-Key": key}
        parameters = {"startTimestamp": 0, "pageSize": 100}
        answer = client.get("/stopncii/v1/FetchHashes", headers=headers, params=parameters)
    assert WHOLE in answer.text
    assert CROP not in answer.text


def test_crop_is_in_no_message_of_webhooks(database_url: str, receiver: WebhookReceiver) -> None:
    with serving(database_url, webhook_private_targets=1) as service:
        with service.client("feed") as client:
            register_webhook(client, receiver.url)
        case = open_case(service, image(original=WHOLE, crop_1x1=CROP))
        record = hits_record(service, WHOLE)
        withdraw_case(service, case)
        wait_until(lambda: len(receiver.received) == 2)
    bodies = sorted(receiver.bodies(), key=lambda body: str(body["type"]))
    assert [body["type"] for body in bodies] == ["hash.added", "hash.withdrawn"]
    for body in bodies:
        assert [each["record"] for each in body["data"]["records"]] == [record]


def test_hash_is_published_as_long_as_it_is_a_whole_image(service: RunningService) -> None:
    cropped = open_case(service, image(original=OTHER, crop_1x1=WHOLE))
    assert feed(service) == {OTHER: "active"}
    whole = open_case(service, image(original=WHOLE))
    assert feed(service) == {OTHER: "active", WHOLE: "active"}
    record = hits_record(service, WHOLE)
    withdraw_case(service, whole)
    assert hits(service, WHOLE) == [(0, 0, "crop-1x1")]
    gone = feed(service)
    assert gone[OTHER] == "active"
    assert sorted(gone.values()) == ["active", "withdrawn"]
    with service.client("feedback", "feed", platform="Mirror") as client:
        answer = client.post("/v1/withdrawals", json={"records": [record]}).json()
    assert answer["confirmed"] == [record]
    withdraw_case(service, cropped)
    assert hits(service, WHOLE) == []


def test_case_is_delivered_without_its_crops(service: RunningService) -> None:
    case = open_case(service, image(original=WHOLE, crop_1x1=CROP))
    with service.client("feed", platform="Reader") as client:
        mirror = Mirror(client)
        mirror.page(limit=100)
        (platform,) = case_platforms(service, case)
        assert platform["delivered_at"]
        withdraw_case(service, case)
        mirror.page(limit=100)
        mirror.page(limit=100)
    (platform,) = case_platforms(service, case)
    assert platform["withdrawal_confirmed_at"]


def test_bits_of_a_withdrawn_crop_wait_for_no_platform(service: RunningService) -> None:
    """Nobody received it, whatever range of the change log they read."""
    case = open_case(service, image(original=WHOLE, crop_1x1=CROP))
    feed(service)
    withdraw_case(service, case)
    periods = Periods.of(Settings(database_url="-"))

    def has_run() -> bool:
        return service.flow(lambda store: erase(store, periods)) is not None

    wait_until(has_run)
    assert stored_bits(service.database_url) == [WHOLE]


def test_image_has_one_hit_however_many_of_its_crops_are_near(service: RunningService) -> None:
    near = {"crop_1x1": flipped(WHOLE, 8), "crop_4x5": flipped(WHOLE, 5, seed=1)}
    open_case(service, image(original=WHOLE, **near))
    assert hits(service, WHOLE) == [(0, 0, "original")]
    assert hits(service, flipped(WHOLE, 8)) == [(0, 0, "crop-1x1"), (0, 8, "original")]
    assert hits(service, CROP, WHOLE, flipped(WHOLE, 8), together=True)[0][1] == 0


def test_everyone_who_holds_a_hash_keeps_a_hit(service: RunningService) -> None:
    """Otherwise a case without a match would tell that somebody else has a nearer image."""
    theirs = open_case(service, image(original=WHOLE, crop_1x1=flipped(WHOLE, 6)))
    mine = open_case(service, image(original=OTHER, crop_1x1=flipped(WHOLE, 6)))
    assert [distance for _, distance, _ in hits(service, WHOLE)] == [0, 6]
    for case in (theirs, mine):
        url = f"{service.url}/v1/cases/{case['case']}"
        (shown,) = httpx.get(url, headers=PIN_HEADERS).json()["images"]
        assert shown["matches"] == 1


def test_dispute_of_an_image_takes_its_crops_for_that_platform(service: RunningService) -> None:
    open_case(service, image(original=WHOLE, crop_1x1=CROP))
    record = hits_record(service, WHOLE)
    with service.client("match", "feedback", platform="Disputes") as client:
        client.post("/v1/match", json={"hashes": [WHOLE]})
        body = {"feedback": [{"record": record, "value": "not-intimate"}]}
        assert client.post("/v1/feedback", json=body).status_code == 200
    assert hits(service, CROP, platform="Disputes") == []
    assert hits(service, CROP, platform="Others") == [(0, 0, "crop-1x1")]
    open_case(service, image(original=OTHER, crop_1x1=CROP))
    assert hits(service, CROP, platform="Disputes") == [(0, 0, "crop-1x1")]


def test_removal_of_an_image_takes_its_crops(service: RunningService) -> None:
    open_case(service, image(original=WHOLE, crop_1x1=CROP))
    open_case(service, image(original=OTHER, crop_1x1=CROP, crop_4x5=SQUARE))
    record = hits_record(service, OTHER)
    for platform in ("One", "Two"):
        with service.client("match", "feedback", platform=platform) as client:
            client.post("/v1/match", json={"hashes": [OTHER]})
            body = {"feedback": [{"record": record, "value": "not-intimate"}]}
            client.post("/v1/feedback", json=body)
    for person in ("Staff", "Second"):
        with service.client("audit", "admin", platform=person) as staff:
            body = {"decision": "remove"}
            answer = staff.post(f"/v1/review/{record}", json=body)
            assert answer.status_code == 200, answer.text
    assert hits(service, OTHER, SQUARE) == []
    assert hits(service, CROP) == [(0, 0, "crop-1x1")]


@pytest.mark.parametrize(
    ("hashes", "why"),
    [
        ({"mirror": WHOLE, "crop_1x1": CROP}, "needs the hash of its original"),
        ({"original": WHOLE, "crop_sides_2.5": CROP}, "too far from"),
    ],
)
def test_impossible_crop_is_refused(
    service: RunningService, hashes: dict[str, str], why: str
) -> None:
    refused = post(service, image(**hashes))
    assert (refused.status_code, problem_slug(refused)) == (422, "crop-refused")
    assert why in refused.text
    assert CROP not in refused.text
    assert query(service.database_url, "SELECT count(*) FROM hashes") == [(0,)]


def test_crop_of_low_quality_is_refused(service: RunningService) -> None:
    sent = image(original=WHOLE, crop_1x1=CROP)
    sent["hashes"][1]["quality"] = 79
    assert problem_slug(post(service, sent)) == "crop-refused"


def test_crop_that_is_no_photo_is_left_out(service: RunningService) -> None:
    """Nobody can see from an image which of its crops that will be."""
    case = open_case(service, image(original=WHOLE, crop_1x1="0" * 64, crop_4x5=CROP))
    assert case["images"][0]["hashes"] == 2
    assert hits(service, CROP) == [(0, 0, "crop-4x5")]


def test_service_says_whether_it_takes_crops(service: RunningService, postgres: str) -> None:
    offered = httpx.get(f"{service.url}/v1/service").json()
    assert "crops" in offered["features"]
    assert "crop-1x1" in offered["views"]
    sent = image(original=WHOLE, crop_1x1=CROP)
    with unencrypted_database(postgres) as url, serving(url) as clear:
        assert "crops" not in httpx.get(f"{clear.url}/v1/service").json()["features"]
        assert problem_slug(post(clear, sent)) == "crop-refused"
    with serving(service.database_url, crops=0) as without:
        assert "crops" not in httpx.get(f"{without.url}/v1/service").json()["features"]
        assert problem_slug(post(without, sent)) == "crop-refused"


def test_published_crop_is_found_by_verification(service: RunningService) -> None:
    open_case(service, image(original=WHOLE, crop_1x1=CROP))
    hash_id = id_of(service.database_url, CROP)
    query(
        service.database_url,
        "UPDATE hashes SET published = true, ever_published = true WHERE id = %s RETURNING id",
        hash_id,
    )
    with pytest.raises(StateUnexplained, match=f"hash {hash_id}"):
        service.flow(audit_log.verify_audit)
    query(
        service.database_url,
        "UPDATE hashes SET published = false, ever_published = false WHERE id = %s RETURNING id",
        hash_id,
    )
