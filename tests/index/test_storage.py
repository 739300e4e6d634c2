"""Saved tables: same answers after opening, and no wrong answer from a damaged file."""

import contextlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unseen_index import DamagedTableError, HashTable, storage
from unseen_index.layout import offsets

ROWS = 40
GOLDEN = Path(__file__).parent / "golden"
RNG = np.random.default_rng(11)
HASHES = RNG.integers(0, 256, (ROWS, 32), dtype=np.uint8)


def sample_table() -> HashTable:
    """Return a table with a segment, a memtable, and removals in both."""
    table = HashTable()
    table.add(np.arange(30), HASHES[:30])
    table.merge()
    table.add(np.arange(30, ROWS), HASHES[30:])
    table.remove(np.array([3, 33]))
    return table


@pytest.fixture
def folder(tmp_path, multi_index) -> Path:
    sample_table().save(tmp_path / "table")
    return tmp_path / "table"


def answers(table: HashTable) -> list:
    """Search by the multi-index and by a scan; return the hits as lists."""
    hits = [table.search(HASHES, radius) for radius in (31, 256)]
    return [(hit.limits.tolist(), hit.ids.tolist(), hit.distances.tolist()) for hit in hits]


def test_a_reopened_table_gives_the_same_answers(folder, tmp_path):
    table = HashTable.open(folder)
    assert len(table) == ROWS - 2
    assert answers(table) == answers(sample_table())
    assert table.remove(np.array([3, 4, 34])) == 2
    table.add(np.array([3]), HASHES[3:4])
    table.save(folder)
    assert answers(HashTable.open(folder)) == answers(table)
    table.merge()
    table.save(str(tmp_path / "elsewhere"))
    assert answers(HashTable.open(str(tmp_path / "elsewhere"))) == answers(table)


def test_an_open_table_survives_the_next_save(folder):
    table = HashTable.open(folder)
    before = answers(table)
    HashTable().save(folder)
    assert answers(table) == before
    assert len(HashTable.open(folder)) == 0
    assert len(list(folder.iterdir())) == 2


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_damage_anywhere_is_detected_or_harmless(folder):
    """Flip bits in every file: the result is a DamagedTableError or the right answer."""
    expected = answers(HashTable.open(folder))

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 5), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
    def flip(which, where, mask):
        path = files_in(folder)[which]
        if not path.stat().st_size:
            return
        place = int(where * path.stat().st_size)
        with damaged_byte(path, place, mask), contextlib.suppress(DamagedTableError):
            assert answers(HashTable.open(folder)) == expected

    flip()
    assert answers(HashTable.open(folder)) == expected


@contextlib.contextmanager
def damaged_byte(path: Path, place: int, mask: int) -> Iterator[None]:
    """Flip bits of one byte of a file, temporarily."""
    flip_byte(path, place, mask)
    try:
        yield
    finally:
        flip_byte(path, place, mask)


def flip_byte(path: Path, place: int, mask: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ mask]))


@pytest.mark.parametrize("array", ["starts", "next_parts", "rows", "ids", "codes"])
@pytest.mark.parametrize("mask", [1, 128])
def test_damage_to_any_array_is_detected(folder, array, mask):
    (segment,) = folder.rglob("segment-0")
    place = getattr(offsets(30), array)
    for byte in (0, 3, 77):
        with (
            damaged_byte(segment, place + byte, mask),
            pytest.raises(DamagedTableError, match="segment-0 is damaged at or shortly after byte"),
        ):
            answers(HashTable.open(folder))


def test_saving_a_damaged_table_does_not_hide_the_damage(folder, tmp_path):
    (segment,) = folder.rglob("segment-0")
    with damaged_byte(segment, offsets(30).codes + 5, 64):
        table = HashTable.open(folder)
        table.save(tmp_path / "copy")
        with pytest.raises(DamagedTableError):
            answers(HashTable.open(tmp_path / "copy"))
        table.add(np.array([90]), HASHES[:1])
        with pytest.raises(DamagedTableError):
            table.merge()
        assert len(table) == ROWS - 1


