"""Tags of platforms: what they may hold, and how little they may cost other platforms' pages."""

import json
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb
from unseen_service.models.feed import FeedEntry, FeedStatus
from unseen_service.models.feedback import MAX_TAG_BYTES, Feedback, Opinion
from unseen_service.usecases.feed_page_size import MAX_PAGE_BYTES, fitting

from tests.support.hashes import random_pdq
from tests.support.mirrors import Mirror
from tests.support.problems import problem_slug
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submit
from tests.support.waiting import PATIENCE_S

EMOJI = "\N{GRINNING FACE}"
LARGEST_PAGE = 4 * 1024 * 1024


def protocol_headers(service: RunningService, platform: str = "Example") -> dict[str, str]:
    key = service.key("feed", "feedback", platform=platform)
    return {"x-functions-key": key, "Ocp-Apim-Subscription-Key": key}


def fetch(service: RunningService, platform: str = "Reader", **query: Any) -> httpx.Response:
    return httpx.get(
        f"{service.url}/stopncii/v1/FetchHashes",
        params=query,
        headers=protocol_headers(service, platform),
        timeout=PATIENCE_S,
    )


def submit_feedback(service: RunningService, platform: str, pdq: str, tags: list[str]) -> Any:
    fetch(service, platform)  # a platform's word counts on what it received
    said = {"hashValue": pdq, "feedbackValue": "Blocked", "tags": tags}
    return httpx.post(
        f"{service.url}/stopncii/v1/SubmitFeedback",
        json={"hashFeedbacks": [said]},
        headers=protocol_headers(service, platform),
        timeout=PATIENCE_S,
    )


def served_tags(service: RunningService, pdq: str) -> dict[str, list[str]]:
    records = {each["hashValue"]: each for each in fetch(service).json()["hashRecords"]}
    return {said["source"]: said["tags"] for said in records[pdq]["CSPFeedbacks"]}


ODD_TAGS = {
    "empty": "",
    "65 characters": "a" * 65,
    "C0": "a\x1bb",
    "C1": "a\x85b",
    "CSI": "\x9b31m",
    "override": "a\N{RIGHT-TO-LEFT OVERRIDE}b",
    "isolate": "a\N{RIGHT-TO-LEFT ISOLATE}b",
    "zero width": "a\N{ZERO WIDTH SPACE}b",
    "line separator": "a\N{LINE SEPARATOR}b",
    "private": "\ue000",
    "tag": "\N{TAG LATIN SMALL LETTER A}",
}


@pytest.mark.parametrize("tag", ODD_TAGS.values(), ids=ODD_TAGS)
def test_tag_with_characters_that_mislead_is_refused(any_service: RunningService, tag: str) -> None:
    answer = submit_feedback(any_service, "Odd", random_pdq(1), [tag])
    assert (answer.status_code, problem_slug(answer)) == (422, "invalid-request")
    body = {"feedback": [{"record": "0" * 32, "value": "removed", "tags": [tag]}]}
    with any_service.client("feedback") as client:
        answer = client.post("/v1/feedback", json=body)
    assert answer.status_code == 422
    assert "tags.0" in answer.json()["errors"][0]["at"]


def test_half_of_a_surrogate_pair_is_refused(any_service: RunningService) -> None:
    headers = protocol_headers(any_service) | {"Content-Type": "application/json"}
    body = json.dumps(
        {"hashFeedbacks": [{"hashValue": random_pdq(1), "feedbackValue": "Blocked", "tags": ["X"]}]}
    ).replace('"X"', '"\\ud800"')
    url = f"{any_service.url}/stopncii/v1/SubmitFeedback"
    assert httpx.post(url, content=body, headers=headers).status_code == 422


@pytest.mark.parametrize("tags", [["a"] * 17, [f"{n:02}" + EMOJI * 62 for n in range(16)]])
def test_too_many_or_too_large_tags_are_refused(
    any_service: RunningService, tags: list[str]
) -> None:
    answer = submit_feedback(any_service, "Odd", random_pdq(1), tags)
    assert (answer.status_code, problem_slug(answer)) == (422, "invalid-request")


