"""The StopNCII exchange protocol, used by the unmodified client from PyPI."""

import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import requests

from tests.support.hashes import random_pdq
from tests.support.mirrors import Mirror
from tests.support.running_service import RunningService, serving
from tests.support.stopncii_client import (
    Records,
    active_pdqs,
    apply_page,
    fetch_hashes,
    stock_client,
)
from tests.support.submissions import case_platforms, submit, withdraw

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns of its own PDQ library as it is imported
    from threatexchange.exchanges.clients.stopncii.api import (
        StopNCIIAPI,
        StopNCIICaseStatus,
        StopNCIICSPFeedback,
        StopNCIICSPFeedbackValue,
        StopNCIISignalType,
    )

PDQ = StopNCIISignalType.ImagePDQ


def age(service: RunningService, seconds: int = 60) -> None:
    """Move every change so far into the past, by as many seconds."""
    with psycopg.connect(service.database_url) as connection:
        connection.execute("UPDATE changes SET at = at - make_interval(secs => %s)", (seconds,))
        connection.execute("UPDATE change_head SET at = at - make_interval(secs => %s)", (seconds,))


@pytest.fixture
def client(service: RunningService) -> StopNCIIAPI:
    return stock_client(service)


def test_first_sync_and_later_ones(service: RunningService, client: StopNCIIAPI) -> None:
    assert fetch_hashes(client) == ({}, 10)
    submit(service, random_pdq(1), random_pdq(2))
    kept, checkpoint = fetch_hashes(client)
    assert active_pdqs(kept) == {random_pdq(1), random_pdq(2)}
    record = kept[random_pdq(1)]
    assert record.signalType is PDQ
    assert record.lastModtimestamp == checkpoint
    assert (record.caseNumbers, record.CSPFeedbacks) == ({}, [])
    age(service)
    checkpoint -= 60
    submit(service, random_pdq(3))
    more, later = fetch_hashes(client, checkpoint)
    assert later > checkpoint
    # Changes within the second of the checkpoint are repeated; only one hash is new.
    assert set(more) - set(kept) == {random_pdq(3)}
    assert fetch_hashes(client, later)[0].keys() == {random_pdq(3)}


def test_base_url_with_a_trailing_slash_works(
    service: RunningService,
) -> None:
    submit(service, random_pdq(1))
    client = stock_client(service, slash="/")
    assert active_pdqs(fetch_hashes(client)[0]) == {random_pdq(1)}
    client.submit_feedback(PDQ, random_pdq(1), StopNCIICSPFeedbackValue.Blocked)
    client.submit_hash(PDQ, random_pdq(2))
    assert active_pdqs(fetch_hashes(client)[0]) == {random_pdq(1), random_pdq(2)}


def test_interrupted_fetch_of_one_second_of_changes_loses_nothing(
    service: RunningService, client: StopNCIIAPI
) -> None:
    """10,000 in one second: a client may stop after any page and drop the token."""
    pdqs = {random_pdq(n) for n in range(10_000)}
    submit_in_one_second(service, sorted(pdqs))
    for pages in (1, 5, 12):
        kept: Records = {}
        checkpoint = 10
        for _, page in zip(range(pages), client.fetch_hashes_iter(), strict=False):
            checkpoint = apply_page(kept, page, checkpoint)
        assert len(kept) == 800 * pages
        rest, _ = fetch_hashes(client, checkpoint)
        assert active_pdqs({**kept, **rest}) == pdqs


def submit_in_one_second(service: RunningService, pdqs: list[str]) -> None:
    """Submit through the protocol, in few calls, and date all changes to one second."""
    for n in range(0, len(pdqs), 5_000):
        StopNCIIAPI.submit_hashes(
            stock_client(service, "Bulk"),
            {
                (PDQ, pdq): StopNCIICSPFeedback(StopNCIICSPFeedbackValue.None_)
                for pdq in pdqs[n : n + 5_000]
            },
        )
    with psycopg.connect(service.database_url) as connection:
        connection.execute(
            "UPDATE changes SET at = (SELECT max(date_trunc('second', at)) FROM changes)"
        )


def test_changes_during_a_fetch_are_included(service: RunningService, client: StopNCIIAPI) -> None:
    first = submit(service, random_pdq(1))
    submit(service, random_pdq(2))
    kept: Records = {}
    page = client.fetch_hashes(page_size=1)
    checkpoint = apply_page(kept, page, 10)
    withdraw(service, first)
    submit(service, random_pdq(3))
    while page.hasMoreRecords:
        page = client.fetch_hashes(
            page_size=1, start_timestamp=10, next_page=page.nextPageToken or ""
        )
        checkpoint = apply_page(kept, page, checkpoint)
    assert active_pdqs(kept) == {random_pdq(2), random_pdq(3)}
    assert kept[random_pdq(1)].hashStatus is StopNCIICaseStatus.Withdrawn


