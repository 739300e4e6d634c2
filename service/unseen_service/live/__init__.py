"""What a worker keeps in memory, in step with the store: the index and the keys."""

from .follower import Follower
from .index import LiveIndex
from .keys import LiveKeys

__all__ = ["Follower", "LiveIndex", "LiveKeys"]
