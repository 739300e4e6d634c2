"""Probing, many different queries near one stored hash, is seen; nothing is refused for it."""

import logging
import subprocess
import sys
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unseen_service.live.key_limits import LiveKeyLimits
from unseen_service.live.usage_meter import UsageMeter
from unseen_service.models.keys import Key, NewKey, Scope
from unseen_service.ratelimit.probing import AlertThrottle, HitRate, NearQueries
from unseen_service.runtime.shared_memory import BLOCK_BYTES, BLOCKS, SharedCounts
from unseen_service.settings import Settings, obsolete_settings
from unseen_service.store import Store
from unseen_service.usecases import key_limits, keys

from tests.support.hashes import Hashes, flipped, neighbours, random_hashes, random_pdq
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submit_and_index
from tests.support.waiting import wait_until

PDQ = random_pdq(1)
ALERT = 24
"""UNSEEN_PROBING_ALERT, unless set otherwise."""
COARSE = 16
STEPS = {0, 8, 16, 24, 31}


def packed(*pdqs: str) -> Hashes:
    return np.frombuffer(bytes.fromhex("".join(pdqs)), np.uint8).reshape(-1, 32)


def ask(platform: httpx.Client, queries: Hashes, **parameters: Any) -> httpx.Response:
    return platform.post(
        "/v1/match",
        content=queries.tobytes(),
        params=parameters,
        headers={"Content-Type": "application/octet-stream"},
    )


def distances(platform: httpx.Client, *pdqs: str, **parameters: Any) -> list[int]:
    hits = ask(platform, packed(*pdqs), **parameters).json()["hits"]
    return [hit["distance"] for hit in hits]


def alerts(service: RunningService, kind: str = "key.probing") -> list[dict[str, Any]]:
    with service.client("audit", platform="Staff") as staff:
        found = staff.get("/v1/alerts").json()["alerts"]
    return [each["details"] for each in found if each["kind"] == kind]