def test_hash_withdrawn_before_the_first_sync_is_never_sent(
    service: RunningService, client: StopNCIIAPI
) -> None:
    """A stock client treats a withdrawn record as active, so it must not get this one."""
    withdraw(service, submit(service, random_pdq(1)))
    submit(service, random_pdq(2))
    kept, checkpoint = fetch_hashes(client)
    assert set(kept) == {random_pdq(2)}
    assert set(fetch_hashes(client, checkpoint)[0]) == {random_pdq(2)}


def test_restart_during_a_fetch_loses_nothing(database_url: str) -> None:
    with serving(database_url) as service:
        client = stock_client(service)
        submit(service, *map(random_pdq, range(30)))
        port = urlsplit(service.url).port or 0
        page = client.fetch_hashes(page_size=20)
        kept: Records = {}
        checkpoint = apply_page(kept, page, 10)
    with serving(database_url, port=port):
        page = client.fetch_hashes(page_size=20, next_page=page.nextPageToken or "")
        apply_page(kept, page, checkpoint)
        assert not page.hasMoreRecords
    assert active_pdqs(kept) == set(map(random_pdq, range(30)))


def test_feedback_reaches_the_person_and_the_other_platforms(
    service: RunningService, client: StopNCIIAPI
) -> None:
    case = submit(service, random_pdq(1))
    other = stock_client(service, "Other")
    fetch_hashes(client)
    _, checkpoint = fetch_hashes(other)
    client.submit_feedback(PDQ, random_pdq(1), StopNCIICSPFeedbackValue.Blocked, {"Nude"})
    (feedback,) = fetch_hashes(other, checkpoint)[0][random_pdq(1)].CSPFeedbacks
    assert feedback == StopNCIICSPFeedback(StopNCIICSPFeedbackValue.Blocked, {"Nude"}, "Example")
    deliveries = {each["platform"]: each for each in case_platforms(service, case)}
    assert deliveries["Example"]["removed_at"] is not None
    assert deliveries["Other"]["delivered_at"] is not None


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (StopNCIICSPFeedbackValue.PendingReview, "pending-review"),
        (StopNCIICSPFeedbackValue.Blocked, "removed"),
        (StopNCIICSPFeedbackValue.NotBlocked, "not-removed"),
        (StopNCIICSPFeedbackValue.None_, None),
        (StopNCIICSPFeedbackValue.QualityUnknown, None),
    ],
)
def test_feedback_values_are_translated(
    service: RunningService, client: StopNCIIAPI, sent: StopNCIICSPFeedbackValue, shown: str | None
) -> None:
    case = submit(service, random_pdq(1))
    fetch_hashes(client)
    client.submit_feedback(PDQ, random_pdq(1), sent, {"tag"})
    assert case_platforms(service, case)[0]["feedback"] == shown
    (feedback,) = fetch_hashes(client)[0][random_pdq(1)].CSPFeedbacks
    assert feedback.tags == {"tag"}


