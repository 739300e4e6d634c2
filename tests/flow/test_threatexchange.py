"""Platforms that use the threatexchange library: its command line, and what HMA does with it."""

import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from tests.clients.python.servers import Act, Scripted, scripted
from tests.support.databases import query
from tests.support.environment import clean_environment
from tests.support.hashes import flipped, random_pdq
from tests.support.running_service import RunningService
from tests.support.submissions import case_platforms, submit, withdraw
from tests.support.waiting import wait_until

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the library warns of its own PDQ library when imported
    from threatexchange.exchanges.collab_config import CollaborationConfigBase
    from threatexchange.exchanges.fetch_state import SignalOpinion, SignalOpinionCategory
    from threatexchange.signal_type.pdq.signal import PdqSignal
    from threatexchange.signal_type.raw_text import RawTextSignal
    from threatexchange.storage.interfaces import SignalExchangeAPIConfig
    from threatexchange.storage.local_dbm import DBMStore
    from unseen_threatexchange import (
        UnseenCheckpoint,
        UnseenCredentials,
        UnseenSignalExchangeAPI,
        service_client,
    )
    from unseen_threatexchange.service_client import FaultyServerError, UnseenAPI

COMMAND = Path(sys.executable).parent / "threatexchange"
Tx = Callable[..., str]


def confirmations(service: RunningService) -> int:
    """Return how many deletions platforms have confirmed."""
    return int(query(service.database_url, "SELECT count(*) FROM withdrawals")[0][0])


@pytest.fixture
def key(service: RunningService) -> str:
    return service.key("feed", "feedback", "submit")


