"""`Mirror` and `LocalCopy` against a hostile feed, and against what one left in a copy."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from unseen import Client, LocalCopy, LocalCopyError, Mirror, Retry, UnexpectedAnswerError
from unseen.errors import RequestRefusedError, StartAgainError
from unseen.mirror import mirror as mirror_module

from .feeds import Entry, Feed, active, gone, pdq_of, record

HELD = [active(n, n) for n in range(1, 6)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "copy"


def client_of(answer: Callable[[httpx.Request], httpx.Response]) -> Client:
    return Client(
        "https://unseen.example",
        "key",
        retry=Retry(attempts=1),
        transport=httpx.MockTransport(answer),
    )


def serving(*pages: Any) -> Client:
    """Return a client of a server that answers with these bodies in turn, and repeats the last."""
    left = list(pages)

    def answer(_: httpx.Request) -> httpx.Response:
        body = left.pop(0) if len(left) > 1 else left[0]
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(200, content=content)

    return client_of(answer)


def page(*entries: Entry, cursor: Any = "log.1", more: Any = False) -> dict[str, Any]:
    return {"entries": list(entries), "cursor": cursor, "more": more}


def found(folder: Path) -> set[int]:
    """Return the numbers of the hashes that a search of the copy finds."""
    with LocalCopy(folder) as copy:
        hits = copy.match(map(pdq_of, range(1, 30)), 0).hits
    return {hit.query + 1 for hit in hits}


def update(folder: Path, client: Client) -> None:
    with client, Mirror(folder) as mirror:
        mirror.catch_up(client)


def kept(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


HOSTILE = {
    "position beyond 64 bits": page(active(1, 10**30)),
    "position of 2 to the 63rd": page(active(1, 1 << 63)),
    "negative position": page(active(1, -1)),
    "position as a text": page(active(1, 1) | {"position": "1"}),
    "position that is infinite": json.dumps(page(active(1, 1))).replace("1,", "1e999,", 1).encode(),
    "positions that do not grow": page(active(1, 2), active(2, 2)),
    "cursor with half a surrogate pair": page(cursor="\ud800"),
    "cursor of 70 kB": page(cursor="x" * 70_000),
    "empty cursor": page(cursor=""),
    "cursor with a line break": page(cursor="a\n"),
    "cursor that is no text": page(cursor=["a"]),
    "more that is no truth value": page(more="no"),
    "record that is no UUID": page(gone(1, 1) | {"record": "x"}),
    "record with a line break": page(gone(1, 1) | {"record": record(1) + "\n"}),
    "status of 1 MB": page(gone(1, 1) | {"status": "x" * (1 << 20)}),
    "status with control characters": page(gone(1, 1) | {"status": "with\x1b[31m"}),
    "status that is a list": page(gone(1, 1) | {"status": ["active"]}),
    "view with markup": page(active(1, 1, view="<b>")),
    "standing of surrogates": page(active(1, 1, standing="\udfff")),
    "convention that is missing": page({k: v for k, v in HELD[0].items() if k != "convention"}),
    "quality of 10,000": page(active(1, 1, quality=10_000)),
    "feedback by a million names": page(active(1, 1, feedback={f"v{n}": 1 for n in range(9_999)})),
    "feedback that is no number": page(active(1, 1, feedback={"removed": "1e999"})),
    "hash of 63 digits": page(active(1, 1, pdq="5" * 63)),
    "hash with a line break": page(active(1, 1, pdq="5" * 64 + "\n")),
    "time of the year 1": page(active(1, 1, at="0001-01-01T00:00:00+14:00")),
    "time of 1 MB": page(active(1, 1, at="1" * (1 << 20))),
    "entries that are an object": page() | {"entries": {"a": 1}},
    "a page that is a list": [1],
    "a page that is a number": b"1e999",
    "100,000 nested lists": b"[" * 100_000,
    "nested lists in an entry": json.dumps(page(active(1, 1))).encode()[:-1]
    + b',"x":'
    + b"[" * 90_000
    + b"]" * 90_000
    + b"}",
    "bytes that are not UTF-8": b'{"entries": [], "cursor": "\xff", "more": false}',
    "a number of 10,000 digits": b'{"entries": [], "more": false, "cursor": '
    + b"1" * 10_000
    + b"}",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_malformed_page_is_refused_and_leaves_no_trace(folder: Path, body: Any) -> None:
    """Neither at once nor later: a copy that existed before, and a new one, go on as before."""
    update(folder, Feed(HELD).client())
    before = kept(folder)
    with pytest.raises(UnexpectedAnswerError):
        update(folder, serving(body))
    is_unchanged = kept(folder) == before  # not in the assertion: it would print megabytes
    assert is_unchanged
    assert found(folder) == {1, 2, 3, 4, 5}
    new = folder.with_name("new")
    with pytest.raises(UnexpectedAnswerError):
        update(new, serving(body))
    update(new, Feed(HELD).client())
    assert found(new) == {1, 2, 3, 4, 5}


def test_more_entries_than_asked_for_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "MAX_ENTRIES", 4)
    with pytest.raises(UnexpectedAnswerError):
        update(folder, serving(page(*HELD)))


def counting(answer: Callable[[int], Any]) -> tuple[Client, list[str]]:
    """Return a client of a server whose answer depends on the number of the request."""
    asked: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json=answer(len(asked)))

    return client_of(respond), asked


def test_a_page_with_more_has_to_move_the_cursor(folder: Path) -> None:
    client, asked = counting(lambda n: page(active(n, n), cursor="same", more=True))
    with pytest.raises(UnexpectedAnswerError):
        update(folder, client)
    assert len(asked) == 2


def test_a_cursor_that_comes_back_later_ends_the_reading(folder: Path) -> None:
    client, asked = counting(lambda n: page(cursor=f"c{n % 3}", more=True))
    with pytest.raises(UnexpectedAnswerError):
        update(folder, client)
    assert len(asked) <= 4


def test_empty_pages_without_end_end_the_reading(folder: Path) -> None:
    client, asked = counting(lambda n: page(cursor=f"c{n}", more=True))
    with pytest.raises(UnexpectedAnswerError):
        update(folder, client)
    assert len(asked) <= 1_001


def test_repeated_records_do_not_fill_the_disk(folder: Path) -> None:
    """500 records again and again, each time at a later position: 4 MB are sent."""
    rounds, largest = 24, 0

    def answer(number: int) -> Any:
        nonlocal largest
        largest = max(largest, sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()))
        entries = [active(n, 500 * number + n) for n in range(500)]
        return page(*entries, cursor=f"c{number}", more=number < rounds)

    client, _ = counting(answer)
    update(folder, client)
    assert largest < 5 << 19
    assert found(folder) == set(range(1, 30))


def test_positions_that_go_back_rebuild_the_copy(folder: Path) -> None:
    """What a hostile server planted, a far position, does not lock an honest one out."""
    client = serving(page(active(9, (1 << 63) - 1), cursor="log.1"))
    update(folder, client)
    assert found(folder) == {9}
    feed = Feed(HELD[:2], HELD[2:])  # accepts the cursor, and its positions are far below
    with feed.client() as client, Mirror(folder) as mirror:
        done = mirror.catch_up(client)
    assert done.began_again
    assert feed.asked == ["log.1", None, "log.1"]
    assert found(folder) == {1, 2, 3, 4, 5}


def test_positions_that_always_go_back_are_an_error(folder: Path) -> None:
    update(folder, Feed(HELD).client())
    client, asked = counting(lambda n: page(active(n, 3), cursor=f"c{n}", more=True))
    with pytest.raises(UnexpectedAnswerError):
        update(folder, client)
    assert len(asked) == 3
    assert found(folder) == {1, 2, 3, 4, 5}


def test_a_cursor_that_the_server_cannot_read_rebuilds_the_copy(folder: Path) -> None:
    """A hostile server planted a cursor; an honest one refuses it as malformed, not as too old."""
    update(folder, serving(page(active(9, 1), cursor="planted")))
    feed = Feed(HELD)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("cursor") == "planted":
            problem = {
                "type": "urn:unseen:problem:invalid-request",
                "detail": "One of the fields is invalid.",
                "errors": [{"at": "query.cursor", "detail": "This is not a cursor of the feed."}],
            }
            return httpx.Response(422, json=problem)
        return feed.answer(request)

    with client_of(answer) as client, Mirror(folder) as mirror:
        assert mirror.catch_up(client).began_again
    assert found(folder) == {1, 2, 3, 4, 5}


def test_a_server_that_refuses_every_cursor_is_not_asked_for_ever(folder: Path) -> None:
    update(folder, Feed(HELD).client())
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if "cursor" not in request.url.params:
            return httpx.Response(200, json=page(active(1, 1), cursor="c", more=True))
        return httpx.Response(410, json={"type": "urn:unseen:problem:start-again"})

    with pytest.raises(StartAgainError):
        update(folder, client_of(answer))
    assert len(asked) == 3
    assert found(folder) == {1, 2, 3, 4, 5}


def test_another_refusal_does_not_discard_the_copy(folder: Path) -> None:
    update(folder, Feed(HELD).client())
    problem = {"type": "urn:unseen:problem:invalid-request", "detail": "No."}
    with pytest.raises(RequestRefusedError):
        update(folder, client_of(lambda _: httpx.Response(422, json=problem)))
    assert found(folder) == {1, 2, 3, 4, 5}


def test_unknown_names_are_kept_and_an_unknown_status_is_not_matched(folder: Path) -> None:
    """A newer service has a new view, a new standing and a new status: old mirrors go on."""
    feed = Feed(
        [
            active(1, 1, view="upside-down-2", standing="on-hold"),
            active(2, 2),
            gone(2, 3, "suspended"),
            active(3, 4) | {"status": "another"},
        ]
    )
    with feed.client() as client, Mirror(folder) as mirror:
        mirror.catch_up(client)
        assert mirror.confirm(client) == 0
    assert found(folder) == {1}
    with LocalCopy(folder) as copy:
        (hit,) = copy.match([pdq_of(1)]).hits
    assert (hit.view, hit.standing) == ("upside-down-2", "on-hold")


# --- answers that are too large -----------------------------------------------------------------


class Streamed(httpx.SyncByteStream):
    """A body that is sent in pieces, and counts how many were taken."""

    def __init__(self, *pieces: bytes, times: int) -> None:
        self._pieces, self._times = pieces, times
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self._times):
            for piece in self._pieces:
                self.taken += len(piece)
                yield piece


def test_a_page_of_446_mb_is_not_read_to_its_end(folder: Path) -> None:
    body = Streamed(b"x" * (1 << 16), times=7_000)
    with pytest.raises(UnexpectedAnswerError, match="too large"):
        update(folder, client_of(lambda _: httpx.Response(200, stream=body)))
    assert body.taken <= 33 << 20


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_bytes_are_counted_after_unpacking(folder: Path, encoding: str) -> None:
    """3 GB of zeros in 3 MB: at most the limit is unpacked."""
    packed = gzip.compress(bytes(1 << 26)) if encoding == "gzip" else zlib.compress(bytes(1 << 26))
    headers = {"Content-Encoding": encoding}
    body = Streamed(packed, times=1)
    with pytest.raises(UnexpectedAnswerError, match="too large"):
        update(folder, client_of(lambda _: httpx.Response(200, headers=headers, stream=body)))


def test_a_compressed_page_is_read(folder: Path) -> None:
    packed = gzip.compress(json.dumps(page(*HELD)).encode())
    body = [packed[:100], packed[100:]]
    headers = {"Content-Encoding": "gzip"}
    stream = Streamed(*body, times=1)
    update(folder, client_of(lambda _: httpx.Response(200, headers=headers, stream=stream)))
    assert found(folder) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b"not packed"),
        ("gzip", gzip.compress(b"{}")[:-9]),
        ("br", b"{}"),
        ("gzip, br", b""),
    ],
    ids=["not gzip", "cut short", "not offered", "twice"],
)
def test_a_body_that_cannot_be_unpacked_is_refused(
    folder: Path, encoding: str, body: bytes
) -> None:
    headers = {"Content-Encoding": encoding}
    stream = Streamed(body, times=1)
    with pytest.raises(UnexpectedAnswerError):
        update(folder, client_of(lambda _: httpx.Response(200, headers=headers, stream=stream)))


# --- what is kept -------------------------------------------------------------------------------


def written_by_0_1(*entries: Entry, cursor: Any = "log.1", position: int = 0) -> bytes:
    """Return a copy's file as version 0.1 wrote it, whatever the server had said."""
    head: Entry = {"unseen_mirror": 1, "copy": "9f3c01", "compact": f"{0:016}"}
    head["position"] = f"{position:019}"
    lines = b"".join(
        json.dumps({"pdq": each["pdq"], **{k: v for k, v in each.items() if k != "pdq"}}).encode()
        + b"\n"
        for each in entries
    )
    end = json.dumps({"cursor": cursor, "crc": zlib.crc32(lines)}).encode() + b"\n"
    return json.dumps(head).encode() + b"\n" + lines + end


