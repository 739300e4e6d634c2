"""The library's client of the protocol, with limits on what a server can make it do.

The library's own reads whatever comes, for as long as it comes, and follows redirects with its
keys. A server may be faulty or in the wrong hands, so everything here is limited and checked.
"""

import logging
import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from json import loads
from typing import Any
from urllib.parse import urlsplit

import requests
from threatexchange.exchanges.clients.stopncii import api
from threatexchange.exchanges.clients.utils.common import TimeoutHTTPAdapter
from urllib3.util.retry import Retry

MAX_PAGES = 20_000
"""The most pages of one fetch; the next fetch continues after them."""
MAX_EMPTY_PAGES = 1_000
"""The most pages in a row without a record."""

_MAX_BYTES = 32 << 20
_MAX_RECORDS = 10_000
_MAX_SECONDS = 300.0
_PIECE_BYTES = 1 << 16
_TIMEOUT_S = 60
_RETRIED = (429, 500, 502, 503, 504)
_DAY_S = 86_400
_PDQ = re.compile("[0-9a-f]{64}")
_ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

logger = logging.getLogger(__name__)


class FaultyServerError(ValueError):
    """The server's answer is none that an Unseen service gives; nothing of it was used."""


@dataclass
class Withdrawn:
    """A hash that must be deleted: its bits, and the ID by which the deletion is confirmed."""

    value: str
    name: str
    """The record and the second of its withdrawal; empty if the service named no record."""


@dataclass
class Page:
    """One page of hashes: 64 lower-case hexadecimal digits each."""

    active: list[api.StopNCIIHashRecord]
    withdrawn: list[Withdrawn]
    second: int
    """Where a later fetch continues, as Unix time."""


class UnseenAPI(api.StopNCIIAPI):
    """Fetches pages and confirms deletions. Raises requests.RequestException, FaultyServerError."""

    def pages(self, start: int) -> Iterator[Page]:
        """Yield the pages from a time on (Unix time), until the last one.

        Raises FaultyServerError for pages that never end, go back in time, or are in the future.
        """
        token, tokens, empty, second = "", {""}, 0, start
        for _ in range(MAX_PAGES):
            envelope = self._envelope(start, token)
            page = _parse(envelope, second)
            yield page
            if not envelope["hasMoreRecords"]:
                return
            token, second = str(envelope.get("nextPageToken") or ""), page.second
            empty = 0 if page.active or page.withdrawn else empty + 1
            if token in tokens or empty > MAX_EMPTY_PAGES:
                raise FaultyServerError("The server's pages do not end.")
            tokens.add(token)

    def confirm_deleted(self, records: Sequence[str]) -> None:
        """Confirm that withdrawn hashes are deleted, by their records."""
        deleted = {"feedbackValue": api.StopNCIICSPFeedbackValue.Deleted.value, "tags": []}
        feedbacks = [{"record": record, **deleted} for record in records]
        payload = {"count": len(feedbacks), "hashFeedbacks": feedbacks}
        self._post(api.StopNCIIEndpoint.SubmitFeedback, json=payload)

    def _envelope(self, start: int, token: str) -> dict[str, Any]:
        query = {"startTimestamp": start, "pageSize": 800}
        if token:
            query |= {"nextPageToken": token}  # type: ignore[dict-item]
        envelope = self._get(api.StopNCIIEndpoint.FetchHashes, **query)
        if not isinstance(envelope, dict) or type(envelope.get("hasMoreRecords")) is not bool:
            raise FaultyServerError("The server's answer is not a page of hashes.")
        return envelope

    def _get_session(self, endpoint: api.StopNCIIEndpoint) -> requests.Session:
        session: requests.Session = super()._get_session(endpoint)
        # A server may not say how long to wait: it could be for ever.
        again = Retry(
            total=4,
            status_forcelist=_RETRIED,
            allowed_methods=["GET"],
            backoff_factor=0.2,
            respect_retry_after_header=False,
        )
        adapter = TimeoutHTTPAdapter(timeout=_TIMEOUT_S, max_retries=again)  # type: ignore[no-untyped-call]
        session.mount(self._base_url, adapter)
        session.headers["Accept-Encoding"] = "identity"
        # A proxy of the environment would see the keys, which are not encrypted on this machine.
        session.trust_env = not _is_local(self._base_url)
        return session

    def _get(self, endpoint: api.StopNCIIEndpoint, **params: Any) -> Any:
        return self._send("GET", endpoint, params=params)

    def _post(self, endpoint: api.StopNCIIEndpoint, *, json: Any = None) -> Any:
        return self._send("POST", endpoint, json=json)

    def _send(self, method: str, endpoint: api.StopNCIIEndpoint, **request: Any) -> Any:
        url = f"{self._base_url}/{endpoint.value}"
        with (
            self._get_session(endpoint) as session,
            session.request(method, url, stream=True, allow_redirects=False, **request) as response,
        ):
            response.raise_for_status()
            body = _read(response)
        try:
            return _parse_json(body)
        except (ValueError, RecursionError):
            raise FaultyServerError("The server's answer is not JSON.") from None


