"""Saved tables: the same answers after opening, and never a wrong one from a damaged file."""

import contextlib
import io
import tarfile
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


def filled() -> HashTable:
    """Make a table with a segment, fresh rows, and removals in both."""
    table = HashTable()
    table.add(np.arange(30), HASHES[:30])
    table.merge()
    table.add(np.arange(30, ROWS), HASHES[30:])
    table.remove(np.array([3, 33]))
    return table


@pytest.fixture
def folder(tmp_path, forced) -> Path:
    filled().save(tmp_path / "table")
    return tmp_path / "table"


def answers(table: HashTable) -> list:
    """Ask by every path: the index, the scan, and the writer's look for an id."""
    hits = [table.search(HASHES, radius) for radius in (31, 256)]
    return [(hit.limits.tolist(), hit.ids.tolist(), hit.distances.tolist()) for hit in hits]


def test_a_reopened_table_is_the_same(folder, tmp_path):
    table = HashTable.open(folder)
    assert len(table) == ROWS - 2
    assert answers(table) == answers(filled())
    assert table.remove(np.array([3, 4, 34])) == 2
    table.add(np.array([3]), HASHES[3:4])
    table.save(folder)
    assert answers(HashTable.open(folder)) == answers(table)
    table.merge()
    table.save(str(tmp_path / "elsewhere"))
    assert answers(HashTable.open(str(tmp_path / "elsewhere"))) == answers(table)


def test_an_open_table_outlives_the_next_save(folder):
    table = HashTable.open(folder)
    before = answers(table)
    HashTable().save(folder)
    assert answers(table) == before
    assert len(HashTable.open(folder)) == 0
    assert len(list(folder.iterdir())) == 2


def parts(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_damage_anywhere_is_found_or_without_effect(folder):
    """Flip bits in every file: a clear error or the right answer, and an error where it counts."""
    right = answers(HashTable.open(folder))

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 5), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
    def flip(which, where, mask):
        path = parts(folder)[which]
        if not path.stat().st_size:
            return
        place = int(where * path.stat().st_size)
        with flipped_byte(path, place, mask), contextlib.suppress(DamagedTableError):
            assert answers(HashTable.open(folder)) == right

    flip()
    assert answers(HashTable.open(folder)) == right


class flipped_byte:  # noqa: N801
    """One byte of a file changed, for a while."""

    def __init__(self, path: Path, place: int, mask: int) -> None:
        self._path, self._place, self._mask = path, place, mask

    def _flip(self) -> None:
        with self._path.open("r+b") as file:
            file.seek(self._place)
            byte = file.read(1)[0]
            file.seek(self._place)
            file.write(bytes([byte ^ self._mask]))

    def __enter__(self) -> None:
        self._flip()

    def __exit__(self, *_: object) -> None:
        self._flip()


@pytest.mark.parametrize("array", ["starts", "nexts", "rows", "ids", "codes"])
@pytest.mark.parametrize("mask", [1, 128])
def test_damage_to_any_array_is_found_when_all_is_read(folder, array, mask):
    (segment,) = folder.rglob("segment-0")
    place = getattr(offsets(30), array)
    for byte in (0, 3, 77):
        with (
            flipped_byte(segment, place + byte, mask),
            pytest.raises(DamagedTableError, match="segment-0 is damaged at byte"),
        ):
            answers(HashTable.open(folder))


def test_a_damaged_table_is_not_saved_as_a_whole_one(folder, tmp_path):
    (segment,) = folder.rglob("segment-0")
    with flipped_byte(segment, offsets(30).codes + 5, 64):
        table = HashTable.open(folder)
        table.save(tmp_path / "copy")
        with pytest.raises(DamagedTableError):
            answers(HashTable.open(tmp_path / "copy"))
        table.add(np.array([90]), HASHES[:1])
        with pytest.raises(DamagedTableError):
            table.merge()
        assert len(table) == ROWS - 1


def test_truncated_lengthened_and_missing_files_are_errors(folder):
    for path in parts(folder):
        whole = path.read_bytes()
        for content in (whole[:-1], whole[: len(whole) // 2], b"", whole + b"\0"):
            if content == whole or (path.suffix == ".json" and content == whole + b"\0"):
                continue
            path.write_bytes(content)
            try:
                answers(HashTable.open(folder))
            except DamagedTableError:
                continue
            assert content == whole[:-1], path  # the manifest's last line feed
            assert path.suffix == ".json"
        path.unlink()
        with pytest.raises(DamagedTableError, match=r"missing|no saved table"):
            HashTable.open(folder)
        path.write_bytes(whole)
    assert answers(HashTable.open(folder))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "damaged"),
        ("[]", "damaged"),
        ("not json", "damaged"),
        ('{"digest": "", "format": "voyager"}', "something else"),
        ('{"digest": "", "format": "unseen-index", "version": 2}', "version 2"),
    ],
)
def test_foreign_folders_are_errors(tmp_path, content, message):
    with pytest.raises(DamagedTableError, match="no saved table"):
        HashTable.open(tmp_path)
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DamagedTableError, match=message):
        HashTable.open(tmp_path)


def test_saving_among_other_files_is_refused(tmp_path):
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(ValueError, match="folder of its own"):
        HashTable().save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


@pytest.mark.parametrize(
    "step", ["mkdir", "_write_small", "_sync", "rename", "write_text", "replace"]
)
def test_a_crash_at_any_step_leaves_the_old_table(folder, step, monkeypatch):
    """Kill the writer at each step: the folder opens as it was, and the next save goes through."""
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


def test_a_table_saved_while_another_is_opened_is_opened_instead(folder, monkeypatch):
    """The files that the manifest named a moment ago are gone: the new manifest's are read."""
    read, saves = storage._read_data, []

    def read_too_late(body, data):
        if not saves:
            saves.append(HashTable().save(folder))
        return read(body, data)

    monkeypatch.setattr(storage, "_read_data", read_too_late)
    assert len(HashTable.open(folder)) == 0


def test_a_folder_with_only_leftovers_can_be_saved_to(tmp_path):
    (tmp_path / "unfinished-0").mkdir()
    filled().save(tmp_path)
    assert answers(HashTable.open(tmp_path)) == answers(filled())
    assert len(list(tmp_path.iterdir())) == 2


def test_no_stray_memory_reaches_a_file(folder):
    """What lies between the arrays is zero."""
    (segment,) = folder.rglob("segment-0")
    content, at = segment.read_bytes(), offsets(30)
    assert set(content[at.codes + 30 * 32 : at.total]) == {0}
    assert set(content[at.ids + 30 * 8 : at.codes]) == {0}


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.tar.xz")), ids=lambda path: path.name)
def test_golden_tables_open(path, tmp_path, forced):
    """Tables as each version of the format wrote them: see golden/README.md."""
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as archive:
        # As `extractall(filter="data")`, an argument that Python 3.11.2 does not have.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(tmp_path)  # noqa: S202
    table = HashTable.open(tmp_path / "table")
    assert len(table) == ROWS - 2
    assert answers(table) == answers(filled())


def test_there_is_a_golden_table_of_this_version():
    assert (GOLDEN / "version-1.tar.xz").exists()