@pytest.fixture
def tx(service: RunningService, key: str, tmp_path: Path) -> Tx:
    """Return a function that runs `threatexchange` with its state in this test's folder."""
    base = f"{service.url}/stopncii/v1"
    environment = clean_environment(
        TX_STATEDIR=str(tmp_path),
        TX_STOPNCII_KEYS=f"{key},{key},{base}",
        TX_UNSEEN_KEY=f"{key},{base}",
    )

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [COMMAND, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def submit_others(service: RunningService) -> None:
    """Submit five more hashes, because the library's index finds nothing if it has only one."""
    submit(service, *(random_pdq(n) for n in range(90, 95)))


def matches(tx: Tx, pdq: str) -> bool:
    return "pdq" in tx("match", "-H", "-S", "pdq", "photo", "--", pdq)


def test_the_unmodified_command_needs_only_configuration(service: RunningService, tx: Tx) -> None:
    submit_others(service)
    submit(service, random_pdq(1))
    tx("config", "collab", "edit", "stop_ncii", "--create", "unseen")
    tx("fetch", "--only-api", "stop_ncii")
    assert matches(tx, flipped(random_pdq(1), 20))
    submit(service, random_pdq(2))
    tx("fetch", "--only-api", "stop_ncii")
    assert matches(tx, random_pdq(2))
    assert not matches(tx, random_pdq(3))


def test_with_our_extension_the_command_deletes_a_withdrawn_hash(
    service: RunningService, tx: Tx, tmp_path: Path
) -> None:
    submit_others(service)
    case = submit(service, random_pdq(1))
    tx("config", "extensions", "add", "unseen_threatexchange")
    tx("config", "collab", "edit", "unseen", "--create", "ours")
    tx("fetch", "--only-api", "unseen")
    assert matches(tx, random_pdq(1))

    hash_file = tmp_path / "hash.txt"
    hash_file.write_text(random_pdq(1))
    tx("label", "-l", "Nude", "-H", "pdq", "ours", "photo", str(hash_file))
    assert case_platforms(service, case)[0]["feedback"] == "removed"

    withdraw(service, case)
    tx("fetch", "--only-api", "unseen")
    assert not matches(tx, random_pdq(1))
    assert matches(tx, random_pdq(90))
    # The next fetch confirms the deletion: only then are data and index on disk without it.
    assert confirmations(service) == 0
    tx("fetch", "--only-api", "unseen")
    assert confirmations(service) > 0


class Fetcher:
    """Fetches as HMA does: page by page into a store, with a checkpoint per page."""

    def __init__(self, folder: Path, service: RunningService, key: str) -> None:
        self.collab = CollaborationConfigBase(name="ours", api="unseen", enabled=True)
        self.store = DBMStore(folder, exchange_types=[UnseenSignalExchangeAPI])
        self.store.exchange_update(self.collab, create=True)
        credentials = UnseenCredentials._from_str(f"{key},{service.url}/stopncii/v1/")
        self.store.exchange_api_config_update(
            SignalExchangeAPIConfig(UnseenSignalExchangeAPI, credentials)
        )

    def fetch(self, pages: int = 100) -> None:
        checkpoint = self.store.exchange_get_fetch_checkpoint("ours")
        api = self.store.exchange_get_client(self.collab)
        for _, delta in zip(range(pages), api.fetch_iter([PdqSignal], checkpoint), strict=False):
            before = (checkpoint.get_progress_timestamp() if checkpoint else 0) or 0
            assert delta.checkpoint.get_progress_timestamp() >= before
            self.store.exchange_commit_fetch(
                self.collab, checkpoint, delta.updates, delta.checkpoint
            )
            checkpoint = delta.checkpoint

    def held(self) -> set[str]:
        with self.store._open_collab_data("ours") as stored:
            return {json.loads(key)[1] for key in stored.keys()}  # noqa: SIM118 - a dbm, no dict


@pytest.fixture
def fetcher(service: RunningService, key: str, tmp_path: Path) -> Fetcher:
    return Fetcher(tmp_path, service, key)


def test_an_interrupted_fetch_resumes_and_ends_with_the_exact_hashes(
    service: RunningService, fetcher: Fetcher
) -> None:
    pdqs = [random_pdq(n) for n in range(1_000)]
    cases = [submit(service, *pdqs[n : n + 250]) for n in range(0, 1_000, 250)]
    fetcher.fetch(pages=1)
    assert len(fetcher.held()) == 800
    withdraw(service, cases[0])
    fetcher.fetch(pages=1)
    fetcher.fetch()
    assert fetcher.held() == set(pdqs[250:])


def test_a_failed_confirmation_does_not_stop_the_fetch_and_is_repeated(
    service: RunningService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TX_UNSEEN_INDEX_DELAY_S", "0")
    case = submit(service, random_pdq(1))
    read_only = Fetcher(tmp_path, service, service.key("feed"))
    read_only.fetch()
    withdraw(service, case)
    submit(service, random_pdq(2))
    read_only.fetch()
    read_only.fetch()  # the key may not send feedback
    assert read_only.held() == {random_pdq(2)}
    assert confirmations(service) == 0
    credentials = UnseenCredentials._from_str(
        f"{service.key('feed', 'feedback')},{service.url}/stopncii/v1"
    )
    read_only.store.exchange_api_config_update(
        SignalExchangeAPIConfig(UnseenSignalExchangeAPI, credentials)
    )
    read_only.fetch()
    wait_until(lambda: confirmations(service))


def test_nothing_that_the_exchange_stores_has_bits_of_a_deleted_hash(
    service: RunningService, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither before nor after the deletion is confirmed, however long that takes."""
    monkeypatch.setenv("TX_UNSEEN_INDEX_DELAY_S", "3600")
    submit_others(service)
    case = submit(service, random_pdq(1))
    fetcher.fetch()
    assert random_pdq(1) in fetcher.held()
    withdraw(service, case)
    for _ in range(2):
        fetcher.fetch()
        assert random_pdq(1) not in fetcher.held()
        checkpoint = fetcher.store.exchange_get_fetch_checkpoint("ours")
        assert random_pdq(1) not in repr(checkpoint)
        assert len(checkpoint.deleted) == 1  # type: ignore[attr-defined]


def test_a_deletion_is_confirmed_after_the_index_had_time_to_be_built(
    service: RunningService, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = submit(service, random_pdq(1))
    fetcher.fetch()
    withdraw(service, case)
    monkeypatch.setenv("TX_UNSEEN_INDEX_DELAY_S", "3600")
    for _ in range(3):
        fetcher.fetch()
    assert confirmations(service) == 0
    monkeypatch.setenv("TX_UNSEEN_INDEX_DELAY_S", "0")
    fetcher.fetch()
    assert confirmations(service)


def test_a_deletion_is_confirmed_once(
    service: RunningService, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every fetch lists it again, because it begins at the last second of the one before."""
    monkeypatch.setenv("TX_UNSEEN_INDEX_DELAY_S", "0")
    sent: list[Sequence[str]] = []
    confirm = UnseenAPI.confirm_deleted

    def count(api: UnseenAPI, records: Sequence[str]) -> None:
        sent.append(records)
        confirm(api, records)

    monkeypatch.setattr(UnseenAPI, "confirm_deleted", count)
    case = submit(service, random_pdq(1))
    fetcher.fetch()
    withdraw(service, case)
    for _ in range(5):
        fetcher.fetch()
    assert [len(records) for records in sent] == [1]
    # Submitted and withdrawn again, in a later second, it is confirmed again.
    time.sleep(1.1)
    withdraw(service, submit(service, random_pdq(1)))
    for _ in range(3):
        fetcher.fetch()
    assert [len(records) for records in sent] == [1, 1]


def test_the_command_does_not_confirm_before_its_index_is_rebuilt(
    service: RunningService, tx: Tx
) -> None:
    submit_others(service)
    case = submit(service, random_pdq(1))
    tx("config", "extensions", "add", "unseen_threatexchange")
    tx("config", "collab", "edit", "unseen", "--create", "ours")
    tx("fetch", "--only-api", "unseen")
    withdraw(service, case)
    for _ in range(3):
        tx("fetch", "--only-api", "unseen", "--skip-index-rebuild")
        assert matches(tx, random_pdq(1))  # what matches still has it
        assert confirmations(service) == 0
    tx("fetch", "--only-api", "unseen")
    assert not matches(tx, random_pdq(1))
    tx("fetch", "--only-api", "unseen")
    assert confirmations(service)


def test_a_checkpoint_of_0_1_is_read_and_its_bits_are_not_kept(
    service: RunningService, fetcher: Fetcher
) -> None:
    case = submit(service, random_pdq(1))
    fetcher.fetch()
    withdraw(service, case)
    fetcher.fetch()
    stored = fetcher.store.exchange_get_fetch_checkpoint("ours")
    old = UnseenCheckpoint(stored.update_time, stored.last_fetch_time, [random_pdq(1)])  # type: ignore[union-attr, attr-defined]
    for name in ("deleted", "confirmed"):
        del old.__dict__[name]  # as in the command's pickles of 0.1
    api = fetcher.store.exchange_get_client(fetcher.collab)
    (delta,) = api.fetch_iter([PdqSignal], old)
    assert random_pdq(1) not in repr(delta.checkpoint)
    assert confirmations(service)


# --- a hostile or faulty server -----------------------------------------------------------------


def record_of(value: Any, **more: Any) -> dict[str, Any]:
    return {
        "lastModtimestamp": 100,
        "signalType": "ImagePDQ",
        "hashValue": value,
        "hashStatus": "Active",
        "caseNumbers": {},
        "CSPFeedbacks": [],
        **more,
    }


def page_of(*records: Any, **more: Any) -> dict[str, Any]:
    return {
        "count": len(records),
        "nextPageToken": None,
        "nextSetTimestamp": 100,
        "hasMoreRecords": False,
        "hashRecords": list(records),
        **more,
    }


def faulty(folder: Path, server: Scripted) -> Fetcher:
    return Fetcher(folder, cast("RunningService", server), "key")


def test_values_that_are_no_hashes_do_not_reach_the_index(tmp_path: Path) -> None:
    good = [random_pdq(n) for n in range(5)]
    bad = ["zz", "5" * 63, "5" * 64 + "\n", good[0].upper(), None, 7, ["5" * 64], "\ud800" * 64]
    odd = [None, [], "x", {"signalType": "ImagePDQ"}, record_of(good[0], CSPFeedbacks=[{}])]
    body = page_of(*map(record_of, [*good, *bad]), *odd)
    with scripted(Act(200, body)) as server:
        fetcher = faulty(tmp_path, server)
        fetcher.fetch()
    assert fetcher.held() == set(good)
    index = PdqSignal.get_index_cls().build([(value, {}) for value in fetcher.held()])
    assert index.query(good[0])


@pytest.mark.parametrize(
    "answer",
    [
        page_of(nextSetTimestamp=10**17),
        page_of(nextSetTimestamp=int(time.time()) + 3 * 86_400),
        page_of(nextSetTimestamp=9),
        page_of(nextSetTimestamp=1.5),
        page_of(hasMoreRecords=True),
        page_of(hasMoreRecords=True, nextPageToken="same"),
        page_of(hasMoreRecords="yes"),
        page_of(hashRecords={}),
        page_of(*[record_of("zz")] * 10_001),
        [],
        b"[" * 100_000,
        b"1e999",
        b"\xff",
        b" " * ((32 << 20) + 1),
    ],
)
def test_a_faulty_answer_ends_the_fetch(tmp_path: Path, answer: Any) -> None:
    with scripted(Act(200, answer)) as server:
        fetcher = faulty(tmp_path, server)
        with pytest.raises(FaultyServerError):
            fetcher.fetch()
    assert len(server.seen) <= 2
    checkpoint = fetcher.store.exchange_get_fetch_checkpoint("ours")
    assert checkpoint is None or checkpoint.get_progress_timestamp() == 100


def test_empty_pages_without_end_end_the_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_client, "MAX_EMPTY_PAGES", 20)
    acts = [Act(200, page_of(hasMoreRecords=True, nextPageToken=f"t{n}")) for n in range(99)]
    with scripted(*acts) as server, pytest.raises(FaultyServerError):
        faulty(tmp_path, server).fetch()
    assert len(server.seen) <= 22


def test_a_checkpoint_beyond_tomorrow_is_started_again(tmp_path: Path) -> None:
    """One of 0.1, which kept whatever a server had said: an honest server is fetched again."""
    kept = UnseenCheckpoint(10**17, int(time.time()))
    assert kept.is_stale()
    assert kept.get_progress_timestamp() is None
    with scripted(Act(200, page_of(record_of(random_pdq(1))))) as server:
        fetcher = faulty(tmp_path, server)
        fetcher.store.exchange_commit_fetch(fetcher.collab, None, {}, kept)
        fetcher.fetch()
    assert "startTimestamp=10&" in server.seen[0].path
    assert fetcher.held() == {random_pdq(1)}


def test_keys_are_not_sent_to_where_a_server_redirects(tmp_path: Path) -> None:
    with scripted(Act(200, page_of())) as other:
        acts = [Act(302, {}, {"Location": f"{other.url}/FetchHashes"})]
        with scripted(*acts) as server, suppress(FaultyServerError):
            faulty(tmp_path, server).fetch()
    assert other.seen == []


def test_a_proxy_does_not_see_requests_to_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted(Act(200, page_of())) as proxy, scripted(Act(200, page_of())) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        faulty(tmp_path, server).fetch()
    assert (len(proxy.seen), len(server.seen)) == (0, 1)


@pytest.mark.parametrize(
    ("category", "feedback"),
    [
        (SignalOpinionCategory.POSITIVE_CLASS, "removed"),
        (SignalOpinionCategory.NEGATIVE_CLASS, "not-removed"),
        (SignalOpinionCategory.INVESTIGATION_SEED, "pending-review"),
    ],
)
def test_an_opinion_becomes_feedback(
    service: RunningService, fetcher: Fetcher, category: SignalOpinionCategory, feedback: str
) -> None:
    case = submit(service, random_pdq(1))
    fetcher.fetch()
    api = fetcher.store.exchange_get_client(fetcher.collab)
    api.report_opinion(PdqSignal, random_pdq(1), SignalOpinion(True, category, {"tag"}))
    assert case_platforms(service, case)[0]["feedback"] == feedback
    with pytest.raises(ValueError, match="PDQ"):
        api.report_opinion(RawTextSignal, "x", SignalOpinion(True, category, set()))


@pytest.mark.parametrize("text", ["", "key", "key,", ",https://service.example/stopncii/v1"])
def test_credentials_without_a_key_and_an_address_are_invalid(text: str) -> None:
    assert not UnseenCredentials._from_str(text)._are_valid()
