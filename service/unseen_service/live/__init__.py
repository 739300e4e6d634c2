"""What a worker keeps in memory, in step with the store: the index and the keys."""

from .follower import Follower
from .index import LiveIndex
from .keeper import Keeper
from .keys import LiveKeys
from .saved import SavedIndexes

__all__ = ["Follower", "Keeper", "LiveIndex", "LiveKeys", "SavedIndexes"]
