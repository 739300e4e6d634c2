"""The SDK for platforms that keep a copy: feed, feedback and withdrawals, with both clients."""

import asyncio
import json
from typing import Any

import pytest
from unseen import (
    FEEDBACK_VALUES,
    ActiveHash,
    AsyncClient,
    Client,
    Confirmed,
    Feedback,
    FeedPage,
    InputError,
    Retry,
    StartAgainError,
    Tombstone,
    UnexpectedAnswerError,
)

from .both_clients import Run, blocking
from .feeds import active, gone, pdq_of, record
from .servers import Act, problem, scripted


def page(*entries: dict[str, Any], cursor: str = "c", more: bool = False) -> Act:
    return Act(200, {"entries": entries, "cursor": cursor, "more": more, "a_new_field": 1})


def test_a_page_distinguishes_hashes_from_tombstones(run: Run) -> None:
    told = active(1, 7, feedback={"removed": 2}, quality=None, a_new_field=1)
    with scripted(page(told, gone(2, 9), gone(3, 10, "quarantined"), more=True)) as server:
        answer: FeedPage = run(server.url, "feed_page", "before", key="secret")
    one, two, three = answer.entries
    assert isinstance(one, ActiveHash)
    assert (one.position, one.record, one.pdq) == (7, record(1), pdq_of(1))
    assert (one.view, one.quality, one.feedback) == ("mirror", None, {"removed": 2})
    assert one.at.utcoffset() is not None
    assert isinstance(two, Tombstone)
    assert isinstance(three, Tombstone)
    assert (two.record, two.status, three.status) == (record(2), "withdrawn", "quarantined")
    assert (answer.cursor, answer.more) == ("c", True)
    [request] = server.seen
    assert request.path == "/v1/hashes?limit=1000&wait=0&cursor=before"
    assert request.headers["authorization"] == "Bearer secret"
    assert pdq_of(1) not in repr(answer)


def test_waiting_for_changes_does_not_count_against_the_timeout(run: Run) -> None:
    slow = Act(200, {"entries": [], "cursor": "c", "more": False}, delay=0.4)
    once: dict[str, Any] = {"key": "k", "timeout": 0.2, "retry": Retry(attempts=1)}

    def waiting(server: str) -> FeedPage:
        with Client(server, **once) as client:
            return client.feed_page("c", wait=5)

    async def awaiting(server: str) -> FeedPage:
        async with AsyncClient(server, **once) as client:
            return await client.feed_page("c", wait=5)

    with scripted(slow) as server:
        got = waiting(server.url) if run is blocking else asyncio.run(awaiting(server.url))
    assert got.cursor == "c"
    assert server.seen[0].path == "/v1/hashes?limit=1000&wait=5&cursor=c"


def pages(server: str, run: Run, take: int, **asked: Any) -> list[FeedPage]:
    """Read pages of the feed with either client."""

    def waiting() -> list[FeedPage]:
        with Client(server, "key") as client:
            return [page for page, _ in zip(client.feed(**asked), range(take), strict=False)]

    async def awaiting() -> list[FeedPage]:
        got: list[FeedPage] = []
        async with AsyncClient(server, "key") as client:
            async for page in client.feed(**asked):
                got.append(page)
                if len(got) == take:
                    break
        return got

    return waiting() if run is blocking else asyncio.run(awaiting())


def test_the_feed_is_read_to_its_end(run: Run) -> None:
    acts = (
        page(active(1, 1), cursor="a", more=True),
        page(cursor="b", more=True),
        page(cursor="c"),
    )
    with scripted(*acts) as server:
        assert [one.cursor for one in pages(server.url, run, 99)] == ["a", "b", "c"]
    assert [seen.path.partition("wait=0")[2] for seen in server.seen] == [
        "",
        "&cursor=a",
        "&cursor=b",
    ]


