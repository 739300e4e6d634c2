"""While many hashes are submitted, a submission requires proof of work."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unseen import Client, Submission
from unseen import Fingerprint as Print
from unseen.cli import main
from unseen.proof_of_work import Challenge as Asked
from unseen_service.screening.proof_of_work import LIFETIME_S, Challenges, Price, target

from tests.support.hashes import random_pdq
from tests.support.problems import problem_slug
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submission
from tests.support.waiting import PATIENCE_S

KEY = "0123456789abcdef"
SECRET = bytes(32)


@pytest.fixture
def busy(database_url: str) -> Iterator[RunningService]:
    """A service at which every submission but the first exceeds the free rate."""
    with serving(database_url, work_free_hashes_per_minute=8, work_tries_per_hash=50) as running:
        httpx.post(f"{running.url}/v1/cases", json=submission(random_pdq(0))).raise_for_status()
        yield running


def post(
    service: RunningService, body: Any, key: str = KEY, proof: str | None = None
) -> httpx.Response:
    headers = {"Idempotency-Key": key} | ({} if proof is None else {"Unseen-Work": proof})
    return httpx.post(f"{service.url}/v1/cases", json=body, headers=headers, timeout=PATIENCE_S)


def solve(refused: httpx.Response, key: str = KEY) -> str:
    assert (refused.status_code, problem_slug(refused)) == (429, "work-required")
    work = refused.json()["work"]
    return Asked(work["challenge"], work["puzzles"], work["target"], key).solve()


def test_submission_is_accepted_with_proof_of_work(busy: RunningService) -> None:
    body = submission(random_pdq(1))
    proof = solve(post(busy, body))
    accepted = post(busy, body, proof=proof)
    assert accepted.status_code == 201
    again = post(busy, body, proof=proof)
    assert (again.status_code, again.json()["case"]) == (200, accepted.json()["case"])


def test_proof_is_valid_for_one_key_and_no_more_hashes(busy: RunningService) -> None:
    body = submission(random_pdq(1))
    proof = solve(post(busy, body))
    other = post(busy, body, key="another-key-of-mine", proof=proof)
    assert problem_slug(other) == "work-required"
    larger = post(busy, submission(*(random_pdq(n) for n in range(200))), proof=proof)
    assert problem_slug(larger) == "work-required"


def test_price_depends_on_the_load_of_all_workers(busy: RunningService) -> None:
    with serving(busy.database_url, work_free_hashes_per_minute=8, work_tries_per_hash=50) as other:
        assert problem_slug(post(other, submission(random_pdq(1)))) == "work-required"


def test_python_client_solves_challenges_by_itself(busy: RunningService) -> None:
    challenges: list[Asked] = []
    with Client(busy.url, on_work=challenges.append) as client:
        assert client.submit(prepare_submission()).status == "active"
    assert len(challenges) == 1


def test_command_explains_the_delay(
    busy: RunningService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare_submission().save(tmp_path / "kept.json")
    assert main(["submit", "--from", str(tmp_path / "kept.json"), "--server", busy.url]) == 0
    printed = capsys.readouterr()
    assert "very busy" in printed.err
    assert "Case number" in printed.out


def prepare_submission() -> Submission:
    statements = {"adult": True, "depicted": True, "without_consent": True}
    return Submission.of([[Print(random_pdq(3), 100, "original")]], **statements)


def test_no_work_is_required_without_load(service: RunningService) -> None:
    assert post(service, submission(random_pdq(1))).status_code == 201


@given(text=st.text(max_size=200))
def test_malformed_proof_is_refused(text: str) -> None:
    assert not Challenges(SECRET, Clock()).is_paid(text, KEY, 8, 1)


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


def proof_at(clock: Clock, price: int = 10, secret: bytes = SECRET) -> str:
    challenge = Challenges(secret, clock).issue(price, 8)
    return Asked(challenge.token, challenge.puzzles, challenge.target, KEY).solve()


def test_proof_is_valid_until_it_expires_or_the_price_quadruples() -> None:
    clock = Clock()
    proof, ours = proof_at(clock), Challenges(SECRET, clock)
    assert ours.is_paid(proof, KEY, 8, 10)
    assert ours.is_paid(proof, KEY, 8, 40)
    assert not ours.is_paid(proof, KEY, 8, 41)
    clock.now += LIFETIME_S - 1
    assert ours.is_paid(proof, KEY, 8, 10)
    clock.now += 2
    assert not ours.is_paid(proof, KEY, 8, 10)


def test_challenge_cannot_be_forged_or_changed() -> None:
    clock = Clock()
    ours = Challenges(SECRET, clock)
    assert not ours.is_paid(proof_at(clock, secret=bytes(31) + b"x"), KEY, 8, 10)
    expires, price, rest = proof_at(clock).split(".")
    assert not ours.is_paid(f"{int(expires) + 1}.{price}.{rest}", KEY, 8, 10)
    assert not ours.is_paid(f"{expires}.{int(price) - 1}.{rest}", KEY, 8, 10)


def test_price_rises_with_the_square_of_the_load() -> None:
    price = Price(free=2_000, tries=1_000)
    assert [price.of(level, 1) for level in (0, 1_999)] == [0, 0]
    assert price.of(4_000, 1) == pytest.approx(4_000, rel=0.001)
    assert price.of(1e12, 8) == 100_000
    assert Price(free=2_000, tries=0).of(1e12, 8) == 0
    assert Price(free=0, tries=1_000).of(0, 8) > 0


@given(level=st.floats(0, 1e6), parts=st.lists(st.integers(1, 1_000), min_size=1, max_size=9))
def test_price_is_the_same_for_one_submission_and_for_its_parts(
    level: float, parts: list[int]
) -> None:
    """So that it is of no use to split a submission, nor to send its parts at the same time."""
    price, paid, reached = Price(free=2_000, tries=1_000), 0, level
    for hashes in parts:
        paid += hashes * price.of(reached, hashes)
        reached += hashes
    whole = sum(parts) * price.of(level, sum(parts))
    assert abs(paid - whole) <= 2 * sum(parts), "attempts are rounded up, per hash"


def test_own_weight_counts_for_the_price() -> None:
    price = Price(free=2_000, tries=1_000)
    assert price.of(0, 2_000) == 0
    assert price.of(0, 2_400) * 2_400 == pytest.approx(485_000, rel=0.01)
    assert price.of(0, 8_000) * 8_000 == pytest.approx(42_000_000, rel=0.01)


FREE = 80
"""Hashes per minute that are free, in the tests of bulk submissions."""


def bulk(first: int, hashes: int) -> dict[str, Any]:
    return submission(*(random_pdq(1_000 * first + n) for n in range(hashes)))


def test_simultaneous_bulk_submissions_are_not_free(database_url: str) -> None:
    """Eight at once, over two workers, each small enough to be free alone: one of them is."""
    with (
        serving(database_url, work_free_hashes_per_minute=FREE) as one,
        serving(database_url, work_free_hashes_per_minute=FREE) as other,
        ThreadPoolExecutor(8) as pool,
    ):
        answers = list(
            pool.map(
                lambda n: post((one, other)[n % 2], bulk(n, FREE), f"{KEY}-{n}"),
                range(8),
            )
        )
    assert sorted(each.status_code for each in answers) == [201] + 7 * [429]
    with psycopg.connect(database_url) as connection:
        (level,) = connection.execute("SELECT level FROM intake").fetchone() or (0,)
    assert level <= FREE, "the seven were not given back"


def test_submission_above_the_free_rate_is_never_free(database_url: str) -> None:
    with serving(database_url, work_free_hashes_per_minute=FREE) as running:
        assert problem_slug(post(running, bulk(1, FREE + 1))) == "work-required"
        assert post(running, bulk(1, 10)).status_code == 201


def test_reservation_is_given_back_if_nothing_is_stored(database_url: str) -> None:
    """Repeats, simultaneous ones too, and submissions that must be paid for count once, or not."""
    with serving(database_url, work_free_hashes_per_minute=FREE) as running:
        body = bulk(1, 10)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: post(running, body), range(8)))
        assert sorted(each.status_code for each in answers) == 7 * [200] + [201]
        for n in range(5):
            assert post(running, bulk(2 + n, 75), f"{KEY}-{n}").status_code == 429
        assert post(running, bulk(9, 68), f"{KEY}-last").status_code == 201


def test_refused_hashes_stay_counted(database_url: str) -> None:
    """Screening is work: whoever has it done again and again has to pay."""
    with serving(database_url, work_free_hashes_per_minute=FREE) as running:
        body = submission(*(random_pdq(n) for n in range(50)), "00" * 32)
        assert problem_slug(post(running, body)) == "degenerate-hash"
        assert problem_slug(post(running, body)) == "work-required"


@given(tries=st.integers(1, 10**12))
def test_target_takes_the_expected_number_of_tries(tries: int) -> None:
    below = target(tries)
    assert 1 <= below <= 1 << 32
    if 8 <= tries <= 10**9:
        assert (8 << 32) / below == pytest.approx(tries, rel=0.2)