PLANTED = {
    "position beyond 64 bits": written_by_0_1(active(9, 10**30)),
    "position beyond 64 bits in the header": written_by_0_1(active(9, 9), position=10**30),
    "cursor with half a surrogate pair": written_by_0_1(active(9, 9), cursor="\ud800"),
    "cursor of 70 kB": written_by_0_1(active(9, 9), cursor="x" * 70_000),
    "cursor that is no text": written_by_0_1(active(9, 9), cursor=1),
    "withdrawn record that is no UUID": written_by_0_1(gone(9, 9) | {"record": "x"}),
    "view with control characters": written_by_0_1(active(9, 9, view="\x1b[2J")),
    "status that is a list": written_by_0_1(active(9, 9) | {"status": []}),
    "hash that is none": written_by_0_1(active(9, 9, pdq="zz")),
    "confirmed that is no list": written_by_0_1({"pdq": None, "confirmed": 7}),
    "a line of another kind": written_by_0_1({"pdq": None, "a": 7}),
}


@pytest.mark.parametrize("content", PLANTED.values(), ids=PLANTED)
def test_a_copy_that_a_hostile_server_spoiled_is_rebuilt(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "hashes.ndjson").write_bytes(content)
    feed = Feed(HELD, [gone(5, 9)])
    with feed.client() as client, Mirror(folder) as mirror:
        assert mirror.is_unreadable
        done = mirror.catch_up(client)
        assert mirror.confirm(client) == 1
    assert done.began_again
    assert feed.asked[0] is None
    assert found(folder) == {1, 2, 3, 4}
    assert [path.name for path in folder.glob("*.ndjson")] == ["hashes.ndjson"]
    with Mirror(folder) as mirror:
        assert not mirror.is_unreadable


