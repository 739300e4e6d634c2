"""The clock of one machine: wrong by as much as a test says, and set while processes run.

It is libfaketime, loaded into what is started with its environment. The monotonic clock runs on
as it does where a real one is set.
"""

from datetime import timedelta
from pathlib import Path

import pytest

_LIBRARY = "*/faketime/libfaketimeMT.so.1"
_ROOTS = ("/usr/lib", "/usr/local/lib")


class Clock:
    """A clock that is right until `set_off` says by how much it is wrong."""

    def __init__(self, folder: Path) -> None:
        """Keep how wrong it is in a folder; skips where the library is not installed."""
        self._library = _library()
        self._file = folder / "clock"
        self.set_off(timedelta())

    @property
    def environment(self) -> dict[str, str]:
        """What a process is started with to have this clock."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def set_off(self, by: timedelta) -> None:
        """Set the clock, of what runs too, ahead by so much; behind where it is negative."""
        draft = self._file.with_name("clock.draft")
        draft.write_text(f"{by.total_seconds():+.0f}\n")
        draft.replace(self._file)


def _library() -> Path:
    found = [each for root in _ROOTS for each in sorted(Path(root).glob(_LIBRARY))]
    if not found:
        pytest.skip("no libfaketime here: install Debian's `libfaketime`")
    return found[0]
