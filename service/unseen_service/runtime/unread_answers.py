"""Answers that clients have not read yet: how much memory they may take, per key and per worker."""

from typing import Protocol

MAX_KEY_BYTES = 32 * 1024 * 1024
"""Unread answers to one key family, on one worker: about ten pages of the feed."""
MAX_WORKER_BYTES = 128 * 1024 * 1024
"""Unread answers to all clients of a worker."""


class Reader(Protocol):
    """A connection whose client has not read everything."""

    stuck_since: float
    """When its client last read something; the time of the event loop."""

    def unread_bytes(self) -> int:
        """Return how many bytes wait in memory."""

    def owner(self) -> int | None:
        """Return the key family that they are for; None without a key."""

    def drop(self) -> None:
        """End the connection, and free what waits."""


class UnreadAnswers:
    """The connections of a worker that have unread answers.

    If these are too many bytes, the connection that has been stuck for longest is ended: honest
    clients read, if slowly.
    """

    def __init__(
        self, max_key_bytes: int = MAX_KEY_BYTES, max_worker_bytes: int = MAX_WORKER_BYTES
    ) -> None:
        self._max_key_bytes, self._max_worker_bytes = max_key_bytes, max_worker_bytes
        self._readers: dict[Reader, None] = {}

    def note(self, reader: Reader) -> None:
        """Add a connection that has unread bytes, or more than before."""
        self._readers[reader] = None
        owner = reader.owner()
        if owner is not None:
            own = [each for each in self._readers if each.owner() == owner]
            self._drop_excess(own, self._max_key_bytes)
        self._drop_excess(list(self._readers), self._max_worker_bytes)

    def forget(self, reader: Reader) -> None:
        """Remove a connection: its client has read everything, or it has ended."""
        self._readers.pop(reader, None)

    def total(self) -> int:
        """Return the unread bytes of all connections."""
        return sum(each.unread_bytes() for each in self._readers)

    def _drop_excess(self, readers: list[Reader], allowed: int) -> None:
        excess = sum(each.unread_bytes() for each in readers) - allowed
        if excess <= 0:
            return
        for reader in sorted(readers, key=lambda each: each.stuck_since):
            excess -= reader.unread_bytes()
            self.forget(reader)
            reader.drop()
            if excess <= 0:
                return
