"""What a worker keeps in memory: index, keys, intake, in step with the store; what missed."""

from .clock import Clock
from .follower import Follower
from .index import LiveIndex
from .intake import LiveIntake
from .keeper import Keeper
from .keys import LiveKeys
from .limits import LiveLimits
from .meter import Account, Meter
from .misses import Misses
from .saved import SavedIndexes

__all__ = [
    "Account",
    "Clock",
    "Follower",
    "Keeper",
    "LiveIndex",
    "LiveIntake",
    "LiveKeys",
    "LiveLimits",
    "Meter",
    "Misses",
    "SavedIndexes",
]
