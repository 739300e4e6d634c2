"""The local copy: what it contains, what is deleted from it, and what survives a crash."""

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unseen import Client, Hit, InputError, LocalCopy, LocalCopyError, Mirror, Round
from unseen.mirror import copy_writer, search

from tests.support.hashes import flipped

from .copies import PAGES, ask, keep
from .feeds import Feed, active, gone, pdq_of, record

HELD = {1, 3, 4, 5, 6}
GONE = {2, 7, 99}


@pytest.fixture(params=["index", "scan"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run with the package unseen-index, and as if it were not installed."""
    kind: str = request.param
    monkeypatch.setattr(copy_writer, "INDEXED_FROM", 1)
    if kind == "scan":
        monkeypatch.setitem(sys.modules, "unseen_index", None)
    return kind


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "copy"


def held(folder: Path) -> set[int]:
    """Return the numbers of the hashes that the copy finds."""
    hits = ask(folder, *map(pdq_of, range(1, 100)), distance=0).hits
    assert all(hit.record == record(hit.query + 1) for hit in hits)
    assert len({hit.query for hit in hits}) == len(hits), "one is doubled"
    return {hit.query + 1 for hit in hits}


def bytes_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_hits_beyond_8_bits_of_a_suspect_hash_are_marked(kind: str, folder: Path) -> None:
    keep(folder, Feed([active(1, 1, suspect=True), active(2, 2)]))
    queries = [flipped(pdq_of(n), bits) for n in (1, 2) for bits in (8, 9)]
    assert [hit.suspect for hit in ask(folder, *queries).hits] == [False, True, False, False]
    keep(folder, Feed([active(1, 1, suspect=True), active(2, 2)], [active(1, 3, suspect=False)]))
    assert not any(hit.suspect for hit in ask(folder, *queries).hits)


def test_the_copy_contains_what_the_feed_says(kind: str, folder: Path) -> None:
    feed = Feed(*PAGES)
    assert keep(folder, feed) == Round(added=8, changed=1, removed=3, held=5)
    assert held(folder) == HELD
    assert bool(list(folder.glob("index-*"))) == (kind == "index")
    assert keep(folder, feed) == Round(held=5)
    assert feed.asked == [None, "log.1", "log.2", "log.3", "log.4"]


def test_hits_are_those_of_the_service(kind: str, folder: Path) -> None:
    keep(folder, Feed(*PAGES))
    near, far = flipped(pdq_of(3), 31), flipped(pdq_of(3), 32)
    answer = ask(folder, far, near.upper(), pdq_of(1))
    assert answer.hits == (
        Hit(1, record(3), 31, "mirror", "confirmed"),
        Hit(2, record(1), 0, "mirror", "unreviewed"),
    )
    assert answer.generation == 13
    assert ask(folder, near, distance=30).hits == ()
    for wrong, distance in ((["5a"], 31), ([near], 32)):
        with pytest.raises(InputError):
            ask(folder, *wrong, distance=distance)


def test_a_withdrawn_hash_leaves_the_disk_and_is_confirmed(kind: str, folder: Path) -> None:
    feed = Feed(*PAGES)
    keep(folder, Feed(PAGES[0]))
    assert pdq_of(2).encode() in bytes_in(folder)
    with LocalCopy(folder) as copy, Mirror(folder) as mirror, feed.client() as client:
        mirror.catch_up(client)
        assert (feed.confirmed, mirror.unconfirmed) == ([], 3)
        assert copy.match([pdq_of(2)]).hits == ()
        for number in GONE:
            assert pdq_of(number).encode() not in bytes_in(folder)
        assert mirror.confirm(client) == 3
        assert mirror.confirm(client) == 0
    assert set(feed.confirmed) == {record(number) for number in GONE}
    assert keep(folder, feed) == Round(held=5)
    assert len(feed.confirmed) == 3


def test_the_index_contains_no_withdrawn_hash(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy_writer, "INDEXED_FROM", 1)
    keep(folder, Feed(*PAGES))
    (index,) = folder.glob("index-*")
    ids = search.Index.open(index)._table
    assert len(ids) == len(HELD)
    ids.merge()
    assert len(ids) == len(HELD)


def test_a_reversed_withdrawal_is_not_confirmed(folder: Path) -> None:
    feed = Feed([active(1, 1)], [gone(1, 2)], [active(1, 3)])
    keep(folder, feed)
    assert feed.confirmed == []
    assert held(folder) == {1}


def test_withdrawals_are_remembered_until_they_are_confirmed(folder: Path) -> None:
    feed = Feed(*PAGES)
    with Mirror(folder) as mirror, feed.client() as client:
        mirror.catch_up(client)
    for _ in range(2):
        with Mirror(folder) as mirror:
            assert mirror.unconfirmed == 3
    keep(folder, feed)
    assert set(feed.confirmed) == {record(number) for number in GONE}


def test_a_reader_sees_each_page_once_it_is_written(kind: str, folder: Path) -> None:
    feed = Feed([active(1, 1)])
    keep(folder, feed)
    asked = [pdq_of(1), pdq_of(2)]
    with LocalCopy(folder) as copy, Mirror(folder) as mirror, feed.client() as client:
        for page, found in (
            ([active(2, 2)], {0, 1}),
            ([active(1, 3, standing="disputed")], {0, 1}),
            ([gone(1, 4)], {1}),
            ([active(1, 5)], {0, 1}),
        ):
            feed.pages.append(page)
            mirror.catch_up(client)
            hits = copy.match(asked).hits
            assert {hit.query for hit in hits} == found
            assert len(hits) == len(found)


def test_concurrent_readers_miss_nothing_during_compaction(kind: str, folder: Path) -> None:
    """Each round replaces the file and the index that are being searched."""
    feed = Feed([active(n, n) for n in range(1, 41)])
    keep(folder, feed)
    done = threading.Event()

    rounds = [0, 0, 0]

    def read(reader: int, copy: LocalCopy) -> None:
        # On a busy machine the writer may finish before a reader starts.
        while not done.is_set() or rounds[reader] <= 10:
            hits = copy.match([pdq_of(40)]).hits
            assert [hit.record for hit in hits] == [record(40)]
            rounds[reader] += 1

    with (
        ThreadPoolExecutor(3) as pool,
        LocalCopy(folder) as shared,
        LocalCopy(folder) as other,
        Mirror(folder) as mirror,
        feed.client() as client,
    ):
        readers = [pool.submit(read, n, copy) for n, copy in enumerate((shared, shared, other))]
        for number in range(1, 40):
            feed.pages.append([gone(number, 40 + number)])
            mirror._next_compaction = 0.0
            mirror.catch_up(client)
        done.set()
        for reader in readers:
            reader.result()
    assert held(folder) == {40}


def test_a_second_writer_is_refused(folder: Path) -> None:
    with Mirror(folder), pytest.raises(LocalCopyError, match="Another process"):
        Mirror(folder)
    Mirror(folder).close()


def test_a_missing_copy_is_reported_with_how_to_create_one(folder: Path) -> None:
    with pytest.raises(LocalCopyError) as caught:
        LocalCopy(folder)
    assert "unseen mirror" in caught.value.hint


def test_a_file_in_another_format_is_refused_and_left_unchanged(folder: Path) -> None:
    folder.mkdir()
    (folder / "hashes.ndjson").write_text('{"my": "file"}\n')
    for kind in (LocalCopy, Mirror):
        with pytest.raises(LocalCopyError, match="This version cannot read"):
            kind(folder)
    assert (folder / "hashes.ndjson").read_text() == '{"my": "file"}\n'


def test_only_the_owner_can_read_the_copy(folder: Path) -> None:
    keep(folder, Feed(*PAGES))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "hashes.ndjson").stat().st_mode & 0o777 == 0o600


def test_during_a_rebuild_the_old_copy_answers_until_the_new_one_is_complete(
    folder: Path,
) -> None:
    keep(folder, Feed(*PAGES))
    other = Feed([active(20, 1)], [active(1, 2)], log="other")
    seen: list[set[int]] = []
    other.before = lambda: seen.append(held(folder))
    assert keep(folder, other) == Round(added=2, held=2, began_again=True)
    assert all(during == HELD for during in seen)
    assert held(folder) == {1, 20}
    assert keep(folder, other) == Round(held=2)


class Crash(BaseException):
    """The process ends here."""


def crashes(folder: Path, feed: Feed, call: int) -> bool:
    """Update a copy and crash at the n-th request; return whether there were that many."""
    calls = iter(range(call))

    def called() -> None:
        if next(calls, None) is None:
            raise Crash

    feed.before = called
    try:
        keep(folder, feed)
    except Crash:
        return True
    finally:
        feed.before = lambda: None
    return False


def test_a_crash_between_two_requests_loses_and_duplicates_nothing(kind: str, folder: Path) -> None:
    call = 0
    while crashes(folder, feed := Feed(*PAGES), call):
        assert keep(folder, feed).held == 5
        assert held(folder) == HELD
        assert set(feed.confirmed) == {record(number) for number in GONE}
        assert [asked for asked in feed.asked if feed.asked.count(asked) > 1] == []
        shutil.rmtree(folder)
        call += 1
    assert call == 5


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the file's content after all pages were appended, without compaction."""
    folder = tmp_path_factory.mktemp("written")
    with Mirror(folder) as mirror, Feed(*PAGES).client() as client:
        for _ in PAGES:
            mirror._writer.append(client.feed_page(mirror._writer.cursor))
        return (folder / "hashes.ndjson").read_bytes()


def resumed(folder: Path, content: bytes) -> set[int]:
    """Write this content to a copy's file as if a crash had left it, and continue."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "hashes.ndjson").write_bytes(content)
    feed = Feed(*PAGES)
    assert keep(folder, feed).held == 5
    assert set(feed.confirmed) == {record(number) for number in GONE}
    lines = (folder / "hashes.ndjson").read_text().splitlines()
    named = [json.loads(line).get("record") for line in lines if '"active"' in line]
    assert len(named) == len(set(named)), "one is doubled"
    for number in GONE - {99}:
        assert pdq_of(number).encode() not in bytes_in(folder)
    return held(folder)


def test_a_copy_truncated_at_any_byte_continues_from_the_previous_page(
    written: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "unseen_index", None)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # fsync would take most of the time
    first = written.index(b"\n") + 1
    for length in range(first, len(written), 7):
        assert resumed(folder, written[:length]) == HELD


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_copy_with_a_damaged_byte_recovers(
    written: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Zeros at the end of a file, as after a power cut, or a damaged byte anywhere."""
    first = written.index(b"\n") + 1
    at = data.draw(st.integers(first, len(written) - 1))
    byte = data.draw(st.integers(0, 255))
    zeroed = data.draw(st.booleans())
    rest = bytes(len(written) - at) if zeroed else bytes([byte]) + written[at + 1 :]
    assert resumed(tmp_path_factory.mktemp("damaged"), written[:at] + rest) == HELD


STEPS = ((os, "fsync"), (Path, "replace"), (Path, "rename"), (shutil, "rmtree"))


def crashing_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Crash before the n-th disk operation."""
    left = iter(range(step))
    for place, name in STEPS:
        real = getattr(place, name)

        def taken(*given: Any, real: Callable[..., Any] = real, **more: Any) -> Any:
            if next(left, None) is None:
                raise Crash
            return real(*given, **more)

        monkeypatch.setattr(place, name, taken)


@pytest.mark.parametrize("began", [0, 1])
def test_a_crash_before_any_disk_operation_loses_nothing(
    kind: str, began: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a new copy, and for one that already had the first page."""
    ready, folder = tmp_path / "ready", tmp_path / "copy"
    keep(ready, Feed(*PAGES[:began]))
    for step in count():
        shutil.copytree(ready, folder)
        feed = Feed(*PAGES)
        with monkeypatch.context() as patched:
            crashing_at(step, patched)
            with suppress(Crash):
                keep(folder, feed)
                break
        assert held(folder) >= ({1, 3, 5} if began else set())
        assert keep(folder, feed).held == 5
        assert held(folder) == HELD
        assert len(list(folder.glob("index-*"))) == (kind == "index")
        assert not list(folder.glob("*.scratch"))
        assert set(feed.confirmed) == {record(number) for number in GONE}
        shutil.rmtree(folder)
    assert step >= 6


def test_damage_found_by_a_search_is_reported(kind: str, folder: Path) -> None:
    keep(folder, Feed(*PAGES))
    with LocalCopy(folder) as copy:
        path = folder / "hashes.ndjson"
        spoiled = path.read_bytes().replace(b'"active"', b'"acti\x00e"')
        path.write_bytes(spoiled)
        with pytest.raises(LocalCopyError, match="damaged") as caught:
            copy.match([pdq_of(1)])
        assert "Delete the folder" in caught.value.hint
    if kind == "index":
        (data,) = folder.glob("index-*/data-*/memtable.hashes")
        data.write_bytes(bytes(data.stat().st_size))
        with LocalCopy(folder) as copy:
            assert copy._file._index is None


def test_a_full_disk_is_survived(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Feed(*PAGES)
    with Mirror(folder) as mirror, feed.client() as client:
        with monkeypatch.context() as patched:

            def full(_: int) -> None:
                raise OSError(28, "No space left on device")

            patched.setattr(os, "fsync", full)
            with pytest.raises(OSError, match="No space"):
                mirror.catch_up(client)
        assert mirror.catch_up(client).held == 5
    assert held(folder) == HELD


def test_a_large_copy_is_compacted_in_pages(kind: str, folder: Path) -> None:
    numbers = range(1, 20_011)
    everything = [active(n, n) for n in numbers]
    feed = Feed(everything[:10_000], everything[10_000:20_000], everything[20_000:])
    assert keep(folder, feed).held == 20_010
    with LocalCopy(folder) as copy:
        assert bool(copy._file._index) == (kind == "index")
        assert len(copy.match([pdq_of(n) for n in range(1, 20_011, 1_000)]).hits) == 21
        feed.pages.append([gone(20_000, 20_011)])
        assert keep(folder, feed).held == 20_009
        assert copy.match([pdq_of(20_000)]).hits == ()
    assert pdq_of(20_000).encode() not in (folder / "hashes.ndjson").read_bytes()


def test_compaction_takes_only_its_share_of_the_time(folder: Path) -> None:
    feed = Feed([active(n, n) for n in range(1, 5)])
    with Mirror(folder) as mirror, feed.client() as client:
        mirror.catch_up(client)
        mirror._next_compaction = float("inf")
        feed.pages.append([gone(1, 5)])
        mirror.catch_up(client)
        assert pdq_of(1).encode() in bytes_in(folder)
        assert mirror.confirm(client) == 0
        assert held(folder) == {2, 3, 4}
        mirror._next_compaction = 0.0
        mirror.catch_up(client)
        assert pdq_of(1).encode() not in bytes_in(folder)
        assert mirror.confirm(client) == 1


def test_the_copy_is_updated_through_any_client(folder: Path) -> None:
    """A mirror needs only a `Client`, on any transport."""
    with Mirror(folder) as mirror, Feed().client() as client:
        assert isinstance(client, Client)
        assert mirror.catch_up(client) == Round()
        assert len(mirror) == 0
    assert ask(folder, pdq_of(1)).hits == ()
