"""The clock of one machine, which a test can set while processes run.

It is libfaketime, preloaded into the processes that are started with its environment. As when a
real clock is set, the monotonic clock is not affected.
"""

from datetime import timedelta
from pathlib import Path

import pytest

_LIBRARY = "*/faketime/libfaketimeMT.so.1"
_ROOTS = ("/usr/lib", "/usr/local/lib")


class FakeClock:
    """A clock that is right until `set_offset` is called."""

    def __init__(self, folder: Path) -> None:
        """Keep the offset in a file of this folder; skip the test if the library is missing."""
        self._library = _library()
        self._file = folder / "clock"
        self.set_offset(timedelta())

    @property
    def environment(self) -> dict[str, str]:
        """The variables that give a process this clock."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def set_offset(self, offset: timedelta) -> None:
        """Set the clock ahead, or behind if negative, for running processes as well."""
        draft = self._file.with_name("clock.draft")
        draft.write_text(f"{offset.total_seconds():+.0f}\n")
        draft.replace(self._file)


def _library() -> Path:
    found = [each for root in _ROOTS for each in sorted(Path(root).glob(_LIBRARY))]
    if not found:
        pytest.skip("no libfaketime here: install Debian's `libfaketime`")
    return found[0]
