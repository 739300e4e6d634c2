"""Bulk requests of platforms: in chunks, so that others can write in between.

The limits are those of the table in docs/limits.md.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support.databases import query
from tests.support.hashes import random_pdq
from tests.support.mirrors import Mirror
from tests.support.query_plans import rows_compared
from tests.support.running_service import RunningService
from tests.support.submissions import submit
from tests.support.waiting import PATIENCE_S, wait_until
from tests.support.work_counter import counting_work, entry_bytes, rows_per_transaction

CHUNK = 250
PDQS = [random_pdq(n) for n in range(1_000)]
ENTRY_BYTES_A_HASH = 110
"""The details of an audit entry about a hash: a record, a value and a number."""


@pytest.fixture
def platform(service: RunningService) -> Iterator[httpx.Client]:
    """A platform with a bank of its own, through the StopNCII protocol."""
    key = service.key("feed", "feedback", "submit", platform="Bulk")
    headers = {
        "x-functions-key": key,
        "Ocp-Apim-Subscription-Key": key,
        "Authorization": f"Bearer {key}",
    }
    with httpx.Client(base_url=service.url, headers=headers, timeout=PATIENCE_S) as client:
        yield client


def post(platform: httpx.Client, path: str, body: Any) -> dict[str, Any]:
    answer = platform.post(path, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def submit_bank(platform: httpx.Client, pdqs: list[str]) -> None:
    records = [{"signalType": "ImagePDQ", "hashValue": pdq} for pdq in pdqs]
    post(platform, "/stopncii/v1/SubmitHashes", {"hashRecords": records})


def assert_in_chunks(service: RunningService, table: str, total: int) -> None:
    written = rows_per_transaction(service.database_url, table)
    assert sum(written) == total
    assert max(written) <= CHUNK


def test_bank_is_submitted_in_chunks(service: RunningService, platform: httpx.Client) -> None:
    """Before, one transaction held the change log's lock for all: 5,000 hashes took 7 to 10 s."""
    with counting_work() as work:
        submit_bank(platform, PDQS)
    for table in ("changes", "images", "hashes"):
        assert_in_chunks(service, table, len(PDQS))
    assert work.statements["lock_change_head"] == len(PDQS) // CHUNK
    assert len(entry_bytes(service.database_url, "bank.submitted")) == len(PDQS) // CHUNK
    submit_bank(platform, PDQS)
    added = "SELECT count(*) FROM changes WHERE kind = 'add'"
    assert query(service.database_url, added) == [(len(PDQS),)]


def test_bank_feedback_and_withdrawals_are_recorded_in_chunks(
    service: RunningService, platform: httpx.Client
) -> None:
    submit_bank(platform, PDQS)
    for value in ("NotBlocked", "Withdrawn"):
        given = [{"hashValue": pdq, "feedbackValue": value} for pdq in PDQS]
        post(platform, "/stopncii/v1/SubmitFeedback", {"hashFeedbacks": given})
    assert_in_chunks(service, "feedback", len(PDQS))
    assert_in_chunks(service, "withdrawals", len(PDQS))
    assert max(rows_per_transaction(service.database_url, "changes")) <= CHUNK
    for kind in ("feedback.given", "withdrawal.confirmed", "bank.withdrawn"):
        sizes = entry_bytes(service.database_url, kind)
        assert len(sizes) % (len(PDQS) // CHUNK) == 0
        assert sizes
        assert max(sizes) <= 200 + ENTRY_BYTES_A_HASH * CHUNK


def test_feedback_by_record_is_recorded_in_chunks(
    service: RunningService, platform: httpx.Client
) -> None:
    submit(service, *PDQS[:600])
    records = list(Mirror(platform).catch_up().kept)
    unknown = {"record": "00000000-0000-4000-8000-000000000000", "value": "removed"}
    given = [{"record": record, "value": "removed"} for record in records]
    refused = platform.post("/v1/feedback", json={"feedback": [*given, unknown]})
    assert refused.status_code == 422
    assert query(service.database_url, "SELECT count(*) FROM feedback") == [(0,)]
    answer = post(platform, "/v1/feedback", {"feedback": given})
    assert (answer["accepted"], answer["new"]) == (600, 600)
    assert_in_chunks(service, "feedback", 600)
    assert max(entry_bytes(service.database_url, "feedback.given")) <= 200 + 110 * CHUNK
    answer = post(platform, "/v1/withdrawals", {"records": records})
    assert (answer["confirmed"], len(answer["active"])) == ([], 600)


def test_others_get_a_turn_between_chunks(service: RunningService, platform: httpx.Client) -> None:
    """A person's change is somewhere in the middle of a bank's, and neither is refused."""
    pdqs = [random_pdq(n) for n in range(2_000, 7_000)]
    with ThreadPoolExecutor(1) as thread:
        bank = thread.submit(submit_bank, platform, pdqs)
        wait_until(lambda: position(service) > 0)
        submit(service, PDQS[0])
        assert CHUNK < position(service) < len(pdqs)
        bank.result()
    assert position(service) == len(pdqs) + 1


def position(service: RunningService) -> int:
    ((found,),) = query(service.database_url, "SELECT position FROM change_head")
    return int(found)


def test_submitting_reads_nothing_of_the_rest_of_a_bank(
    service: RunningService, platform: httpx.Client
) -> None:
    """Each chunk read the platform's whole bank, under the change log's lock."""
    submit_bank(platform, [random_pdq(n) for n in range(2_000)])
    url = service.database_url
    ((case_id,),) = query(url, "SELECT id FROM cases WHERE platform_id IS NOT NULL")
    submit(service, random_pdq(5_000))
    new = [row[0] for row in query(url, "SELECT id FROM hashes ORDER BY id DESC LIMIT 1")]
    for _ in range(2):
        assert rows_compared(url, "bank_images", case_id=case_id, hash_ids=new) < 200
        query(url, "ANALYZE")
