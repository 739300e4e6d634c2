"""The StopNCII exchange, extended by withdrawals, their confirmation, and feedback."""

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

_WITHDRAWN = (api.StopNCIICaseStatus.Withdrawn, api.StopNCIICaseStatus.Deleted)
_BATCH = 5_000

_FEEDBACK = {
    state.SignalOpinionCategory.POSITIVE_CLASS: api.StopNCIICSPFeedbackValue.Blocked,
    state.SignalOpinionCategory.NEGATIVE_CLASS: api.StopNCIICSPFeedbackValue.NotBlocked,
    state.SignalOpinionCategory.INVESTIGATION_SEED: api.StopNCIICSPFeedbackValue.PendingReview,
}

Delta = state.FetchDelta[tuple[str, str], StopNCIISignalMetadata, StopNCIICheckpoint]

logger = logging.getLogger(__name__)


@dataclass
class UnseenCheckpoint(StopNCIICheckpoint):
    """The position to continue from, and the withdrawn hashes deleted up to there.

    The checkpoint is stored with the data, so when it is passed to the next fetch, the deletions
    are permanent. Only then are they confirmed.
    """

    let_go: list[str] = field(default_factory=list)


@dataclass
class UnseenCredentials(StopNCIICredentials):
    """A key and the service's address: `KEY,https://SERVICE/stopncii/v1`."""

    ENV_VARIABLE: ClassVar[str] = "TX_UNSEEN_KEY"
    FILE_NAME: ClassVar[str] = "~/.tx_unseen_key"

    # The library stores its default on the class: StopNCII's own keys must not be used here.
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
    """Fetch an Unseen service's hashes, confirm withdrawals, and send feedback."""

    @classmethod
    def get_name(cls) -> str:
        """Return the name in configurations, beside `stop_ncii`."""
        return "unseen"

    @staticmethod
    def get_checkpoint_cls() -> type[UnseenCheckpoint]:
        """Return the class of the stored checkpoint."""
        return UnseenCheckpoint

    @staticmethod
    def get_credential_cls() -> type[UnseenCredentials]:
        """Return the class of the credentials."""
        return UnseenCredentials

    @classmethod
    def for_collab(
        cls,
        collab: CollaborationConfigBase,
        credentials: StopNCIICredentials | None = None,
    ) -> "UnseenSignalExchangeAPI":
        """Create the exchange of a collaboration; look up credentials that are not given."""
        chosen = credentials or UnseenCredentials.get(cls)
        endpoints = dict.fromkeys(api.StopNCIIEndpoint, chosen.fetch_function_key)
        return cls(
            collab,
            api.StopNCIIAPI(
                chosen.subscription_key,
                chosen.fetch_function_key,
                endpoints,
                chosen.base_url_override,
            ),
        )

    def fetch_iter(
        self,
        _supported_signal_types: Sequence[type[SignalType]],
        checkpoint: StopNCIICheckpoint | None,
    ) -> Iterator[Delta]:
        """Yield the changes since the checkpoint, page by page.

        The value of a withdrawn hash is None, which makes the library delete it.
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
        """Send feedback: positive means removed, negative not removed, otherwise pending review."""
        if s_type is not PdqSignal:
            raise ValueError("Unseen supports only PDQ hashes.")
        self.api.submit_feedback(
            api.StopNCIISignalType.ImagePDQ, signal, _FEEDBACK[opinion.category], opinion.tags
        )

    def _confirm(self, hashes: list[str]) -> list[str]:
        """Confirm deleted hashes to the service; return those that remain to be confirmed."""
        deleted = api.StopNCIICSPFeedback(api.StopNCIICSPFeedbackValue.Deleted)
        for begin in range(0, len(hashes), _BATCH):
            batch = hashes[begin : begin + _BATCH]
            try:
                self.api.submit_feedbacks(
                    {(api.StopNCIISignalType.ImagePDQ, value): deleted for value in batch}
                )
            except requests.RequestException as error:
                # Fetching matters more: later withdrawals must not wait for this.
                logger.warning("could not confirm withdrawals, will try again: %s", type(error))
                return hashes[begin:]
        return []


def _is_pdq(record: api.StopNCIIHashRecord) -> bool:
    return record.signalType is api.StopNCIISignalType.ImagePDQ


def _update(
    record: api.StopNCIIHashRecord,
) -> tuple[tuple[str, str], StopNCIISignalMetadata | None]:
    gone = record.hashStatus in _WITHDRAWN
    metadata = None if gone else StopNCIISignalMetadata(record.CSPFeedbacks)
    return (PdqSignal.get_name(), record.hashValue), metadata
