"""What a worker keeps in memory: index, keys, intake, in step with the store; what missed."""

from .follower import Follower
from .index import LiveIndex
from .intake import LiveIntake
from .keeper import Keeper
from .keys import LiveKeys
from .misses import Misses
from .saved import SavedIndexes

__all__ = ["Follower", "Keeper", "LiveIndex", "LiveIntake", "LiveKeys", "Misses", "SavedIndexes"]
