"""Files that are not hashed, and why."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ImageError, UnreadableFileError


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that was not hashed, and why."""

    path: Path
    error: ImageError

    def document(self) -> dict[str, Any]:
        """Return what --json prints."""
        kind = type(self.error).__name__.removesuffix("Error")
        return {
            "file": str(self.path),
            "kind": kind,
            "error": str(self.error),
            "hint": self.error.hint,
        }


Item = Path | LeftOut
"""A file to hash, or one that is already known to be unreadable."""


def unreadable(path: Path, why: str, *, hint: str | None = None) -> LeftOut:
    """Return a file that cannot be read."""
    return LeftOut(path, UnreadableFileError(why, hint=hint))
