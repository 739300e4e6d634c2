"""The main flow: a hash is submitted, matches, and is withdrawn; the audit log has it all."""

import httpx
from unseen_service.usecases import audit_log

from tests.support.hashes import flipped, random_pdq
from tests.support.running_service import RunningService
from tests.support.submissions import PIN, submission


def test_a_copy_matches_until_the_person_withdraws(service: RunningService) -> None:
    pdq = random_pdq(1)
    submitted = httpx.post(f"{service.url}/v1/cases", json=submission(pdq, random_pdq(2)))
    assert submitted.status_code == 201
    case = submitted.json()
    assert case["status"] == "active"
    assert [image["matches"] for image in case["images"]] == [0, 0]

    with service.client("match") as platform:
        service.wait_in_step()
        queries = {"hashes": [random_pdq(3), flipped(pdq, 31), flipped(pdq, 32)]}
        answer = platform.post("/v1/match", json=queries).json()
        assert [(hit["query"], hit["distance"], hit["view"]) for hit in answer["hits"]] == [
            (1, 31, "original")
        ]

        address, pin = f"{service.url}/v1/cases/{case['case']}", {"Unseen-Pin": PIN}
        shown = httpx.get(address, headers=pin).json()
        assert [image["matches"] for image in shown["images"]] == [1, 0]
        assert [each["platform"] for each in shown["platforms"]] == ["Example"]

        withdrawn = httpx.delete(address, headers=pin).json()
        assert withdrawn["status"] == "withdrawn"
        # At once, even if the index has not caught up: PostgreSQL confirms every hit.
        assert platform.post("/v1/match", json=queries).json()["hits"] == []

    end = service.flow(audit_log.verify_audit)
    kinds = [entry["kind"] for entry in _audit(service)]
    told = ("case.submitted", "match.hit", "case.withdrawn")
    assert tuple(kind for kind in kinds if kind in told) == told
    assert end.position >= 4


def _audit(service: RunningService) -> list[dict[str, object]]:
    with service.client("audit") as staff:
        entries: list[dict[str, object]] = staff.get("/v1/audit").json()["entries"]
    return entries
