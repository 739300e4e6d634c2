"""A leaky bucket that several workers fill: each knows the sum as of a moment, and its own since.

Something is admitted while the bucket is not full, and then counted whole: so one large request
always passes when there is room, and what it takes too much is waited for afterwards.
"""


class LeakyBucket:
    """What one key has spent of one budget; it drains by `capacity` a minute.

    A capacity of 0 is none: everything is admitted.
    """

    __slots__ = ("_at", "_level", "capacity", "unsent")

    def __init__(self, capacity: int, now: float) -> None:
        self.capacity = capacity
        self._level = 0.0
        self._at = now
        self.unsent = 0
        """What was spent here and is not in the common sum yet."""

    def level(self, now: float) -> float:
        """Say how full it is at a moment (of a monotonic clock, in seconds)."""
        return max(0.0, self._level - (now - self._at) * self.capacity / 60)

    def spend(self, amount: int, now: float) -> bool:
        """Spend, if there is room; say whether there was."""
        level = self.level(now)
        if self.capacity and level >= self.capacity:
            return False
        self._level, self._at = level + amount, now
        self.unsent += amount
        return True

    def take_unsent(self) -> int:
        """Answer what was spent here since it was last asked."""
        amount, self.unsent = self.unsent, 0
        return amount

    def learn(self, level: float, now: float) -> None:
        """Take over the common sum, and what was spent here since it was asked for."""
        self._level, self._at = level + self.unsent, now

    def remaining(self, now: float) -> int:
        """Say how much may still be spent."""
        return max(0, int(self.capacity - self.level(now)))

    def wait(self, now: float) -> float:
        """Say in how many seconds there is room again."""
        return max(0.0, (self.level(now) - self.capacity) * 60 / max(self.capacity, 1))

    def reset_after(self, now: float) -> int:
        """Say in how many seconds it is empty, if nothing more is spent."""
        return round(self.level(now) * 60 / max(self.capacity, 1))
