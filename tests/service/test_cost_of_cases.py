"""What a person's largest requests cost: statements, rows and bytes of log.

The limits are those of the table in docs/limits.md.
"""

from collections.abc import Iterator

import httpx
import pytest
from unseen_service.models.hashes import View

from tests.support.hashes import random_hashes
from tests.support.running_service import RunningService, serving
from tests.support.submissions import PIN_HEADERS, post_submission, submission
from tests.support.waiting import PATIENCE_S
from tests.support.work_counter import counting_work, entry_bytes, rows_per_transaction

IMAGES = 1_000
VIEWS = [view.value for view in View if not view.is_crop]
HASHES = IMAGES * len(VIEWS)
ENTRY_BYTES = 200
BYTES_AN_IMAGE = 6
"""Its number, in the audit entry of a withdrawal."""


@pytest.fixture
def service(database_url: str) -> Iterator[RunningService]:
    """A service in which the largest submission needs no proof of work."""
    with serving(database_url, work_free_hashes_per_minute=1_000_000) as running:
        yield running


def post_largest(service: RunningService) -> str:
    """Submit a case of the largest permitted size; return its number."""
    pdqs = iter(random_hashes(HASHES, seed=5))
    hashes = [
        [{"pdq": bytes(next(pdqs)).hex(), "quality": 100, "view": view} for view in VIEWS]
        for _ in range(IMAGES)
    ]
    images = [{"convention": "pdq-srgb-full-1", "hashes": each} for each in hashes]
    answer = post_submission(service, {**submission(), "images": images})
    assert answer.status_code == 201, answer.text[:500]
    number: str = answer.json()["case"]
    return number


def test_largest_case_costs_a_few_statements(service: RunningService) -> None:
    """One transaction, with all its rows, and one short entry in the audit log."""
    with counting_work() as work:
        number = post_largest(service)
    url = service.database_url
    for statement in ("insert_hashes", "link_hashes", "lock_change_head", "append_audit"):
        assert work.statements[statement] == 1, statement
    for table in ("hashes", "image_hashes", "changes"):
        assert rows_per_transaction(url, table) == [HASHES]
    assert max(entry_bytes(url, "case.submitted")) <= ENTRY_BYTES

    case = f"{service.url}/v1/cases/{number}"
    with counting_work() as work:
        read = httpx.get(case, headers=PIN_HEADERS, timeout=PATIENCE_S)
    assert read.status_code == 200
    for statement in ("case_secret", "case_row", "case_images", "case_platforms"):
        assert work.statements[statement] == 1
    assert work.statements["append_audit"] == 0

    with counting_work() as work:
        withdrawn = httpx.delete(case, headers=PIN_HEADERS, timeout=PATIENCE_S)
    assert withdrawn.status_code == 200
    assert (work.statements["lock_change_head"], work.statements["append_audit"]) == (1, 1)
    assert rows_per_transaction(url, "changes") == [HASHES, HASHES]
    assert max(entry_bytes(url, "case.withdrawn")) <= ENTRY_BYTES + BYTES_AN_IMAGE * IMAGES

    for path in (case, f"{case}/images/7"):
        with counting_work() as work:
            again = httpx.delete(path, headers=PIN_HEADERS, timeout=PATIENCE_S)
        assert again.json() == withdrawn.json()
        assert work.statements["lock_change_head"] == 0, "nobody waits for what changes nothing"