@pytest.mark.parametrize("content", PLANTED.values(), ids=PLANTED)
def test_searching_a_spoiled_copy_never_ends_in_a_traceback(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "hashes.ndjson").write_bytes(content)
    with suppress(LocalCopyError), LocalCopy(folder) as copy:
        copy.match([pdq_of(9)])


def test_a_copy_of_0_1_stays_readable(folder: Path) -> None:
    folder.mkdir()
    content = written_by_0_1(*HELD, gone(6, 6), cursor="log.1", position=6)
    (folder / "hashes.ndjson").write_bytes(content)
    assert found(folder) == {1, 2, 3, 4, 5}
    feed = Feed(HELD, [active(7, 7)])
    with feed.client() as client, Mirror(folder) as mirror:
        assert (len(mirror), mirror.unconfirmed, mirror.is_unreadable) == (5, 1, False)
        mirror.catch_up(client)
    assert feed.asked == ["log.1"]
    assert found(folder) == {1, 2, 3, 4, 5, 7}


# --- a deletion is confirmed only after the bits are gone ---------------------------------------


def test_nothing_is_confirmed_while_a_copy_is_rebuilt(folder: Path) -> None:
    """The old copy, which still answers, has the bits: it goes only when the new one is whole."""
    update(folder, Feed(HELD).client())
    other = Feed([gone(5, 1)], [active(1, 2)], log="other")

    def fail() -> None:
        if len(other.asked) == 2:
            raise httpx.ConnectError("gone")

    other.before = fail
    with other.client() as client, Mirror(folder) as mirror:
        with pytest.raises(Exception, match="reached"):
            mirror.catch_up(client)
        assert pdq_of(5).encode() in kept(folder)
        assert mirror.confirm(client) == 0
        other.before = lambda: None
        mirror.catch_up(client)
        assert pdq_of(5).encode() not in kept(folder)
        assert mirror.confirm(client) == 1
    assert other.confirmed == [record(5)]


