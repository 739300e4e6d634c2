"""The table of limits in docs/limits.md says what the code enforces."""

import re
from pathlib import Path

import pytest
from unseen_service.api import bodies, json_guard, json_routes
from unseen_service.models import feedback
from unseen_service.ratelimit import loop_share, turns
from unseen_service.runtime import start_turns, unread_answers
from unseen_service.runtime.http_protocol import HttpProtocol
from unseen_service.usecases import feed_page_size, lookups, pin_hashing

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/limits.md").read_text("utf-8")
SIZES = TEXT.partition("## Size and time")[2].partition("\n## ")[0]
ROWS = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", SIZES, re.MULTILINE))
KIB, MIB = 1024, 1024 * 1024
WORDS = {0.25: "a quarter"}


def body(limits: json_guard.BodyLimits) -> str:
    size = limits.bytes
    shown = f"{size // MIB} MiB" if size % MIB == 0 else f"{size // KIB:,} KiB"
    return f"{shown}, {limits.values:,} values"


@pytest.mark.parametrize(
    ("row", "limit"),
    [
        ("request line and headers", f"{HttpProtocol.MAX_HEAD_BYTES // KIB} KiB"),
        ("time for a whole request to arrive", f"{HttpProtocol.REQUEST_TIMEOUT_S:.0f} s"),
        ("requests that wait on one connection", f"{HttpProtocol.MAX_PIPELINED}"),
        (
            "JSON body without an active key, except a submission",
            f"{json_guard.SMALL.bytes // KIB} KiB",
        ),
        ("JSON body of a submission (`POST /v1/cases`)", body(json_routes.CASES)),
        ("JSON body of feedback and confirmations", body(json_routes.FEEDBACK)),
        ("JSON body of the StopNCII protocol", body(json_routes.STOPNCII)),
        ("JSON body of a lookup", f"{bodies.MAX_VALUES:,} values"),
        ("any other JSON body", body(json_guard.SMALL)),
        ("members of one JSON object", f"{json_guard.MAX_MEMBERS}, each once"),
        (
            "digits of a whole number, characters of any other",
            f"{json_guard.MAX_DIGITS}, {json_guard.MAX_FLOAT_CHARACTERS}",
        ),
        (
            "PINs being checked",
            f"3 lanes of 1, {pin_hashing.MAX_WAITING} waiting in each, "
            f"{pin_hashing.MAX_WAITING_FOR_ONE} of them for one case",
        ),
        (
            "tags of a platform on a hash",
            f"{feedback.MAX_TAGS}, of {feedback.MAX_TAG_CHARACTERS} characters each, "
            f"{feedback.MAX_TAG_BYTES:,} bytes",
        ),
        (
            "tags on a hash, in a page",
            f"{feedback.MAX_TAG_BYTES:,} bytes of all platforms together",
        ),
        (
            "requests without an active key, per worker",
            f"{WORDS[loop_share.SHARE]} of the event loop's time; "
            f"{loop_share.BURST_S * 1_000:.0f} ms at once",
        ),
        (
            f"bodies of {json_routes.LARGE // KIB} KiB and more without an active key, per worker",
            f"1 at a time, which then rests {json_routes.REST:.0f} times as long as it took, "
            f"but no more than {turns.MAX_REST_S} s; {json_routes.MAX_LARGE_BODIES} wait",
        ),
        (
            "lookups with hits of one key family, per worker",
            f"half of the connections to PostgreSQL; {lookups.MAX_CONFIRMING} wait",
        ),
        (
            "page of the feed, in either protocol",
            f"{feed_page_size.MAX_PAGE_BYTES // MIB} MiB, counted generously",
        ),
        (
            "answer that is not read",
            f"{HttpProtocol.UNREAD_TIMEOUT_S:.0f} s without "
            f"{HttpProtocol.UNREAD_PROGRESS_BYTES // KIB} KiB of progress",
        ),
        (
            "unread answers to one key family, per worker",
            f"{unread_answers.MAX_KEY_BYTES // MIB} MiB",
        ),
        ("unread answers, per worker", f"{unread_answers.MAX_WORKER_BYTES // MIB} MiB"),
        (
            "requests that start in one turn of the event loop",
            f"{start_turns.AT_ONCE}; health checks at once",
        ),
    ],
)
def test_documented_limit_is_the_one_that_is_enforced(row: str, limit: str) -> None:
    assert ROWS[row] == limit


def test_each_limit_names_a_test_that_exists() -> None:
    rows = re.findall(r"`(test_\w+\.py)` \|$", SIZES, re.MULTILINE)
    assert len(rows) == len(ROWS) - 2, "each row but the heading and the line below it"
    for name in rows:
        assert (ROOT / "tests/service" / name).exists()