def test_tags_that_people_use_are_accepted_and_served(service: RunningService) -> None:
    submit(service, random_pdq(1))
    tags = sorted(["reshared", "más grave", "тег", "日本語", EMOJI])
    assert submit_feedback(service, "One", random_pdq(1), tags).status_code == 200
    assert served_tags(service, random_pdq(1)) == {"One": tags}


def test_platform_with_much_text_does_not_displace_the_tags_of_others(
    service: RunningService,
) -> None:
    """However many platforms tag a hash, it has at most 2 KiB of tags; small ones come first."""
    submit(service, random_pdq(1))
    large = [f"{n:02}" + EMOJI * 31 for n in range(16)]
    for platform in ("A", "B", "C"):
        assert submit_feedback(service, platform, random_pdq(1), large).status_code == 200
    assert submit_feedback(service, "Z", random_pdq(1), ["reshared"]).status_code == 200
    found = served_tags(service, random_pdq(1))
    assert found["Z"] == ["reshared"]
    assert (found["A"], found["B"], found["C"]) == (large, [], [])
    texts = [tag.encode() for tags in found.values() for tag in tags]
    assert sum(map(len, texts)) <= MAX_TAG_BYTES


def bomb(service: RunningService, tags: list[str], platform: str) -> None:
    """Store tags on every hash as 0.1 did, which let a platform give more."""
    service.key("feedback", platform=platform)
    with psycopg.connect(service.database_url) as connection:
        connection.execute(
            "INSERT INTO feedback (hash_id, platform_id, value, tags) SELECT hashes.id,"
            " platforms.id, 'removed', ARRAY(SELECT jsonb_array_elements_text(%s))"
            " FROM hashes, platforms WHERE name = %s",
            (Jsonb(tags), platform),
        )


def test_page_ends_before_it_is_large(database_url: str) -> None:
    """1,200 hashes that a platform tagged under 0.1: 39 MB of tags, in pages of at most 4 MB."""
    pdqs = [random_pdq(n) for n in range(1_200)]
    with serving(database_url) as service:
        submit(service, *pdqs[:600])
        submit(service, *pdqs[600:])
        bomb(service, [f"{n:03}" + EMOJI * 125 for n in range(64)], "Bomber")
        bomb(service, ["small"], "Other")
        found, sizes, token = [], [], None
        while True:
            answer = fetch(service, pageSize=5_000, nextPageToken=token or "")
            page = answer.json()
            sizes.append(len(answer.content))
            found += [each["hashValue"] for each in page["hashRecords"]]
            for record in page["hashRecords"]:
                by_source = {said["source"]: said["tags"] for said in record["CSPFeedbacks"]}
                assert by_source["Other"] == ["small"]
                assert len(by_source["Bomber"]) == 4, "as many of its tags as fit are served"
            token = page["nextPageToken"]
            if not page["hasMoreRecords"]:
                break
        with service.client("feed", platform="Reader") as reader:
            answer = reader.get("/v1/hashes", params={"limit": 10_000})
            kept = Mirror(reader).catch_up().kept
    assert sorted(found) == sorted(pdqs), "each hash once"
    assert len(sizes) > 1
    assert max(sizes) < LARGEST_PAGE
    assert len(answer.content) < LARGEST_PAGE
    assert sorted(kept.values()) == sorted(pdqs)


def entry(position: int, feedback: tuple[Feedback, ...]) -> FeedEntry:
    return FeedEntry(
        position=position,
        at=None,  # type: ignore[arg-type]
        record=None,  # type: ignore[arg-type]
        status=FeedStatus.ACTIVE,
        standing=None,  # type: ignore[arg-type]
        pdq=None,
        view=None,
        quality=None,
        convention=None,
        feedback=feedback,
        suspect=False,
    )


def test_page_has_at_least_one_entry() -> None:
    said = Feedback("P", Opinion.REMOVED, ("x" * 1_000,))
    large = entry(1, (said,) * (MAX_PAGE_BYTES // 1_000))
    assert fitting([large, large]) == [large]
    assert fitting([large]) == [large]
    assert fitting([]) == []
    small = [entry(n, ()) for n in range(10_000)]
    assert 5_000 < len(fitting(small)) < 10_000
