"""The exchange: StopNCII's, with withdrawals that arrive, are confirmed, and feedback sent."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import requests
from threatexchange.exchanges import fetch_state as state
from threatexchange.exchanges.clients.stopncii import api
from threatexchange.exchanges.collab_config import CollaborationConfigBase
from threatexchange.exchanges.impl.stop_ncii_api import (
    StopNCIICheckpoint,
    StopNCIICredentials,
    StopNCIISignalExchangeAPI,
    StopNCIISignalMetadata,
)
from threatexchange.signal_type.pdq.signal import PdqSignal
from threatexchange.signal_type.signal_base import SignalType

_GONE = (api.StopNCIICaseStatus.Withdrawn, api.StopNCIICaseStatus.Deleted)
_AT_ONCE = 5_000

_SAYS = {
    state.SignalOpinionCategory.POSITIVE_CLASS: api.StopNCIICSPFeedbackValue.Blocked,
    state.SignalOpinionCategory.NEGATIVE_CLASS: api.StopNCIICSPFeedbackValue.NotBlocked,
    state.SignalOpinionCategory.INVESTIGATION_SEED: api.StopNCIICSPFeedbackValue.PendingReview,
}

Delta = state.FetchDelta[tuple[str, str], StopNCIISignalMetadata, StopNCIICheckpoint]

logger = logging.getLogger(__name__)


@dataclass
class UnseenCheckpoint(StopNCIICheckpoint):
    """Where to go on, and which withdrawn hashes the data up to here is rid of.

    The checkpoint is stored with the data, so once it comes back they are gone for good: only
    then are they confirmed, and never because a fetch merely saw them.
    """

    let_go: list[str] = field(default_factory=list)


@dataclass
class UnseenCredentials(StopNCIICredentials):
    """One key, and where the service is: `KEY,https://SERVICE/stopncii/v1`."""

    ENV_VARIABLE: ClassVar[str] = "TX_UNSEEN_KEY"
    FILE_NAME: ClassVar[str] = "~/.tx_unseen_key"

    # The library keeps its default on the class: StopNCII's own keys must not become ours.
    _DEFAULT = None
    _DEFAULT_SRC = ""

    @classmethod
    def _from_str(cls, s: str) -> "UnseenCredentials":
        key, _, url = s.strip().partition(",")
        return cls(fetch_function_key=key, subscription_key=key, base_url_override=url.rstrip("/"))

    def _are_valid(self) -> bool:
        # Without a URL the library would send the key to StopNCII.
        return bool(self.fetch_function_key and self.subscription_key and self.base_url_override)


class UnseenSignalExchangeAPI(StopNCIISignalExchangeAPI):
    """Fetches an Unseen service's hashes; sends back what was let go of, and feedback."""

    @classmethod
    def get_name(cls) -> str:
        """Name it in configurations, beside `stop_ncii`."""
        return "unseen"

    @staticmethod
    def get_checkpoint_cls() -> type[UnseenCheckpoint]:
        """Say which checkpoint is stored."""
        return UnseenCheckpoint

    @staticmethod
    def get_credential_cls() -> type[UnseenCredentials]:
        """Say which credentials are asked for."""
        return UnseenCredentials

    @classmethod
    def for_collab(
        cls,
        collab: CollaborationConfigBase,
        credentials: StopNCIICredentials | None = None,
    ) -> "UnseenSignalExchangeAPI":
        """Make it for a collaboration; the credentials are looked for unless they are given."""
        given = credentials or UnseenCredentials.get(cls)
        endpoints = dict.fromkeys(api.StopNCIIEndpoint, given.fetch_function_key)
        return cls(
            collab,
            api.StopNCIIAPI(
                given.subscription_key,
                given.fetch_function_key,
                endpoints,
                given.base_url_override,
            ),
        )

    def fetch_iter(
        self,
        _supported_signal_types: Sequence[type[SignalType]],
        checkpoint: StopNCIICheckpoint | None,
    ) -> Iterator[Delta]:
        """Fetch what changed since the checkpoint, a page at a time.

        A withdrawn hash comes as None, which is how the library deletes.
        """
        begin = api.StopNCIIAPI.DEFAULT_START_TIME if checkpoint is None else checkpoint.update_time
        let_go = self._confirm(getattr(checkpoint, "let_go", []))
        for page in self.api.fetch_hashes_iter(start_timestamp=begin):
            updates = dict(_update(record) for record in page.hashRecords if _is_pdq(record))
            gone = [value for (_, value), metadata in updates.items() if metadata is None]
            let_go = list(dict.fromkeys([*let_go, *gone]))
            fetched = StopNCIICheckpoint.from_stopncii_fetch(page)
            yield state.FetchDelta(
                updates, UnseenCheckpoint(fetched.update_time, fetched.last_fetch_time, let_go)
            )

    def report_opinion(
        self, s_type: type[SignalType], signal: str, opinion: state.SignalOpinion
    ) -> None:
        """Send feedback on a hash: positive is removed, negative not removed, else in review."""
        if s_type is not PdqSignal:
            raise ValueError("Unseen keeps PDQ hashes only.")
        self.api.submit_feedback(
            api.StopNCIISignalType.ImagePDQ, signal, _SAYS[opinion.category], opinion.tags
        )

    def _confirm(self, hashes: list[str]) -> list[str]:
        """Tell the service which hashes are gone from here; answer those still to be told of."""
        deleted = api.StopNCIICSPFeedback(api.StopNCIICSPFeedbackValue.Deleted)
        for begin in range(0, len(hashes), _AT_ONCE):
            some = hashes[begin : begin + _AT_ONCE]
            try:
                self.api.submit_feedbacks(
                    {(api.StopNCIISignalType.ImagePDQ, value): deleted for value in some}
                )
            except requests.RequestException as error:
                # Fetching matters more: what is withdrawn next must not wait for this.
                logger.warning("withdrawals not confirmed, trying again later: %s", type(error))
                return hashes[begin:]
        return []


def _is_pdq(record: api.StopNCIIHashRecord) -> bool:
    return record.signalType is api.StopNCIISignalType.ImagePDQ


def _update(
    record: api.StopNCIIHashRecord,
) -> tuple[tuple[str, str], StopNCIISignalMetadata | None]:
    gone = record.hashStatus in _GONE
    metadata = None if gone else StopNCIISignalMetadata(record.CSPFeedbacks)
    return (PdqSignal.get_name(), record.hashValue), metadata
