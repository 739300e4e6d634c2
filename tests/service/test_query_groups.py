"""Lookups of images by several hashes each: one image is one query."""

from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unseen_index import Hits
from unseen_service.usecases.query_groups import QueryGroups

from tests.support.hashes import flipped, new_pdq, random_hashes
from tests.support.problems import problem_slug
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submit_and_index

GROUPS = "application/vnd.unseen.groups"
ALERT = 24


def ask(service: RunningService, images: list[dict[str, Any]], platform: str) -> dict[str, Any]:
    with service.client("match", platform=platform) as client:
        answer = client.post("/v1/match", json={"images": images})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ask_raw(service: RunningService, body: bytes, **parameters: Any) -> httpx.Response:
    with service.client("match") as client:
        headers = {"Content-Type": GROUPS}
        return client.post("/v1/match", content=body, headers=headers, params=parameters)


def packed(*groups: list[str]) -> bytes:
    return b"".join(bytes((len(each),)) + bytes.fromhex("".join(each)) for each in groups)


def test_image_has_one_hit_for_each_stored_hash_by_its_nearest(service: RunningService) -> None:
    first, second, far = new_pdq(), new_pdq(), new_pdq()
    submit_and_index(service, first, second)
    images = [
        {"id": "a", "hashes": [far]},
        {"id": "b", "hashes": [far, flipped(first, 20), flipped(first, 5), flipped(second, 9)]},
        {"hashes": [flipped(second, 3, seed=1), second]},
    ]
    answer = ask(service, images, "Groups")
    told = [(hit["query"], hit.get("image"), hit["distance"]) for hit in answer["hits"]]
    assert told == [(1, "b", 5), (1, "b", 9), (2, None, 0)]
    assert answer["truncated"] == []
    details = service.audit_details("match.hit")[-1]
    assert (details["asked"], len(details["hits"])) == (3, 3)


def test_raw_groups_find_what_json_finds(service: RunningService) -> None:
    stored = new_pdq()
    submit_and_index(service, stored)
    groups = [[new_pdq()], [new_pdq(), flipped(stored, 4), flipped(stored, 12)]]
    raw = ask_raw(service, packed(*groups)).json()["hits"]
    as_json = ask(service, [{"hashes": each} for each in groups], "Example")["hits"]
    assert raw == as_json
    assert [(hit["query"], hit["distance"]) for hit in raw] == [(1, 4)]
    assert ask_raw(service, packed(*groups), max_distance=3).json()["hits"] == []


def test_parts_of_one_upload_are_not_probing(service: RunningService) -> None:
    """As single hashes, so many different ones near a stored hash would be."""
    stored = new_pdq()
    submit_and_index(service, stored)
    near = [flipped(stored, 7, seed=seed) for seed in range(ALERT + 6)]
    hits = ask(service, [{"hashes": near}], "One upload")["hits"]
    assert [hit["distance"] for hit in hits] == [7]
    assert [
        hit["distance"] for hit in ask(service, [{"hashes": near[:1]}], "One upload")["hits"]
    ] == [7]
    hits = ask(service, [{"hashes": [each]} for each in near], "Many uploads")["hits"]
    assert {hit["distance"] for hit in hits} != {7}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0",
        packed([new_pdq()])[:-1],
        packed([new_pdq()]) + b"\1",
        bytes((33,)) + bytes(33 * 32),
        packed(*([new_pdq()] for _ in range(1_001))),
        packed(*([new_pdq()] * 32 for _ in range(313))),
    ],
)
def test_malformed_groups_are_refused(service: RunningService, body: bytes) -> None:
    refused = ask_raw(service, body)
    assert (refused.status_code, problem_slug(refused)) == (422, "invalid-request")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"hashes": [new_pdq()], "images": [{"hashes": [new_pdq()]}]},
        {"images": []},
        {"images": [{"hashes": []}]},
        {"images": [{"hashes": [new_pdq()] * 33}]},
        {"images": [{"hashes": [new_pdq()], "id": "x" * 65}]},
        {"images": [{"hashes": [new_pdq()] * 32}] * 313},
        {"images": [{"hashes": [new_pdq()]}] * 1_001},
    ],
)
def test_malformed_images_are_refused(service: RunningService, body: dict[str, Any]) -> None:
    with service.client("match") as client:
        refused = client.post("/v1/match", json=body)
    assert (refused.status_code, problem_slug(refused)) == (422, "invalid-request")


def test_largest_lookup_of_images_is_answered(service: RunningService) -> None:
    stored = new_pdq()
    submit_and_index(service, stored)
    with service.client("match") as client:
        images = [{"id": f"{n}", "hashes": [new_pdq() for _ in range(10)]} for n in range(1_000)]
        images[-1]["hashes"] = [*images[-1]["hashes"][:9], stored]
        hits = client.post("/v1/match", json={"images": images}).json()["hits"]
    assert [(hit["query"], hit["image"]) for hit in hits] == [(999, "999")]


def test_every_hash_of_an_image_is_charged(database_url: str) -> None:
    with serving(database_url, hashes_per_minute=60) as service, service.client("match") as client:
        image = {"hashes": [new_pdq() for _ in range(32)]}
        charged = [client.post("/v1/match", json={"images": [image, image]}) for _ in range(2)]
    assert [each.status_code for each in charged] == [200, 429]


@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    found=st.data(),
)
def test_merged_hits_are_the_nearest_of_each_group(sizes: list[int], found: st.DataObject) -> None:
    limits = np.cumsum([0, *sizes])
    groups = QueryGroups(random_hashes(int(limits[-1])), limits)
    per_hash = [
        found.draw(st.dictionaries(st.integers(1, 5), st.integers(0, 31), max_size=4))
        for _ in range(limits[-1])
    ]
    more = np.array([found.draw(st.booleans()) for _ in per_hash])
    rows = [sorted(each.items(), key=lambda pair: (pair[1], pair[0])) for each in per_hash]
    hits = Hits(
        np.cumsum([0, *map(len, rows)]),
        np.array([hash_id for row in rows for hash_id, _ in row], np.int64),
        np.array([distance for row in rows for _, distance in row], np.int32),
        more,
    )
    merged, nearest = groups.merge(hits)
    for number in range(len(groups)):
        own = range(limits[number], limits[number + 1])
        best: dict[int, tuple[int, int]] = {}
        for row in own:
            for hash_id, distance in per_hash[row].items():
                best[hash_id] = min(best.get(hash_id, (256, 0)), (distance, row))
        expected = sorted((distance, hash_id, row) for hash_id, (distance, row) in best.items())
        part = slice(merged.limits[number], merged.limits[number + 1])
        assert merged.ids[part].tolist() == [hash_id for _, hash_id, _ in expected]
        assert merged.distances[part].tolist() == [distance for distance, _, _ in expected]
        wanted = [groups.hashes[row].tobytes() for _, _, row in expected]
        assert [each.tobytes() for each in nearest[part]] == wanted
        assert merged.more[number] == more[list(own)].any()


@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=6), chosen=st.data())
def test_some_groups_keep_their_hashes(sizes: list[int], chosen: st.DataObject) -> None:
    groups = QueryGroups(random_hashes(sum(sizes)), np.cumsum([0, *sizes]))
    some = chosen.draw(st.lists(st.integers(0, len(sizes) - 1), max_size=6))
    part = groups.of(np.array(some, np.int64))
    assert len(part) == len(some)
    for place, number in enumerate(some):
        own = groups.hashes[groups.limits[number] : groups.limits[number + 1]]
        assert (part.hashes[part.limits[place] : part.limits[place + 1]] == own).all()
