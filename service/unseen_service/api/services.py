"""What the routes work with, put together by the composition root."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from ..admission import Admission
from ..exchange import Feed
from ..live import Clock, Follower, LiveIndex, LiveKeys, Meter, Misses
from ..matching import Matching
from ..oversight import Checkpoints
from ..settings import Settings
from ..store import Store
from ..takedown import Takedown


@dataclass(frozen=True, slots=True)
class Services:
    """The flows and what they stand on, one of each a worker."""

    settings: Settings
    store: Store
    clock: Clock
    index: LiveIndex
    keys: LiveKeys
    follower: Follower
    admission: Admission
    takedown: Takedown
    matching: Matching
    feed: Feed
    misses: Misses
    meter: Meter
    checkpoints: Checkpoints


async def services(request: Request) -> Services:
    """Hand a route what the composition root made."""
    return cast(Services, request.app.state.services)


Provided = Annotated[Services, Depends(services)]
