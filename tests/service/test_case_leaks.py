"""What a case shows must not reveal whether its hashes were stored before it began.

Anyone may submit a hash without a key, so a case is a question that anyone can ask: each test
submits a hash with a history and one without, and compares everything that the two cases show.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hashes import flipped, new_pdq
from tests.support.mirrors import Mirror
from tests.support.running_service import RunningService
from tests.support.submissions import PIN_HEADERS, submit, withdraw

HISTORIES = ("delivered", "matched", "removed", "withdrawn", "confirmed")
"""What happened to a stored hash before the case that asks about it."""

EVENTS = ("read", "match", "give feedback", "withdraw", "others withdraw", "others submit")
"""What happens to both hashes afterwards."""


@dataclass
class Prober:
    """Someone who submits two hashes, one that was stored before and a new one, and compares."""

    service: RunningService
    platform: httpx.Client
    mirror: Mirror
    stored: str = field(default_factory=new_pdq)
    new: str = field(default_factory=new_pdq)
    others: list[dict[str, Any]] = field(default_factory=list)
    cases: list[dict[str, Any]] = field(default_factory=list)
    steps: list[datetime] = field(default_factory=list)

    def prepare(self, history: Sequence[str]) -> None:
        """Store a hash, and let things happen to it."""
        self.others.append(submit(self.service, self.stored))
        if "delivered" in history:
            self.read()
        if "matched" in history:
            self.look_up(self.stored)
        if "removed" in history:
            self.read()
            self.give_feedback(self.stored)
        if "withdrawn" in history:
            withdraw(self.service, self.others.pop())
            self.read()
        if "confirmed" in history:
            self.confirm()

    def submit(self) -> None:
        """Submit both hashes, each in a case of its own."""
        self.begin_step()
        self.cases = [submit(self.service, pdq) for pdq in (self.stored, self.new)]

    def happen(self, event: str) -> None:
        """Let something happen to both hashes."""
        self.begin_step()
        if event == "read":
            self.read()
            self.confirm()
        elif event == "match":
            self.look_up(self.stored, self.new)
        elif event == "give feedback":
            self.read()
            self.give_feedback(self.stored, self.new)
        elif event == "withdraw":
            for case in self.cases:
                withdraw(self.service, case)
        elif event == "others withdraw" and self.others:
            withdraw(self.service, self.others.pop())
        elif event == "others submit":
            self.others.append(submit(self.service, self.stored))

    def begin_step(self) -> None:
        """Begin a step: times that the cases show are compared by the step that they lie in."""
        self.steps.append(datetime.now(UTC))

    def shown(self) -> list[Any]:
        """Return what each of the two cases shows, without what differs between any two cases."""
        return [self.without_identity(self.status(case)) for case in self.cases]

    def status(self, case: dict[str, Any]) -> dict[str, Any]:
        """Return the status of a case."""
        answer = httpx.get(f"{self.service.url}/v1/cases/{case['case']}", headers=PIN_HEADERS)
        shown: dict[str, Any] = answer.raise_for_status().json()
        return shown

    def without_identity(self, shown: Any) -> Any:
        """Leave out the number of a case; replace each time by its step."""
        if isinstance(shown, dict):
            return {
                name: self.step_of(value)
                if name.endswith("_at") and value is not None
                else self.without_identity(value)
                for name, value in shown.items()
                if name != "case"
            }
        return [self.without_identity(each) for each in shown] if isinstance(shown, list) else shown

    def step_of(self, time: str) -> int:
        """Return the step in which a time lies; -1: before the case began."""
        at = datetime.fromisoformat(time)
        return sum(at >= begun for begun in self.steps) - 1

    def read(self) -> None:
        """Read the feed to its end, as the platform."""
        self.mirror.catch_up()

    def confirm(self) -> None:
        """Confirm, as the platform, every withdrawal, and read on."""
        gone = [each["record"] for each in self.mirror.entries if each["status"] != "active"]
        if gone:
            self.platform.post("/v1/withdrawals", json={"records": gone}).raise_for_status()
        self.mirror.catch_up()

    def look_up(self, *pdqs: str) -> None:
        """Look up hashes, as the platform."""
        self.service.wait_in_step()
        self.platform.post("/v1/match", json={"hashes": list(pdqs)}).raise_for_status()

    def give_feedback(self, *pdqs: str) -> None:
        """Report, as the platform, that it removed the images of those hashes that it holds."""
        records = {pdq: record for record, pdq in self.mirror.kept.items()}
        said = {records[pdq]: "removed" for pdq in pdqs if pdq in records}
        if said:
            body = {"feedback": [{"record": r, "value": v} for r, v in said.items()]}
            self.platform.post("/v1/feedback", json=body).raise_for_status()


@pytest.fixture
def prober(service: RunningService) -> Iterator[Callable[[], Prober]]:
    """Make probers that use one service, and one platform."""
    with service.client("feed", "feedback", "match") as platform:
        mirror = Mirror(platform).catch_up()
        yield lambda: Prober(service, platform, mirror)


def test_delivery_does_not_reveal_that_a_hash_was_stored(
    prober: Callable[[], Prober],
) -> None:
    """The answer to a submission used to list platforms that had received the hash before."""
    asking = prober()
    asking.prepare(["delivered"])
    asking.submit()
    assert asking.cases[0]["platforms"] == asking.cases[1]["platforms"] == []
    stored, new = asking.shown()
    assert stored == new
    asking.happen("read")
    stored, new = asking.shown()
    assert stored == new
    assert stored["platforms"][0]["delivered_at"] == 1


def test_confirmation_does_not_reveal_that_another_case_holds_a_hash(
    prober: Callable[[], Prober],
) -> None:
    """A withdrawal that nobody could confirm used to mean that another case holds the hash."""
    asking = prober()
    asking.prepare([])
    asking.submit()
    for event in ("read", "withdraw", "read"):
        asking.happen(event)
    stored, new = asking.shown()
    assert stored == new
    assert stored["platforms"][0]["withdrawal_confirmed_at"] == 3


def test_case_shows_the_same_whatever_happened_to_its_hash_before(
    prober: Callable[[], Prober],
) -> None:
    """Whatever happens later, at no time does a case of a stored hash look different."""

    @settings(max_examples=15, derandomize=True)
    @given(
        st.lists(st.sampled_from(HISTORIES), unique=True).map(sorted),
        st.lists(st.sampled_from(EVENTS), min_size=1, max_size=6),
    )
    def compare(history: list[str], events: list[str]) -> None:
        asking = prober()
        asking.prepare(history)
        asking.submit()
        for event in ("nothing", *events):
            if event != "nothing":
                asking.happen(event)
            stored, new = asking.shown()
            assert stored == new, event

    compare()


def decoys_of(pdq: str, count: int) -> list[str]:
    """Return different hashes at two bits of one."""
    return list(dict.fromkeys(flipped(pdq, 2, seed) for seed in range(2 * count)))[:count]


@pytest.mark.parametrize(("decoys", "shown"), [(16, 16), (64, 64), (130, 0)])
def test_hashes_near_a_stored_one_are_matched_as_if_it_were_not_there(
    service: RunningService, decoys: int, shown: int
) -> None:
    """The stored hash used to displace one of them from the 16 nearest, which their case showed."""
    with service.client("match", platform="Social") as platform:
        for is_stored in (True, False):
            pdq = new_pdq()
            if is_stored:
                submit(service, pdq)
            case = submit(service, *decoys_of(pdq, decoys))
            service.wait_in_step()
            hits = platform.post("/v1/match", json={"hashes": [pdq]}).json()["hits"]
            assert len(hits) == (decoys + is_stored if shown else 16)
            images = status_of(service, case)["images"]
            assert sum(image["matches"] for image in images) == shown


def status_of(service: RunningService, case: dict[str, Any]) -> dict[str, Any]:
    answer = httpx.get(f"{service.url}/v1/cases/{case['case']}", headers=PIN_HEADERS)
    shown: dict[str, Any] = answer.raise_for_status().json()
    return shown


def test_feedback_on_an_earlier_match_does_not_reveal_that_a_hash_was_stored(
    service: RunningService,
) -> None:
    """A platform that does not read the feed reports on what it matched before the case began."""
    pdq = new_pdq()
    submit(service, pdq)
    service.wait_in_step()
    with service.client("match", "feedback", platform="Social") as platform:
        (hit,) = platform.post("/v1/match", json={"hashes": [pdq]}).json()["hits"]
        case = submit(service, pdq)
        report = {"feedback": [{"record": hit["record"], "value": "removed"}]}
        platform.post("/v1/feedback", json=report).raise_for_status()
        assert status_of(service, case)["platforms"] == []
        platform.post("/v1/match", json={"hashes": [pdq]}).raise_for_status()
        assert status_of(service, case)["platforms"][0]["feedback"] is None
        platform.post("/v1/feedback", json=report).raise_for_status()
        assert status_of(service, case)["platforms"][0]["feedback"] == "removed"


def remove(service: RunningService, pdq: str) -> None:
    """Remove a hash for good, as platforms and staff do if it is not of an intimate image."""
    with service.client("feed", platform="Reader") as reader:
        records = {pdq: record for record, pdq in Mirror(reader).catch_up().kept.items()}
    for name in ("One", "Two"):
        with service.client("feed", "feedback", platform=name) as platform:
            Mirror(platform).catch_up()
            body = {"feedback": [{"record": records[pdq], "value": "not-intimate"}]}
            platform.post("/v1/feedback", json=body).raise_for_status()
    for name in ("Staff", "Second"):
        with service.client("admin", "audit", platform=name) as staff:
            answer = staff.post(f"/v1/review/{records[pdq]}", json={"decision": "remove"})
            answer.raise_for_status()
    assert answer.json()["final"]


def hits(service: RunningService, pdq: str) -> int:
    """Return how many stored hashes a lookup finds."""
    service.wait_in_step()
    with service.client("match", platform="Finder") as platform:
        return len(platform.post("/v1/match", json={"hashes": [pdq]}).json()["hits"])


def test_removed_hash_does_not_come_back_with_a_few_bits_changed(service: RunningService) -> None:
    removed = new_pdq()
    submit(service, removed)
    remove(service, removed)
    for bits in (1, 2, 16, 31):
        submit(service, flipped(removed, bits))
    assert hits(service, removed) == 0
    unrelated = flipped(removed, 40)
    submit(service, unrelated)
    assert hits(service, unrelated) == 1


def test_chain_of_neighbours_does_not_reach_beyond_the_radius(service: RunningService) -> None:
    """Hashes that are barred for being close to a removed one bar nothing themselves."""
    removed = new_pdq()
    submit(service, removed)
    remove(service, removed)
    near = flipped(removed, 30)
    submit(service, near)
    beyond = flipped(near, 31, seed=1)
    submit(service, beyond)
    assert hits(service, beyond) == 1


def test_released_hash_brings_back_what_was_barred_for_being_close(
    service: RunningService,
) -> None:
    removed = new_pdq()
    submit(service, removed)
    remove(service, removed)
    kept, withdrawn = flipped(removed, 3), flipped(removed, 5)
    submit(service, kept)
    withdraw(service, submit(service, withdrawn))
    with service.client("admin", "audit", platform="Staff") as staff:
        (review,) = staff.get("/v1/review", params={"state": "decided"}).json()["reviews"]
    body = {"decision": "release", "instead_of": "remove"}
    for name in "Staff", "Second":
        with service.client("admin", "audit", platform=name) as staff:
            staff.post(f"/v1/review/{review['record']}", json=body).raise_for_status()
    assert hits(service, removed) == 2, "the hash itself, and the one that is still held"


def test_case_shows_the_same_if_its_hash_was_removed_before(service: RunningService) -> None:
    """For a week; a platform that matches uploads for the asker can tell, as the docs say."""
    with service.client("feed", "feedback", "match", platform="Example") as platform:
        asking = Prober(service, platform, Mirror(platform).catch_up())
        asking.prepare([])
        remove(service, asking.stored)
        asking.submit()
        for event in ("read", "withdraw", "read"):
            stored, new = asking.shown()
            assert stored == new
            asking.happen(event)
        stored, new = asking.shown()
        assert stored == new
