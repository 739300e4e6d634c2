"""The platforms' flows: the feed, feedback and withdrawals, the StopNCII exchange protocol."""

from .feed import Feed

__all__ = ["Feed"]