def variant(number: int) -> str:
    """Return a variant of a picture: five of eight words stay as they are."""
    bits = bytearray.fromhex(PDQ)
    for bit in np.random.default_rng(number).choice(96, 12, replace=False):
        bits[bit // 8] ^= 0x80 >> bit % 8
    return bytes(bits).hex()


def test_variants_of_a_picture_do_not_stop_a_platform(service: RunningService) -> None:
    """An uploader who sent 97 variants to a platform had its key paused, for all lookups."""
    submit_and_index(service, PDQ, random_pdq(2))
    with service.client("match") as platform:
        answers = [ask(platform, packed(variant(number))) for number in range(120)]
        assert {answer.status_code for answer in answers} == {200}
        assert all(answer.json()["hits"] for answer in answers)
        assert distances(platform, flipped(random_pdq(2), 13)) == [13]
    wait_until(lambda: bool(alerts(service)))
    assert alerts(service, "key.paused") == []


def test_distances_are_rounded_and_then_withheld_where_a_platform_probes(
    service: RunningService,
) -> None:
    submit_and_index(service, PDQ, random_pdq(2))
    with (
        service.client("match", platform="One") as one,
        service.client("match", platform="Two") as two,
    ):
        told = [distances(one, flipped(PDQ, 1 + n % 30, n)) for n in range(40)]
        assert told[: COARSE - 1] == [[1 + n] for n in range(COARSE - 1)]
        assert {d for (d,) in told[COARSE - 1 :]} <= STEPS
        assert {d for (d,) in told[ALERT - 1 :]} == {31}
        assert distances(one, PDQ) == [31], "nor that it is the very hash"
        # A small radius tells no more.
        assert distances(one, flipped(PDQ, 20, 99), max_distance=2) == [31]
        # Elsewhere, and for others, nothing changes.
        assert distances(one, flipped(random_pdq(2), 13)) == [13]
        assert distances(two, flipped(PDQ, 13)) == [13]
    with service.client("audit", platform="Staff") as staff:
        (entry,) = staff.get("/v1/audit", params={"kind": "match.hit"}).json()["entries"][:1]
    assert entry["details"]["hits"][0]["distance"] == 1, "the log keeps the true distance"


class Walk:
    """Recovers a stored hash from a near copy and the distances that lookups tell.

    Flips up to 16 bits at a time, spread over all words; every query is hidden among 20 others,
    and each is sent with the next of several keys.
    """

    def __init__(self, service: RunningService, keys: list[str], near: str) -> None:
        self._service, self._keys = service, cycle(keys)
        self._near = int(near, 16)
        self.lookups = 0

    def recover(self) -> str:
        """Return what the stored hash seems to be."""
        self._base = self._distance(0)
        wrong = self._wrong_bits(list(range(256)), self._base)
        return f"{self._near ^ sum(1 << bit for bit in wrong):064x}"

    def _distance(self, mask: int) -> int:
        query = f"{self._near ^ mask:064x}"
        chaff = [random_pdq(10_000 + 20 * self.lookups + n) for n in range(20)]
        self.lookups += 1
        answer = httpx.post(
            f"{self._service.url}/v1/match",
            json={"hashes": [query, *chaff]},
            headers={"Authorization": f"Bearer {next(self._keys)}"},
        )
        assert answer.status_code == 200, answer.text
        return int(answer.json()["hits"][0]["distance"])

    def _wrong_bits(self, bits: list[int], wrong: int) -> list[int]:
        """Return those of some bits that differ, of which there are `wrong`."""
        if wrong <= 0 or len(bits) <= wrong:
            return bits if wrong > 0 else []
        half = len(bits) // 2
        differ = 0
        for begin in range(0, half, 16):
            group = bits[begin : min(begin + 16, half)]
            change = self._distance(sum(1 << bit for bit in group)) - self._base
            differ += (len(group) - change) // 2
        return self._wrong_bits(bits[:half], differ) + self._wrong_bits(bits[half:], wrong - differ)


def test_walk_from_a_near_copy_with_five_keys_and_chaff_is_seen(service: RunningService) -> None:
    """77 lookups recovered the hash with exact distances, and nobody was alerted."""
    submit_and_index(service, PDQ)
    partner = []
    for _ in range(5):
        service.forget_keys()
        partner.append(service.key("match", platform="Partner"))
    walk = Walk(service, partner, flipped(PDQ, 12, 5))
    assert walk.recover() != PDQ
    assert walk.lookups > ALERT
    wait_until(lambda: bool(alerts(service)))
    (details,) = alerts(service)
    (entry,) = service.audit_details("key.probing")
    assert details["around"] >= ALERT
    assert (entry["records"], len(entry["records"])) == (details["records"], 1)


def test_walk_with_a_small_radius_is_seen(service: RunningService) -> None:
    """Only hits within the radius asked for are answered; the walk comes near all the same."""
    submit_and_index(service, PDQ)
    with service.client("match") as platform:
        for number in range(ALERT):
            ask(platform, packed(flipped(PDQ, 20, number)), max_distance=3)
    wait_until(lambda: bool(alerts(service)))


def test_probing_hidden_in_a_large_batch_is_seen(service: RunningService) -> None:
    submit_and_index(service, PDQ)
    mixed = np.concatenate([random_hashes(9_000), neighbours(packed(PDQ))[:ALERT]])
    np.random.default_rng(0).shuffle(mixed)
    with service.client("match") as platform:
        answer = ask(platform, mixed)
    assert {hit["distance"] for hit in answer.json()["hits"]} == {31}
    wait_until(lambda: bool(alerts(service)))


def test_every_probed_hash_is_in_an_alert(service: RunningService) -> None:
    """Noise around one hash must not hide a walk around another."""
    submit_and_index(service, PDQ, random_pdq(2), random_pdq(3))
    queries = [flipped(pdq, 5, n) for pdq in (PDQ, random_pdq(2)) for n in range(ALERT)]
    with service.client("match") as platform:
        ask(platform, packed(*queries, flipped(random_pdq(3), 5)))
    wait_until(lambda: bool(alerts(service)))
    (details,) = alerts(service)
    assert (details["hashes"], len(details["records"])) == (2, 2)


def test_hash_that_is_probed_shortly_after_an_alert_is_in_the_next(
    service: RunningService,
) -> None:
    """The walk may have ended before another alert is due."""
    submit_and_index(service, PDQ, random_pdq(2))
    with service.client("match") as platform:
        ask(platform, packed(PDQ, random_pdq(2)))
    key = Key(1, 1, 1, "", b"", frozenset(), "", datetime.now(UTC), "", None, None, None, None)
    now = [1_000.0]

    async def probe(store: Store) -> None:
        limits = LiveKeyLimits(0, 0)
        meter = UsageMeter(store, limits, alert_at=ALERT, clock=lambda: now[0])
        for hash_id in 1, 2:
            meter.count_near(key, random_hashes(ALERT), np.full(ALERT, hash_id))
            await meter.settle()
        now[0] += AlertThrottle.INTERVAL_S
        await meter.settle()

    service.flow(probe)
    second, first = alerts(service)
    assert len(first["records"]) == len(second["records"]) == 1
    assert first["records"] != second["records"]


def test_new_keys_see_coarse_distances_and_old_ones_what_they_saw(database_url: str) -> None:
    issued: list[str] = []

    def issue(service: RunningService) -> str:
        new = NewKey("Example", frozenset({Scope.MATCH}))
        return service.flow(lambda store: keys.issue_key(store, new)).key

    def client(service: RunningService, key: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"}
        url = f"{service.url}/v1/audit"
        wait_until(lambda: httpx.get(url, headers=headers).status_code == 403)
        return httpx.Client(base_url=service.url, headers=headers)

    with serving(database_url, coarse_distances=1) as service:
        submit_and_index(service, PDQ)
        issued.append(issue(service))
        with client(service, issued[0]) as new:
            assert distances(new, flipped(PDQ, 13)) == [16]
            within = {
                limit: len(distances(new, flipped(PDQ, 13), max_distance=limit))
                for limit in range(32)
            }
            assert within == {limit: int(limit > 8) for limit in range(32)}
            service.flow(lambda store: key_limits.limit_key(store, 1, coarse=False))
            wait_until(lambda: distances(new, flipped(PDQ, 13)) == [13], within=2)
        # As the migration found it: a key from before, without limits of its own.
        issued.append(issue(service))
        with psycopg.connect(database_url) as database:
            database.execute("INSERT INTO key_limits (line, coarse) VALUES (2, false)")
        with client(service, issue(service)) as third:
            service.flow(lambda store: key_limits.pause_key(store, 3, "a test"))
            service.flow(lambda store: key_limits.resume_key(store, 3, "a test"))
            wait_until(lambda: distances_or_none(third) == [16], within=5)
    with (
        serving(database_url, coarse_distances=1) as again,
        client(again, issued[1]) as old,
    ):
        assert distances(old, flipped(PDQ, 13)) == [13]


def distances_or_none(platform: httpx.Client) -> list[int] | None:
    answer = ask(platform, packed(flipped(PDQ, 13)))
    return [hit["distance"] for hit in answer.json()["hits"]] if answer.is_success else None


@pytest.fixture
def shared(tmp_path: Path) -> SharedCounts:
    """Counters in shared memory, as the workers of a host have them."""
    SharedCounts.create(tmp_path / "counts")
    return SharedCounts(tmp_path / "counts")


def test_probing_spread_over_workers_is_seen(
    database_url: str, shared: SharedCounts, tmp_path: Path
) -> None:
    """Three workers that get one query each in turn notice it as early as one would."""
    again = SharedCounts(tmp_path / "counts")
    with (
        serving(database_url, shared=shared) as one,
        serving(database_url, shared=again) as two,
        serving(database_url, shared=shared) as three,
        one.client("match") as platform,
    ):
        submit_and_index(one, PDQ)
        for each in two, three:
            each.wait_in_step()
        key = {"Authorization": platform.headers["Authorization"]}
        workers = [httpx.Client(base_url=each.url, headers=key) for each in (one, two, three)]
        for worker in workers:
            wait_until(lambda worker=worker: ask(worker, random_hashes(1)).status_code == 200)  # type: ignore[misc]
        told = [
            distances(worker, flipped(PDQ, 5, number))
            for number, worker in zip(range(ALERT), cycle(workers), strict=False)
        ]
        assert told.index([8]) == COARSE - 1
        assert told[-1] == [31]
        for worker in workers:
            worker.close()
        wait_until(lambda: len(alerts(one)) == 1)


_ANOTHER_PROCESS = """
import sys
import numpy as np
from pathlib import Path
from unseen_service.ratelimit.probing import NearQueries
from unseen_service.runtime.shared_memory import SharedCounts
shared = SharedCounts(Path(sys.argv[1]))
near = NearQueries(1.0, shared.block(7), bytes(range(64)))
steps = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(-1, 32)
for step in steps:
    near.add(5, step[None], np.array([9]), 1.0)
"""


def test_processes_share_counts_per_platform(shared: SharedCounts, tmp_path: Path) -> None:
    secret = bytes(range(64))
    steps = neighbours(random_hashes(1))
    subprocess.run(
        [sys.executable, "-c", _ANOTHER_PROCESS, str(tmp_path / "counts")],
        input=steps[:100].tobytes(),
        check=True,
    )
    near = NearQueries(1.0, shared.block(7), secret)
    one = np.array([9])
    assert near.add(5, steps[:1], one, 1.0) == [100], "the other process has counted this"
    assert near.add(5, steps[100:101], one, 1.0) == [101]
    assert near.add(6, steps[:1], one, 1.0) == [1], "another platform's"
    assert near.add(5, steps[:1], np.array([8]), 1.0) == [1], "another hash"
    assert NearQueries(1.0, shared.block(8), secret).add(5, steps[:1], one, 1.0) == [1]


def test_workers_share_hit_rates_and_alert_throttling(shared: SharedCounts) -> None:
    rates = [HitRate(1.0, shared.block(1)) for _ in range(4)]
    alerted = [rate.add(1, 1, 1.0) for rate, _ in zip(cycle(rates), range(120), strict=False)]
    assert alerted.index(True) < 110
    one, two = AlertThrottle(shared.block(1)), AlertThrottle(shared.block(1))
    assert one.is_due("key.probing", 5.0)
    assert not two.is_due("key.probing", 6.0)
    assert two.is_due("key.hit-rate", 6.0)
    assert two.is_due("key.probing", 606.0)


def allocated(path: Path) -> int:
    return 512 * path.stat().st_blocks


def test_memory_is_taken_on_the_first_hit_and_released_when_idle(
    database_url: str, tmp_path: Path
) -> None:
    """Each key family that looked anything up took 3.2 MB, until the process ended."""
    file = Path("/dev/shm") / f"unseen-test-{tmp_path.name}"  # noqa: S108 - as memfd is, in memory
    SharedCounts.create(file)
    try:
        empty = allocated(file)
        with serving(database_url, shared=SharedCounts(file)) as service:
            submit_and_index(service, PDQ)
            for number in range(5):
                with service.client("match", platform=f"Platform {number}") as platform:
                    ask(platform, random_hashes(100))
            assert allocated(file) == empty, "nothing came near a stored hash"
            with service.client("match", platform="Finder") as finder:
                ask(finder, packed(PDQ))
            assert empty < allocated(file) <= empty + BLOCK_BYTES
        shared = SharedCounts(file)
        now = [0.0]
        meter = UsageMeter(None, None, alert_at=ALERT, shared=shared, clock=lambda: now[0])  # type: ignore[arg-type]
        meter._profile(7, 0.0)
        held = allocated(file)
        meter._release_idle(13 * 3_600.0)
        assert allocated(file) < held
        assert not meter._profiles
        for platform_id in range(5 * BLOCKS):
            meter._profile(platform_id, 0.0)
        assert allocated(file) <= empty + BLOCKS * BLOCK_BYTES
    finally:
        file.unlink()


def test_worker_counts_alone_without_shared_memory(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """/dev/full cannot be mapped."""
    with (
        serving(database_url, shared=SharedCounts(Path("/dev/full"))) as service,
        service.client("match") as platform,
        caplog.at_level(logging.WARNING),
    ):
        submit_and_index(service, PDQ)
        for number in range(ALERT):
            ask(platform, packed(flipped(PDQ, 5, number)))
        wait_until(lambda: bool(alerts(service)))
    assert "by itself" in caplog.text


def test_repeated_copies_of_an_image_are_not_probing() -> None:
    """One image in ten encodings, again and again: normal traffic."""
    near = NearQueries(0.0)
    copies = packed(*[flipped(PDQ, 2 * (n % 5), seed=n) for n in range(10)])
    ids = np.ones(10, np.int64)
    assert max(near.add(1, copies, ids, n / 10).max() for n in range(300)) <= 10


def test_many_matches_of_different_hashes_are_not_probing() -> None:
    near = NearQueries(0.0)
    ids = np.arange(20_000)
    counts = [near.add(1, random_hashes(20_000, seed=n), ids, float(n)) for n in range(2)]
    assert (counts[-1] >= COARSE).mean() < 0.01


def test_counts_halve_every_six_hours() -> None:
    near = NearQueries(0.0)
    one = np.array([1])
    for step in neighbours(random_hashes(1))[:20]:
        near.add(1, step[None], one, 0.0)
    assert near.add(1, random_hashes(1, seed=7), one, 6.1 * 3_600) == [11]


@given(order=st.permutations(range(256)), batch=st.integers(1, 64))
def test_probing_is_counted_in_any_order(order: list[int], batch: int) -> None:
    near = NearQueries(0.0, None, bytes(range(64)))
    steps = neighbours(random_hashes(1))[order]
    for n in range(0, 256, batch):
        each = steps[n : n + batch]
        last = near.add(1, each, np.ones(len(each), np.int64), 0.0)
    assert last.max() == 256


def test_obsolete_setting_is_accepted_and_named() -> None:
    environment = {"UNSEEN_PROBING_PAUSE": "96", "DATABASE_URL": "postgresql:///x"}
    assert Settings.from_environment(environment) == Settings(database_url="postgresql:///x")
    (sentence,) = obsolete_settings(environment)
    assert "UNSEEN_PROBING_PAUSE has no effect" in sentence
    assert obsolete_settings({}) == []


def test_unusually_high_hit_rate_raises_an_alert(service: RunningService) -> None:
    pdqs = [random_pdq(n) for n in range(150)]
    submit_and_index(service, *pdqs)
    with service.client("match") as platform:
        for pdq in pdqs:
            ask(platform, packed(pdq), max_distance=0)
    wait_until(lambda: bool(alerts(service, "key.hit-rate")))


def test_usual_hit_rate_raises_no_alert() -> None:
    rate = HitRate(0.0)
    assert not any(rate.add(1_000, 5, 60.0 * minute) for minute in range(5_000))
    assert rate.add(1_000, 900, 60.0 * 5_000)