def checkpoint_is_too_late(second: int) -> bool:
    """Return whether a time is beyond tomorrow: nothing before it would ever be fetched."""
    return second > time.time() + _DAY_S


def _read(response: requests.Response) -> bytes:
    """Return a response's body, up to a number of bytes and seconds."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise FaultyServerError("The server's answer is compressed, which was not asked for.")
    until, parts, left = time.monotonic() + _MAX_SECONDS, [], _MAX_BYTES
    while part := response.raw.read1(_PIECE_BYTES):
        parts.append(part)
        left -= len(part)
        if left < 0 or time.monotonic() > until:
            raise FaultyServerError("The server's answer is too large, or comes too slowly.")
    return b"".join(parts)


def _parse_json(body: bytes) -> Any:
    def finite(text: str) -> float:
        if not math.isfinite(number := float(text)):
            raise ValueError("not a finite number")
        return number

    return loads(body, parse_float=finite, parse_constant=finite)


def _parse(envelope: Mapping[str, Any], earliest: int) -> Page:
    second, records = envelope.get("nextSetTimestamp"), envelope.get("hashRecords", [])
    if type(second) is not int or not isinstance(records, list) or len(records) > _MAX_RECORDS:
        raise FaultyServerError("The server's answer is not a page of hashes.")
    if second < earliest or checkpoint_is_too_late(second):
        raise FaultyServerError("The server's time goes back, or is beyond tomorrow.")
    page, skipped = Page([], [], second), 0
    for record in records:
        skipped += not _add(page, record)
    if skipped:
        # Not which: a malformed value may still be somebody's hash.
        logger.warning("skipped %d records that are no PDQ hashes", skipped)
    return page


def _add(page: Page, record: Any) -> bool:
    """Add a record to a page. Return False if it is not one that can be used.

    One malformed value would make the library fail to build the index of all hashes.
    """
    if not isinstance(record, dict) or record.get("signalType") != "ImagePDQ":
        return False
    value, status = record.get("hashValue"), record.get("hashStatus")
    if not isinstance(value, str) or not _PDQ.fullmatch(value):
        return False
    if status in ("Withdrawn", "Deleted"):
        page.withdrawn.append(Withdrawn(value, _name(record)))
        return True
    parsed = _convert(record) if isinstance(status, str) else None
    if parsed:
        page.active.append(parsed)
    return parsed is not None


def _name(record: Mapping[str, Any]) -> str:
    name, second = record.get("record"), record.get("lastModtimestamp")
    if not isinstance(name, str) or not _ID.fullmatch(name) or type(second) is not int:
        return ""
    return f"{name} {second}"


def _convert(record: Mapping[str, Any]) -> api.StopNCIIHashRecord | None:
    """Return an active record as the library's; None if its feedback is malformed."""
    try:
        feedbacks = [
            api.StopNCIICSPFeedback(
                api.StopNCIICSPFeedbackValue(each["feedbackValue"]),
                {tag for tag in each.get("tags", []) if isinstance(tag, str)},
                str(each.get("source", "")),
            )
            for each in record.get("CSPFeedbacks", [])
        ]
        return api.StopNCIIHashRecord(
            int(record["lastModtimestamp"]),
            api.StopNCIISignalType.ImagePDQ,
            record["hashValue"],
            api.StopNCIICaseStatus(record["hashStatus"]),
            {},
            feedbacks,
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
