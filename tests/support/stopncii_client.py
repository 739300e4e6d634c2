"""The unmodified StopNCII client of the `threatexchange` library, used as HMA uses it."""

import warnings

from .running_service import RunningService

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the library warns about its own PDQ library when imported
    from threatexchange.exchanges.clients.stopncii.api import (
        FetchHashesResponse,
        StopNCIIAPI,
        StopNCIICaseStatus,
        StopNCIIEndpoint,
        StopNCIIHashRecord,
    )

Records = dict[str, StopNCIIHashRecord]
"""The last record fetched for each hash."""


def stock_client(
    service: RunningService, platform: str = "Example", slash: str = ""
) -> StopNCIIAPI:
    """Return a client for a platform; `slash` is appended to the base URL."""
    key = service.key("feed", "feedback", "submit", platform=platform)
    others = {StopNCIIEndpoint.SubmitHashes: key, StopNCIIEndpoint.SubmitFeedback: key}
    return StopNCIIAPI(key, key, others, f"{service.url}/stopncii/v1{slash}")


def fetch_hashes(
    client: StopNCIIAPI, since: int = StopNCIIAPI.DEFAULT_START_TIME
) -> tuple[Records, int]:
    """Fetch all pages from a checkpoint on; return the records and the new checkpoint."""
    records: Records = {}
    for page in client.fetch_hashes_iter(start_timestamp=since):
        since = apply_page(records, page, since)
    return records, since


def apply_page(records: Records, page: FetchHashesResponse, since: int) -> int:
    """Add a page to the records, after the checks that HMA makes; return the new checkpoint."""
    assert page.nextSetTimestamp >= since
    assert page.count == len(page.hashRecords)
    assert page.hasMoreRecords == bool(page.nextPageToken)
    records.update({record.hashValue: record for record in page.hashRecords})
    return page.nextSetTimestamp


def active_pdqs(records: Records) -> set[str]:
    """Return the hashes whose last record is active."""
    active = StopNCIICaseStatus.Active
    return {pdq for pdq, record in records.items() if record.hashStatus is active}
