"""Platforms that use the threatexchange library: its command line, and what HMA does with it."""

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

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
    from unseen_threatexchange import UnseenCredentials, UnseenSignalExchangeAPI

COMMAND = Path(sys.executable).parent / "threatexchange"
Tx = Callable[..., str]


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
    # The next fetch confirms the deletion: only then is it certain to be on disk.
    assert case_platforms(service, case)[0]["withdrawal_confirmed_at"] is None
    tx("fetch", "--only-api", "unseen")
    assert case_platforms(service, case)[0]["withdrawal_confirmed_at"] is not None


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
            before = checkpoint.get_progress_timestamp() if checkpoint else 0
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
    service: RunningService, tmp_path: Path
) -> None:
    case = submit(service, random_pdq(1))
    read_only = Fetcher(tmp_path, service, service.key("feed"))
    read_only.fetch()
    withdraw(service, case)
    submit(service, random_pdq(2))
    read_only.fetch()
    read_only.fetch()  # the key may not send feedback
    assert read_only.held() == {random_pdq(2)}
    assert case_platforms(service, case)[0]["withdrawal_confirmed_at"] is None
    credentials = UnseenCredentials._from_str(
        f"{service.key('feed', 'feedback')},{service.url}/stopncii/v1"
    )
    read_only.store.exchange_api_config_update(
        SignalExchangeAPIConfig(UnseenSignalExchangeAPI, credentials)
    )
    read_only.fetch()
    wait_until(lambda: case_platforms(service, case)[0]["withdrawal_confirmed_at"])


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
    api = fetcher.store.exchange_get_client(fetcher.collab)
    api.report_opinion(PdqSignal, random_pdq(1), SignalOpinion(True, category, {"tag"}))
    assert case_platforms(service, case)[0]["feedback"] == feedback
    with pytest.raises(ValueError, match="PDQ"):
        api.report_opinion(RawTextSignal, "x", SignalOpinion(True, category, set()))


@pytest.mark.parametrize("text", ["", "key", "key,", ",https://service.example/stopncii/v1"])
def test_credentials_without_a_key_and_an_address_are_invalid(text: str) -> None:
    assert not UnseenCredentials._from_str(text)._are_valid()