def test_feedback_on_an_unknown_hash_reveals_nothing(
    service: RunningService, client: StopNCIIAPI
) -> None:
    submit(service, random_pdq(1))
    key = service.key("feedback")
    answers = [
        httpx.post(
            f"{service.url}/stopncii/v1/SubmitFeedback",
            headers={"x-functions-key": key, "Ocp-Apim-Subscription-Key": key},
            json={"count": 1, "hashFeedbacks": [{"feedbackValue": "Blocked", "hashValue": pdq}]},
        )
        for pdq in (random_pdq(1), random_pdq(2))
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json() == {"count": 1}


def test_withdrawal_reaches_the_client_which_confirms_it_and_reads_on(
    service: RunningService, client: StopNCIIAPI
) -> None:
    case = submit(service, random_pdq(1))
    _, checkpoint = fetch_hashes(client)
    withdraw(service, case)
    kept, checkpoint = fetch_hashes(client, checkpoint)
    assert kept[random_pdq(1)].hashStatus is StopNCIICaseStatus.Withdrawn
    client.submit_feedback(PDQ, random_pdq(1), StopNCIICSPFeedbackValue.Deleted)
    assert case_platforms(service, case)[0]["withdrawal_confirmed_at"] is None
    fetch_hashes(client, checkpoint)
    assert case_platforms(service, case)[0]["withdrawal_confirmed_at"] is not None


def test_platform_bank_is_matched_until_withdrawn(
    service: RunningService, client: StopNCIIAPI
) -> None:
    shared = submit(service, random_pdq(2))
    for _ in range(2):  # repeating it changes nothing
        client.submit_hash(PDQ, random_pdq(1).upper(), {"Nude"})
        client.submit_hash(PDQ, random_pdq(2))
    assert len(service.audit_details("feedback.given")) == 2
    with service.client("feed", "match", platform="Other") as other:
        mirror = Mirror(other).catch_up()
        assert sorted(mirror.kept.values()) == sorted([random_pdq(1), random_pdq(2)])
        own = next(each for each in mirror.entries if each["pdq"] == random_pdq(1))
        assert (own["quality"], own["view"], own["convention"]) == (None, "original", "not-said")
        assert own["feedback"] == {"removed": 1}
        service.wait_in_step()
        hits = other.post("/v1/match", json={"hashes": [random_pdq(1)]}).json()["hits"]
        assert [hit["view"] for hit in hits] == ["original"]

        # A hash that a case holds too stays active.
        for number in (1, 2):
            client.submit_feedback(PDQ, random_pdq(number), StopNCIICSPFeedbackValue.Withdrawn)
        assert list(mirror.catch_up().kept.values()) == [random_pdq(2)]
        withdraw(service, shared)
        assert mirror.catch_up().kept == {}
    with service.client("audit") as staff:
        kinds = [each["kind"] for each in staff.get("/v1/audit").json()["entries"]]
    assert kinds.count("bank.submitted") == kinds.count("bank.withdrawn") == 2


def test_no_pin_opens_a_platform_bank(service: RunningService, client: StopNCIIAPI) -> None:
    client.submit_hash(PDQ, random_pdq(1))
    with psycopg.connect(service.database_url) as connection:
        (number,) = connection.execute("SELECT number FROM cases").fetchone() or ("",)
    answer = httpx.get(f"{service.url}/v1/cases/{number}", headers={"Unseen-Pin": "0" * 12})
    assert answer.json()["type"] == "urn:unseen:problem:case-not-found"


@pytest.mark.parametrize(
    ("function", "subscription", "expected"),
    [
        ("right", "right", 200),
        ("right", "also right", 200),
        ("right", "wrong", 401),
        ("wrong", "right", 401),
        ("right", "", 401),
        ("", "right", 401),
        ("right", "another platform's", 401),
        ("also right", "right", 403),
    ],
)
def test_both_keys_must_be_active_and_of_one_platform(
    service: RunningService, function: str, subscription: str, expected: int
) -> None:
    keys = {
        "right": service.key("feed"),
        "also right": service.key("match"),
        "another platform's": service.key("feed", platform="Other"),
    }
    client = StopNCIIAPI(
        keys.get(subscription, subscription),
        keys.get(function, function) or "none",
        base_url_override=f"{service.url}/stopncii/v1",
    )
    if expected == 200:
        assert fetch_hashes(client) == ({}, 10)
        return
    with pytest.raises(requests.HTTPError) as refused:
        fetch_hashes(client)
    assert refused.value.response.status_code == expected
    assert "x-functions-key" in refused.value.response.text or expected == 403


@pytest.fixture
def raw(service: RunningService) -> Iterator[httpx.Client]:
    key = service.key("feed", "feedback", "submit")
    headers = {"x-functions-key": key, "Ocp-Apim-Subscription-Key": key}
    with httpx.Client(base_url=f"{service.url}/stopncii/v1", headers=headers) as client:
        yield client


@pytest.mark.parametrize(
    "parameters",
    [
        {"startTimestamp": "-1"},
        {"startTimestamp": "now"},
        {"startTimestamp": "9" * 30},
        {"pageSize": "0"},
        {"nextPageToken": "x"},
        {"nextPageToken": "1-" + "9" * 12},
    ],
)
def test_invalid_query_is_refused(raw: httpx.Client, parameters: dict[str, str]) -> None:
    answer = raw.get("/FetchHashes", params=parameters)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["at"] == f"query.{next(iter(parameters))}"


@pytest.mark.parametrize("kind", ["VideoMD5", "StopNCIISignalType.Text", "imagepdq"])
def test_only_pdq_is_accepted(raw: httpx.Client, kind: str) -> None:
    body: dict[str, Any] = {"hashRecords": [{"signalType": kind, "hashValue": random_pdq(1)}]}
    answer = raw.post("/SubmitHashes", json=body)
    assert answer.status_code == 422
    assert "ImagePDQ" in answer.json()["detail"]


def test_platform_hashes_are_screened_like_submissions(
    raw: httpx.Client, service: RunningService
) -> None:
    degenerate = {"signalType": "ImagePDQ", "hashValue": "0" * 64}
    valid = {"signalType": "ImagePDQ", "hashValue": random_pdq(1)}
    answer = raw.post("/SubmitHashes", json={"hashRecords": [degenerate]})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:unseen:problem:degenerate-hash"
    assert [each["at"] for each in answer.json()["errors"]] == ["hashRecords.0.hashValue"]
    assert raw.get("/FetchHashes").json()["count"] == 0
    answer = raw.post("/SubmitHashes", json={"hashRecords": [valid, degenerate]})
    assert answer.status_code == 200
    (refused,) = answer.json()["refused"]
    assert refused["at"] == "hashRecords.1.hashValue"
    assert refused["type"] == "urn:unseen:problem:degenerate-hash"
    (stored,) = raw.get("/FetchHashes").json()["hashRecords"]
    assert stored["hashValue"] == valid["hashValue"]
    empty = raw.post("/SubmitHashes", json={"hashRecords": []}).json()
    assert empty == {"count": 0, "refused": []}


def test_very_large_page_size_is_accepted(raw: httpx.Client, service: RunningService) -> None:
    submit(service, random_pdq(1))
    page = raw.get("/FetchHashes", params={"pageSize": 10**9}).json()
    assert (page["count"], page["nextPageToken"]) == (1, None)