def test_with_wait_the_feed_continues(run: Run) -> None:
    with scripted(page(cursor="a"), page(active(1, 1), cursor="b"), page(cursor="b")) as server:
        got = pages(server.url, run, 4, cursor="z", wait=2.5)
    assert [(one.cursor, len(one.entries)) for one in got] == [
        ("a", 0),
        ("b", 1),
        ("b", 0),
        ("b", 0),
    ]
    assert server.seen[0].path == "/v1/hashes?limit=1000&wait=2.5&cursor=z"


def test_a_cursor_of_another_change_log_has_its_own_error(run: Run) -> None:
    with (
        scripted(problem(410, "start-again", "The cursor is of another history.")) as server,
        pytest.raises(StartAgainError, match="history") as caught,
    ):
        run(server.url, "feed_page", "c", key="k")
    assert "without a cursor" in caught.value.hint


@pytest.mark.parametrize(
    "broken",
    [{"pdq": None}, {"pdq": "5A" * 32}, {"pdq": "5a"}, {"at": "today"}, {"record": None, "at": 1}],
)
def test_a_malformed_page_is_an_error(run: Run, broken: dict[str, Any]) -> None:
    with scripted(page(active(1, 1, **broken))) as server, pytest.raises(UnexpectedAnswerError):
        run(server.url, "feed_page", key="k")


def test_feedback_is_sent_a_thousand_at_a_time(run: Run) -> None:
    given = [Feedback(record(n), "removed", ("reshared",)) for n in range(1_001)]
    answers = (Act(200, {"accepted": 1_000, "new": 999}), Act(200, {"accepted": 1, "new": 1}))
    with scripted(*answers) as server:
        assert run(server.url, "feedback", given, key="k") == 1_000
    first, second = (json.loads(seen.body)["feedback"] for seen in server.seen)
    assert (len(first), len(second)) == (1_000, 1)
    assert second == [{"record": record(1_000), "value": "removed", "tags": ["reshared"]}]
    assert {seen.path for seen in server.seen} == {"/v1/feedback"}


def test_withdrawals_are_confirmed_a_thousand_at_a_time(run: Run) -> None:
    records = [record(n) for n in range(1_001)]
    answers = (
        Act(200, {"confirmed": records[:999], "active": [records[999]]}),
        Act(200, {"confirmed": records[1_000:], "active": []}),
    )
    with scripted(*answers) as server:
        done: Confirmed = run(server.url, "confirm_withdrawals", records, key="k")
    assert (len(done.confirmed), done.active) == (1_000, (records[999],))
    assert [len(json.loads(seen.body)["records"]) for seen in server.seen] == [1_000, 1]


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("feed_page", (None,)),
        ("feedback", ([Feedback(record(1), "removed")],)),
        ("confirm_withdrawals", ([record(1)],)),
    ],
)
def test_without_a_key_nothing_is_sent(run: Run, call: str, arguments: tuple[Any, ...]) -> None:
    with scripted(Act(200, {})) as server, pytest.raises(InputError, match="key"):
        run(server.url, call, *arguments)
    assert server.seen == []


def test_invalid_arguments_are_not_sent(run: Run) -> None:
    with scripted(Act(200, {})) as server:
        for call, argument in (
            ("feedback", [Feedback("no record", "removed")]),
            ("confirm_withdrawals", [record(1), ""]),
        ):
            with pytest.raises(InputError, match="record"):
                run(server.url, call, argument, key="k")
    assert server.seen == []


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ("deleted", ()),
        (FEEDBACK_VALUES[0], ("",)),
        (FEEDBACK_VALUES[0], ("two\nlines",)),
        (FEEDBACK_VALUES[0], ("x" * 65,)),
        (FEEDBACK_VALUES[0], tuple("abcdefghijklmnopq")),
    ],
)
def test_invalid_feedback_cannot_be_created(value: str, tags: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as caught:
        Feedback(record(1), value, tags)
    assert caught.value.hint
