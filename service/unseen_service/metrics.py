"""What is measured, for Prometheus: each worker counts for itself, a scrape adds them up.

No label names a platform, a case or a hash: who may read this learns how busy the service is.
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
"""Where workers share their counts, by the name that the library reads."""

_MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there is ours alone, or not used

_MILLISECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


def _from_zero(counter: Counter, *labels: str) -> None:
    """Show counts before there are any: a rise is seen only from a value that was shown."""
    for label in labels:
        counter.labels(label)


LOOK_UPS = Counter("unseen_look_ups", "Hashes looked up, by what came of it.", ["result"])
HITS = LOOK_UPS.labels("hit")
MISSES = LOOK_UPS.labels("miss")
LOOK_UP_SECONDS = Histogram(
    "unseen_look_up_seconds", "A look-up call, search and confirmation.", buckets=_MILLISECONDS
)
MATCHABLE_SECONDS = Histogram(
    "unseen_matchable_seconds",
    "From a change's place in the change log to its being applied by a worker.",
    buckets=_SECONDS,
)
MERGE_SECONDS = Histogram(
    "unseen_index_merge_seconds", "Merging and saving the index.", buckets=(0.1, 1, 10, 60, 300)
)
HASHES = Gauge("unseen_index_hashes", "Hashes in the index.", multiprocess_mode="livemin")
POSITION = Gauge(
    "unseen_index_position", "How far a worker is; the last of them.", multiprocess_mode="livemin"
)
BEHIND = Gauge(
    "unseen_index_behind_entries",
    "Changes that are committed and not applied yet, of the worker furthest behind.",
    multiprocess_mode="livemax",
)
BEHIND_SECONDS = Gauge(
    "unseen_index_behind_seconds",
    "How long ago a worker was in step, or began if it never was; of the one furthest behind.",
    multiprocess_mode="livemax",
)

CLOCK_OFF_SECONDS = Gauge(
    "unseen_clock_off_seconds",
    "How far this host's clock is from PostgreSQL's, ahead or behind; PostgreSQL's decides.",
    multiprocess_mode="livemax",
)
INDEX_BYTES = Gauge(
    "unseen_index_bytes",
    "What the index takes, on disk or in memory; shared by the workers of a host.",
    multiprocess_mode="livemax",
)
POOL_WAITING = Gauge(
    "unseen_pool_waiting",
    "Requests that wait for a connection to PostgreSQL, on all workers.",
    multiprocess_mode="livesum",
)
NOTICES = Counter(
    "unseen_key_notices",
    "Keys that asked as one does who probes (key.probing, key.hit-rate), and were paused for it.",
    ["kind"],
)
_from_zero(NOTICES, "key.probing", "key.hit-rate", "key.paused")
ERASED = Counter("unseen_erased", "What retention erased on this host, by what it was.", ["what"])
_from_zero(ERASED, "bits", "submissions", "messages", "alerts", "usage", "sketches")
RETENTION_RAN = Gauge(
    "unseen_retention_ran_timestamp_seconds",
    "When what is of no more use was last erased, by any host; Unix time.",
    multiprocess_mode="max",
)


def _of_the_database(name: str, told: str) -> Gauge:
    """Make a gauge that every worker sets to the same value."""
    return Gauge(name, told, multiprocess_mode="livemostrecent")


DATABASE_GAUGES = {
    "changes": _of_the_database("unseen_change_log_position", "How far the change log is."),
    "audit_entries": _of_the_database("unseen_audit_log_entries", "Entries of the audit log."),
    "database_bytes": _of_the_database("unseen_database_bytes", "The database on disk."),
    "webhooks_waiting": _of_the_database("unseen_webhooks_waiting", "Messages to be sent."),
    "webhooks_oldest_s": _of_the_database(
        "unseen_webhooks_oldest_seconds", "How long the oldest message has waited; 0: none does."
    ),
    "webhooks_given_up": _of_the_database(
        "unseen_webhooks_given_up", "Messages that were given up, and not replayed or erased."
    ),
    "overdue": _of_the_database("unseen_overdue", "Answers that platforms owe for too long."),
    "open_reviews": _of_the_database("unseen_reviews_open", "Hashes that wait for staff."),
    "paused_keys": _of_the_database("unseen_keys_paused", "Keys that are paused."),
    "withdrawn_not_erased": _of_the_database(
        "unseen_hashes_to_erase", "Withdrawn hashes whose bits are not erased yet."
    ),
}
"""By field of DatabaseMetrics. One worker collects them; all report the same values."""


@contextmanager
def shared(folder: Path) -> Iterator[None]:
    """Have the workers that are started in this block share their counts, from zero.

    In memory where the system has a place for that, else in this folder: counts are mapped files,
    and who writes to one on a full disk is killed.
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
    """Name a place in memory for a folder, always the same, so that a killed one's is reused."""
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    place = _MEMORY / f"unseen-{os.getuid()}-{name}"
    try:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(mode=0o700)
    except OSError:
        return None
    return place


def exposition() -> bytes:
    """Write what all workers counted, in Prometheus's text format."""
    if SHARED not in os.environ:
        return generate_latest()
    _forget_the_dead(Path(os.environ[SHARED]))
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _forget_the_dead(folder: Path) -> None:
    """Leave out the gauges of workers that are no more; what they counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid)  # type: ignore[no-untyped-call]
