"""A leaky bucket shared by several workers: each knows an earlier total, plus what it spent since.

A request is admitted if the bucket is not full, and is then counted in full. So one large request
always passes when there is room, and the excess has to drain before the next one.
"""


class LeakyBucket:
    """What one key family has spent of one budget; it drains by `capacity` per minute.

    A capacity of 0 means no limit: everything is admitted. All times are seconds of one monotonic
    clock.
    """

    __slots__ = ("_at", "_level", "capacity", "unsent")

    def __init__(self, capacity: int, now: float) -> None:
        self.capacity = capacity
        self._level = 0.0
        self._at = now
        self.unsent = 0
        """What was spent here and is not in the shared total yet."""

    def level(self, now: float) -> float:
        """Return how much is in the bucket."""
        return max(0.0, self._level - (now - self._at) * self.capacity / 60)

    def spend(self, amount: int, now: float) -> bool:
        """Spend an amount if there is room. Return whether there was."""
        level = self.level(now)
        if self.capacity and level >= self.capacity:
            return False
        self._level, self._at = level + amount, now
        self.unsent += amount
        return True

    def take_unsent(self) -> int:
        """Return what was spent here since the last call."""
        amount, self.unsent = self.unsent, 0
        return amount

    def set_total(self, level: float, now: float) -> None:
        """Set the level to the shared total, plus what was spent here since it was read."""
        self._level, self._at = level + self.unsent, now

    def remaining(self, now: float) -> int:
        """Return how much may still be spent."""
        return max(0, int(self.capacity - self.level(now)))

    def retry_after(self, now: float) -> float:
        """Return in how many seconds there is room again."""
        return max(0.0, (self.level(now) - self.capacity) * 60 / max(self.capacity, 1))

    def reset_after(self, now: float) -> int:
        """Return in how many seconds the bucket is empty if nothing more is spent."""
        return round(self.level(now) * 60 / max(self.capacity, 1))
