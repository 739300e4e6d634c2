"""Metrics for Prometheus: each worker counts for itself, a scrape adds them up.

No label names a platform, a case or a hash: a reader learns only how busy the service is.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

MEDIA_TYPE = CONTENT_TYPE_LATEST
SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable, read by the library, that names the folder of shared counts."""

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder there is created by us, or not used

_MILLISECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


def _from_zero(counter: Counter, *labels: str) -> None:
    """Export counts of zero: Prometheus sees an increase only from a value that it has seen."""
    for label in labels:
        counter.labels(label)


LOOKUPS = Counter("unseen_lookups", "Hashes looked up, by result.", ["result"])
HITS = LOOKUPS.labels("hit")
MISSES = LOOKUPS.labels("miss")
LOOKUP_SECONDS = Histogram(
    "unseen_lookup_seconds",
    "Duration of a lookup: search and confirmation.",
    buckets=_MILLISECONDS,
)
CHANGE_APPLY_SECONDS = Histogram(
    "unseen_change_apply_seconds",
    "Time from the commit of a change until a worker has applied it.",
    buckets=_SECONDS,
)
MERGE_SECONDS = Histogram(
    "unseen_index_merge_seconds",
    "Duration of a merge and save of the index.",
    buckets=(0.1, 1, 10, 60, 300),
)
HASHES = Gauge("unseen_index_hashes", "Hashes in the index.", multiprocess_mode="livemin")
POSITION = Gauge(
    "unseen_index_position",
    "Position of the worker that is furthest behind.",
    multiprocess_mode="livemin",
)
INDEX_LAG_CHANGES = Gauge(
    "unseen_index_lag_changes",
    "Committed changes that the worker furthest behind has not applied yet.",
    multiprocess_mode="livemax",
)
INDEX_LAG_SECONDS = Gauge(
    "unseen_index_lag_seconds",
    "Time since the worker furthest behind was up to date, or started if it never was.",
    multiprocess_mode="livemax",
)
CLOCK_SKEW_SECONDS = Gauge(
    "unseen_clock_skew_seconds",
    "Difference between this host's clock and PostgreSQL's, which decides.",
    multiprocess_mode="livemax",
)
INDEX_BYTES = Gauge(
    "unseen_index_bytes",
    "Size of the index, on disk or in memory; the workers of a host share it.",
    multiprocess_mode="livemax",
)
POOL_WAITING = Gauge(
    "unseen_pool_waiting",
    "Requests that wait for a connection to PostgreSQL, on all workers together.",
    multiprocess_mode="livesum",
)
NOTICES = Counter(
    "unseen_key_notices",
    "Notices that a platform seems to probe (key.probing, key.hit-rate).",
    ["kind"],
)
_from_zero(NOTICES, "key.probing", "key.hit-rate")
WEBHOOK_ATTEMPTS = Counter(
    "unseen_webhook_attempts",
    "Attempts to deliver a webhook message, by result; hanging: no complete answer in 10 s.",
    ["result"],
)
_from_zero(WEBHOOK_ATTEMPTS, "delivered", "refused", "no-answer", "hanging", "forbidden")
WEBHOOKS_PAUSED = Gauge(
    "unseen_webhooks_paused",
    "Webhooks that failed again and again, and are paused for a while.",
    multiprocess_mode="livemostrecent",
)
ERASED = Counter("unseen_erased", "Rows that retention erased on this host, by kind.", ["what"])
_from_zero(ERASED, "bits", "submissions", "messages", "alerts", "usage", "sketches")
RETENTION_LAST_RUN = Gauge(
    "unseen_retention_last_run_timestamp_seconds",
    "When retention last ran on any host; Unix time.",
    multiprocess_mode="max",
)
AUDIT_NOT_SIGNED = Gauge(
    "unseen_audit_not_signed",
    "1 if a worker cannot sign the audit log: it was rewritten, or a file is missing.",
    multiprocess_mode="livemax",
)
CHECKPOINT_AGE = Gauge(
    "unseen_audit_checkpoint_age_seconds",
    "How long ago the audit log was last signed for others.",
    multiprocess_mode="livemax",
)
WITNESS_SILENT = Gauge(
    "unseen_audit_witness_silent_seconds",
    "How long the most silent witness has had no new checkpoint; 0: there is no witness.",
    multiprocess_mode="livemax",
)


STORE_FAILURES = Counter(
    "unseen_store_failures", "Errors that PostgreSQL reported, by SQLSTATE.", ["sqlstate"]
)
_from_zero(STORE_FAILURES, "25006", "53100", "55P03", "57014")
WRITES_FAILING = Gauge(
    "unseen_writes_failing",
    "1 if PostgreSQL answers and cannot write: submissions and hits fail.",
    multiprocess_mode="livemax",
)
WORKERS_REPLACED = Counter(
    "unseen_workers_replaced",
    "Workers that were replaced: they died, hung, or the operator asked for it.",
    ["reason"],
)
_from_zero(WORKERS_REPLACED, "died", "hung", "restart")
NEWER_SCHEMA = Gauge(
    "unseen_newer_schema",
    "1 if a newer version of the service has migrated the database.",
    multiprocess_mode="livemax",
)


def _database_gauge(name: str, description: str) -> Gauge:
    """Return a gauge that every worker sets to the same value."""
    return Gauge(name, description, multiprocess_mode="livemostrecent")


DATABASE_GAUGES = {
    "changes": _database_gauge("unseen_change_log_position", "Newest position of the change log."),
    "audit_entries": _database_gauge("unseen_audit_log_entries", "Entries of the audit log."),
    "database_bytes": _database_gauge("unseen_database_bytes", "Size of the database on disk."),
    "webhooks_waiting": _database_gauge("unseen_webhooks_waiting", "Webhook messages to be sent."),
    "webhooks_oldest_s": _database_gauge(
        "unseen_webhooks_oldest_seconds",
        "How long the oldest waiting message has waited; 0: none waits.",
    ),
    "webhooks_failed": _database_gauge(
        "unseen_webhooks_failed", "Messages that failed and were not replayed or erased."
    ),
    "overdue": _database_gauge("unseen_overdue", "Answers that platforms have owed for too long."),
    "open_reviews": _database_gauge("unseen_reviews_open", "Hashes that wait for staff."),
    "paused_keys": _database_gauge("unseen_keys_paused", "Key families that are paused."),
    "withdrawn_not_erased": _database_gauge(
        "unseen_hashes_to_erase", "Withdrawn hashes whose bits are not erased yet."
    ),
}
"""By field of DatabaseMetrics. One worker collects them; all report the same values."""


@contextmanager
def shared(folder: Path) -> Iterator[None]:
    """Let the workers that are started in this block share their counts, from zero.

    In memory if the system has a place for that, else in this folder: counts are mapped files,
    and a process that writes to one on a full disk is killed.
    """
    place = _in_memory(folder)
    if place is None:
        place = folder
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True, mode=0o700)
    os.environ[SHARED] = str(place)
    try:
        yield
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _in_memory(folder: Path) -> Path | None:
    """Return a place in memory for a folder: always the same, so that a restart reuses it."""
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    place = _MEMORY / f"unseen-{os.getuid()}-{name}"
    try:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(mode=0o700)
    except OSError:
        return None
    return place


def exposition() -> bytes:
    """Return what all workers counted, in Prometheus's text format."""
    if SHARED not in os.environ:
        return generate_latest()
    _forget_the_dead(Path(os.environ[SHARED]))
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _forget_the_dead(folder: Path) -> None:
    """Drop the gauges of workers that have ended; what they counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid)  # type: ignore[no-untyped-call]
