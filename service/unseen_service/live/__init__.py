"""What a worker keeps in memory, in step with the store: the index, the keys, what missed."""

from .follower import Follower
from .index import LiveIndex
from .keeper import Keeper
from .keys import LiveKeys
from .misses import Misses
from .saved import SavedIndexes

__all__ = ["Follower", "Keeper", "LiveIndex", "LiveKeys", "Misses", "SavedIndexes"]