def test_nothing_is_confirmed_while_an_old_index_cannot_be_deleted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(folder, Feed(HELD).client())
    feed = Feed(HELD, [gone(5, 9)])
    with feed.client() as client, Mirror(folder) as mirror:
        left = folder / "index-left"
        left.mkdir()
        (left / "hashes").write_text(pdq_of(5))
        with monkeypatch.context() as patched:
            patched.setattr("shutil.rmtree", lambda *_, **__: None)
            mirror.catch_up(client)
            assert mirror.confirm(client) == 0
        mirror._next_compaction = 0.0
        mirror.catch_up(client)
        assert pdq_of(5).encode() not in kept(folder)
        assert mirror.confirm(client) == 1


def test_files_that_a_crash_left_are_deleted_before_anything_is_confirmed(folder: Path) -> None:
    """An unfinished file and an index without one have the bits of hashes that go later."""
    update(folder, Feed(HELD).client())
    (folder / "hashes.scratch").write_text(pdq_of(5))
    (folder / "again.ndjson").write_text(pdq_of(5))
    index = folder / "index-unfinished"
    index.mkdir()
    (index / "hashes").write_text(pdq_of(5))
    # The record is one that this copy does not have (any more): nothing asks for a compaction.
    feed = Feed(HELD, [gone(77, 9)])
    with feed.client() as client, Mirror(folder) as mirror:
        mirror.catch_up(client)
        assert mirror.confirm(client) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["hashes.ndjson", "lock"]