def test_truncated_extended_and_missing_files_are_errors(folder):
    for path in files_in(folder):
        intact = path.read_bytes()
        for content in (intact[:-1], intact[: len(intact) // 2], b"", intact + b"\0"):
            if content == intact or (path.suffix == ".json" and content == intact + b"\0"):
                continue
            path.write_bytes(content)
            try:
                answers(HashTable.open(folder))
            except DamagedTableError:
                continue
            assert content == intact[:-1], path  # the manifest without its final newline
            assert path.suffix == ".json"
        path.unlink()
        with pytest.raises(DamagedTableError, match=r"missing|no saved table"):
            HashTable.open(folder)
        path.write_bytes(intact)
    assert answers(HashTable.open(folder))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "damaged"),
        ("[]", "damaged"),
        ("not json", "damaged"),
        ('{"digest": "", "format": "voyager"}', "something other"),
        ('{"digest": "", "format": "unseen-index", "version": 2}', "version 2"),
    ],
)
def test_foreign_folders_are_errors(tmp_path, content, message):
    with pytest.raises(DamagedTableError, match="no saved table"):
        HashTable.open(tmp_path)
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DamagedTableError, match=message):
        HashTable.open(tmp_path)


def test_saving_next_to_other_files_is_rejected(tmp_path):
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(ValueError, match="its own folder"):
        HashTable().save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


@pytest.mark.parametrize(
    "step", ["mkdir", "_write_array", "_sync", "rename", "write_text", "replace"]
)
def test_a_crash_at_any_step_leaves_the_old_table(folder, step, monkeypatch):
    """Fail at each step: the folder still opens as before, and the next save succeeds."""
    before = answers(HashTable.open(folder))

    class PowerCut(BaseException):
        pass

    def fail(*_args, **_kwargs):
        raise PowerCut

    owner = storage if step.startswith("_") else Path
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, fail)
        patch.setattr(storage.shutil, "rmtree", lambda *_args, **_kwargs: None)
        with pytest.raises(PowerCut):
            HashTable().save(folder)
    assert answers(HashTable.open(folder)) == before
    HashTable().save(folder)
    assert len(HashTable.open(folder)) == 0
    assert len(list(folder.iterdir())) == 2


def test_opening_during_a_save_opens_the_new_table(folder, monkeypatch):
    """If the files of the manifest just read are gone, the new manifest is read."""
    read, saves = storage._read_data, []

    def read_too_late(body, data):
        if not saves:
            saves.append(HashTable().save(folder))
        return read(body, data)

    monkeypatch.setattr(storage, "_read_data", read_too_late)
    assert len(HashTable.open(folder)) == 0


def test_saving_over_the_remains_of_a_crash(tmp_path):
    (tmp_path / "unfinished-0").mkdir()
    sample_table().save(tmp_path)
    assert answers(HashTable.open(tmp_path)) == answers(sample_table())
    assert len(list(tmp_path.iterdir())) == 2


def test_padding_between_arrays_is_zero(folder):
    """No stale memory reaches a file."""
    (segment,) = folder.rglob("segment-0")
    content, at = segment.read_bytes(), offsets(30)
    assert set(content[at.codes + 30 * 32 : at.total]) == {0}
    assert set(content[at.ids + 30 * 8 : at.codes]) == {0}


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.tar.xz")), ids=lambda path: path.name)
def test_golden_tables_open(path, tmp_path, multi_index):
    """Tables written by each version of the format: see golden/README.md."""
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as archive:
        # As `extractall(filter="data")`, an argument that Python 3.11.2 does not have.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(tmp_path)  # noqa: S202
    table = HashTable.open(tmp_path / "table")
    assert len(table) == ROWS - 2
    assert answers(table) == answers(sample_table())


def test_the_current_version_has_a_golden_table():
    assert (GOLDEN / "version-1.tar.xz").exists()
