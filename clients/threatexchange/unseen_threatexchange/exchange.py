"""The StopNCII exchange, extended by withdrawals, their confirmation, and feedback."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

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

from .deletions import Deletions, confirm_by_value, index_is_newer
from .service_client import UnseenAPI, checkpoint_is_too_late

_FEEDBACK = {
    state.SignalOpinionCategory.POSITIVE_CLASS: api.StopNCIICSPFeedbackValue.Blocked,
    state.SignalOpinionCategory.NEGATIVE_CLASS: api.StopNCIICSPFeedbackValue.NotBlocked,
    state.SignalOpinionCategory.INVESTIGATION_SEED: api.StopNCIICSPFeedbackValue.PendingReview,
}

Delta = state.FetchDelta[tuple[str, str], StopNCIISignalMetadata, StopNCIICheckpoint]


@dataclass
class UnseenCheckpoint(StopNCIICheckpoint):
    """The position to continue from, and which deletions are still to be confirmed.

    The library stores the checkpoint together with the data. When it is passed to the next fetch,
    the data no longer has the hashes that it lists as deleted.
    """

    let_go: list[str] = field(default_factory=list)
    """Version 0.1 kept the hashes themselves here; now always empty."""
    deleted: list[str] = field(default_factory=list)
    """Deletions to confirm: record, second of the withdrawal, and when the hash was deleted."""
    confirmed: list[str] = field(default_factory=list)
    """Confirmed deletions that the service still lists: record and second of the withdrawal."""

    def is_stale(self) -> bool:
        """Return whether to start again: after 30 days, or if the position is beyond tomorrow."""
        return super().is_stale() or checkpoint_is_too_late(self.update_time)

    def get_progress_timestamp(self) -> int | None:
        """Return the position, unless the library should not compare with it."""
        return None if checkpoint_is_too_late(self.update_time) else self.update_time


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

    api: UnseenAPI

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
            UnseenAPI(
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
        begin = api.StopNCIIAPI.DEFAULT_START_TIME
        if checkpoint and not checkpoint_is_too_late(checkpoint.update_time):
            begin = checkpoint.update_time
        deletions = Deletions(
            getattr(checkpoint, "deleted", []), getattr(checkpoint, "confirmed", [])
        )
        deletions.confirm(self.api, self.index_is_newer)
        confirm_by_value(self.api, getattr(checkpoint, "let_go", []))
        for page in self.api.pages(begin):
            updates: dict[tuple[str, str], StopNCIISignalMetadata | None] = {
                (PdqSignal.get_name(), record.hashValue): StopNCIISignalMetadata(
                    record.CSPFeedbacks
                )
                for record in page.active
            }
            updates |= {(PdqSignal.get_name(), gone.value): None for gone in page.withdrawn}
            deletions.add(page.withdrawn)
            yield state.FetchDelta(
                updates,
                UnseenCheckpoint(
                    page.second,
                    int(time.time()),
                    deleted=deletions.waiting(),
                    confirmed=deletions.still_listed(),
                ),
            )

    def index_is_newer(self, second: float) -> bool:
        """Return whether the index that matches was built after a time (Unix time).

        The library's command builds it after each fetch; the file is looked at. Other programs
        (HMA) build it now and then: they are given TX_UNSEEN_INDEX_DELAY_S seconds, an hour by
        default. If yours can tell, override this method.
        """
        return index_is_newer(second)

    def report_opinion(
        self, s_type: type[SignalType], signal: str, opinion: state.SignalOpinion
    ) -> None:
        """Send feedback: positive means removed, negative not removed, otherwise pending review."""
        if s_type is not PdqSignal:
            raise ValueError("Unseen supports only PDQ hashes.")
        self.api.submit_feedback(
            api.StopNCIISignalType.ImagePDQ, signal, _FEEDBACK[opinion.category], opinion.tags
        )
